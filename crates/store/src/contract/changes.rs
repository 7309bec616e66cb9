//! Claims about the feed of changes. Its instants are the store's own clock.

use std::time::Duration;

use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::id::UserId;
use domain::session::EndReason;
use domain::time::UnixMillis;
use domain::user::UserPatch;

use crate::contract::fixture::{ALL_CHANGES, World, at};
use crate::port::Ports;
use crate::port::changes::{Bookmark, ChangesAsked, Interest};
use crate::port::sessions::{EndTarget, Ending};

super::claims!("changes":
    a_reader_who_asks_again_from_its_last_reading_misses_nothing,
    a_change_before_the_asked_instant_is_left_out,
    pages_hold_every_change_once_and_in_order,
    who_asks_for_revocations_gets_no_hints,
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

/// Whoever made the tenants told of them too, by hints.
const REVOCATIONS: ChangesAsked = ChangesAsked {
    interest: Interest::Revocations,
    ..ALL_CHANGES
};

/// Asks for everything from an instant on.
fn since(at: UnixMillis) -> ChangesAsked {
    ChangesAsked {
        from: Bookmark::at(at),
        ..REVOCATIONS
    }
}

async fn a_reader_who_asks_again_from_its_last_reading_misses_nothing(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let none = ports.changes.load_changes(REVOCATIONS).await.unwrap();
    assert!(none.changes.is_empty());
    let mut last = none.read_at;
    for number in 0..5 {
        let jti = format!("jti-{number}");
        revoke(&world, &jti).await;
        let found = ports.changes.load_changes(since(last)).await.unwrap();
        let told = ChangeKind::AccessRevoked(jti);
        let mut changes = found.changes.iter();
        let change = changes.find(|change| change.what == told).unwrap();
        assert!(last <= change.at && change.at <= found.read_at);
        last = found.read_at;
    }
}

async fn a_change_before_the_asked_instant_is_left_out(ports: Ports) {
    let world = World::new(ports.clone()).await;
    revoke(&world, "old").await;
    let all = ports.changes.load_changes(REVOCATIONS).await.unwrap();
    assert_eq!(all.changes.len(), 1);
    let stamped = all.changes[0].at;
    let later = stamped.max(all.read_at) + Duration::from_millis(1);
    let at_once = ports.changes.load_changes(since(stamped)).await.unwrap();
    assert_eq!(
        at_once.changes.len(),
        1,
        "at the instant itself it is there"
    );
    let after = ports.changes.load_changes(since(later)).await.unwrap();
    assert!(after.changes.is_empty());
}

async fn pages_hold_every_change_once_and_in_order(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    for _ in 0..6 {
        world.sign_in(user).await;
    }
    // Many at one instant or nearly so.
    end_all(&world, user).await;
    revoke(&world, "last").await;
    let whole = ports.changes.load_changes(REVOCATIONS).await.unwrap();
    assert_eq!((whole.changes.len(), whole.next), (7, None));
    let mut asked = ChangesAsked {
        limit: 2,
        ..REVOCATIONS
    };
    let mut read = Vec::new();
    loop {
        let page = ports.changes.load_changes(asked).await.unwrap();
        assert!(page.changes.len() <= 2);
        read.extend(page.changes);
        match page.next {
            Some(next) => asked.from = next,
            None => break,
        }
    }
    assert_eq!(read, whole.changes);
    assert!(read.is_sorted_by_key(|change| change.at));
}

async fn end_all(world: &World, user: UserId) {
    let ending = Ending {
        tenant: world.tenant,
        target: EndTarget::User(user, None),
        reason: EndReason::Logout,
        now: at(1),
        remember_until: at(900),
        entry: world.entry(EventKind::SessionEnded),
    };
    world.ports.sessions.end_sessions(ending).await.unwrap();
}

async fn who_asks_for_revocations_gets_no_hints(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (session, _) = world.sign_in(user).await;
    let patch = UserPatch {
        name: Some("Countess".to_owned()),
        ..UserPatch::default()
    };
    let entry = world.entry(EventKind::UserUpdated);
    let patched = ports.users.update_user(user, patch, at(900), entry);
    patched.await.unwrap();
    revoke(&world, "jti").await;
    end_all(&world, user).await;
    let told = [
        ChangeKind::UserChanged(user),
        ChangeKind::AccessRevoked("jti".to_owned()),
        ChangeKind::SessionEnded(session.id),
    ];
    assert_eq!(world.changes().await, told);
    let asked = ChangesAsked {
        interest: Interest::Revocations,
        ..ALL_CHANGES
    };
    let page = ports.changes.load_changes(asked).await.unwrap();
    let kinds: Vec<_> = page.changes.into_iter().map(|change| change.what).collect();
    assert_eq!(kinds, told[1..]);
}

async fn every_tenant_is_in_one_feed(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    revoke(&world, "mine").await;
    revoke(&other, "theirs").await;
    let everything = ports.changes.load_changes(REVOCATIONS).await.unwrap();
    let mut tenants: Vec<_> = everything.changes.iter().map(|c| c.tenant).collect();
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
