//! Keys: the first ring, rotation in order, between nodes, and across changes of the secrets.

use std::time::Duration;

use actors::keys::{KeyRing, KeyView, Keys, Rotated, keys};
use domain::key::{Algorithm, KeyState};
use domain::secret::SecretText;
use protocol::jose::key_pair::{InvalidKey, KeyPair};
use serde_json::Value;
use store::contract::fixture::origin;

use crate::house::{House, SOON, in_time, raise, within};

const MAX_AGE: Duration = Duration::from_mins(10);

fn kids(ring: &KeyRing, state: KeyState) -> Vec<String> {
    let of_state = ring.list().iter().filter(|key| key.state == state);
    of_state.map(|key| key.kid.clone()).collect()
}

fn signing(ring: &KeyRing) -> Option<String> {
    ring.signer().map(|signer| signer.key().kid().to_owned())
}

async fn rotate(house: &House, keys: &Keys) -> Rotated {
    let by = origin(house.world.tenant, house.now());
    keys.rotate(by, in_time()).await.unwrap()
}

fn pem_of(pair: &KeyPair) -> SecretText {
    let der = pair.to_pkcs8().unwrap();
    let block = pem::Pem::new("PRIVATE KEY", der.expose().to_vec());
    SecretText::new(pem::encode(&block))
}

