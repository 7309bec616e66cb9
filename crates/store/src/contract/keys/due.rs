//! Claims about keys that are due to be rotated or purged, and about who is made none any more.

use domain::event::{Entry, EventKind};
use domain::key::{Algorithm, KeyState};
use domain::tenant::{Tenant, TenantStatus};
use domain::time::UnixMillis;

use super::{edwards, ensure, key, load, ring, rotation, states};
use crate::contract::fixture::{World, at, origin};
use crate::port::Ports;
use crate::port::keys::DueRing;

crate::contract::claims!("keys":
    only_keys_retired_before_the_horizon_are_purged,
    a_purged_key_is_never_taken_in_again,
    rings_that_signed_for_long_are_listed_the_oldest_first_in_pages,
    a_tenant_whose_erasure_began_is_made_no_keys,
);

/// Stores a ring whose key has signed since then.
async fn signing_since(world: &World, since: UnixMillis) {
    let mut active = key(world, "active-0", KeyState::Active);
    active.activated_at = Some(since);
    ensure(world, vec![active, key(world, "next-0", KeyState::Next)]).await;
}

/// Lists what is due, two at a time.
async fn due(world: &World, until: UnixMillis) -> Vec<DueRing> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = world.ports.keys.list_due_rings(until, after, 2).await;
        let page = page.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else {
            return all;
        };
        after = Some(*last);
        all.extend(page);
    }
}

async fn close(world: &World, erase_at: UnixMillis) {
    let tenant = world.ports.tenants.load_tenant(world.tenant).await;
    let closed = Tenant {
        status: TenantStatus::Deleted,
        erase_at: Some(erase_at),
        ..tenant.unwrap().unwrap()
    };
    let entry = Entry::new(EventKind::TenantDeleted, &origin(world.tenant, at(0)));
    world
        .ports
        .tenants
        .update_tenant(closed, entry)
        .await
        .unwrap();
}

async fn rings_that_signed_for_long_are_listed_the_oldest_first_in_pages(ports: Ports) {
    let world = World::new(ports).await;
    let mut worlds = Vec::new();
    for since in [30, 10, 20, 40, 50] {
        let beside = world.beside_as(&format!("since-{since}")).await;
        signing_since(&beside, at(since)).await;
        worlds.push((beside, at(since)));
    }
    close(&worlds[2].0, at(9_999)).await;
    let found = due(&world, at(40)).await;
    assert!(found.is_sorted_by_key(|ring| ring.since));
    let is_here = |ring: &&DueRing| worlds.iter().any(|(world, _)| world.tenant == ring.tenant);
    let found: Vec<DueRing> = found.iter().filter(is_here).copied().collect();
    let expected = [1, 0, 3].map(|number: usize| DueRing {
        tenant: worlds[number].0.tenant,
        since: worlds[number].1,
    });
    assert_eq!(
        found, expected,
        "neither a deleted tenant's nor a young one"
    );
}

async fn a_tenant_whose_erasure_began_is_made_no_keys(ports: Ports) {
    let world = World::new(ports).await;
    let other = world.beside().await;
    close(&other, UnixMillis::from_millis(0)).await;
    assert!(ensure(&other, ring(&other, 0)).await.is_empty());
    assert!(load(&other).await.is_empty());
}

async fn only_keys_retired_before_the_horizon_are_purged(ports: Ports) {
    let world = World::new(ports.clone()).await;
    ensure(&world, ring(&world, 0)).await;
    let step = rotation(&world, "active-0", "next-0", "next-1");
    assert!(ports.keys.rotate_keys(step).await.unwrap());
    assert_eq!(ports.keys.purge_keys(at(60)).await.unwrap(), 0);
    assert_eq!(ports.keys.purge_keys(at(61)).await.unwrap(), 1);
    let left = states(&load(&world).await);
    assert_eq!(left, ["next-0=active", "next-1=next"]);
    assert_eq!(ports.keys.purge_keys(at(9_999)).await.unwrap(), 0);
}

async fn a_purged_key_is_never_taken_in_again(ports: Ports) {
    let world = World::new(ports.clone()).await;
    ensure(&world, ring(&world, 0)).await;
    let step = rotation(&world, "active-0", "next-0", "next-1");
    assert!(ports.keys.rotate_keys(step).await.unwrap());
    assert_eq!(ports.keys.purge_keys(at(61)).await.unwrap(), 1);
    let entry = world.entry(EventKind::KeyActivated);
    let again = key(&world, "active-0", KeyState::Active);
    let keys = &ports.keys;
    let imported = keys.import_key(again, Algorithm::Es256, at(62), entry);
    assert!(!imported.await.unwrap());
    let stored = ensure(&world, edwards(ring(&world, 0))).await;
    assert!(stored.is_empty(), "{:?}", states(&stored));
    let left = states(&load(&world).await);
    assert_eq!(left, ["next-0=active", "next-1=next"]);
}
