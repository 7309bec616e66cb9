//! Claims about signing keys.

use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::key::{Algorithm, KeyState, SigningKey};
use futures_util::future::join_all;
use serde_json::json;

use crate::contract::fixture::{World, at, bytes};
use crate::port::Ports;
use crate::port::keys::{KeyRevocation, KeyRotation};

mod due;

super::claims!("keys" in of_a_ring:
    a_key_is_loaded_as_it_was_stored,
    twenty_nodes_that_ensure_a_ring_agree_on_one,
    tenants_have_rings_of_their_own,
    a_ring_that_signs_takes_over_from_another_algorithm,
    a_ring_that_waits_leaves_another_algorithm_signing,
    rings_beside_each_other_move_on_alone,
    one_of_ten_concurrent_rotations_happens,
    a_rotation_on_a_false_belief_changes_nothing,
    a_revoked_key_is_gone_and_another_signs_in_the_same_step,
    an_imported_key_retires_the_active_one,
    a_key_is_sealed_anew,
);

pub(super) fn cases() -> Vec<crate::contract::Case> {
    [of_a_ring(), due::cases()].concat()
}

fn key(world: &World, kid: &str, state: KeyState) -> SigningKey {
    SigningKey {
        kid: kid.to_owned(),
        tenant: world.tenant,
        algorithm: Algorithm::Es256,
        state,
        sealed_private: bytes().to_vec(),
        public_jwk: json!({"kty": "EC", "crv": "P-256", "x": kid}),
        created_at: at(0),
        activated_at: (state == KeyState::Active).then_some(at(1)),
        retired_at: None,
    }
}

fn ring(world: &World, number: usize) -> Vec<SigningKey> {
    vec![
        key(world, &format!("active-{number}"), KeyState::Active),
        key(world, &format!("next-{number}"), KeyState::Next),
    ]
}

/// Makes sure of a ring that takes over from keys of ES256, or is of them.
async fn ensure(world: &World, ring: Vec<SigningKey>) -> Vec<SigningKey> {
    ensure_over(world, ring, Algorithm::Es256).await
}

async fn ensure_over(world: &World, ring: Vec<SigningKey>, over: Algorithm) -> Vec<SigningKey> {
    let entry = world.entry(EventKind::KeyCreated);
    let ensured = world.ports.keys.ensure_keys(ring, over, entry);
    ensured.await.unwrap()
}

fn rotation(world: &World, from: &str, to: &str, next: &str) -> KeyRotation {
    KeyRotation {
        tenant: world.tenant,
        algorithm: Algorithm::Es256,
        instead_of: Algorithm::Es256,
        expected_active: from.to_owned(),
        promote: to.to_owned(),
        next: key(world, next, KeyState::Next),
        now: at(60),
        entry: world.entry(EventKind::KeyActivated),
    }
}

/// Gives the tenant's keys by name.
async fn load(world: &World) -> Vec<SigningKey> {
    let mut keys = world.ports.keys.load_ring(world.tenant).await.unwrap().keys;
    keys.sort_by_cached_key(|key| key.kid.clone());
    keys
}

/// Gives each key as `kid=state`, by name.
fn states(keys: &[SigningKey]) -> Vec<String> {
    let word = |key: &SigningKey| format!("{}={}", key.kid, key.state.as_str());
    let mut words: Vec<String> = keys.iter().map(word).collect();
    words.sort();
    words
}

async fn announced(world: &World) -> usize {
    let told = world.changes().await.into_iter();
    told.filter(|c| *c == ChangeKind::KeysChanged).count()
}

async fn a_key_is_loaded_as_it_was_stored(ports: Ports) {
    let world = World::new(ports).await;
    let mut ring = ring(&world, 0);
    ring[1].algorithm = Algorithm::EdDsa;
    let wanted = ring.remove(0);
    ensure(&world, vec![wanted.clone()]).await;
    let loaded = load(&world).await.remove(0);
    assert_eq!((loaded.kid, loaded.tenant), (wanted.kid, wanted.tenant));
    assert_eq!(
        (loaded.algorithm, loaded.state),
        (wanted.algorithm, wanted.state)
    );
    assert_eq!(loaded.sealed_private, wanted.sealed_private);
    assert_eq!(loaded.public_jwk, wanted.public_jwk);
    assert_eq!(loaded.created_at, wanted.created_at);
    assert_eq!(loaded.activated_at, wanted.activated_at);
    assert_eq!(loaded.retired_at, None);
}

async fn twenty_nodes_that_ensure_a_ring_agree_on_one(ports: Ports) {
    let world = World::new(ports).await;
    let answers = join_all((0..20).map(|number| ensure(&world, ring(&world, number)))).await;
    let stored = states(&load(&world).await);
    assert_eq!(stored.len(), 2);
    for answer in answers {
        assert_eq!(states(&answer), stored);
    }
    assert_eq!(announced(&world).await, 1);
    assert_eq!(world.count_events(EventKind::KeyCreated).await, 1);
}

