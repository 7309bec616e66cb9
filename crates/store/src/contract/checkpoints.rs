//! Claims about checkpoints of the audit trail, and about purging it.

use std::time::Duration;

use domain::event::EventKind;
use domain::time::UnixMillis;

use crate::contract::fixture::{World, after, at, page};
use crate::port::Ports;
use crate::port::checkpoints::Checkpoint;

super::claims!("checkpoints":
    the_checkpoint_of_a_day_moves_on_with_the_chain,
    checkpoints_are_loaded_in_order_and_listed_newest_first,
    the_chain_is_loaded_in_its_order,
    other_signatures_are_stored_where_nothing_moved_on,
    a_chain_goes_on_from_a_checkpoint_whose_entries_are_gone,
    what_is_old_goes_up_to_the_last_old_checkpoint,
    nothing_goes_without_the_checkpoint_as_it_was_given,
    every_tenant_that_is_there_has_a_trail,
);

const DAY: Duration = Duration::from_hours(24);

fn day(number: u32) -> UnixMillis {
    at(0) + DAY * number
}

async fn fail(world: &World, count: usize, at: UnixMillis) {
    let entries = (0..count).map(|_| world.entry_at(EventKind::LoginFailed, at));
    world.ports.audit.append(entries.collect()).await.unwrap();
}

async fn marks(world: &World) -> Vec<Checkpoint> {
    let loaded = world
        .ports
        .checkpoints
        .load_checkpoints(world.tenant, 0, 100);
    loaded.await.unwrap()
}

/// Seals two entries on each of so many days; the first has the tenant's creation too.
async fn days(world: &World, count: u8) -> Vec<Checkpoint> {
    let mut signed = Vec::new();
    for number in 0..count {
        let now = day(u32::from(number));
        fail(world, 2, now).await;
        signed.push(world.seal_up(number + 1, now).await);
    }
    signed
}

async fn the_checkpoint_of_a_day_moves_on_with_the_chain(ports: Ports) {
    let world = World::new(ports).await;
    let first = world.seal_up(1, day(0)).await;
    assert_eq!(marks(&world).await, [first]);
    fail(&world, 3, day(0)).await;
    let second = world.seal_up(2, day(0) + DAY / 2).await;
    assert_eq!(marks(&world).await, [second]);
    fail(&world, 1, day(1)).await;
    let third = world.seal_up(3, day(1)).await;
    assert_eq!(marks(&world).await, [second, third]);
    assert_eq!((second.head.chain_no, third.head.chain_no), (4, 5));
}

async fn checkpoints_are_loaded_in_order_and_listed_newest_first(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let signed = days(&world, 3).await;
    let port = &ports.checkpoints;
    let after_first = port.load_checkpoints(world.tenant, signed[0].head.chain_no, 1);
    assert_eq!(after_first.await.unwrap(), signed[1..2]);
    let newest = port
        .list_checkpoints(world.tenant, page(1, 2))
        .await
        .unwrap();
    assert_eq!(
        (newest.items, newest.total),
        (vec![signed[2], signed[1]], 3)
    );
    let rest = port.list_checkpoints(world.tenant, after(newest.next.unwrap(), 2));
    let rest = rest.await.unwrap();
    assert_eq!((rest.items, rest.next), (vec![signed[0]], None));
    let other = world.beside().await;
    assert!(marks(&other).await.is_empty());
}

async fn the_chain_is_loaded_in_its_order(ports: Ports) {
    let world = World::new(ports.clone()).await;
    days(&world, 2).await;
    fail(&world, 1, day(2)).await;
    let load = |place, limit| ports.checkpoints.load_chain(world.tenant, place, limit);
    let whole = load(0, 100).await.unwrap();
    let places: Vec<_> = whole.iter().map(|row| row.chain_no.unwrap()).collect();
    assert_eq!(places, [1, 2, 3, 4, 5], "what is unsealed is not of it");
    assert_eq!(load(2, 2).await.unwrap(), whole[2..4]);
    assert!(load(5, 2).await.unwrap().is_empty());
}

async fn other_signatures_are_stored_where_nothing_moved_on(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let signed = days(&world, 2).await;
    let mut renewed = signed.clone();
    renewed[0].signature = [9; 32];
    renewed[0].purged = Some([8; 32]);
    renewed[1].signature = [9; 32];
    renewed[1].head.chain_no -= 1;
    let stored = ports.checkpoints.renew_checkpoints(renewed.clone());
    stored.await.unwrap();
    assert_eq!(marks(&world).await, [renewed[0], signed[1]]);
}

async fn a_chain_goes_on_from_a_checkpoint_whose_entries_are_gone(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let signed = days(&world, 1).await[0];
    let may_go = Checkpoint {
        purged: Some([7; 32]),
        ..signed
    };
    let gone = ports.checkpoints.purge_audit(may_go, 100, None).await;
    assert_eq!(gone, Ok(3));
    let (head, rows) = ports
        .audit
        .load_unsealed(world.tenant, 0, 10)
        .await
        .unwrap();
    assert_eq!((head, rows.len()), (signed.head, 0));
    fail(&world, 1, day(1)).await;
    let next = world.seal_up(9, day(1)).await;
    assert_eq!(next.head.chain_no, signed.head.chain_no + 1);
}

async fn what_is_old_goes_up_to_the_last_old_checkpoint(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let signed = days(&world, 3).await;
    let port = &ports.checkpoints;
    assert!(port.load_purgeable(day(0), 10).await.unwrap().is_empty());
    let due = port.load_purgeable(day(2), 10).await.unwrap();
    assert_eq!(due, [signed[1]]);
    let may_go = Checkpoint {
        purged: Some([7; 32]),
        ..signed[1]
    };
    let told = world.entry_at(EventKind::AuditPurged, day(3));
    assert_eq!(port.purge_audit(may_go, 3, Some(told)).await, Ok(3));
    let left = port.load_chain(world.tenant, 0, 100).await.unwrap();
    assert_eq!(left[0].chain_no, Some(4), "the oldest went first");
    let due = port.load_purgeable(day(2), 10).await.unwrap();
    assert_eq!(due, [may_go], "it goes on where it was cut off");
    assert_eq!(port.purge_audit(may_go, 3, None).await, Ok(2));
    assert!(port.load_purgeable(day(2), 10).await.unwrap().is_empty());
    assert_eq!(marks(&world).await, [may_go, signed[2]]);
    let events = world.events().await;
    assert_eq!(events, ["login.failed", "login.failed", "audit.purged"]);
}

async fn nothing_goes_without_the_checkpoint_as_it_was_given(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let signed = days(&world, 1).await[0];
    let mut other = Checkpoint {
        purged: Some([7; 32]),
        ..signed
    };
    other.head.chain_no -= 1;
    let gone = ports.checkpoints.purge_audit(other, 100, None).await;
    assert_eq!(gone, Ok(0));
    assert_eq!(world.trail().await.len(), 3);
    assert_eq!(marks(&world).await, [signed]);
}

async fn every_tenant_that_is_there_has_a_trail(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    other.seal_up(1, day(0)).await;
    let mut both = vec![world.tenant, other.tenant];
    both.sort_unstable();
    let named = ports.checkpoints.load_audited_tenants().await;
    assert_eq!(named, Ok(both));
}
