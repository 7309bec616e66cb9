//! Liveness and readiness.
//!
//! Liveness asks nobody: whoever can answer is alive. Readiness asks everything a request may need:
//! the database, the short-lived state and a key service (each for a second at most), whether keys can
//! sign, whether what was revoked is known, and the supervision tree. Anyone may ask, as often as they like, so
//! whoever asks at the same moment is given one answer: a flood of questions costs the database four
//! looks a second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use actors::supervision::Observer;
use futures_util::future::OptionFuture;
use serde::Serialize;
use store::port::Health;
use store::port::shared::SharedState;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};

use crate::flow::Flows;

/// How long one dependency may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// For how long one answer is given.
const ANSWER_STANDS: Duration = Duration::from_millis(250);

/// What readiness asks besides what flows already have.
pub struct Probed {
    /// The durable store.
    pub database: Arc<dyn Health>,
    /// The short-lived state.
    pub shared: SharedState,
    /// Who wraps data keys, if it is another service.
    pub key_service: Option<Arc<dyn Health>>,
    /// The supervision tree; filled by boot once the tree is described.
    pub observer: Arc<OnceLock<Observer>>,
}

/// Asks what is asked.
pub(crate) struct Probes {
    probed: Probed,
    since: Instant,
    latest: Latest<Verdict>,
}

/// The answer of this moment: found once, however many ask.
struct Latest<T>(Mutex<(Instant, Arc<OnceCell<T>>)>);

/// What is answered: `{status,checks,uptime}`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Verdict {
    status: &'static str,
    checks: BTreeMap<&'static str, Check>,
    /// Seconds since the process began to answer.
    uptime: u64,
}

/// One thing that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failing: Vec<String>,
}

const OK: &str = "ok";
const FAILING: &str = "failing";

// === impl Probes ===

impl Probes {
    pub(super) fn new(probed: Probed) -> Self {
        Self {
            probed,
            since: Instant::now(),
            latest: Latest::new(),
        }
    }

    /// Gives the tree's observer, once there is a tree.
    pub(super) fn observer(&self) -> Option<&Observer> {
        self.probed.observer.get()
    }

    /// Says that we are alive.
    pub(super) fn check_alive(&self) -> Verdict {
        self.judge(BTreeMap::new())
    }

    /// Asks everything, or gives what was just answered.
    ///
    /// # Cancel safety
    /// Nothing is changed by asking; whoever waits for the same answer asks instead.
    pub(crate) async fn check_ready(&self, flows: &Flows) -> Verdict {
        self.latest.get_or(self.ask_all(flows)).await
    }

    /// Asks everything now, whatever was just answered; what is found is answered from here on. For
    /// boot alone: nobody outside may cause a look.
    ///
    /// # Cancel safety
    /// Nothing is changed by asking; whoever waits for the same answer asks instead.
    pub(super) async fn check_anew(&self, flows: &Flows) -> Verdict {
        self.latest.forget();
        self.check_ready(flows).await
    }

    async fn ask_all(&self, flows: &Flows) -> Verdict {
        let key_service = self.probed.key_service.as_deref();
        let (database, shared, key_service) = tokio::join!(
            ask(self.probed.database.as_ref()),
            ask(self.probed.shared.as_ref()),
            OptionFuture::from(key_service.map(ask)),
        );
        let is_signing = flows.keys.ring().signer().is_some();
        let is_informed = flows.sessions.denylist().is_fresh();
        let mut checks = BTreeMap::from([
            ("database", database),
            ("shared_state", shared),
            ("keys", Check::new(is_signing)),
            ("revocations", Check::new(is_informed)),
            ("actors", self.check_tree()),
        ]);
        checks.extend(key_service.map(|check| ("key_service", check)));
        self.judge(checks)
    }

    fn check_tree(&self) -> Check {
        let Some(observer) = self.observer() else {
            return Check::new(false);
        };
        Check {
            failing: observer.failing(),
            ..Check::new(observer.is_healthy())
        }
    }

