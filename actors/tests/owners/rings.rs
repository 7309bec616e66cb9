//! Rings of other tenants than the default one: made when they are needed, once, and apart from each
//! other's.

use std::sync::Arc;
use std::time::Duration;

use actors::keys::{KeyRing, Keys, Rotated};
use domain::event::EventKind;
use domain::id::TenantId;
use domain::key::KeyState;
use futures_util::future::join_all;
use store::contract::fixture::origin;

use crate::house::{House, SOON, in_time, raise, within};

const MAX_AGE: Duration = Duration::from_mins(10);
const DAY: Duration = Duration::from_hours(24);

async fn ring(keys: &Keys, tenant: TenantId) -> Arc<KeyRing> {
    keys.ring_of(tenant, in_time()).await.unwrap()
}

fn signing(ring: &Arc<KeyRing>) -> String {
    ring.signer().unwrap().key().kid().to_owned()
}

#[tokio::test]
async fn each_tenant_has_a_ring_of_its_own_from_the_first_need_on() {
    let house = House::new().await;
    let (keys, spec) = house.keys();
    let tenant = house.world.beside().await.tenant;
    let early = keys.ring_of(tenant, in_time()).await;
    assert!(early.is_err(), "nothing signs before the owner has begun");
    let tree = raise(vec![spec]).await;
    let load = || house.ports.keys.load_ring(tenant);
    assert!(load().await.unwrap().keys.is_empty(), "nobody needed it");

    let (own, default) = (ring(&keys, tenant).await, keys.ring());
    let kid = signing(&own);
    assert_ne!(kid, signing(&default));
    assert!(own.find(&kid).is_some() && default.find(&kid).is_none());
    assert!(own.find(&signing(&default)).is_none());
    assert!(own.jwks().body.contains(&kid) && !default.jwks().body.contains(&kid));
    assert!(!own.jwks().body.contains(&signing(&default)));
    assert!(
        Arc::ptr_eq(&own, &ring(&keys, tenant).await),
        "it is at hand"
    );
    for key in load().await.unwrap().keys {
        assert_eq!(key.sealed_private[0], 2, "under the tenant's data key");
    }
    tree.stop(SOON).await;
    let (again, spec) = house.keys();
    let _tree = raise(vec![spec]).await;
    assert_eq!(signing(&ring(&again, tenant).await), kid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_that_need_a_first_ring_one_makes_it() {
    let house = House::new().await;
    let ((one, spec_one), (two, spec_two)) = (house.keys(), house.keys());
    let _trees = tokio::join!(raise(vec![spec_one]), raise(vec![spec_two]));
    let other = house.world.beside().await;
    let needs = (0..40).map(|number| {
        let keys = if number % 2 == 0 { &one } else { &two };
        ring(keys, other.tenant)
    });
    let mut kids: Vec<String> = join_all(needs).await.iter().map(signing).collect();
    kids.dedup();
    assert_eq!(kids.len(), 1, "{kids:?}");
    assert_eq!(other.count_events(EventKind::KeyCreated).await, 1);
}

#[tokio::test]
async fn what_is_done_to_one_tenants_keys_is_nothing_to_anothers() {
    let house = House::new().await;
    let (keys, spec) = house.keys();
    let _tree = raise(vec![spec]).await;
    let one = house.world.beside().await.tenant;
    let two = house.world.beside_as("initech").await.tenant;
    let (first, second) = (ring(&keys, one).await, ring(&keys, two).await);
    let by = || origin(one, house.now());
    let early = keys.rotate(by(), in_time()).await;
    assert!(matches!(early, Ok(Rotated::TooEarly { .. })));
    house.clock.advance(MAX_AGE);
    let rotated = keys.rotate(by(), in_time()).await;
    assert!(matches!(rotated, Ok(Rotated::Done { .. })), "{rotated:?}");
    let moved = ring(&keys, one).await;
    assert!(first.jwks().body.contains(&signing(&moved)), "it was shown");
    assert_ne!(signing(&moved), signing(&first));
    assert_eq!(signing(&ring(&keys, two).await), signing(&second));

    let foreign = keys.revoke(signing(&second), by(), in_time()).await;
    assert_eq!(foreign, Ok(false), "no key of this tenant");
    let revoked = keys.revoke(signing(&moved), by(), in_time()).await;
    assert_eq!(revoked, Ok(true));
    let left = ring(&keys, one).await;
    assert!(left.find(&signing(&moved)).is_none());
    assert_ne!(signing(&left), signing(&moved));
    assert_eq!(signing(&ring(&keys, two).await), signing(&second));
}

#[tokio::test]
async fn whoever_signed_for_long_is_rotated_although_nobody_needs_it_and_nobody_else() {
    let house = House::new().await;
    let (keys, spec) = house.keys();
    let _tree = raise(vec![spec]).await;
    let mut old = Vec::new();
    for number in 0..20 {
        let tenant = house
            .world
            .beside_as(&format!("tenant-{number}"))
            .await
            .tenant;
        ring(&keys, tenant).await;
        old.push(tenant);
    }
    house.clock.advance(80 * DAY);
    let young = house.world.beside().await.tenant;
    let kept = signing(&ring(&keys, young).await);
    house.clock.advance(11 * DAY);
    let active = async |tenant| {
        let stored = house.ports.keys.load_ring(tenant).await.unwrap().keys;
        let is_active = |key: &&domain::key::SigningKey| key.state == KeyState::Active;
        stored.iter().find(is_active).unwrap().clone()
    };
    let (active, now) = (&active, house.now());
    within(3 * SOON, "all were rotated", || async {
        let all = join_all(old.iter().map(|tenant| active(*tenant))).await;
        all.iter().all(|key| key.activated_at == Some(now))
    })
    .await;
    assert_eq!(active(young).await.kid, kept);
}