async fn tenants_have_rings_of_their_own(ports: Ports) {
    let world = World::new(ports).await;
    let other = world.beside().await;
    ensure(&world, ring(&world, 1)).await;
    ensure(&other, ring(&other, 2)).await;
    assert_eq!(
        states(&load(&other).await),
        ["active-2=active", "next-2=next"]
    );
    let mut foreign = rotation(&other, "active-1", "next-1", "x");
    assert!(!other.ports.keys.rotate_keys(foreign.clone()).await.unwrap());
    "active-2".clone_into(&mut foreign.expected_active);
    assert!(!other.ports.keys.rotate_keys(foreign).await.unwrap());
}

fn edwards(mut ring: Vec<SigningKey>) -> Vec<SigningKey> {
    for key in &mut ring {
        key.algorithm = Algorithm::EdDsa;
    }
    ring
}

async fn a_ring_that_signs_takes_over_from_another_algorithm(ports: Ports) {
    let world = World::new(ports).await;
    ensure(&world, ring(&world, 1)).await;
    let answer = ensure(&world, edwards(ring(&world, 2))).await;
    assert_eq!(states(&answer), ["active-2=active", "next-2=next"]);
    let all = [
        "active-1=retired",
        "active-2=active",
        "next-1=retired",
        "next-2=next",
    ];
    assert_eq!(states(&load(&world).await), all);
}

async fn a_ring_that_waits_leaves_another_algorithm_signing(ports: Ports) {
    let world = World::new(ports.clone()).await;
    ensure(&world, ring(&world, 1)).await;
    let wait = |number| {
        let mut ring = edwards(ring(&world, number));
        ring.remove(0);
        ensure(&world, ring)
    };
    for answer in join_all((2..6).map(wait)).await {
        assert_eq!(answer.len(), 1, "one of them");
    }
    let waiting = load(&world).await.pop().unwrap();
    let before = [
        "active-1=active".to_owned(),
        "next-1=next".to_owned(),
        format!("{}=next", waiting.kid),
    ];
    assert_eq!(states(&load(&world).await), before);

    let mut step = rotation(&world, "active-1", &waiting.kid, "next-9");
    step.algorithm = Algorithm::EdDsa;
    step.next.algorithm = Algorithm::EdDsa;
    assert!(ports.keys.rotate_keys(step).await.unwrap());
    let after = [
        "active-1=retired".to_owned(),
        "next-1=retired".to_owned(),
        format!("{}=active", waiting.kid),
        "next-9=next".to_owned(),
    ];
    assert_eq!(states(&load(&world).await), after);
}

async fn rings_beside_each_other_move_on_alone(ports: Ports) {
    let world = World::new(ports.clone()).await;
    ensure(&world, ring(&world, 1)).await;
    // Twenty nodes need a ring of another algorithm at once.
    let beside = |number| {
        let ring = edwards(ring(&world, number));
        ensure_over(&world, ring, Algorithm::EdDsa)
    };
    let answers = join_all((2..22).map(beside)).await;
    let chosen = states(&answers[0]);
    assert!(answers.iter().all(|answer| states(answer) == chosen));
    let name = |state: &str| {
        let with = |word: &String| Some(word.strip_suffix(state)?.to_owned());
        chosen.iter().find_map(with).unwrap()
    };
    let (active, next) = (name("=active"), name("=next"));
    let step = rotation(&world, "active-1", "next-1", "next-90");
    assert!(ports.keys.rotate_keys(step).await.unwrap());
    let mut step = rotation(&world, &active, &next, "next-91");
    (step.algorithm, step.instead_of) = (Algorithm::EdDsa, Algorithm::EdDsa);
    step.next.algorithm = Algorithm::EdDsa;
    assert!(ports.keys.rotate_keys(step).await.unwrap());
    let mut wanted = vec![
        "active-1=retired".to_owned(),
        "next-1=active".to_owned(),
        "next-90=next".to_owned(),
        format!("{active}=retired"),
        format!("{next}=active"),
        "next-91=next".to_owned(),
    ];
    wanted.sort();
    assert_eq!(states(&load(&world).await), wanted);
}

async fn one_of_ten_concurrent_rotations_happens(ports: Ports) {
    let world = World::new(ports.clone()).await;
    ensure(&world, ring(&world, 0)).await;
    let answers = join_all((0..10).map(|number| {
        let next = format!("next-{}", number + 1);
        let rotation = rotation(&world, "active-0", "next-0", &next);
        ports.keys.rotate_keys(rotation)
    }))
    .await;
    let happened = answers.into_iter().filter(|a| *a.as_ref().unwrap());
    assert_eq!(happened.count(), 1);
    let keys = load(&world).await;
    assert_eq!(keys.len(), 3);
    assert_eq!(
        (keys[0].state, keys[0].retired_at),
        (KeyState::Retired, Some(at(60)))
    );
    assert_eq!(
        (keys[1].state, keys[1].activated_at),
        (KeyState::Active, Some(at(60)))
    );
    assert_eq!(
        (keys[2].state, keys[2].activated_at),
        (KeyState::Next, None)
    );
    assert_eq!(announced(&world).await, 2);
    assert_eq!(world.count_events(EventKind::KeyActivated).await, 1);
}

