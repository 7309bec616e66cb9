//! Notices of ended sessions: this task alone claims them, has them given, and settles them (OpenID
//! Connect Back-Channel Logout §2.5).
//!
//! Whatever ends a session leaves a notice for each of its clients in the same commit. This task claims
//! what is due, up to sixteen at once, and hands each to the [`Teller`], which signs a logout token and
//! posts it. A failure is retried with growing waits, twelve times in all, some seven hours; then the
//! notice is given up and kept for operators to see.
//!
//! Giving is at least once: a crash between giving and writing it down gives again after the claim's
//! lease, with another token. Nobody waits for it: signing out is answered before.
//!
//! A restart loses nothing: notices are stored until they are settled. There is no mailbox: a nudge is
//! a hint, and the store is looked into every few seconds besides.
//!
//! Next: `rounds` for how the task goes on, `schedule` for the waits.

use std::sync::Arc;
use std::time::Duration;

use domain::notice::Notice;
use domain::random::Random;
use domain::rejection::Fault;
use domain::time::Clock;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use store::port::Pending;
use store::port::notices::Notices as Store;
use tokio::time::timeout;

use crate::patience::patiently;
use crate::rounds::{LEASE, Pager, Rounds, run};
use crate::schedule::{self, Next};
use crate::supervision::ChildSpec;

/// How long notices under way may take to finish when the service stops.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How long the teller may take with one notice.
const TELLER_PATIENCE: Duration = Duration::from_secs(15);

/// Tells clients.
pub trait Teller: Send + Sync + 'static {
    /// Tells one client that a session it knows has ended. One that is not to be told any more counts
    /// as told. What went wrong is said for operators: no secret and no address.
    fn tell(&self, notice: Notice) -> BoxFuture<'_, Result<(), String>>;
}

/// Everything the task needs from outside.
pub struct NoticesNeeds {
    /// The notices' port, held by this task alone.
    pub notices: Arc<dyn Store>,
    /// Who tells.
    pub teller: Arc<dyn Teller>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Spreads retries.
    pub random: Arc<dyn Random>,
}

/// Speaks to the task. Clones speak to the same one.
#[derive(Debug, Clone, Default)]
pub struct Notices(Pager);

/// Gives the notices as they come to be due.
struct Herald(NoticesNeeds);

// === impl Notices ===

impl Notices {
    /// Makes the task's child spec. The handle comes first, because the teller is a flow's, and flows
    /// have the handle.
    #[must_use]
    pub fn spec(&self, needs: NoticesNeeds) -> ChildSpec {
        let (herald, pager) = (Arc::new(Herald(needs)), self.0.clone());
        let spec = ChildSpec::task("notices", move |stop| {
            run(Arc::clone(&herald), pager.clone(), stop).boxed()
        });
        spec.stopping_within(STOP_WITHIN).tolerant()
    }

    /// Says that a session ended. A hint: it never fails and never waits.
    pub fn nudge(&self) {
        self.0.nudge();
    }

    /// Gives how many notices waited at the last count, which is a few seconds old at most while the
    /// store can be reached.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.0.waiting()
    }
}

// === impl Herald ===

impl Rounds for Herald {
    type Job = Notice;

    const AT_ONCE: usize = 16;
    const NAME: &'static str = "notices of ended sessions";

    fn claim(&self, limit: u32) -> Pending<'_, Vec<Notice>> {
        let now = self.0.clock.now();
        self.0.notices.claim_notices(limit, now, LEASE)
    }

    fn count(&self) -> Pending<'_, u64> {
        self.0.notices.count_notices()
    }

    /// Gives one notice and writes down what became of it.
    async fn carry(&self, notice: Notice) {
        let told = self.tell(&notice).await;
        if let Err(fault) = self.settle(&notice, told).await {
            // The lease runs out and the client is told again.
            let client = &notice.id.client;
            tracing::warn!(%client, %fault, "what became of a notice could not be stored");
        }
    }
}

impl Herald {
    async fn tell(&self, notice: &Notice) -> Result<(), String> {
        if notice.attempts > schedule::TRIES {
            return Err("each try ended in a crash".to_owned());
        }
        let told = timeout(TELLER_PATIENCE, self.0.teller.tell(notice.clone()));
        told.await
            .unwrap_or_else(|_| Err("telling took too long".to_owned()))
    }

    async fn settle(&self, notice: &Notice, told: Result<(), String>) -> Result<(), Fault> {
        let (store, id) = (&self.0.notices, notice.id.clone());
        let verb = match told {
            Ok(()) => store.complete_notice(id),
            Err(error) => {
                let chance = u64::from_le_bytes(self.0.random.array());
                match schedule::after_failure(notice.attempts, self.0.clock.now(), chance) {
                    Next::Retry { at } => store.retry_notice(id, at, error),
                    Next::Abandon => {
                        let (client, tenant) = (&id.client, id.tenant);
                        tracing::error!(%client, %tenant, error, "a notice is given up");
                        store.abandon_notice(id, error)
                    }
                }
            }
        };
        patiently(verb).await
    }
}
