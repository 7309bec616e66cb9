//! A deadline: the instant after which nobody waits for the answer any more.
//!
//! It is set once, at the door, and travels in every message that the request causes, so each hop
//! inherits what is left instead of starting a timeout of its own, and an owner may drop work that
//! came too late to matter. It is measured on the runtime's monotonic clock: setting the wall clock
//! does not move it, and tests advance it without sleeping.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use domain::rejection::Fault;

/// An absolute instant on the runtime's clock. Copying it keeps the instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// Sets a deadline that passes after `span`. Called at the door only.
    #[must_use]
    pub fn after(span: Duration) -> Self {
        Self::since(Instant::now(), span)
    }

    /// Sets a deadline that passes so long after `start`, for a door that knows the instant already.
    #[must_use]
    pub fn since(start: Instant, span: Duration) -> Self {
        // A span beyond what the clock can count means "in a year", which no request lives to see.
        let year = Duration::from_hours(24 * 365);
        Self(start.checked_add(span.min(year)).unwrap_or(start))
    }

    /// Gives the instant itself.
    #[must_use]
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// Gives how long is left; zero once it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Says whether nobody waits any more.
    #[must_use]
    pub fn has_passed(self) -> bool {
        self.0 <= Instant::now()
    }

    /// Gives the earlier of this deadline and one that passes after `span`.
    #[must_use]
    pub fn at_most(self, span: Duration) -> Self {
        self.min(Self::after(span))
    }

    /// Awaits the future until the deadline.
    ///
    /// # Errors
    /// [`Fault::Late`] if the deadline passes first; the future is dropped then.
    ///
    /// # Cancel safety
    /// As safe as the future it is given.
    pub async fn bound<F: Future>(self, future: F) -> Result<F::Output, Fault> {
        timeout_at(self.0, future).await.map_err(|_| Fault::Late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_passes_once_and_stays_passed() {
        let deadline = Deadline::after(Duration::from_secs(1));
        assert_eq!(deadline.remaining(), Duration::from_secs(1));
        assert!(!deadline.has_passed());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(deadline.has_passed());
        assert_eq!(deadline.remaining(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_done_by_the_deadline_is_late() {
        let deadline = Deadline::after(Duration::from_millis(5));
        let never = std::future::pending::<()>();
        assert_eq!(deadline.bound(never).await, Err(Fault::Late));
        assert_eq!(
            Deadline::after(Duration::MAX).bound(async { 7 }).await,
            Ok(7)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_hop_may_shorten_a_deadline_but_never_lengthen_it() {
        let deadline = Deadline::after(Duration::from_secs(1));
        assert_eq!(deadline.at_most(Duration::from_secs(9)), deadline);
        assert_eq!(
            deadline.at_most(Duration::from_millis(1)).remaining(),
            Duration::from_millis(1)
        );
    }
}
