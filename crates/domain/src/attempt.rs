//! Counting failed sign-ins (NIST SP 800-63B-4 §3.2.2).
//!
//! An attempt is paid for before the password is looked at and refunded when it was right, so that
//! parallel guesses cannot race the counter and a crash between two lines never gives a guess away.
//! Accounts are counted whether or not they exist: the counter tells a stranger nothing.

use std::time::Duration;

use crate::id::TenantId;
use crate::time::UnixMillis;

/// What failures are counted under: a keyed hash of the account's address in its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttemptKey(pub [u8; 32]);

/// What one account's failures are counted under while `SYSTEM_SECRETS` lists several secrets.
///
/// Whatever stands under any of them counts: a secret is replaced without forgetting who failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptKeys {
    /// By the newest secret: what is written under.
    pub newest: AttemptKey,
    /// By the older secrets.
    pub older: Vec<AttemptKey>,
}

/// How failures slow a guesser down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptPolicy {
    /// From this many consecutive failures on, each further attempt waits, 1 s doubling.
    pub delay_after: u32,
    /// From this many on, each further attempt waits for `lockout`.
    pub lock_after: u32,
    /// How long a lockout lasts.
    pub lockout: Duration,
    /// At this many, the password is disabled until it is reset; the standard allows 100 at most.
    pub disable_after: u32,
}

/// The stored count of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttemptCount {
    /// Consecutive attempts paid for and not refunded.
    pub failures: u32,
    /// When the last one was paid for.
    pub last_at: UnixMillis,
}

/// One request to guess.
#[derive(Debug, Clone)]
pub struct AttemptClaim {
    /// The tenant of the account.
    pub tenant: TenantId,
    /// The account.
    pub keys: AttemptKeys,
    /// The present instant.
    pub now: UnixMillis,
    /// The rule to apply.
    pub policy: AttemptPolicy,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptVerdict {
    /// Paid for; check the password. `failures` counts this attempt too.
    Granted {
        /// Consecutive attempts paid for, this one included.
        failures: u32,
    },
    /// Too early: not paid for, not to be checked.
    Delayed {
        /// When the next attempt may be made.
        until: UnixMillis,
    },
    /// The password is disabled until it is reset.
    Disabled,
}

// === impl AttemptKeys ===

impl AttemptKeys {
    /// Gives each of them, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &AttemptKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

impl From<AttemptKey> for AttemptKeys {
    fn from(newest: AttemptKey) -> Self {
        let older = Vec::new();
        Self { newest, older }
    }
}

// === impl AttemptPolicy ===

impl AttemptPolicy {
    /// Judges whether an attempt may be made on top of `count`.
    #[must_use]
    pub fn judge(&self, count: AttemptCount, now: UnixMillis) -> AttemptVerdict {
        if count.failures >= self.disable_after {
            return AttemptVerdict::Disabled;
        }
        let delay = self.delay(count.failures);
        let until = count.last_at + delay;
        // Without a delay the order of two instants means nothing: nodes' clocks differ.
        if !delay.is_zero() && now < until {
            return AttemptVerdict::Delayed { until };
        }
        AttemptVerdict::Granted {
            failures: count.failures.saturating_add(1),
        }
    }

    /// Gives how long the attempt after `failures` failures has to wait.
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        if failures >= self.lock_after {
            return self.lockout;
        }
        match failures.checked_sub(self.delay_after) {
            None => Duration::ZERO,
            Some(over) => Duration::from_secs(1_u64 << over.min(20)).min(self.lockout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: AttemptPolicy = AttemptPolicy {
        delay_after: 5,
        lock_after: 10,
        lockout: Duration::from_mins(15),
        disable_after: 100,
    };

    fn judge(failures: u32, seconds_later: u64) -> AttemptVerdict {
        let last_at = UnixMillis::from_seconds(1_000);
        let now = last_at + Duration::from_secs(seconds_later);
        POLICY.judge(AttemptCount { failures, last_at }, now)
    }

    #[test]
    fn the_first_five_failures_cost_no_time() {
        assert_eq!(judge(0, 0), AttemptVerdict::Granted { failures: 1 });
        assert_eq!(judge(4, 0), AttemptVerdict::Granted { failures: 5 });
    }

    #[test]
    fn clocks_that_differ_delay_nobody_who_has_not_failed_enough() {
        let last_at = UnixMillis::from_seconds(1_000);
        let count = AttemptCount {
            failures: 3,
            last_at,
        };
        let earlier = UnixMillis::from_seconds(999);
        assert_eq!(
            POLICY.judge(count, earlier),
            AttemptVerdict::Granted { failures: 4 }
        );
    }

    #[test]
    fn from_the_fifth_on_the_delay_doubles() {
        let delays: Vec<u64> = (5..10).map(|n| POLICY.delay(n).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16]);
        assert!(matches!(judge(5, 0), AttemptVerdict::Delayed { .. }));
        assert_eq!(judge(5, 1), AttemptVerdict::Granted { failures: 6 });
    }

    #[test]
    fn at_ten_the_account_waits_for_the_lockout() {
        assert!(matches!(judge(10, 899), AttemptVerdict::Delayed { .. }));
        assert_eq!(judge(10, 900), AttemptVerdict::Granted { failures: 11 });
    }

    #[test]
    fn nist_sp_800_63b_4_3_2_2_a_hundred_failures_disable_the_password() {
        assert_eq!(judge(100, 1_000_000), AttemptVerdict::Disabled);
        assert!(matches!(
            judge(99, 1_000_000),
            AttemptVerdict::Granted { failures: 100 }
        ));
    }
}
