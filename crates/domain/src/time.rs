//! Instants and the clock that gives them: time is always a parameter.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMillis(i64);

impl UnixMillis {
    /// Takes a count of milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Takes a count of seconds, as JWTs carry them (RFC 7519 `NumericDate`).
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Gives the count of milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Gives the count of whole seconds, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Gives how long `earlier` was before this instant; zero if it was not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for UnixMillis {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub<Duration> for UnixMillis {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

/// A text is no instant in RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no instant such as 2026-01-31T12:00:00Z")]
pub struct InvalidInstant;

impl FromStr for UnixMillis {
    type Err = InvalidInstant;

    /// Reads RFC 3339, with any offset; what is finer than a millisecond is cut off.
    fn from_str(text: &str) -> Result<Self, InvalidInstant> {
        let instant = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidInstant)?;
        let millis = instant.unix_timestamp_nanos().div_euclid(1_000_000);
        i64::try_from(millis).map(Self).map_err(|_| InvalidInstant)
    }
}

/// Writes the instant as RFC 3339 in UTC, as JSON bodies carry it.
impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0).saturating_mul(1_000_000);
        let text = OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .ok()
            .and_then(|instant| instant.format(&Rfc3339).ok());
        f.write_str(text.as_deref().unwrap_or("out of range"))
    }
}

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Gives the present instant.
    fn now(&self) -> UnixMillis;
}

/// A clock that stands until a test advances it.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Makes a clock that stands at `start`.
    #[must_use]
    pub const fn new(start: UnixMillis) -> Self {
        Self(AtomicI64::new(start.0))
    }

    /// Moves the clock forward.
    pub fn advance(&self, span: Duration) {
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(span, Ordering::SeqCst);
    }

    /// Sets it to an instant, earlier or later: a clock that is corrected.
    pub fn set(&self, to: UnixMillis) {
        self.0.store(to.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_as_rfc_3339() {
        let instant = UnixMillis::from_millis(1_700_000_000_123);
        assert_eq!(instant.to_string(), "2023-11-14T22:13:20.123Z");
    }

    #[test]
    fn an_instant_is_read_in_any_offset_and_nothing_else_is_one() {
        let read = |text: &str| text.parse::<UnixMillis>();
        let instant = UnixMillis::from_millis(1_700_000_000_123);
        assert_eq!(read("2023-11-14T22:13:20.123Z"), Ok(instant));
        assert_eq!(read("2023-11-14T23:13:20.1239+01:00"), Ok(instant));
        for text in [
            "",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "1700000000",
            "2023-02-30T00:00:00Z",
        ] {
            assert_eq!(read(text), Err(InvalidInstant), "{text}");
        }
    }

    #[test]
    fn seconds_before_the_epoch_round_down() {
        assert_eq!(UnixMillis::from_millis(-1).as_seconds(), -1);
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let end = UnixMillis::from_millis(i64::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(end.since(end + Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn the_year_2038_is_an_instant_like_any_other() {
        let after = UnixMillis::from_seconds(i64::from(i32::MAX) + 1);
        assert_eq!(after.to_string(), "2038-01-19T03:14:08Z");
    }
}
