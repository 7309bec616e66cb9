//! Claims about API keys.

use domain::api_key::ApiKey;
use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::id::ApiKeyId;
use domain::scope::ScopeSet;
use futures_util::future::join_all;

use crate::contract::fixture::{Entropy, HOSTILE, World, at, bytes};
use crate::port::Ports;

super::claims!("api_keys":
    a_key_is_found_by_its_signature,
    one_of_twenty_first_keys_is_stored,
    a_key_is_revoked_once,
    keys_are_listed_oldest_first_live_or_not,
    no_verb_crosses_the_border_of_a_tenant,
);

fn key(world: &World) -> ApiKey {
    ApiKey {
        id: ApiKeyId::generate(at(0), &Entropy),
        tenant: world.tenant,
        name: "bootstrap".to_owned(),
        visible_prefix: "qf_ak_ab12".to_owned(),
        signature: bytes(),
        scopes: ScopeSet::parse("admin:*").unwrap(),
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
    }
}

async fn create(world: &World, key: &ApiKey) {
    let entry = world.entry(EventKind::ApiKeyCreated).about(&key.id);
    let created = world.ports.api_keys.create_api_key(key.clone(), entry);
    created.await.unwrap();
}

async fn load(world: &World, signature: [u8; 32]) -> Option<ApiKey> {
    let keys = &world.ports.api_keys;
    keys.load_api_key(world.tenant, signature).await.unwrap()
}

async fn revoke(world: &World, key: &ApiKey) -> bool {
    let entry = world
        .entry_at(EventKind::ApiKeyRevoked, at(60))
        .about(&key.id);
    let keys = &world.ports.api_keys;
    let revoked = keys
        .revoke_api_key(world.tenant, key.id, at(60), entry)
        .await;
    revoked.unwrap()
}

async fn a_key_is_found_by_its_signature(ports: Ports) {
    let world = World::new(ports).await;
    let plain = key(&world);
    create(&world, &plain).await;
    for text in HOSTILE {
        let mut full = key(&world);
        text.clone_into(&mut full.name);
        full.expires_at = Some(at(60));
        full.scopes = ScopeSet::parse("admin:users admin:clients").unwrap();
        create(&world, &full).await;
        let found = load(&world, full.signature).await;
        assert_eq!(found, Some(full), "an expired key is found, not judged");
    }
    assert_eq!(load(&world, plain.signature).await, Some(plain));
    assert_eq!(load(&world, bytes()).await, None);
}

async fn one_of_twenty_first_keys_is_stored(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let keys: Vec<ApiKey> = (0..20).map(|_| key(&world)).collect();
    let ensure = |key: &ApiKey| {
        let entry = world.entry(EventKind::ApiKeyCreated);
        ports.api_keys.ensure_api_key(key.clone(), entry)
    };
    let answers = join_all(keys.iter().map(ensure)).await;
    let mut winners = 0;
    for (answer, key) in answers.into_iter().zip(&keys) {
        let stored = answer.unwrap();
        assert_eq!(load(&world, key.signature).await.is_some(), stored);
        winners += usize::from(stored);
    }
    assert_eq!(winners, 1);
    assert_eq!(world.count_events(EventKind::ApiKeyCreated).await, 1);

    let other = world.beside().await;
    let entry = other.entry(EventKind::ApiKeyCreated);
    let first = ports.api_keys.ensure_api_key(key(&other), entry);
    assert!(
        first.await.unwrap(),
        "each tenant has a first key of its own"
    );
}

async fn a_key_is_revoked_once(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let key = key(&world);
    create(&world, &key).await;
    assert!(revoke(&world, &key).await);
    assert!(!revoke(&world, &key).await);
    let found = load(&world, key.signature).await.unwrap();
    assert_eq!(found.revoked_at, Some(at(60)));
    let told = [ChangeKind::ApiKeyChanged(key.id)];
    assert_eq!(world.changes().await, told);
    assert_eq!(world.count_events(EventKind::ApiKeyRevoked).await, 1);
    let entry = world.entry(EventKind::ApiKeyCreated);
    let ensured = ports.api_keys.ensure_api_key(self::key(&world), entry);
    assert!(!ensured.await.unwrap(), "a revoked key is a key");
}

async fn list(world: &World) -> Vec<ApiKey> {
    let listed = world.ports.api_keys.list_api_keys(world.tenant);
    listed.await.unwrap()
}

async fn keys_are_listed_oldest_first_live_or_not(ports: Ports) {
    let world = World::new(ports).await;
    assert_eq!(list(&world).await, []);
    let (mut newer, mut older) = (key(&world), key(&world));
    (newer.created_at, older.created_at) = (at(2), at(1));
    newer.expires_at = Some(at(600));
    create(&world, &newer).await;
    create(&world, &older).await;
    assert_eq!(list(&world).await, [older.clone(), newer.clone()]);
    assert!(revoke(&world, &older).await);
    older.revoked_at = Some(at(60));
    assert_eq!(list(&world).await, [older, newer]);
}

async fn no_verb_crosses_the_border_of_a_tenant(ports: Ports) {
    let world = World::new(ports).await;
    let other = world.beside().await;
    let key = key(&world);
    create(&world, &key).await;
    assert_eq!(load(&other, key.signature).await, None);
    assert!(!revoke(&other, &key).await);
    assert_eq!(list(&other).await, []);
    assert_eq!(load(&world, key.signature).await, Some(key));
    assert_eq!(other.count_events(EventKind::ApiKeyRevoked).await, 0);
}
