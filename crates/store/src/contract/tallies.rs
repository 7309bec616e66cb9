//! Claims about how much a tenant has.

use domain::event::EventKind;
use domain::session::EndReason;

use crate::contract::fixture::{World, at, much_later};
use crate::port::Ports;
use crate::port::sessions::{EndTarget, Ending};
use crate::port::tallies::Tally;

super::claims!("tallies":
    what_a_tenant_has_is_counted_and_no_further_than_asked,
    what_ended_or_belongs_to_another_tenant_does_not_count,
);

async fn tally(world: &World, most: u32, now: i64) -> Tally {
    let counted = world.ports.tallies.load_tally(world.tenant, most, at(now));
    counted.await.unwrap()
}

async fn what_a_tenant_has_is_counted_and_no_further_than_asked(ports: Ports) {
    let world = World::new(ports).await;
    assert_eq!(tally(&world, 100, 0).await, Tally::default());
    for number in 0..4 {
        let user = world.register(&format!("ada{number}@example.org")).await;
        let new = world.sign_in_at(user.id, at(0));
        assert!(
            world
                .ports
                .sessions
                .begin_session(new)
                .await
                .unwrap()
                .is_some()
        );
    }
    let counted = tally(&world, 100, 1).await;
    assert_eq!((counted.users, counted.sessions), (4, 4));
    assert_eq!((counted.clients, counted.api_keys), (0, 0));
    let counted = tally(&world, 3, 1).await;
    assert_eq!((counted.users, counted.sessions), (3, 3));
}

async fn what_ended_or_belongs_to_another_tenant_does_not_count(ports: Ports) {
    let world = World::new(ports).await;
    let other = world.beside().await;
    let user = world.register("ada@example.org").await;
    let new = world.sign_in_at(user.id, at(0));
    world.ports.sessions.begin_session(new).await.unwrap();
    assert_eq!(tally(&other, 100, 1).await, Tally::default());
    assert_eq!(tally(&world, 100, 24 * 3600 - 1).await.sessions, 1);
    assert_eq!(tally(&world, 100, 24 * 3600).await.sessions, 0, "expired");
    let ending = Ending {
        tenant: world.tenant,
        target: EndTarget::User(user.id, None),
        reason: EndReason::Logout,
        now: at(2),
        remember_until: much_later(),
        entry: world.entry(EventKind::SessionEnded),
    };
    world.ports.sessions.end_sessions(ending).await.unwrap();
    let counted = tally(&world, 100, 3).await;
    assert_eq!((counted.users, counted.sessions), (1, 0), "ended");
}
