//! Claims about what pairwise subjects are made with.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::contract::fixture::{World, bytes};
use crate::port::Ports;

super::claims!("salts":
    of_fifty_that_are_drawn_at_once_one_is_kept_for_good,
    each_tenant_has_its_own,
);

async fn of_fifty_that_are_drawn_at_once_one_is_kept_for_good(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let keep = || ports.salts.keep_salt(world.tenant, bytes());
    let kept = join_all((0..50).map(|_| keep())).await;
    let kept: BTreeSet<[u8; 32]> = kept.into_iter().map(Result::unwrap).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(keep().await.ok().as_ref(), kept.first());
}

async fn each_tenant_has_its_own(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    let (one, two) = (bytes(), bytes());
    assert_eq!(ports.salts.keep_salt(world.tenant, one).await, Ok(one));
    assert_eq!(ports.salts.keep_salt(other.tenant, two).await, Ok(two));
    assert_eq!(ports.salts.keep_salt(world.tenant, two).await, Ok(one));
}