async fn a_rotation_on_a_false_belief_changes_nothing(ports: Ports) {
    let world = World::new(ports.clone()).await;
    ensure(&world, ring(&world, 0)).await;
    for (from, to) in [
        ("next-0", "active-0"),
        ("active-0", "active-0"),
        ("active-0", "unknown"),
        ("unknown", "next-0"),
    ] {
        let wrong = rotation(&world, from, to, "new");
        assert!(!ports.keys.rotate_keys(wrong).await.unwrap(), "{from}");
    }
    assert_eq!(
        states(&load(&world).await),
        ["active-0=active", "next-0=next"]
    );
    assert_eq!(announced(&world).await, 1);
    assert_eq!(world.count_events(EventKind::KeyActivated).await, 0);
}

async fn a_revoked_key_is_gone_and_another_signs_in_the_same_step(ports: Ports) {
    let world = World::new(ports.clone()).await;
    ensure(&world, ring(&world, 0)).await;
    let revocation = |kid: &str, state, promote: Option<&str>, fresh: &[&str]| KeyRevocation {
        tenant: world.tenant,
        kid: kid.to_owned(),
        state,
        promote: promote.map(str::to_owned),
        fresh: fresh
            .iter()
            .map(|kid| key(&world, kid, KeyState::Next))
            .collect(),
        now: at(60),
        entry: world.entry(EventKind::KeyRevoked),
    };
    let revoke = |revocation| ports.keys.revoke_key(revocation);
    for wrong in [
        revocation("active-0", KeyState::Next, Some("next-0"), &["x"]),
        revocation("active-0", KeyState::Active, Some("other"), &["x"]),
        revocation("other", KeyState::Active, Some("next-0"), &["x"]),
    ] {
        assert!(!revoke(wrong).await.unwrap());
    }
    assert_eq!(
        states(&load(&world).await),
        ["active-0=active", "next-0=next"]
    );
    let right = revocation("active-0", KeyState::Active, Some("next-0"), &["next-1"]);
    assert!(revoke(right.clone()).await.unwrap());
    assert!(!revoke(right).await.unwrap());
    assert_eq!(
        states(&load(&world).await),
        ["next-0=active", "next-1=next"]
    );
    assert!(
        revoke(revocation("next-1", KeyState::Next, None, &["next-2"]))
            .await
            .unwrap()
    );
    assert_eq!(
        states(&load(&world).await),
        ["next-0=active", "next-2=next"]
    );
    assert_eq!(announced(&world).await, 3);
    assert_eq!(world.count_events(EventKind::KeyRevoked).await, 2);
    let entry = world.entry(EventKind::KeyActivated);
    let again = key(&world, "active-0", KeyState::Active);
    let taken = ports
        .keys
        .import_key(again, Algorithm::Es256, at(99), entry);
    assert!(!taken.await.unwrap(), "a revoked key never signs again");
}

async fn an_imported_key_retires_the_active_one(ports: Ports) {
    let world = World::new(ports.clone()).await;
    ensure(&world, ring(&world, 0)).await;
    let import = || {
        let entry = world.entry(EventKind::KeyActivated);
        let imported = key(&world, "imported", KeyState::Active);
        ports
            .keys
            .import_key(imported, Algorithm::Es256, at(60), entry)
    };
    assert!(import().await.unwrap());
    assert!(!import().await.unwrap(), "it is stored already");
    let states = states(&load(&world).await);
    assert_eq!(
        states,
        ["active-0=retired", "imported=active", "next-0=next"]
    );
    assert_eq!(load(&world).await[0].retired_at, Some(at(60)));
    assert_eq!(announced(&world).await, 2);
    assert_eq!(world.count_events(EventKind::KeyActivated).await, 1);

    let fresh = world.beside().await;
    let entry = fresh.entry(EventKind::KeyActivated);
    let first = key(&fresh, "imported", KeyState::Active);
    let imported = ports
        .keys
        .import_key(first, Algorithm::Es256, at(60), entry);
    assert!(imported.await.unwrap());
}

async fn a_key_is_sealed_anew(ports: Ports) {
    let world = World::new(ports.clone()).await;
    ensure(&world, ring(&world, 0)).await;
    let other = world.beside().await.tenant;
    for (tenant, sealed) in [(world.tenant, vec![1, 2, 3]), (other, vec![])] {
        let kid = "active-0".to_owned();
        ports.keys.reseal_key(tenant, kid, sealed).await.unwrap();
    }
    let keys = load(&world).await;
    assert_eq!(keys[0].sealed_private, [1, 2, 3]);
    assert_ne!(keys[1].sealed_private, [1, 2, 3]);
}
