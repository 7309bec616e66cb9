//! Claims about API keys.

use std::num::NonZeroU32;

use domain::api_key::{ApiKey, ApiKeyFilter, ApiKeyUse, Superseded};
use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::id::ApiKeyId;
use domain::page::{PageRequest, PageStart};
use domain::scope::ScopeSet;
use domain::time::UnixMillis;
use futures_util::future::join_all;

use crate::contract::fixture::{Entropy, HOSTILE, World, at, bytes};
use crate::port::Ports;

super::claims!("api_keys":
    a_key_is_found_by_its_signature,
    one_of_twenty_first_keys_is_stored,
    a_key_is_revoked_once,
    a_changed_key_is_found_by_its_signature_and_the_one_before,
    one_of_two_changes_of_a_version_is_stored,
    a_dead_key_is_not_changed,
    keys_are_listed_newest_first_by_client_and_liveness,
    the_latest_use_is_noted_and_nothing_told,
    no_verb_crosses_the_border_of_a_tenant,
);

fn key(world: &World) -> ApiKey {
    ApiKey {
        id: ApiKeyId::generate(at(0), &Entropy),
        tenant: world.tenant,
        client: None,
        name: "bootstrap".to_owned(),
        visible_prefix: "qf_ak_ab12".to_owned(),
        signature: bytes(),
        superseded: None,
        scopes: ScopeSet::parse("admin:*").unwrap(),
        rate_limit: None,
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        version: 1,
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
        full.client = Some("client_x".to_owned());
        full.rate_limit = NonZeroU32::new(1_000_000);
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

async fn find(world: &World, key: &ApiKey) -> Option<ApiKey> {
    let keys = &world.ports.api_keys;
    keys.find_api_key(world.tenant, key.id).await.unwrap()
}

async fn update(world: &World, key: &ApiKey, when: UnixMillis) -> bool {
    let entry = world
        .entry_at(EventKind::ApiKeyRotated, when)
        .about(&key.id);
    let keys = &world.ports.api_keys;
    keys.update_api_key(key.clone(), entry).await.unwrap()
}

async fn a_changed_key_is_found_by_its_signature_and_the_one_before(ports: Ports) {
    let world = World::new(ports).await;
    let first = key(&world);
    create(&world, &first).await;
    let turn = |key: &ApiKey| ApiKey {
        name: "turned".to_owned(),
        visible_prefix: "qf_ak_cd34".to_owned(),
        signature: bytes(),
        superseded: Some(Superseded {
            signature: key.signature,
            works_until: at(500),
        }),
        scopes: ScopeSet::parse("admin:users").unwrap(),
        rate_limit: NonZeroU32::new(60),
        expires_at: Some(at(900)),
        ..key.clone()
    };
    let stored = |key: ApiKey| ApiKey {
        version: key.version + 1,
        ..key
    };
    let second = turn(&first);
    assert!(update(&world, &second, at(60)).await);
    let second = stored(second);
    for signature in [first.signature, second.signature] {
        assert_eq!(load(&world, signature).await.as_ref(), Some(&second));
    }
    let third = turn(&second);
    assert!(update(&world, &third, at(60)).await);
    let third = stored(third);
    assert_eq!(load(&world, first.signature).await, None, "two are live");
    assert_eq!(load(&world, second.signature).await.as_ref(), Some(&third));
    assert_eq!(find(&world, &first).await, Some(third));
    let told = ChangeKind::ApiKeyChanged(first.id);
    assert_eq!(world.changes().await, [told.clone(), told]);
    assert_eq!(world.count_events(EventKind::ApiKeyRotated).await, 2);
}

async fn one_of_two_changes_of_a_version_is_stored(ports: Ports) {
    let world = World::new(ports).await;
    let key = key(&world);
    create(&world, &key).await;
    let changes = (0..10).map(|number| ApiKey {
        name: format!("number {number}"),
        ..key.clone()
    });
    let changes: Vec<ApiKey> = changes.collect();
    let answers = join_all(changes.iter().map(|key| update(&world, key, at(60)))).await;
    assert_eq!(answers.iter().filter(|is_stored| **is_stored).count(), 1);
    assert_eq!(find(&world, &key).await.unwrap().version, 2);
    assert_eq!(world.count_events(EventKind::ApiKeyRotated).await, 1);
}

async fn a_dead_key_is_not_changed(ports: Ports) {
    let world = World::new(ports).await;
    let (revoked, mut expired) = (key(&world), key(&world));
    expired.expires_at = Some(at(60));
    create(&world, &revoked).await;
    create(&world, &expired).await;
    assert!(revoke(&world, &revoked).await);
    let revived = ApiKey {
        expires_at: None,
        ..expired.clone()
    };
    assert!(!update(&world, &revived, at(60)).await);
    let again = find(&world, &revoked).await.unwrap();
    assert!(!update(&world, &again, at(60)).await);
    assert_eq!(find(&world, &expired).await, Some(expired));
    assert_eq!(world.count_events(EventKind::ApiKeyRotated).await, 0);
}

async fn list(world: &World, filter: ApiKeyFilter) -> Vec<ApiKeyId> {
    let mut found = Vec::new();
    let mut start = PageStart::Number(1);
    loop {
        let page = PageRequest { start, per_page: 2 };
        let keys = &world.ports.api_keys;
        let listed = keys.list_api_keys(world.tenant, filter.clone(), page);
        let listed = listed.await.unwrap();
        found.extend(listed.items.iter().map(|key| key.id));
        let Some(last) = listed.next else {
            assert_eq!(usize::try_from(listed.total).unwrap(), found.len());
            return found;
        };
        start = PageStart::After(last);
    }
}

async fn keys_are_listed_newest_first_by_client_and_liveness(ports: Ports) {
    let world = World::new(ports).await;
    let all = ApiKeyFilter::default();
    assert_eq!(list(&world, all.clone()).await, []);
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut one = key(&world);
        one.id = ApiKeyId::generate(at(number), &Entropy);
        one.client = (number >= 3).then(|| "client_x".to_owned());
        one.expires_at = (number == 1).then(|| at(600));
        create(&world, &one).await;
        if number == 3 {
            assert!(revoke(&world, &one).await);
        }
        ids.insert(0, one.id);
    }
    assert_eq!(list(&world, all).await, ids);
    let by = |client: Option<&str>, live| ApiKeyFilter {
        client: client.map(str::to_owned),
        live,
    };
    let (early, late) = (at(599), at(600));
    let [fourth, third, second, first, zeroth] = ids.try_into().unwrap();
    for (filter, expected) in [
        (by(Some("client_x"), None), vec![fourth, third]),
        (by(Some("client_y"), None), vec![]),
        (by(Some("client_x"), Some((true, early))), vec![fourth]),
        (
            by(None, Some((true, early))),
            vec![fourth, second, first, zeroth],
        ),
        (by(None, Some((true, late))), vec![fourth, second, zeroth]),
        (by(None, Some((false, late))), vec![third, first]),
    ] {
        assert_eq!(list(&world, filter.clone()).await, expected, "{filter:?}");
    }
}

async fn the_latest_use_is_noted_and_nothing_told(ports: Ports) {
    let world = World::new(ports).await;
    let other = world.beside().await;
    let (one, two) = (key(&world), key(&other));
    create(&world, &one).await;
    create(&other, &two).await;
    let used = |key: &ApiKey, seconds| ApiKeyUse {
        tenant: key.tenant,
        key: key.id,
        at: at(seconds),
    };
    let note = |uses| world.ports.api_keys.note_api_keys_used(uses);
    note(vec![used(&one, 70), used(&two, 80)]).await.unwrap();
    note(vec![used(&one, 60)]).await.unwrap();
    note(Vec::new()).await.unwrap();
    let last = |key: Option<ApiKey>| key.unwrap().last_used_at;
    assert_eq!(last(find(&world, &one).await), Some(at(70)));
    assert_eq!(last(find(&other, &two).await), Some(at(80)));
    assert_eq!(find(&world, &one).await.unwrap().version, 1);
    assert_eq!(world.changes().await, []);
}

async fn no_verb_crosses_the_border_of_a_tenant(ports: Ports) {
    let world = World::new(ports).await;
    let other = world.beside().await;
    let key = key(&world);
    create(&world, &key).await;
    assert_eq!(load(&other, key.signature).await, None);
    assert!(!revoke(&other, &key).await);
    assert_eq!(list(&other, ApiKeyFilter::default()).await, []);
    assert_eq!(find(&other, &key).await, None);
    let foreign = ApiKey {
        tenant: other.tenant,
        ..key.clone()
    };
    assert!(!update(&other, &foreign, at(60)).await);
    assert_eq!(load(&world, key.signature).await, Some(key));
    assert_eq!(other.count_events(EventKind::ApiKeyRevoked).await, 0);
}
