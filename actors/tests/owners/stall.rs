//! A store that hangs, or is slow: every caller hears of it within two seconds, however many wait,
//! and no owner is taken for frozen.

use std::sync::Arc;
use std::time::Duration;

use actors::attempts::{Attempts, Claimed, attempts};
use actors::deadline::Deadline;
use actors::sessions::sessions;
use actors::supervision::{Tree, TreeView};
use domain::attempt::{AttemptClaim, AttemptKey, AttemptKeys, AttemptVerdict};
use domain::event::{Entry, EventKind};
use domain::id::{FamilyId, TenantId, UserId};
use domain::random::Counting;
use domain::rejection::Fault;
use domain::session::{EndReason, Session};
use domain::time::UnixMillis;
use futures_util::future::{join_all, pending};
use store::contract::fixture::{at, origin};
use store::port::Pending;
use store::port::attempts as attempts_port;
use store::port::sessions as port;
use store::port::sessions::{
    EndTarget, EndedFamilies, EndedSessions, Ending, Granted, NewSession, Redeemed, Redemption,
    Rotation, Turn, Withdrawal,
};
use tokio::time::{Instant, sleep};

use crate::house::{POLICY, raise};

/// What the contract promises (§11).
const PROMISED: Duration = Duration::from_secs(2);

/// A store that answers nothing.
struct Hung;

impl port::Sessions for Hung {
    fn begin_session(&self, _new: NewSession) -> Pending<'_, Option<EndedSessions>> {
        Box::pin(pending())
    }

    fn step_up_session(&self, _step: port::StepUp) -> Pending<'_, bool> {
        Box::pin(pending())
    }

    fn rotate_refresh(&self, _turn: Turn) -> Pending<'_, Rotation> {
        Box::pin(pending())
    }

    fn redeem_code(&self, _redemption: Redemption) -> Pending<'_, Redeemed> {
        Box::pin(pending())
    }

    fn end_sessions(&self, _ending: Ending) -> Pending<'_, EndedSessions> {
        Box::pin(pending())
    }

    fn withdraw_consent(&self, _withdrawal: Withdrawal) -> Pending<'_, Option<EndedFamilies>> {
        Box::pin(pending())
    }

    fn revoke_access(
        &self,
        _tenant: TenantId,
        _jti: String,
        _expires_at: UnixMillis,
        _entry: Entry,
    ) -> Pending<'_, ()> {
        Box::pin(pending())
    }

    fn load_family_client(
        &self,
        _tenant: TenantId,
        _family: FamilyId,
    ) -> Pending<'_, Option<String>> {
        Box::pin(pending())
    }

    fn load_family(
        &self,
        _tenant: TenantId,
        _family: FamilyId,
        _client: String,
    ) -> Pending<'_, Option<Granted>> {
        Box::pin(pending())
    }

    fn list_sessions(
        &self,
        _tenant: TenantId,
        _user: UserId,
        _now: UnixMillis,
    ) -> Pending<'_, Vec<Session>> {
        Box::pin(pending())
    }
}

/// A store that counts nothing, grants everything, and takes so long for each verb.
struct Slow(Duration);

impl Slow {
    fn after<T: Send + 'static>(&self, answer: T) -> Pending<'_, T> {
        Box::pin(async move {
            sleep(self.0).await;
            Ok(answer)
        })
    }
}

impl attempts_port::Attempts for Slow {
    fn claim_attempt(&self, _claim: AttemptClaim) -> Pending<'_, AttemptVerdict> {
        self.after(AttemptVerdict::Granted { failures: 1 })
    }

    fn refund_attempt(&self, _tenant: TenantId, _key: AttemptKey) -> Pending<'_, ()> {
        self.after(())
    }

    fn clear_attempts(&self, _tenant: TenantId, _keys: AttemptKeys) -> Pending<'_, ()> {
        self.after(())
    }

    fn record_failure(&self, _entry: Entry) -> Pending<'_, ()> {
        self.after(())
    }
}

fn tenant() -> TenantId {
    TenantId::generate(at(0), &Counting::default())
}

/// The request's own deadline, far behind what an outage may take.
fn request() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

fn restarts(view: &TreeView) -> u32 {
    view.restarts + view.children.iter().map(restarts).sum::<u32>()
}

