//! Claims about counters of failed sign-ins.

use std::time::Duration;

use domain::attempt::{AttemptKey, AttemptKeys, AttemptPolicy, AttemptVerdict};
use domain::event::EventKind;
use futures_util::future::join_all;

use crate::contract::fixture::{World, at};
use crate::port::Ports;

super::claims!("attempts":
    five_of_fifty_concurrent_guesses_are_granted,
    a_delayed_guess_is_not_paid_for,
    a_refund_gives_one_guess_back,
    a_cleared_count_begins_anew,
    failures_under_an_older_key_count_under_the_newest,
    a_count_is_cleared_under_every_key,
    nist_sp_800_63b_4_3_2_2_a_hundred_failures_disable,
    accounts_and_tenants_are_counted_apart,
    a_failure_is_recorded,
);

const KEY: AttemptKey = AttemptKey([9; 32]);

const fn granted(failures: u32) -> AttemptVerdict {
    AttemptVerdict::Granted { failures }
}

async fn claim(world: &World, key: AttemptKey, second: i64) -> AttemptVerdict {
    let claim = world.attempt(key, at(second));
    world.ports.attempts.claim_attempt(claim).await.unwrap()
}

async fn five_of_fifty_concurrent_guesses_are_granted(ports: Ports) {
    let world = World::new(ports).await;
    let verdicts = join_all((0..50).map(|_| claim(&world, KEY, 0))).await;
    let mut paid: Vec<u32> = verdicts
        .iter()
        .filter_map(|verdict| match verdict {
            AttemptVerdict::Granted { failures } => Some(*failures),
            _ => None,
        })
        .collect();
    paid.sort_unstable();
    assert_eq!(paid, [1, 2, 3, 4, 5]);
    let delayed = AttemptVerdict::Delayed { until: at(1) };
    assert_eq!(verdicts.iter().filter(|v| **v == delayed).count(), 45);
}

async fn a_delayed_guess_is_not_paid_for(ports: Ports) {
    let world = World::new(ports).await;
    for failures in 1..=5 {
        assert_eq!(claim(&world, KEY, 0).await, granted(failures));
    }
    let until = at(1);
    for _ in 0..3 {
        assert_eq!(
            claim(&world, KEY, 0).await,
            AttemptVerdict::Delayed { until }
        );
    }
    assert_eq!(claim(&world, KEY, 1).await, granted(6));
    let until = at(3);
    assert_eq!(
        claim(&world, KEY, 2).await,
        AttemptVerdict::Delayed { until }
    );
    assert_eq!(claim(&world, KEY, 3).await, granted(7));
}

async fn a_refund_gives_one_guess_back(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let refund = || ports.attempts.refund_attempt(world.tenant, KEY);
    refund().await.unwrap();
    for failures in 1..=5 {
        assert_eq!(claim(&world, KEY, 0).await, granted(failures));
    }
    refund().await.unwrap();
    assert_eq!(claim(&world, KEY, 0).await, granted(5));
    for _ in 0..7 {
        refund().await.unwrap();
    }
    assert_eq!(
        claim(&world, KEY, 0).await,
        granted(1),
        "never below nothing"
    );
}

async fn a_cleared_count_begins_anew(ports: Ports) {
    let world = World::new(ports.clone()).await;
    for _ in 0..6 {
        claim(&world, KEY, 0).await;
    }
    let cleared = ports.attempts.clear_attempts(world.tenant, KEY.into());
    cleared.await.unwrap();
    assert_eq!(claim(&world, KEY, 0).await, granted(1));
}

/// The account of [`KEY`] where newer secrets are in front.
fn renamed(newest: u8) -> AttemptKeys {
    AttemptKeys {
        newest: AttemptKey([newest; 32]),
        older: vec![AttemptKey([7; 32]), KEY],
    }
}

async fn claim_renamed(world: &World, newest: u8, second: i64) -> AttemptVerdict {
    let mut claim = world.attempt(KEY, at(second));
    claim.keys = renamed(newest);
    world.ports.attempts.claim_attempt(claim).await.unwrap()
}

async fn failures_under_an_older_key_count_under_the_newest(ports: Ports) {
    let world = World::new(ports).await;
    for failures in 1..=4 {
        assert_eq!(claim(&world, KEY, 0).await, granted(failures));
    }
    assert_eq!(claim(&world, AttemptKey([7; 32]), 0).await, granted(1));
    assert_eq!(claim_renamed(&world, 1, 0).await, granted(5));
    let delayed = AttemptVerdict::Delayed { until: at(1) };
    assert_eq!(claim_renamed(&world, 1, 0).await, delayed);
    assert_eq!(claim_renamed(&world, 1, 1).await, granted(6));
    // When the old secret is dropped the count is there without it.
    let alone = claim(&world, AttemptKey([1; 32]), 100).await;
    assert_eq!(alone, granted(7));
    // A node that knows the old secret alone goes on with what it knows.
    assert_eq!(claim(&world, KEY, 100).await, granted(5));
}

async fn a_count_is_cleared_under_every_key(ports: Ports) {
    let world = World::new(ports.clone()).await;
    for _ in 0..4 {
        claim(&world, KEY, 0).await;
    }
    claim_renamed(&world, 1, 0).await;
    let cleared = ports.attempts.clear_attempts(world.tenant, renamed(1));
    cleared.await.unwrap();
    assert_eq!(claim_renamed(&world, 1, 0).await, granted(1));
}

async fn nist_sp_800_63b_4_3_2_2_a_hundred_failures_disable(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let mut impatient = world.attempt(KEY, at(0));
    impatient.policy = AttemptPolicy {
        delay_after: 1_000,
        lock_after: 1_000,
        lockout: Duration::ZERO,
        disable_after: 100,
    };
    let claims = (0..120).map(|_| ports.attempts.claim_attempt(impatient.clone()));
    let verdicts = join_all(claims).await;
    let disabled = verdicts
        .iter()
        .filter(|verdict| **verdict == Ok(AttemptVerdict::Disabled));
    assert_eq!(disabled.count(), 20);
    let verdict = claim(&world, KEY, 100_000_000).await;
    assert_eq!(verdict, AttemptVerdict::Disabled, "time does not heal it");
}

async fn accounts_and_tenants_are_counted_apart(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    let stranger = AttemptKey([8; 32]);
    for failures in 1..=5 {
        assert_eq!(claim(&world, KEY, 0).await, granted(failures));
    }
    assert_eq!(claim(&world, stranger, 0).await, granted(1));
    assert_eq!(claim(&other, KEY, 0).await, granted(1));
    let attempts = &ports.attempts;
    let cleared = attempts.clear_attempts(other.tenant, KEY.into());
    cleared.await.unwrap();
    attempts.refund_attempt(other.tenant, KEY).await.unwrap();
    let verdict = claim(&world, KEY, 0).await;
    assert!(matches!(verdict, AttemptVerdict::Delayed { .. }));
}

async fn a_failure_is_recorded(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let entry = world.entry(EventKind::LoginFailed).failed();
    ports.attempts.record_failure(entry).await.unwrap();
    let last = world.trail().await.pop().unwrap();
    assert_eq!(last.fields["event"], "login.failed");
    assert_eq!(last.fields["success"], false);
}
