//! How long to wait before a child is started again.

use std::time::Duration;

/// The wait before a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backoff {
    /// None: the child is started again at once.
    Immediate,
    /// Doubles with each failure in a row, from `first` to `cap`, half of it by chance, so that
    /// many nodes do not come back in step. A child that stays up for `cap` starts over.
    Exponential {
        /// The longest wait after the first failure.
        first: Duration,
        /// The longest wait of all.
        cap: Duration,
    },
}

// === impl Backoff ===

impl Backoff {
    /// Waits up to `first`, doubling up to `cap`.
    #[must_use]
    pub const fn exponential(first: Duration, cap: Duration) -> Self {
        Self::Exponential { first, cap }
    }

    /// Gives the wait after so many failures in a row (1 is the first). `chance` is any random
    /// number: it decides where between half of the wait and all of it.
    pub(super) fn delay(self, failures: u32, chance: u64) -> Duration {
        let Self::Exponential { first, cap } = self else {
            return Duration::ZERO;
        };
        let doublings = failures.saturating_sub(1).min(31);
        let full = first.saturating_mul(1 << doublings).min(cap);
        let half = full / 2;
        let span = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
        half + Duration::from_nanos(chance % span.saturating_add(1))
    }

    /// Gives how long a child must stay up for its failures to be forgotten.
    pub(super) const fn calm(self) -> Duration {
        match self {
            Self::Immediate => Duration::ZERO,
            Self::Exponential { cap, .. } => cap,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn the_wait_doubles_up_to_the_cap() {
        let backoff = Backoff::exponential(100 * MILLI, 700 * MILLI);
        let longest = |failures| backoff.delay(failures, 50_000_000 << (failures - 1));
        assert_eq!(longest(1), 100 * MILLI);
        assert_eq!(longest(2), 200 * MILLI);
        assert_eq!(longest(3), 400 * MILLI);
        assert_eq!(backoff.delay(4, 350_000_000), 700 * MILLI);
        assert_eq!(backoff.delay(u32::MAX, 350_000_000), 700 * MILLI);
    }

    #[test]
    fn chance_moves_the_wait_between_half_and_all_of_it() {
        let backoff = Backoff::exponential(100 * MILLI, 100 * MILLI);
        assert_eq!(backoff.delay(1, 0), 50 * MILLI);
        for chance in [1, 7_777_777, u64::MAX] {
            let delay = backoff.delay(1, chance);
            assert!((50 * MILLI..=100 * MILLI).contains(&delay), "{delay:?}");
        }
    }

    #[test]
    fn immediate_means_no_wait_at_all() {
        assert_eq!(Backoff::Immediate.delay(9, u64::MAX), Duration::ZERO);
    }
}