#[tokio::test]
async fn the_first_start_makes_a_ring_that_signs_and_publishes_two_keys() {
    let house = House::new().await;
    let (keys, spec) = house.keys();
    assert!(keys.ring().signer().is_none());
    let _tree = raise(vec![spec]).await;
    let ring = keys.ring();
    assert_eq!(
        signing(&ring).into_iter().collect::<Vec<_>>(),
        kids(&ring, KeyState::Active)
    );
    let body: Value = serde_json::from_str(&ring.jwks().body).unwrap();
    let published: Vec<&str> = body["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap())
        .collect();
    assert_eq!(published.len(), 2);
    for kid in published {
        assert!(ring.find(kid).is_some());
    }
    assert!(!ring.jwks().body.contains("\"d\""), "no private member");
}

#[tokio::test]
async fn a_key_goes_from_next_to_active_to_retired_and_never_too_early() {
    let house = House::new().await;
    let (keys, spec) = house.keys();
    let _tree = raise(vec![spec]).await;
    let before = keys.ring();
    let (active, next) = (
        kids(&before, KeyState::Active).remove(0),
        kids(&before, KeyState::Next).remove(0),
    );
    let at = house.now() + MAX_AGE;
    assert_eq!(rotate(&house, &keys).await, Rotated::TooEarly { at });

    house.clock.advance(MAX_AGE);
    let done = Rotated::Done {
        active: next.clone(),
    };
    assert_eq!(rotate(&house, &keys).await, done);
    let after = keys.ring();
    assert_eq!(signing(&after), Some(next));
    assert_eq!(kids(&after, KeyState::Retired), [active.as_str()]);
    assert!(after.find(&active).is_some(), "it verifies what it signed");
    assert_ne!(after.jwks().etag, before.jwks().etag);
    let at = house.now() + MAX_AGE;
    assert_eq!(rotate(&house, &keys).await, Rotated::TooEarly { at });
}

#[tokio::test]
async fn the_ring_survives_a_restart() {
    let house = House::new().await;
    let (first, spec) = house.keys();
    let tree = raise(vec![spec]).await;
    tree.stop(SOON).await;
    let (second, spec) = house.keys();
    let _tree = raise(vec![spec]).await;
    assert_eq!(first.ring().list(), second.ring().list());
    assert_eq!(signing(&first.ring()), signing(&second.ring()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_on_one_store_agree() {
    let house = House::new().await;
    let ((one, spec_one), (two, spec_two)) = (house.keys(), house.keys());
    let _trees = tokio::join!(raise(vec![spec_one]), raise(vec![spec_two]));
    assert_eq!(one.ring().list(), two.ring().list());

    house.clock.advance(MAX_AGE);
    let (first, second) = tokio::join!(rotate(&house, &one), rotate(&house, &two));
    let done = [&first, &second]
        .into_iter()
        .filter(|rotated| matches!(rotated, Rotated::Done { .. }));
    assert_eq!(done.count(), 1, "{first:?} {second:?}");
    one.reload(in_time()).await.unwrap();
    two.reload(in_time()).await.unwrap();
    assert_eq!(one.ring().list(), two.ring().list());
    assert_eq!(kids(&one.ring(), KeyState::Active).len(), 1);
}

#[tokio::test]
async fn the_active_key_is_rotated_when_its_time_is_over_and_purged_when_nobody_needs_it() {
    let house = House::new().await;
    let (keys, spec) = house.keys();
    let _tree = raise(vec![spec]).await;
    let old = signing(&keys.ring()).unwrap();
    house.clock.advance(Duration::from_hours(90 * 24));
    let has_rotated = || async { signing(&keys.ring()).as_ref() != Some(&old) };
    within(3 * SOON, "the next key signs", has_rotated).await;
    assert_eq!(kids(&keys.ring(), KeyState::Retired), [old.as_str()]);
    house.clock.advance(Duration::from_hours(2));
    let is_gone = || async { keys.ring().find(&old).is_none() };
    within(3 * SOON, "the retired key is purged", is_gone).await;
}

#[tokio::test]
async fn keys_are_sealed_anew_when_the_secrets_move_on() {
    let house = House::new().await;
    let (first, spec) = house.keys();
    raise(vec![spec]).await.stop(SOON).await;
    for secrets in [&[2, 1][..], &[2]] {
        let (later, spec) = keys(house.keys_config(), house.keys_needs(secrets)).unwrap();
        raise(vec![spec]).await.stop(SOON).await;
        assert_eq!(signing(&later.ring()), signing(&first.ring()));
    }
    let (lost, spec) = keys(house.keys_config(), house.keys_needs(&[3])).unwrap();
    let _tree = raise(vec![spec]).await;
    assert!(lost.ring().signer().is_none());
    assert_eq!(lost.ring().jwks(), first.ring().jwks(), "it still verifies");
}

#[tokio::test]
async fn a_configured_key_becomes_the_active_one() {
    let house = House::new().await;
    let (before, spec) = house.keys();
    raise(vec![spec]).await.stop(SOON).await;
    let pair = KeyPair::generate(Algorithm::Es256).unwrap();
    for _ in 0..2 {
        let mut config = house.keys_config();
        config.import_pem = Some(pem_of(&pair));
        let (after, spec) = keys(config, house.keys_needs(&[1])).unwrap();
        raise(vec![spec]).await.stop(SOON).await;
        assert_eq!(signing(&after.ring()).as_deref(), Some(pair.kid()));
        let retired = kids(&after.ring(), KeyState::Retired);
        assert_eq!(retired, kids(&before.ring(), KeyState::Active));
    }
}

#[tokio::test]
async fn a_configured_key_of_another_algorithm_is_refused_at_once() {
    let house = House::new().await;
    let pair = KeyPair::generate(Algorithm::EdDsa).unwrap();
    let mut config = house.keys_config();
    config.import_pem = Some(pem_of(&pair));
    let refused = keys(config, house.keys_needs(&[1])).err();
    assert_eq!(refused, Some(InvalidKey::Unsupported));
}

#[tokio::test]
async fn without_a_tenant_the_owner_waits_and_holds_up_nobody() {
    let house = House::new().await;
    let (tenants, tenants_spec) = house.tenants();
    let mut config = house.keys_config();
    let which = tenants.clone();
    config.tenant = std::sync::Arc::new(move || Some(which.directory().default_tenant()?.id));
    let (keys, keys_spec) = keys(config, house.keys_needs(&[1])).unwrap();
    // In the wrong order on purpose.
    let _tree = raise(vec![keys_spec, tenants_spec]).await;
    within(3 * SOON, "the ring is there", || async {
        keys.ring().signer().is_some()
    })
    .await;
}

#[tokio::test]
async fn a_configured_key_that_retired_never_signs_again() {
    let house = House::new().await;
    let pair = KeyPair::generate(Algorithm::Es256).unwrap();
    let imported = || {
        let mut config = house.keys_config();
        config.import_pem = Some(pem_of(&pair));
        keys(config, house.keys_needs(&[1])).unwrap()
    };
    let (before, spec) = imported();
    let tree = raise(vec![spec]).await;
    assert_eq!(signing(&before.ring()).as_deref(), Some(pair.kid()));
    house.clock.advance(MAX_AGE);
    assert!(matches!(
        rotate(&house, &before).await,
        Rotated::Done { .. }
    ));
    let successor = signing(&before.ring());
    house.clock.advance(Duration::from_hours(2));
    let is_gone = || async { before.ring().find(pair.kid()).is_none() };
    within(3 * SOON, "the retired key is purged", is_gone).await;
    tree.stop(SOON).await;

    let (after, spec) = imported();
    let _tree = raise(vec![spec]).await;
    assert_eq!(signing(&after.ring()), successor);
    assert!(after.ring().find(pair.kid()).is_none());
}

#[tokio::test]
async fn another_algorithm_signs_when_its_key_has_been_published_for_long_enough() {
    let house = House::new().await;
    let (before, spec) = house.keys();
    raise(vec![spec]).await.stop(SOON).await;
    let old = signing(&before.ring());
    let mut config = house.keys_config();
    config.algorithm = Algorithm::EdDsa;
    let (after, spec) = keys(config, house.keys_needs(&[1])).unwrap();
    let _tree = raise(vec![spec]).await;
    assert_eq!(signing(&after.ring()), old, "nobody knows the new key yet");
    let is_new = |key: &&KeyView| key.algorithm == Algorithm::EdDsa;
    let new = after.ring().list().iter().find(is_new).unwrap().kid.clone();
    assert!(after.ring().jwks().body.contains(&new));

    // A node that goes by the old setting signs on with whatever signs.
    let (laggard, spec) = house.keys();
    let _other_tree = raise(vec![spec]).await;
    house.clock.advance(MAX_AGE);
    let takes_over = || async { signing(&after.ring()).as_ref() == Some(&new) };
    within(3 * SOON, "the new key signs", takes_over).await;
    assert_eq!(kids(&after.ring(), KeyState::Active), [new.as_str()]);
    let retired = kids(&after.ring(), KeyState::Retired);
    assert_eq!(retired.len(), 2, "the old ring: {retired:?}");
    laggard.reload(in_time()).await.unwrap();
    assert_eq!(signing(&laggard.ring()), Some(new));
}

/// Who signs with an algorithm.
fn signing_with(ring: &KeyRing, algorithm: Algorithm) -> Option<String> {
    let signer = ring.signer_of(algorithm)?;
    Some(signer.key().kid().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_algorithm_is_provided_once_however_many_need_it() {
    let house = House::new().await;
    let ((one, spec_one), (two, spec_two)) = (house.keys(), house.keys());
    let _trees = tokio::join!(raise(vec![spec_one]), raise(vec![spec_two]));
    let before = signing(&one.ring());
    assert!(signing_with(&one.ring(), Algorithm::Rs256).is_none());
    let needs = (0..10).map(|number| {
        let keys = if number % 2 == 0 { &one } else { &two };
        keys.provide(house.world.tenant, Algorithm::Rs256, in_time())
    });
    for provided in futures_util::future::join_all(needs).await {
        provided.unwrap();
    }
    let kid = signing_with(&one.ring(), Algorithm::Rs256).unwrap();
    assert_eq!(
        signing_with(&two.ring(), Algorithm::Rs256),
        Some(kid.clone())
    );
    for keys in [&one, &two] {
        assert!(keys.ring().jwks().body.contains(&kid), "it is published");
        assert!(keys.ring().find(&kid).is_some());
        assert_eq!(keys.ring().list().len(), 4, "two rings of two");
        assert_eq!(signing(&keys.ring()), before, "access tokens as before");
    }
}

#[tokio::test]
async fn a_ring_beside_is_rotated_and_outlives_the_rotation_of_the_first() {
    let house = House::new().await;
    let (keys, spec) = house.keys();
    let tree = raise(vec![spec]).await;
    let provided = keys.provide(house.world.tenant, Algorithm::EdDsa, in_time());
    provided.await.unwrap();
    let (main, beside) = (
        signing(&keys.ring()),
        signing_with(&keys.ring(), Algorithm::EdDsa),
    );
    house.clock.advance(MAX_AGE);
    assert!(matches!(rotate(&house, &keys).await, Rotated::Done { .. }));
    let ring = keys.ring();
    assert_ne!(signing(&ring), main);
    assert_ne!(signing_with(&ring, Algorithm::EdDsa), beside);
    let states = |state| kids(&ring, state).len();
    let counted = (
        states(KeyState::Active),
        states(KeyState::Next),
        states(KeyState::Retired),
    );
    assert_eq!(counted, (2, 2, 2));
    tree.stop(SOON).await;
    let (again, spec) = house.keys();
    let _tree = raise(vec![spec]).await;
    let kept = signing_with(&again.ring(), Algorithm::EdDsa);
    assert_eq!(kept, signing_with(&ring, Algorithm::EdDsa), "it survives");
    house.clock.advance(Duration::from_hours(90 * 24));
    let has_rotated = || async { signing_with(&again.ring(), Algorithm::EdDsa) != kept };
    within(3 * SOON, "the next key signs", has_rotated).await;
}

#[tokio::test]
async fn a_revoked_key_verifies_nothing_and_the_next_one_signs_at_once() {
    let house = House::new().await;
    let ((one, spec_one), (two, spec_two)) = (house.keys(), house.keys());
    let _trees = tokio::join!(raise(vec![spec_one]), raise(vec![spec_two]));
    let ring = one.ring();
    let leaked = kids(&ring, KeyState::Active).remove(0);
    let next = kids(&ring, KeyState::Next).remove(0);
    let by = || origin(house.world.tenant, house.now());
    let revoked = one.revoke(leaked.clone(), by(), in_time()).await;
    assert_eq!(revoked, Ok(true));
    assert_eq!(signing(&one.ring()), Some(next.clone()));
    assert!(one.ring().find(&leaked).is_none());
    assert!(!one.ring().jwks().body.contains(&leaked));
    assert_eq!(kids(&one.ring(), KeyState::Next).len(), 1);

    assert!(two.ring().find(&leaked).is_some(), "it has not heard yet");
    assert_eq!(two.revoke(leaked, by(), in_time()).await, Ok(false));
    assert_eq!(one.ring().list(), two.ring().list());
    let unknown = two.revoke("nobody".to_owned(), by(), in_time()).await;
    assert_eq!(unknown, Ok(false));
}
