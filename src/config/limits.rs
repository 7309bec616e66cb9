//! Limits: how often an address may ask, and how failures slow a guesser down.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::kind::{Span, Whole, span, whole};
use crate::config::mistake::Mistake;
use crate::config::values::Values;
use crate::config::variable::{of, variables};

/// How often an address may ask, and how failures slow a guesser down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// Requests a second that an address may sustain; `RATE_LIMIT_RPS`, 50.
    pub rps: NonZeroU32,
    /// Requests that an address may make at once; `RATE_LIMIT_BURST`, 100.
    pub burst: NonZeroU32,
    /// Consecutive failures after which each attempt waits; `RATE_LIMIT_PROGRESSIVE_DELAY_AFTER`, 5.
    pub delay_after: u32,
    /// Consecutive failures after which the account is locked; `RATE_LIMIT_MAX_FAILED_ATTEMPTS`, 10.
    pub max_failed: u32,
    /// How long it is locked; `RATE_LIMIT_LOCKOUT_DURATION`, 15 min.
    pub lockout: Duration,
}

/// A rate of more than a million a second is no limit and below the limiter's resolution.
const RATE: Whole<NonZeroU32> = whole(NonZeroU32::MIN, MOST);

const MOST: NonZeroU32 = match NonZeroU32::new(1_000_000) {
    Some(most) => most,
    None => NonZeroU32::MAX,
};

variables! {
    /// Requests a second that one address (IPv6: one /64) may sustain.
    RATE_LIMIT_RPS: Whole<NonZeroU32> = of(RATE).or("50");
    /// Requests that one address may make at once.
    RATE_LIMIT_BURST: Whole<NonZeroU32> = of(RATE).or("100");
    /// Consecutive failures of an account after which each further attempt has to wait, 1 s doubling.
    RATE_LIMIT_PROGRESSIVE_DELAY_AFTER: Whole<u32> = of(whole(1, 1_000_000)).or("5");
    /// Consecutive failures after which the account is locked for a while. Whatever is set here, at
    /// 100 in a row the password is disabled until it is reset (NIST SP 800-63B-4 §3.2.2).
    RATE_LIMIT_MAX_FAILED_ATTEMPTS: Whole<u32> = of(whole(1, 1_000_000)).or("10");
    /// How long such an account is locked.
    RATE_LIMIT_LOCKOUT_DURATION: Span = of(span("1s", "365d")).or("15m");
}

// === impl LimitSettings ===

impl LimitSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            rps: values.get(&RATE_LIMIT_RPS)?,
            burst: values.get(&RATE_LIMIT_BURST)?,
            delay_after: values.get(&RATE_LIMIT_PROGRESSIVE_DELAY_AFTER)?,
            max_failed: values.get(&RATE_LIMIT_MAX_FAILED_ATTEMPTS)?,
            lockout: values.get(&RATE_LIMIT_LOCKOUT_DURATION)?,
        })
    }
}