async fn slow(span: Duration) -> (Attempts, Tree) {
    let store: Arc<dyn attempts_port::Attempts> = Arc::new(Slow(span));
    let (attempts, specs) = attempts(&store, POLICY);
    (attempts, raise(specs).await)
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_of_one_shard_hear_of_a_hung_store_within_two_seconds() {
    let (sessions, specs) = sessions(Arc::new(Hung), true);
    let tree = raise(specs).await;
    let family = FamilyId::generate(at(0), &Counting::default());
    let began = Instant::now();
    let end = || async {
        let ending = Ending {
            tenant: tenant(),
            target: EndTarget::Family(family),
            reason: EndReason::Logout,
            now: at(0),
            remember_until: at(60),
            entry: Entry::new(EventKind::TokenRevoked, &origin(tenant(), at(0))),
        };
        let answer = sessions.end(ending, request()).await;
        assert!(matches!(answer, Err(Fault::Store(_))), "{answer:?}");
        assert!(began.elapsed() <= PROMISED, "{:?}", began.elapsed());
    };
    join_all((0..100).map(|_| end())).await;
    // What lies in the mailbox is dropped, not worked off: the next caller's wait is as short.
    let (later, user) = (
        Instant::now(),
        UserId::generate(at(0), &Counting::default()),
    );
    let listed = sessions.list(tenant(), user, at(0), request()).await;
    assert!(matches!(listed, Err(Fault::Store(_))));
    assert!(later.elapsed() <= PROMISED);
    sleep(Duration::from_secs(10)).await;
    assert_eq!((sessions.depth(), restarts(&tree.observe())), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_hundred_claims_on_a_hung_store_are_answered_within_two_seconds() {
    let (attempts, tree) = slow(Duration::from_mins(10)).await;
    let began = Instant::now();
    let claim = || async {
        let claimed = attempts.claim(tenant(), AttemptKey([7; 32]), at(0), request());
        let claimed = claimed.await;
        assert!(
            matches!(claimed, Err(Fault::Store(_) | Fault::Busy(_))),
            "{claimed:?}"
        );
        assert!(began.elapsed() <= PROMISED, "{:?}", began.elapsed());
    };
    join_all((0..100).map(|_| claim())).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(restarts(&tree.observe()), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_gets_no_shard_taken_for_frozen() {
    let (attempts, tree) = slow(Duration::from_millis(1_500)).await;
    let key = AttemptKey([7; 32]);
    let ticket = async || match attempts.claim(tenant(), key, at(0), request()).await {
        Ok(Claimed::Granted(ticket)) => Some(ticket),
        _ => None,
    };
    let mut held = Vec::new();
    for _ in 0..4 {
        held.extend(ticket().await);
    }
    assert_eq!(held.len(), 4);
    // They wait in line, and are all let in at once when the four are done.
    let line = join_all((0..12).map(|_| ticket()));
    let free = async {
        sleep(Duration::from_secs(5)).await;
        for ticket in held {
            ticket.succeed();
        }
    };
    let (looks, ()) = tokio::join!(line, free);
    assert!(looks.iter().flatten().count() > 4, "they had their turn");
    assert_eq!(restarts(&tree.observe()), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_behind_a_stranded_ticket_is_told_at_once() {
    let (attempts, _tree) = slow(Duration::from_millis(10)).await;
    let key = AttemptKey([7; 32]);
    let claim = || attempts.claim(tenant(), key, at(0), request());
    let mut held = Vec::new();
    for _ in 0..4 {
        if let Ok(Claimed::Granted(ticket)) = claim().await {
            held.push(ticket);
        }
    }
    let fault = Fault::Store("away".to_owned());
    let began = Instant::now();
    let strand = async {
        sleep(Duration::from_secs(3)).await;
        held.remove(0).strand(fault.clone(), request());
    };
    let fifth = claim().await;
    let (behind, ()) = tokio::join!(claim(), strand);
    assert!(matches!(fifth, Ok(Claimed::Granted(_))), "{fifth:?}");
    assert!(matches!(&behind, Err(told) if *told == fault), "{behind:?}");
    assert!(began.elapsed() < Duration::from_secs(4));
}
