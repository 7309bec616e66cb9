//! The system's clock: the one place that reads the time of day.
//!
//! Everything else takes the instant as an argument or a [`Clock`] as a parameter, so tests choose
//! the time. Spans are measured on the runtime's monotonic clock (see [`crate::deadline`]); this one
//! gives the instants that are stored, compared between nodes and written into tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::time::{Clock, UnixMillis};

/// Tells the time of day by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
    fn now(&self) -> UnixMillis {
        // A clock set before 1970 reads as the epoch: every token then looks not yet valid.
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        UnixMillis::default() + since_epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_past_the_year_2025() {
        assert!(SystemClock.now() > UnixMillis::from_seconds(1_735_689_600));
    }
}
