//! The times in a token that others signed: `exp`, `nbf`, `iat` (RFC 7519 §4.1.4 to §4.1.6).
//!
//! A `NumericDate` is a JSON number of seconds, with a fraction or not (RFC 7519 §2). A text, a
//! negative number, `null`, or a number after the year 9999 is refused rather than read kindly: a
//! reader that takes `"exp": "never"` for absent never lets the token expire. Another's clock may be
//! [`SKEW`] ahead of ours: FAPI 2.0 §5.3.2.1 has +10 s accepted and +60 s refused.

use std::time::Duration;

use domain::time::UnixMillis;
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::Number;

/// How far ahead of ours another's clock may be.
pub const SKEW: Duration = Duration::from_secs(10);

/// The last instant a `NumericDate` may name: the end of the year 9999, in seconds.
const LAST_SECOND: u64 = 253_402_300_799;

/// An instant as a token carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumericDate(UnixMillis);

/// The times of a token; a claims struct flattens them in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Times {
    /// From when on it must not be accepted.
    #[serde(default, deserialize_with = "present")]
    pub exp: Option<NumericDate>,
    /// Before when it must not be accepted.
    #[serde(default, deserialize_with = "present")]
    pub nbf: Option<NumericDate>,
    /// When it was made.
    #[serde(default, deserialize_with = "present")]
    pub iat: Option<NumericDate>,
}

/// The token has expired, or its time has not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expired or not yet valid")]
pub struct Untimely;

/// Tells whether an instant is further ahead than clocks differ.
#[must_use]
pub fn is_ahead(instant: UnixMillis, now: UnixMillis) -> bool {
    instant > now + SKEW
}

// === impl Times ===

impl Times {
    /// Judges the times that are there.
    ///
    /// # Errors
    /// [`Untimely`] once `exp` has come, or while `nbf` or `iat` is ahead.
    pub fn check(&self, now: UnixMillis) -> Result<(), Untimely> {
        let ahead = |date: Option<NumericDate>| date.is_some_and(|date| is_ahead(date.at(), now));
        let expired = self.exp.is_some_and(|exp| now >= exp.at());
        if expired || ahead(self.nbf) || ahead(self.iat) {
            Err(Untimely)
        } else {
            Ok(())
        }
    }
}

// === impl NumericDate ===

impl NumericDate {
    /// Gives the instant.
    #[must_use]
    pub const fn at(self) -> UnixMillis {
        self.0
    }

    fn from_number(number: &Number) -> Option<Self> {
        let span = match number.as_u64() {
            Some(seconds) => Duration::from_secs(seconds),
            None => Duration::try_from_secs_f64(number.as_f64()?).ok()?,
        };
        let at = UnixMillis::default() + span;
        (span.as_secs() <= LAST_SECOND).then_some(Self(at))
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        Self::from_number(&number).ok_or_else(|| {
            D::Error::invalid_value(Unexpected::Other("a number out of range"), &"a NumericDate")
        })
    }
}

/// Reads a member that is there: `null` is not absence.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NumericDate>, D::Error> {
    NumericDate::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[derive(Debug, Deserialize)]
    struct Claims {
        #[serde(flatten)]
        times: Times,
    }

    fn read(claims: Value) -> Option<Times> {
        serde_json::from_value::<Claims>(claims)
            .ok()
            .map(|claims| claims.times)
    }

    fn is_timely(claims: Value) -> bool {
        let times = read(claims).expect("well formed");
        times.check(UnixMillis::from_seconds(NOW)).is_ok()
    }

    #[test]
    fn rfc_7519_4_1_4_on_or_after_exp_a_token_is_not_accepted() {
        assert!(is_timely(json!({ "exp": NOW + 1 })) && is_timely(json!({})));
        assert!(!is_timely(json!({ "exp": NOW })) && !is_timely(json!({ "exp": 0 })));
    }

    #[test]
    fn fapi_2_5_3_2_1_ten_seconds_ahead_are_accepted_and_sixty_refused() {
        for name in ["iat", "nbf"] {
            for (ahead, timely) in [
                (-900, true),
                (0, true),
                (10, true),
                (11, false),
                (60, false),
            ] {
                assert_eq!(
                    is_timely(json!({ name: NOW + ahead })),
                    timely,
                    "{name} {ahead}"
                );
            }
        }
    }

    #[test]
    fn rfc_7519_2_a_numeric_date_may_have_a_fraction() {
        let exp = |value: Value| Some(read(json!({ "exp": value }))?.exp?.at().as_millis());
        assert_eq!(exp(json!(1.25)), Some(1250));
        assert_eq!(exp(json!(1.0)), Some(1000));
        assert_eq!(exp(json!(LAST_SECOND)), Some(253_402_300_799_000));
    }

    #[test]
    fn rfc_7519_2_what_is_no_numeric_date_is_refused() {
        let bad = [
            json!("1700000900"),
            json!("never"),
            json!(null),
            json!(true),
            json!([NOW]),
            json!({}),
            json!(-1),
            json!(-0.5),
            json!(LAST_SECOND + 1),
            json!(u64::MAX),
            json!(1e300),
        ];
        for (name, value) in ["exp", "nbf", "iat"]
            .iter()
            .flat_map(|name| bad.iter().map(move |value| (name, value)))
        {
            assert_eq!(read(json!({ *name: value })), None, "{name} = {value}");
        }
    }
}
