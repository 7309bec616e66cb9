//! Claims about authenticator apps.

use domain::event::EventKind;
use domain::factor::Totp;
use futures_util::future::join_all;

use crate::contract::fixture::factors::FIRST_STEP;
use crate::contract::fixture::{World, at, bytes};
use crate::port::Ports;

crate::contract::claims!("factors":
    an_app_proves_nothing_until_it_is_confirmed,
    a_newer_secret_replaces_only_an_unconfirmed_one,
    an_app_is_confirmed_once,
    a_time_step_is_taken_once_of_50_at_once,
    a_step_is_not_taken_after_a_later_one,
    a_step_is_taken_of_ones_own_app_alone,
);

async fn take(world: &World, totp: &Totp, step: u64) -> bool {
    let factors = &world.ports.factors;
    let taken = factors.use_totp(world.tenant, totp.user, totp.created_at, step);
    taken.await.unwrap()
}

async fn an_app_proves_nothing_until_it_is_confirmed(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let mut totp = world.totp(user, at(0));
    // What a caller says of these does not count.
    totp.confirmed_at = Some(at(0));
    totp.last_step = Some(1);
    assert!(world.begin_totp(&totp).await);
    let stored = world.factors(user).await;
    assert_eq!(stored.totp, Some(unconfirmed(&totp)));
    assert!(!stored.is_any());
    assert!(!take(&world, &totp, FIRST_STEP).await);

    let confirmed = ports.factors.confirm_totp(world.confirmation(&totp));
    assert_eq!(confirmed.await, Ok(true));
    let stored = world.factors(user).await;
    let now = stored.confirmed_totp().unwrap();
    assert_eq!(now.confirmed_at, Some(at(30)));
    assert_eq!(now.last_step, Some(FIRST_STEP));
    assert!(
        !take(&world, &totp, FIRST_STEP).await,
        "the code that confirmed it is spent"
    );
    assert!(take(&world, &totp, FIRST_STEP + 1).await);
}

fn unconfirmed(totp: &Totp) -> Totp {
    Totp {
        confirmed_at: None,
        last_step: None,
        ..totp.clone()
    }
}

async fn a_newer_secret_replaces_only_an_unconfirmed_one(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (older, newer) = (world.totp(user, at(0)), world.totp(user, at(1)));
    assert!(world.begin_totp(&older).await);
    assert!(world.begin_totp(&newer).await);
    let late = ports.factors.confirm_totp(world.confirmation(&older));
    assert_eq!(late.await, Ok(false), "that secret is gone");
    assert_eq!(world.waiting_mails().await, 0);
    let confirmed = ports.factors.confirm_totp(world.confirmation(&newer));
    assert_eq!(confirmed.await, Ok(true));
    assert_eq!(world.waiting_mails().await, 1);

    let before = world.factors(user).await;
    assert_eq!(
        before.totp.as_ref().unwrap().sealed_secret,
        newer.sealed_secret
    );
    assert!(!world.begin_totp(&world.totp(user, at(2))).await);
    assert_eq!(world.factors(user).await, before);
    assert_eq!(world.count_events(EventKind::FactorBegun).await, 2);
    assert_eq!(world.count_events(EventKind::FactorAdded).await, 1);
}

async fn an_app_is_confirmed_once(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let totp = world.totp(user, at(0));
    assert!(world.begin_totp(&totp).await);
    let answers = join_all((0..20).map(|_| {
        let mut confirmation = world.confirmation(&totp);
        confirmation.backup_codes = vec![bytes(), bytes()];
        ports.factors.confirm_totp(confirmation)
    }));
    let answers = answers.await;
    let won = answers.iter().filter(|answer| **answer == Ok(true));
    assert_eq!(won.count(), 1);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(world.factors(user).await.backup_codes, 2);
    assert_eq!(world.waiting_mails().await, 1);
    assert_eq!(world.count_events(EventKind::FactorAdded).await, 1);
}

async fn a_time_step_is_taken_once_of_50_at_once(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let totp = world.bind_totp(user, &[]).await;
    let taken = join_all((0..50).map(|_| take(&world, &totp, FIRST_STEP + 1))).await;
    assert_eq!(taken.into_iter().filter(|taken| *taken).count(), 1);
    let stored = world.factors(user).await.totp.unwrap();
    assert_eq!(stored.last_step, Some(FIRST_STEP + 1));
}

/// RFC 6238 §5.2: "The verifier MUST NOT accept the second attempt of the OTP after the successful
/// validation has been issued for the first OTP".
async fn a_step_is_not_taken_after_a_later_one(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let totp = world.bind_totp(user, &[]).await;
    assert!(take(&world, &totp, FIRST_STEP + 5).await);
    for step in [0, FIRST_STEP, FIRST_STEP + 4, FIRST_STEP + 5] {
        assert!(!take(&world, &totp, step).await, "{step}");
    }
    assert!(take(&world, &totp, FIRST_STEP + 6).await);
}

async fn a_step_is_taken_of_ones_own_app_alone(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let totp = world.bind_totp(user, &[]).await;
    let bob = world.register("bob@example.org").await.id;
    let other = world.beside().await;
    let mut strange = totp.clone();
    strange.user = bob;
    let mut replaced = totp.clone();
    replaced.created_at = at(1);
    assert!(!take(&world, &strange, FIRST_STEP + 1).await);
    assert!(!take(&other, &totp, FIRST_STEP + 1).await);
    assert!(!take(&world, &replaced, FIRST_STEP + 1).await);

    let begun = world.totp(bob, at(0));
    assert!(world.begin_totp(&begun).await);
    let foreign = ports.factors.confirm_totp(other.confirmation(&begun));
    assert_eq!(foreign.await, Ok(false));
    assert_eq!(world.factors(bob).await.totp, Some(begun));
    assert_eq!(world.factors(user).await.totp, Some(totp));
}
