//! Attempts: parallel guesses, right passwords at once, and what a ticket's end means.

use std::time::Duration;

use actors::attempts::{Attempts, Claimed, Ticket, attempts};
use actors::supervision::Tree;
use domain::attempt::AttemptKey;
use domain::event::EventKind;
use domain::rejection::Fault;
use domain::time::UnixMillis;
use futures_util::future::join_all;
use store::contract::fixture::{at, bytes};

use crate::house::{House, POLICY, SOON, in_time, raise, within};

struct Guarded {
    house: House,
    attempts: Attempts,
    key: AttemptKey,
    _tree: Tree,
}

impl Guarded {
    async fn new() -> Self {
        let house = House::new().await;
        let (attempts, specs) = attempts(&house.ports.attempts, POLICY);
        Self {
            house,
            attempts,
            key: AttemptKey(bytes()),
            _tree: raise(specs).await,
        }
    }

    async fn claim(&self) -> Result<Claimed, Fault> {
        self.claim_at(at(0)).await
    }

    async fn claim_at(&self, now: UnixMillis) -> Result<Claimed, Fault> {
        let tenant = self.house.world.tenant;
        self.attempts.claim(tenant, self.key, now, in_time()).await
    }

    async fn ticket(&self) -> Ticket {
        match self.claim().await.unwrap() {
            Claimed::Granted(ticket) => ticket,
            other => panic!("not granted: {other:?}"),
        }
    }

    /// Guesses wrong if allowed to. Says whether it was.
    async fn guess(&self) -> bool {
        match self.claim().await {
            Ok(Claimed::Granted(ticket)) => {
                let entry = self.house.world.entry(EventKind::LoginFailed).failed();
                ticket.fail(entry, in_time()).await.unwrap();
                true
            }
            _ => false,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_parallel_wrong_guesses_get_five_looks_before_the_delay() {
    let guarded = Guarded::new().await;
    let looks = join_all((0..50).map(|_| guarded.guess())).await;
    assert_eq!(looks.into_iter().filter(|looked| *looked).count(), 5);
    let failures = guarded.house.world.count_events(EventKind::LoginFailed);
    assert_eq!(failures.await, 5);
    assert!(matches!(guarded.claim().await, Ok(Claimed::Delayed { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_right_passwords_at_once_all_succeed() {
    let guarded = Guarded::new().await;
    let world = &guarded.house.world;
    let user = world.register("ada@example.org").await;
    let sign_in = || async {
        let ticket = guarded.ticket().await;
        let mut new = world.sign_in_at(user.id, at(0));
        new.clear_attempts = Some(guarded.key.into());
        assert!(
            guarded
                .house
                .ports
                .sessions
                .begin_session(new)
                .await
                .unwrap()
                .is_some()
        );
        ticket.succeed();
    };
    join_all((0..20).map(|_| sign_in())).await;
    assert!(matches!(guarded.claim().await, Ok(Claimed::Granted(_))));
}

#[tokio::test]
async fn an_attempt_beyond_the_delay_waits_for_the_one_before() {
    let guarded = Guarded::new().await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(guarded.ticket().await);
    }
    let sixth = guarded.claim();
    tokio::pin!(sixth);
    tokio::select! {
        biased;
        answer = &mut sixth => panic!("did not wait: {answer:?}"),
        second = guarded.house.world.events() => drop(second),
    }
    held.clear();
    assert!(matches!(sixth.await, Ok(Claimed::Delayed { .. })));
}

#[tokio::test]
async fn a_dropped_ticket_leaves_the_price_paid_and_frees_the_place() {
    let guarded = Guarded::new().await;
    for _ in 0..5 {
        drop(guarded.ticket().await);
    }
    let delayed = guarded.claim().await;
    let Ok(Claimed::Delayed { until }) = delayed else {
        panic!("not delayed: {delayed:?}");
    };
    let waits = until.since(at(0));
    assert!(waits <= Duration::from_secs(2), "{waits:?}");
}

#[tokio::test]
async fn a_refunded_attempt_costs_nothing() {
    let guarded = Guarded::new().await;
    for _ in 0..12 {
        guarded.ticket().await.refund(in_time()).await.unwrap();
    }
    assert!(guarded.guess().await);
}

#[tokio::test]
async fn accounts_are_counted_apart() {
    let mut guarded = Guarded::new().await;
    for _ in 0..5 {
        assert!(guarded.guess().await);
    }
    assert!(!guarded.guess().await);
    guarded.key = AttemptKey(bytes());
    assert!(guarded.guess().await);
}

#[tokio::test]
async fn the_line_of_one_account_is_bounded() {
    let guarded = Guarded::new().await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(guarded.ticket().await);
    }
    let many = join_all((0..30).map(|_| guarded.claim()));
    let free = async {
        let stand_in_line = || async { guarded.attempts.depth() == 16 };
        within(SOON, "the rest has been sent away", stand_in_line).await;
        held.clear();
    };
    let (answers, ()) = tokio::join!(many, free);
    let busy = answers.iter().filter(|a| matches!(a, Err(Fault::Busy(_))));
    assert_eq!(busy.count(), 30 - 16);
    let looks = answers
        .iter()
        .filter(|a| matches!(a, Ok(Claimed::Granted(_))));
    assert_eq!(looks.count(), 0, "five failures were paid for");
}

#[tokio::test]
async fn requests_that_come_in_out_of_order_are_not_taken_for_hasty() {
    let guarded = Guarded::new().await;
    let later = at(0) + Duration::from_millis(50);
    for now in [later, at(0), later, at(0)] {
        let claimed = guarded.claim_at(now).await;
        assert!(matches!(claimed, Ok(Claimed::Granted(_))), "{claimed:?}");
    }
}
