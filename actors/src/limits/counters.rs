//! Counters that nodes share, and this node's own for when the shared ones are away.
//!
//! Losing the shared counters must not stop anybody from signing in, nor let a guesser run free: each
//! node then counts for itself (CONTRACT §11), and says so once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::rejection::Fault;
use domain::time::Clock;
use store::memory::Memory;
use store::port::Pending;
use store::port::shared::{Shared, SharedState};
use tokio::time::timeout;

/// How long a shared counter may take. Far below the store's patience: there is a fallback.
const PATIENCE: Duration = Duration::from_millis(500);

/// A count in its window, and how long the window still lasts.
pub(super) type Count = (u64, Duration);

/// Shared counters with a fallback. Clones share them.
#[derive(Clone)]
pub(super) struct Counters(Arc<Inner>);

struct Inner {
    shared: SharedState,
    own: Memory,
    is_alone: AtomicBool,
}

// === impl Counters ===

impl Counters {
    pub(super) fn new(shared: SharedState, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            shared,
            own: Memory::new(clock),
            is_alone: AtomicBool::new(false),
        }))
    }

    /// Counts one event.
    ///
    /// # Errors
    /// None that this process's own counters do not raise, and they raise none.
    pub(super) async fn count(&self, key: String, window: Duration) -> Result<Count, Fault> {
        match self.heard(self.0.shared.count(key.clone(), window)).await {
            Some(count) => Ok(count),
            None => self.0.own.count(key, window).await,
        }
    }

    /// Reads a count without counting.
    ///
    /// # Errors
    /// As [`count`](Self::count).
    pub(super) async fn peek(&self, key: String) -> Result<Count, Fault> {
        match self.heard(self.0.shared.peek(key.clone())).await {
            Some(count) => Ok(count),
            None => self.0.own.peek(key).await,
        }
    }

    /// Gives the shared answer, or nothing if there is none; tells the log when that changes.
    async fn heard(&self, verb: Pending<'_, Count>) -> Option<Count> {
        let answer = match timeout(PATIENCE, verb).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::Store("no answer".to_owned())),
        };
        let was_alone = self.0.is_alone.swap(answer.is_err(), Ordering::Relaxed);
        match answer {
            Ok(count) => {
                if was_alone {
                    tracing::info!("the shared counters are back");
                }
                Some(count)
            }
            Err(fault) => {
                if !was_alone {
                    tracing::warn!(%fault, "the shared counters are away: this node counts for itself");
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::time::{ManualClock, UnixMillis};
    use store::port::Health;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// Counters that cannot be reached.
    struct Away;

    impl Health for Away {
        fn check(&self) -> Pending<'_, ()> {
            Box::pin(async { Err(Fault::Store("away".to_owned())) })
        }

        fn name(&self) -> &'static str {
            "away"
        }
    }

    impl Shared for Away {
        fn count(&self, _: String, _: Duration) -> Pending<'_, Count> {
            Box::pin(async { Err(Fault::Store("away".to_owned())) })
        }

        fn peek(&self, _: String) -> Pending<'_, Count> {
            Box::pin(std::future::pending())
        }

        fn forget(&self, _: String) -> Pending<'_, ()> {
            Box::pin(async { Err(Fault::Store("away".to_owned())) })
        }

        fn claim(&self, _: String, _: Duration) -> Pending<'_, bool> {
            Box::pin(async { Err(Fault::Store("away".to_owned())) })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_shared_counters_this_node_counts_for_itself() {
        let clock = Arc::new(ManualClock::new(UnixMillis::from_seconds(1)));
        let counters = Counters::new(Arc::new(Away), clock);
        for expected in 1..4 {
            let counted = counters.count("k".to_owned(), MINUTE).await;
            assert_eq!(counted, Ok((expected, MINUTE)));
        }
        assert_eq!(counters.peek("k".to_owned()).await, Ok((3, MINUTE)));
    }
}
