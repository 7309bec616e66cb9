//! Port: short-lived state that nodes share: in process for one node, in Redis for many.
//!
//! Nothing here is the judge of anything that must hold: losing all of it (a crash, a flush, an
//! eviction) may let a stranger try a little faster for a while and nothing else.

use std::sync::Arc;
use std::time::Duration;

use super::Pending;

/// Counts and claims things for a while.
pub trait Shared: super::Health {
    /// Counts one event under `key` in a window that begins with the first and is `window` long.
    /// Returns the count, this event included, and how long the window still lasts.
    fn count(&self, key: String, window: Duration) -> Pending<'_, (u64, Duration)>;

    /// Reads the count under `key` without counting.
    fn peek(&self, key: String) -> Pending<'_, (u64, Duration)>;

    /// Forgets the count under `key`.
    fn forget(&self, key: String) -> Pending<'_, ()>;

    /// Claims `key` for `ttl`; true for exactly one of any number of callers until then.
    fn claim(&self, key: String, ttl: Duration) -> Pending<'_, bool>;
}

/// A shared handle to the short-lived state.
pub type SharedState = Arc<dyn Shared>;
