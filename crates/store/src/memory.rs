//! Short-lived state in this process: the backend of [`Shared`] for a single node.
//!
//! Counts and claims live in one bounded table each, behind a lock that is held for about a
//! microsecond and never over an `await`. Counting is exact under any number of callers.
//!
//! Bounded: each table holds at most its capacity of keys. When it is full, the key that ends
//! soonest makes room; one that has ended already is the soonest of all. A flood of counts cannot
//! push out a claim, nor the other way round.
//!
//! Promises: no verb here ever fails or waits. A restart loses everything, which the port allows.
//! Next: `table` for the rules, [`crate::redis`] for the same port shared by many nodes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::time::Clock;

use crate::port::shared::Shared;
use crate::port::{Health, Pending};

mod table;

use table::Table;

/// How many keys each table holds unless told otherwise: about 25 MB when full.
const CAPACITY: usize = 100_000;

/// Counts and claims of this process alone.
pub struct Memory {
    clock: Arc<dyn Clock>,
    counts: Mutex<Table>,
    claims: Mutex<Table>,
}

impl Memory {
    /// Starts empty, with room for 100,000 counts and as many claims.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_capacity(clock, CAPACITY)
    }

    /// Starts empty, with room for `capacity` counts and as many claims; at least one each.
    #[must_use]
    pub fn with_capacity(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        Self {
            clock,
            counts: Mutex::new(Table::new(capacity)),
            claims: Mutex::new(Table::new(capacity)),
        }
    }
}

/// Takes the lock. A caller that panicked while holding it cannot have left more than a wrong
/// count behind, so its poison is no reason to refuse everyone else.
fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Shared ===

// The clock is read under the lock, so that the instants one table sees never run backwards
// unless the clock itself does.
impl Shared for Memory {
    fn count(&self, key: String, window: Duration) -> Pending<'_, (u64, Duration)> {
        Box::pin(async move {
            let mut counts = lock(&self.counts);
            Ok(counts.count(&key, window, self.clock.now()))
        })
    }

    fn peek(&self, key: String) -> Pending<'_, (u64, Duration)> {
        Box::pin(async move {
            let mut counts = lock(&self.counts);
            Ok(counts.peek(&key, self.clock.now()))
        })
    }

    fn forget(&self, key: String) -> Pending<'_, ()> {
        Box::pin(async move {
            lock(&self.counts).forget(&key);
            Ok(())
        })
    }

    fn claim(&self, key: String, ttl: Duration) -> Pending<'_, bool> {
        Box::pin(async move {
            let mut claims = lock(&self.claims);
            // Whoever counts first in a window has claimed it.
            let (count, _) = claims.count(&key, ttl, self.clock.now());
            Ok(count == 1)
        })
    }
}

impl Health for Memory {
    fn check(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn name(&self) -> &'static str {
        "memory"
    }
}
