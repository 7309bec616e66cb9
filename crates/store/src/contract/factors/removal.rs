//! Claims about taking factors from accounts.

use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::factor::Factors;
use domain::id::{PasskeyId, UserId};
use futures_util::future::join_all;

use crate::contract::fixture::{Entropy, World, at, bytes, much_later};
use crate::port::Ports;
use crate::port::factors::{BoundFactor, RemoveAllFactors, RemoveFactor};
use crate::port::sessions::{EndedSessions, Rotation};

crate::contract::claims!("factors":
    the_last_factor_takes_the_backup_codes_along,
    an_app_that_was_never_confirmed_is_no_factor,
    what_is_not_bound_is_not_removed,
    one_of_20_removals_at_once_removes,
    of_two_last_factors_removed_at_once_no_code_is_left,
    a_reset_takes_every_factor_and_ends_every_session,
    nobody_is_reset,
);

async fn remove(world: &World, user: UserId, which: BoundFactor) -> bool {
    let removal = RemoveFactor {
        tenant: world.tenant,
        user,
        which,
        notice: Some(world.mail(at(60))),
        entry: world.entry(EventKind::FactorRemoved).about(&user),
    };
    world.ports.factors.remove_factor(removal).await.unwrap()
}

async fn reset(world: &World, user: UserId) -> Option<EndedSessions> {
    let removal = RemoveAllFactors {
        tenant: world.tenant,
        user,
        remember_until: much_later(),
        notice: Some(world.mail(at(60))),
        entry: world.entry_at(EventKind::FactorsReset, at(60)).about(&user),
    };
    let factors = &world.ports.factors;
    factors.remove_all_factors(removal).await.unwrap()
}

async fn the_last_factor_takes_the_backup_codes_along(ports: Ports) {
    let world = World::new(ports).await;
    for is_app_last in [false, true] {
        let name = format!("ada{is_app_last}@example.org");
        let user = world.register(&name).await.id;
        let passkey = BoundFactor::Passkey(world.bind_passkey(user).await.id);
        world.bind_totp(user, &[bytes(), bytes()]).await;
        let (first, last) = if is_app_last {
            (passkey, BoundFactor::Totp)
        } else {
            (BoundFactor::Totp, passkey)
        };
        let before = world.waiting_mails().await;
        assert!(remove(&world, user, first).await);
        assert_eq!(world.factors(user).await.backup_codes, 2);
        assert!(world.factors(user).await.is_any());
        assert!(remove(&world, user, last).await);
        assert_eq!(world.factors(user).await, Factors::default());
        assert_eq!(world.waiting_mails().await, before + 2);
    }
    assert_eq!(world.count_events(EventKind::FactorRemoved).await, 4);
}

/// Codes that stood in for a secret that nobody can show would outlive every factor.
async fn an_app_that_was_never_confirmed_is_no_factor(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let mut binding = world.binding(&world.passkey(user, at(0)));
    let passkey = binding.passkey.id;
    binding.backup_codes = vec![bytes(), bytes()];
    ports.factors.add_passkey(binding).await.unwrap();
    let begun = world.totp(user, at(0));
    assert!(world.begin_totp(&begun).await);
    assert!(!remove(&world, user, BoundFactor::Totp).await);
    assert!(remove(&world, user, BoundFactor::Passkey(passkey)).await);
    let left = Factors {
        totp: Some(begun),
        ..Factors::default()
    };
    assert_eq!(world.factors(user).await, left);
}

async fn what_is_not_bound_is_not_removed(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let bob = world.register("bob@example.org").await.id;
    let other = world.beside().await;
    let passkey = BoundFactor::Passkey(world.bind_passkey(user).await.id);
    let bound = world.factors(user).await;
    let before = world.waiting_mails().await;
    let unknown = BoundFactor::Passkey(PasskeyId::generate(at(0), &Entropy));
    assert!(!remove(&world, user, BoundFactor::Totp).await);
    assert!(!remove(&world, user, unknown).await);
    assert!(!remove(&world, bob, passkey).await);
    assert!(!remove(&other, user, passkey).await);
    assert_eq!(world.factors(user).await, bound);
    assert_eq!(world.waiting_mails().await, before);
    assert_eq!(world.count_events(EventKind::FactorRemoved).await, 0);
    assert_eq!(other.count_events(EventKind::FactorRemoved).await, 0);
}

async fn one_of_20_removals_at_once_removes(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    world.bind_totp(user, &[bytes()]).await;
    let before = world.waiting_mails().await;
    let removed = join_all((0..20).map(|_| remove(&world, user, BoundFactor::Totp))).await;
    assert_eq!(removed.into_iter().filter(|removed| *removed).count(), 1);
    assert_eq!(world.waiting_mails().await, before + 1);
    assert_eq!(world.count_events(EventKind::FactorRemoved).await, 1);
}

async fn of_two_last_factors_removed_at_once_no_code_is_left(ports: Ports) {
    let world = World::new(ports).await;
    for number in 0..10 {
        let name = format!("ada{number}@example.org");
        let user = world.register(&name).await.id;
        let passkey = BoundFactor::Passkey(world.bind_passkey(user).await.id);
        world.bind_totp(user, &[bytes(), bytes()]).await;
        let removals = [passkey, BoundFactor::Totp].map(|which| remove(&world, user, which));
        assert_eq!(join_all(removals).await, [true, true]);
        assert_eq!(world.factors(user).await, Factors::default());
    }
}

async fn a_reset_takes_every_factor_and_ends_every_session(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let bob = world.register("bob@example.org").await.id;
    let (one, family) = world.sign_in(user).await;
    let (two, _) = world.sign_in(user).await;
    let (_, kept) = world.sign_in(bob).await;
    for user in [user, bob] {
        world.bind_passkey(user).await;
        world.bind_totp(user, &[bytes()]).await;
    }
    let bound = world.factors(bob).await;
    let before = world.waiting_mails().await;

    let mut ended = reset(&world, user).await.unwrap();
    ended.sort_unstable();
    let mut both = [one.id, two.id];
    both.sort_unstable();
    assert_eq!(ended, both);
    assert_eq!(world.factors(user).await, Factors::default());
    for id in both {
        let told = ChangeKind::SessionEnded(id);
        assert!(world.changes().await.contains(&told));
    }
    let turn = ports
        .sessions
        .rotate_refresh(world.turn(&family, 1, at(61)));
    assert_eq!(turn.await, Ok(Rotation::Ended));
    assert_eq!(world.waiting_mails().await, before + 1);
    assert_eq!(world.count_events(EventKind::FactorsReset).await, 1);

    assert_eq!(world.factors(bob).await, bound);
    let turn = ports.sessions.rotate_refresh(world.turn(&kept, 1, at(61)));
    assert!(matches!(turn.await, Ok(Rotation::Granted(_))));
    let again = reset(&world, user).await;
    assert_eq!(again, Some(vec![]), "there is such an account");
}

async fn nobody_is_reset(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let (_, family) = world.sign_in(user).await;
    world.bind_passkey(user).await;
    let before = world.waiting_mails().await;
    let other = world.beside().await;
    let stranger = UserId::generate(at(0), &Entropy);
    assert_eq!(reset(&other, user).await, None);
    assert_eq!(reset(&world, stranger).await, None);
    assert_eq!(world.waiting_mails().await, before);
    assert!(world.factors(user).await.is_any());
    let rotate = world
        .ports
        .sessions
        .rotate_refresh(world.turn(&family, 1, at(61)));
    assert!(matches!(rotate.await, Ok(Rotation::Granted(_))));
}
