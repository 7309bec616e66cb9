//! How late it is at least: a wall clock that somebody may set, held against one that nobody can.
//!
//! What is forgotten because it has expired is gone for good, so a clock that jumps ahead and is
//! corrected must not have made us forget. A clock that stays ahead for an hour is believed.

use std::time::Duration;

use domain::time::UnixMillis;
use tokio::time::Instant;

/// How far the clocks may differ for small reasons.
const TOLERANCE: Duration = Duration::from_secs(1);
/// How long a wall clock must be ahead to be believed.
const BELIEVED_AFTER: Duration = Duration::from_hours(1);

/// The wall clock as far as it is believed.
#[derive(Debug)]
pub(super) struct Steady {
    wall: UnixMillis,
    at: Instant,
    ahead_since: Option<Instant>,
}

/// What the time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    /// An instant that has surely come.
    pub(super) now: UnixMillis,
    /// Whether the wall clock was set back: what was thought to be over may not be.
    pub(super) went_back: bool,
}

// === impl Steady ===

impl Steady {
    pub(super) const fn new(wall: UnixMillis, at: Instant) -> Self {
        Self {
            wall,
            at,
            ahead_since: None,
        }
    }

    /// Tells the time from what both clocks say.
    pub(super) fn tell(&mut self, wall: UnixMillis, at: Instant) -> Told {
        let steady = self.wall + at.duration_since(self.at);
        let went_back = wall + TOLERANCE < steady;
        if wall <= steady + TOLERANCE {
            // Small steps add up over weeks: the wall clock is followed.
            *self = Self::new(wall, at);
            return Told {
                now: wall.min(steady),
                went_back,
            };
        }
        let since = *self.ahead_since.get_or_insert(at);
        if at.duration_since(since) >= BELIEVED_AFTER {
            *self = Self::new(wall, at);
        }
        Told {
            now: steady,
            went_back,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    fn told(now: UnixMillis, went_back: bool) -> Told {
        Told { now, went_back }
    }

    const fn span(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_goes_as_it_should_is_followed() {
        let start = Instant::now();
        let mut steady = Steady::new(at(100), start);
        assert_eq!(steady.tell(at(110), start + span(10)), told(at(110), false));
        assert_eq!(steady.tell(at(120), start + span(20)), told(at(120), false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_ahead_that_is_corrected_never_happened() {
        let start = Instant::now();
        let mut steady = Steady::new(at(100), start);
        let jumped = steady.tell(at(110 + 1_200), start + span(10));
        assert_eq!(jumped, told(at(110), false));
        assert_eq!(steady.tell(at(120), start + span(20)), told(at(120), false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_ahead_from_the_start_is_seen_when_it_is_corrected() {
        let start = Instant::now();
        let mut steady = Steady::new(at(1_300), start);
        assert_eq!(steady.tell(at(110), start + span(10)), told(at(110), true));
        assert_eq!(steady.tell(at(120), start + span(20)), told(at(120), false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_stays_ahead_is_believed_after_an_hour() {
        let start = Instant::now();
        let mut steady = Steady::new(at(0), start);
        let early = steady.tell(at(9_010), start + span(10));
        assert_eq!(early, told(at(10), false));
        steady.tell(at(9_010 + 3_600), start + span(3_610));
        let late = steady.tell(at(9_020 + 3_600), start + span(3_620));
        assert_eq!(late, told(at(9_020 + 3_600), false));
    }
}
