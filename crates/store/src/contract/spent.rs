//! Claims about ids that count once.

use futures_util::future::join_all;

use crate::contract::fixture::{World, at, bytes};
use crate::port::Ports;

super::claims!("spent":
    one_of_fifty_concurrent_claims_succeeds,
    an_id_counts_once_in_each_tenant,
    an_expired_id_is_forgotten_and_a_live_one_is_not,
);

async fn one_of_fifty_concurrent_claims_succeeds(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let key = bytes();
    let claims = (0..50).map(|_| ports.spent.claim_id(world.tenant, key, at(60)));
    let answers = join_all(claims).await;
    let granted = answers.into_iter().filter(|claimed| *claimed == Ok(true));
    assert_eq!(granted.count(), 1);
    let again = ports.spent.claim_id(world.tenant, key, at(120)).await;
    assert_eq!(again, Ok(false));
}

async fn an_id_counts_once_in_each_tenant(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    let (one, two) = (bytes(), bytes());
    for (tenant, key) in [
        (world.tenant, one),
        (world.tenant, two),
        (other.tenant, one),
    ] {
        assert_eq!(ports.spent.claim_id(tenant, key, at(60)).await, Ok(true));
        assert_eq!(ports.spent.claim_id(tenant, key, at(60)).await, Ok(false));
    }
}

async fn an_expired_id_is_forgotten_and_a_live_one_is_not(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let (short, long) = (bytes(), bytes());
    for (key, end) in [(short, at(60)), (long, at(120))] {
        let claimed = ports.spent.claim_id(world.tenant, key, end).await;
        assert_eq!(claimed, Ok(true));
    }
    let early = ports.janitor.purge(at(59), 100).await.unwrap();
    assert_eq!(early.spent_ids, 0);
    let late = ports.janitor.purge(at(60), 100).await.unwrap();
    assert_eq!(late.spent_ids, 1);
    for (key, expected) in [(short, true), (long, false)] {
        let claimed = ports.spent.claim_id(world.tenant, key, at(240)).await;
        assert_eq!(claimed, Ok(expected));
    }
}
