//! Claims about what is bound to accounts.

use domain::event::EventKind;
use domain::factor::Factors;
use domain::id::UserId;
use domain::user::{UserPatch, UserStatus};

use crate::contract::fixture::factors::FIRST_STEP;
use crate::contract::fixture::{World, at, bytes, much_later};
use crate::port::Ports;
use crate::port::factors::PasskeyBinding;

mod backup_codes;
mod passkeys;
mod recovery;
mod removal;
mod totp;

crate::contract::claims!("factors" in whole_accounts:
    everything_that_is_bound_is_loaded_oldest_first,
    an_account_that_may_not_sign_in_binds_nothing,
    a_deleted_account_takes_its_factors_along,
);

pub(super) fn cases() -> Vec<crate::contract::Case> {
    [
        whole_accounts(),
        totp::cases(),
        backup_codes::cases(),
        passkeys::cases(),
        removal::cases(),
        recovery::cases(),
    ]
    .concat()
}

async fn lock(world: &World, user: UserId) {
    let patch = UserPatch {
        status: Some(UserStatus::Locked),
        ..UserPatch::default()
    };
    let entry = world.entry(EventKind::UserLocked).about(&user);
    let users = &world.ports.users;
    let locked = users.update_user(user, patch, much_later(), entry);
    locked.await.unwrap();
}

async fn everything_that_is_bound_is_loaded_oldest_first(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    assert_eq!(world.factors(user).await, Factors::default());
    let newer = world.passkey(user, at(9));
    let older = world.passkey(user, at(1));
    for passkey in [&newer, &older] {
        assert_eq!(world.add_passkey(passkey).await, PasskeyBinding::Bound);
    }
    let totp = world.bind_totp(user, &[bytes(), bytes()]).await;
    let expected = Factors {
        totp: Some(totp),
        passkeys: vec![older, newer],
        backup_codes: 2,
    };
    assert_eq!(world.factors(user).await, expected);
    let bystander = world.register("bob@example.org").await.id;
    assert_eq!(world.factors(bystander).await, Factors::default());
    let other = world.beside().await;
    assert_eq!(other.factors(user).await, Factors::default());
}

/// A lock between a flow's look and the commit wins.
async fn an_account_that_may_not_sign_in_binds_nothing(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let begun = world.totp(user, at(0));
    assert!(world.begin_totp(&begun).await);
    lock(&world, user).await;

    assert!(!world.begin_totp(&world.totp(user, at(1))).await);
    let confirmed = ports.factors.confirm_totp(world.confirmation(&begun));
    assert_eq!(confirmed.await, Ok(false));
    let passkey = world.passkey(user, at(1));
    assert_eq!(world.add_passkey(&passkey).await, PasskeyBinding::Missing);
    assert_eq!(world.waiting_mails().await, 0);
    assert_eq!(world.count_events(EventKind::FactorAdded).await, 0);
    assert_eq!(world.factors(user).await.totp, Some(begun));
}

async fn a_deleted_account_takes_its_factors_along(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let passkey = world.bind_passkey(user).await;
    let totp = world.bind_totp(user, &[bytes()]).await;
    let entry = world.entry(EventKind::UserDeleted).about(&user);
    let deleted = ports
        .users
        .delete_user(user, None, much_later(), entry)
        .await;
    assert_eq!(deleted, Ok(Some(vec![])));

    assert_eq!(world.factors(user).await, Factors::default());
    let found = ports
        .factors
        .find_passkey(world.tenant, passkey.credential_id.clone());
    assert_eq!(found.await, Ok(None));
    let used = ports
        .factors
        .use_totp(world.tenant, user, totp.created_at, FIRST_STEP + 1);
    assert_eq!(used.await, Ok(false));
    assert!(!world.begin_totp(&world.totp(user, at(2))).await);
    let mut same = world.passkey(world.register("ada@example.org").await.id, at(2));
    same.credential_id = passkey.credential_id;
    assert_eq!(world.add_passkey(&same).await, PasskeyBinding::Bound);
}
