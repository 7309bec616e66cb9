//! When what could not be sent is tried again, and when it is given up: pure.

use std::time::Duration;

use domain::time::UnixMillis;

/// How often sending is tried: the last try is about seven hours after the first.
pub(crate) const TRIES: u32 = 12;
/// The wait after the first failure.
const FIRST: Duration = Duration::from_secs(30);
/// The longest wait.
const LONGEST: Duration = Duration::from_hours(1);

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try again then.
    Retry {
        /// When it is due.
        at: UnixMillis,
    },
    /// Give it up.
    Abandon,
}

/// Decides what follows the failure of the try with the number `tries`, counted from 1. `chance` is
/// any random number: it moves the next try by up to a quarter either way, so that what failed
/// together is not tried together.
pub(crate) fn after_failure(tries: u32, now: UnixMillis, chance: u64) -> Next {
    if tries >= TRIES {
        return Next::Abandon;
    }
    let doublings = tries.saturating_sub(1).min(16);
    let wait = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    let half = u64::try_from((wait / 2).as_millis()).unwrap_or(u64::MAX);
    let jitter = Duration::from_millis(chance % half.saturating_add(1));
    Next::Retry {
        at: now + wait * 3 / 4 + jitter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(chance: u64) -> Vec<u64> {
        let now = UnixMillis::from_seconds(1_000);
        let wait = |tries| match after_failure(tries, now, chance) {
            Next::Retry { at } => Some(at.since(now).as_secs()),
            Next::Abandon => None,
        };
        (1..20).map_while(wait).collect()
    }

    #[test]
    fn the_wait_doubles_up_to_an_hour_and_ends_after_twelve_tries() {
        let middle: Vec<u64> = waits(0).into_iter().map(|s| s * 4 / 3).collect();
        let expected = [29, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600];
        assert_eq!(middle, expected);
    }

    #[test]
    fn chance_moves_the_wait_by_a_quarter_at_most() {
        for chance in [0, 1, 7_777, u64::MAX / 3, u64::MAX] {
            let first = waits(chance)[0];
            assert!((22..=37).contains(&first), "{first}");
        }
        assert_ne!(waits(0), waits(14_000));
    }
}
