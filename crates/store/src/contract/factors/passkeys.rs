//! Claims about passkeys.

use domain::event::EventKind;
use domain::factor::Passkey;
use domain::id::UserId;
use futures_util::future::join_all;
use serde_json::json;

use crate::contract::fixture::{HOSTILE, World, at};
use crate::port::Ports;
use crate::port::factors::{MAX_PASSKEYS, PasskeyBinding, UsePasskey};

crate::contract::claims!("factors":
    a_passkey_is_found_by_its_credential_id,
    a_credential_is_bound_once_in_a_tenant,
    an_account_has_at_most_20_passkeys,
    a_passkey_gets_another_name_from_its_owner_alone,
    a_use_is_recorded,
    a_counter_that_did_not_grow_is_refused,
    a_count_is_taken_once_of_50_at_once,
    a_passkey_without_a_counter_is_used_again_and_again,
    a_passkey_of_somebody_else_is_not_used,
);

async fn find(world: &World, passkey: &Passkey) -> Option<Passkey> {
    let factors = &world.ports.factors;
    let found = factors.find_passkey(world.tenant, passkey.credential_id.clone());
    found.await.unwrap()
}

async fn rename(world: &World, user: UserId, passkey: &Passkey, name: &str) -> bool {
    let entry = world.entry(EventKind::FactorRenamed).about(&user);
    let factors = &world.ports.factors;
    let renamed = factors.rename_passkey(user, passkey.id, name.to_owned(), entry);
    renamed.await.unwrap()
}

fn using(world: &World, passkey: &Passkey, sign_count: u32) -> UsePasskey {
    UsePasskey {
        tenant: world.tenant,
        user: passkey.user,
        id: passkey.id,
        credential: json!({ "counter": sign_count }),
        sign_count,
        is_backed_up: true,
        at: at(60),
    }
}

async fn use_at(world: &World, passkey: &Passkey, sign_count: u32) -> bool {
    let used = using(world, passkey, sign_count);
    world.ports.factors.use_passkey(used).await.unwrap()
}

async fn a_passkey_is_found_by_its_credential_id(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    for name in HOSTILE {
        let mut passkey = world.passkey(user, at(0));
        name.clone_into(&mut passkey.name);
        passkey.sign_count = u32::MAX;
        passkey.is_backed_up = true;
        passkey.last_used_at = Some(at(1));
        assert_eq!(world.add_passkey(&passkey).await, PasskeyBinding::Bound);
        assert_eq!(find(&world, &passkey).await, Some(passkey));
    }
    assert_eq!(find(&world, &world.passkey(user, at(0))).await, None);
    let bound = world.factors(user).await.passkeys;
    let other = world.beside().await;
    assert_eq!(find(&other, &bound[0]).await, None);
    assert_eq!(world.waiting_mails().await, 6);
    assert_eq!(world.count_events(EventKind::FactorAdded).await, 6);
}

async fn a_credential_is_bound_once_in_a_tenant(ports: Ports) {
    let world = World::new(ports).await;
    let ada = world.register("ada@example.org").await.id;
    let bob = world.register("bob@example.org").await.id;
    let first = world.passkey(ada, at(0));
    let answers = join_all((0..20).map(|number| {
        let owner = if number % 2 == 0 { ada } else { bob };
        let mut passkey = world.passkey(owner, at(0));
        passkey.credential_id.clone_from(&first.credential_id);
        world.ports.factors.add_passkey(world.binding(&passkey))
    }));
    let answers = answers.await;
    let count = |what| answers.iter().filter(|answer| **answer == Ok(what)).count();
    assert_eq!(count(PasskeyBinding::Bound), 1);
    assert_eq!(count(PasskeyBinding::Taken), 19);
    assert_eq!(world.waiting_mails().await, 1);
    assert_eq!(world.count_events(EventKind::FactorAdded).await, 1);

    let other = world.beside().await;
    let eve = other.register("eve@example.org").await.id;
    let mut same = other.passkey(eve, at(0));
    same.credential_id = first.credential_id;
    assert_eq!(other.add_passkey(&same).await, PasskeyBinding::Bound);
}