    fn judge(&self, checks: BTreeMap<&'static str, Check>) -> Verdict {
        let is_fine = checks.values().all(|check| check.status == OK);
        Verdict {
            status: if is_fine { OK } else { FAILING },
            checks,
            uptime: self.since.elapsed().as_secs(),
        }
    }
}

// === impl Latest ===

impl<T: Clone> Latest<T> {
    fn new() -> Self {
        Self(Mutex::new((Instant::now(), Arc::default())))
    }

    /// Gives the answer of this moment, finding it if nobody has.
    async fn get_or(&self, find: impl Future<Output = T>) -> T {
        let cell = self.cell();
        cell.get_or_init(|| find).await.clone()
    }

    /// Has the next who asks find another answer.
    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), Arc::default());
    }

    fn cell(&self) -> Arc<OnceCell<T>> {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.0.elapsed() >= ANSWER_STANDS {
            *latest = (Instant::now(), Arc::default());
        }
        Arc::clone(&latest.1)
    }
}

// === impl Verdict ===

impl Verdict {
    /// Says whether everything that was asked is fine.
    pub(crate) fn is_fine(&self) -> bool {
        self.status == OK
    }

    /// Names what is not.
    pub(super) fn failing(&self) -> Vec<String> {
        let named = |(name, check): (&&str, &Check)| match check.failing.as_slice() {
            [] => (*name).to_owned(),
            parts => format!("{name} ({})", parts.join(", ")),
        };
        let failing = self.checks.iter().filter(|(_, check)| check.status != OK);
        failing.map(named).collect()
    }
}

// === impl Check ===

impl Check {
    const fn new(is_fine: bool) -> Self {
        Self {
            status: if is_fine { OK } else { FAILING },
            backend: None,
            failing: Vec::new(),
        }
    }
}

async fn ask<H: Health + ?Sized>(dependency: &H) -> Check {
    let answer = timeout(ANSWER_WITHIN, dependency.check()).await;
    Check {
        backend: Some(dependency.name()),
        ..Check::new(matches!(answer, Ok(Ok(()))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use domain::rejection::Fault;
    use futures_util::future::join_all;
    use store::port::Pending;

    use super::*;

    struct Dependency(Option<Result<(), Fault>>);

    impl Health for Dependency {
        fn check(&self) -> Pending<'_, ()> {
            match self.0.clone() {
                Some(answer) => Box::pin(async { answer }),
                None => Box::pin(std::future::pending()),
            }
        }

        fn name(&self) -> &'static str {
            "test"
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dependency_that_fails_or_hangs_is_failing() {
        let down = Fault::Store("secret detail".to_owned());
        for answer in [Some(Err(down)), None] {
            let check = ask(&Dependency(answer)).await;
            assert_eq!(check.status, FAILING);
            let shown = serde_json::to_string(&check).expect("JSON");
            assert!(!shown.contains("secret"), "{shown}");
        }
        assert_eq!(ask(&Dependency(Some(Ok(())))).await.status, OK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_questions_is_answered_by_one_look_for_each_moment() {
        let (latest, looks) = (Latest::new(), AtomicUsize::new(0));
        let look = || {
            latest.get_or(async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                looks.fetch_add(1, Ordering::Relaxed)
            })
        };
        let answers = join_all((0..100).map(|_| look())).await;
        assert_eq!(answers, [0; 100]);
        tokio::time::advance(ANSWER_STANDS).await;
        assert_eq!(look().await, 1, "an old answer is no answer");
        latest.forget();
        assert_eq!(look().await, 2, "what was forgotten is found anew");
        assert_eq!(look().await, 2, "and then stands");
    }

    #[test]
    fn what_fails_is_named_with_its_parts() {
        let tree = Check {
            failing: vec!["keys".to_owned(), "mail".to_owned()],
            ..Check::new(false)
        };
        let checks = [
            ("actors", tree),
            ("database", Check::new(true)),
            ("keys", Check::new(false)),
        ];
        let verdict = Verdict {
            status: FAILING,
            checks: BTreeMap::from(checks),
            uptime: 0,
        };
        assert_eq!(verdict.failing(), ["actors (keys, mail)", "keys"]);
    }
}
