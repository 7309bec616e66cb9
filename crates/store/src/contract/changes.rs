//! Claims about the feed of changes. Its instants are the store's own clock.

use std::time::Duration;

use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::time::UnixMillis;

use crate::contract::fixture::{World, at};
use crate::port::Ports;

super::claims!("changes":
    a_reader_who_asks_again_from_its_last_reading_misses_nothing,
    a_change_before_the_asked_instant_is_left_out,
    every_tenant_is_in_one_feed,
    hostile_texts_come_back_unharmed,
    a_change_moves_the_counter,
);

async fn revoke(world: &World, jti: &str) {
    let entry = world.entry(EventKind::TokenRevoked);
    let sessions = &world.ports.sessions;
    let revoked = sessions.revoke_access(world.tenant, jti.to_owned(), at(900), entry);
    revoked.await.unwrap();
}

async fn a_reader_who_asks_again_from_its_last_reading_misses_nothing(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let (none, mut since) = ports
        .changes
        .load_changes(UnixMillis::default())
        .await
        .unwrap();
    assert!(none.is_empty());
    for number in 0..5 {
        let jti = format!("jti-{number}");
        revoke(&world, &jti).await;
        let (found, now) = ports.changes.load_changes(since).await.unwrap();
        let told = ChangeKind::AccessRevoked(jti);
        let change = found.iter().find(|change| change.what == told).unwrap();
        assert!(since <= change.at && change.at <= now);
        since = now;
    }
}

async fn a_change_before_the_asked_instant_is_left_out(ports: Ports) {
    let world = World::new(ports.clone()).await;
    revoke(&world, "old").await;
    let everything = ports.changes.load_changes(UnixMillis::default()).await;
    let (all, now) = everything.unwrap();
    assert_eq!(all.len(), 1);
    let stamped = all[0].at;
    let later = stamped.max(now) + Duration::from_millis(1);
    let (at_once, _) = ports.changes.load_changes(stamped).await.unwrap();
    assert_eq!(at_once.len(), 1, "at the instant itself it is there");
    let (after, _) = ports.changes.load_changes(later).await.unwrap();
    assert!(after.is_empty());
}

async fn every_tenant_is_in_one_feed(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    revoke(&world, "mine").await;
    revoke(&other, "theirs").await;
    let everything = ports.changes.load_changes(UnixMillis::default()).await;
    let mut tenants: Vec<_> = everything.unwrap().0.iter().map(|c| c.tenant).collect();
    let mut both = [world.tenant, other.tenant];
    tenants.sort_unstable();
    both.sort_unstable();
    assert_eq!(tenants, both);
}

async fn hostile_texts_come_back_unharmed(ports: Ports) {
    let world = World::new(ports).await;
    for text in crate::contract::fixture::HOSTILE {
        revoke(&world, text).await;
        let told = ChangeKind::AccessRevoked(text.to_owned());
        assert!(world.changes().await.contains(&told));
    }
}

async fn a_change_moves_the_counter(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let mut notices = ports.changes.notices();
    notices.borrow_and_update();
    revoke(&world, "jti").await;
    let patience = Duration::from_secs(10);
    let moved = tokio::time::timeout(patience, notices.changed()).await;
    moved.expect("a change is announced").unwrap();
}