async fn an_account_has_at_most_20_passkeys(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let passkeys: Vec<Passkey> = (0..25).map(|_| world.passkey(user, at(0))).collect();
    let answers = join_all(passkeys.iter().map(|key| world.add_passkey(key))).await;
    let count = |what| answers.iter().filter(|answer| **answer == what).count();
    assert_eq!(count(PasskeyBinding::Bound), 20);
    assert_eq!(count(PasskeyBinding::TooMany), 5);
    let bound = world.factors(user).await.passkeys;
    assert_eq!(u32::try_from(bound.len()), Ok(MAX_PASSKEYS));
    assert_eq!(world.waiting_mails().await, 20);
    let again = world.add_passkey(&bound[0]).await;
    assert_eq!(again, PasskeyBinding::Taken, "that is said first");
    let bob = world.register("bob@example.org").await.id;
    world.bind_passkey(bob).await;
}

async fn a_passkey_gets_another_name_from_its_owner_alone(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let bob = world.register("bob@example.org").await.id;
    let other = world.beside().await;
    let mut passkey = world.bind_passkey(user).await;
    assert!(!rename(&world, bob, &passkey, "mine").await);
    assert!(!rename(&other, user, &passkey, "mine").await);
    assert_eq!(find(&world, &passkey).await, Some(passkey.clone()));
    assert_eq!(world.count_events(EventKind::FactorRenamed).await, 0);
    for name in HOSTILE {
        assert!(rename(&world, user, &passkey, name).await);
        name.clone_into(&mut passkey.name);
        assert_eq!(find(&world, &passkey).await, Some(passkey.clone()));
    }
}

async fn a_use_is_recorded(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let bystander = world.bind_passkey(user).await;
    let passkey = world.bind_passkey(user).await;
    assert!(use_at(&world, &passkey, 9).await);
    let expected = Passkey {
        credential: json!({ "counter": 9 }),
        sign_count: 9,
        is_backed_up: true,
        last_used_at: Some(at(60)),
        ..passkey
    };
    assert_eq!(find(&world, &expected).await, Some(expected));
    assert_eq!(find(&world, &bystander).await, Some(bystander));
}

/// WebAuthn Level 3 §7.2 step 22: a count that is no greater is a signal that the authenticator may
/// have been cloned.
async fn a_counter_that_did_not_grow_is_refused(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let passkey = world.bind_passkey(user).await;
    for count in [0, 1, 6, 7] {
        assert!(!use_at(&world, &passkey, count).await, "{count}");
    }
    assert_eq!(find(&world, &passkey).await, Some(passkey.clone()));
    assert!(use_at(&world, &passkey, u32::MAX).await);
    assert!(!use_at(&world, &passkey, u32::MAX).await);
}

async fn a_count_is_taken_once_of_50_at_once(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let passkey = world.bind_passkey(user).await;
    let used = join_all((0..50).map(|_| use_at(&world, &passkey, 8))).await;
    assert_eq!(used.into_iter().filter(|used| *used).count(), 1);
}

async fn a_passkey_without_a_counter_is_used_again_and_again(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let mut passkey = world.passkey(user, at(0));
    passkey.sign_count = 0;
    assert_eq!(world.add_passkey(&passkey).await, PasskeyBinding::Bound);
    assert!(use_at(&world, &passkey, 0).await);
    assert!(use_at(&world, &passkey, 0).await);
    assert!(use_at(&world, &passkey, 1).await, "it begins to count");
    assert!(
        !use_at(&world, &passkey, 0).await,
        "and counts from then on"
    );
}

async fn a_passkey_of_somebody_else_is_not_used(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let bob = world.register("bob@example.org").await.id;
    let other = world.beside().await;
    let passkey = world.bind_passkey(user).await;
    let strange = Passkey {
        user: bob,
        ..passkey.clone()
    };
    assert!(!use_at(&world, &strange, 9).await);
    assert!(!use_at(&other, &passkey, 9).await);
    assert!(!use_at(&world, &world.passkey(user, at(0)), 9).await);
    assert_eq!(find(&world, &passkey).await, Some(passkey));
}
