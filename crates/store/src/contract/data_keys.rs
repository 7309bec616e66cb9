//! Claims about what tenants' secrets are sealed with.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::contract::fixture::{World, bytes};
use crate::port::Ports;
use crate::port::data_keys::Rewrap;

super::claims!("data_keys":
    of_fifty_that_are_made_at_once_one_is_kept,
    each_tenant_has_its_own,
    a_key_is_rewrapped_only_by_who_knows_how_it_is_wrapped,
    all_are_listed_page_by_page,
);

async fn of_fifty_that_are_made_at_once_one_is_kept(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let make = || ports.data_keys.make_data_key(world.data_key());
    let made = join_all((0..50).map(|_| make())).await;
    let first = made[0].clone().unwrap();
    assert!(first.is_active);
    assert!(made.into_iter().all(|key| key.as_ref() == Ok(&first)));
    let loaded = ports.data_keys.load_data_keys(world.tenant).await;
    assert_eq!(loaded, Ok(vec![first]));
}

async fn each_tenant_has_its_own(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    let (one, two) = (world.data_key(), other.data_key());
    let store = &ports.data_keys;
    assert_eq!(store.make_data_key(one.clone()).await, Ok(one.clone()));
    assert_eq!(store.load_data_keys(other.tenant).await, Ok(vec![]));
    assert_eq!(store.make_data_key(two.clone()).await, Ok(two.clone()));
    assert_eq!(store.load_data_keys(world.tenant).await, Ok(vec![one]));
    assert_eq!(store.load_data_keys(other.tenant).await, Ok(vec![two]));
}

async fn a_key_is_rewrapped_only_by_who_knows_how_it_is_wrapped(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    let store = &ports.data_keys;
    let mut key = store.make_data_key(world.data_key()).await.unwrap();
    let rewrap = Rewrap {
        tenant: world.tenant,
        id: key.id,
        was: key.wrapped.clone(),
        wrapped: bytes().to_vec(),
    };
    let foreign = Rewrap {
        tenant: other.tenant,
        ..rewrap.clone()
    };
    assert_eq!(store.rewrap_data_key(foreign).await, Ok(false));
    assert_eq!(store.rewrap_data_key(rewrap.clone()).await, Ok(true));
    let late = Rewrap {
        wrapped: bytes().to_vec(),
        ..rewrap.clone()
    };
    assert_eq!(store.rewrap_data_key(late).await, Ok(false));
    key.wrapped = rewrap.wrapped;
    assert_eq!(store.load_data_keys(world.tenant).await, Ok(vec![key]));
}

async fn all_are_listed_page_by_page(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    let store = &ports.data_keys;
    let mut made = BTreeSet::new();
    for world in [&world, &other] {
        let key = store.make_data_key(world.data_key()).await.unwrap();
        made.insert((key.tenant, key.id));
    }
    let (mut after, mut seen) = (None, Vec::new());
    while let Some(key) = store.list_data_keys(after, 1).await.unwrap().pop() {
        after = Some((key.tenant, key.id));
        seen.extend(after);
    }
    assert_eq!(seen, made.into_iter().collect::<Vec<_>>());
}
