//! Tokens, sessions and the keys that sign them: how long each lives (CONTRACT §4).

use std::path::PathBuf;
use std::time::Duration;

use domain::key::Algorithm;
use domain::tenant::Lifetimes;

use crate::config::kind::text::PATH;
use crate::config::kind::{Choice, FLAG, Parsed, Span, span};
use crate::config::mistake::Mistake;
use crate::config::values::Values;
use crate::config::variable::{of, variables};

/// How long tokens live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenSettings {
    /// Access tokens of people and services; `ACCESS_TOKEN_TTL`, 15 min.
    pub access_ttl: Duration,
    /// Access tokens of agents; `AGENT_TOKEN_TTL`, 5 min.
    pub agent_ttl: Duration,
    /// Refresh tokens that are not used; `REFRESH_TOKEN_TTL`, 7 d.
    pub refresh_ttl: Duration,
    /// Refresh families however much they are used; `REFRESH_TOKEN_MAX_AGE`, 30 d. At least
    /// `refresh_ttl`.
    pub refresh_max_age: Duration,
    /// How long a superseded refresh token still gives its successor; `REFRESH_REUSE_WINDOW`, 30 s.
    pub refresh_reuse_window: Duration,
}

/// How long sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSettings {
    /// However much they are used; `SESSION_MAX_AGE`, 24 h.
    pub max_age: Duration,
    /// When they are not used; `SESSION_IDLE_TIMEOUT`, 1 h.
    pub idle_timeout: Duration,
}

/// The keys that sign access and ID tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// What new keys sign with; `JWT_ALGORITHM`, ES256.
    pub algorithm: Algorithm,
    /// How long a key signs before the next takes over; `KEY_ROTATION_INTERVAL`, 90 d.
    pub rotation_interval: Duration,
    /// A private key in PEM to import as the active key; `JWT_PRIVATE_KEY_PATH`.
    pub import: Option<PathBuf>,
}

/// Proof of possession (RFC 9449).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DpopSettings {
    /// Whether proofs are accepted; `DPOP_ENABLED`, yes.
    pub enabled: bool,
    /// How long a nonce of ours is accepted; `DPOP_NONCE_TTL`, 5 min.
    pub nonce_ttl: Duration,
    /// How old a proof may be, and how long its `jti` is remembered; `DPOP_JTI_WINDOW`, 1 min.
    pub jti_window: Duration,
}

const ALGORITHM: Choice<Algorithm> =
    Choice(&[("ES256", Algorithm::Es256), ("EdDSA", Algorithm::EdDsa)]);

variables! {
    /// Lifetime of access tokens of people and services.
    ACCESS_TOKEN_TTL: Span = of(span("1s", "24h")).or("15m");
    /// Lifetime of access tokens of agents.
    AGENT_TOKEN_TTL: Span = of(span("1s", "24h")).or("5m");
    /// Lifetime of a refresh token that is not used.
    REFRESH_TOKEN_TTL: Span = of(span("1s", "365d")).or("7d");
    /// Lifetime of a line of refresh tokens however much it is used. At least `REFRESH_TOKEN_TTL`.
    REFRESH_TOKEN_MAX_AGE: Span = of(span("1s", "3650d")).or("30d");
    /// How long a superseded refresh token still gives its successor, for lost answers and second
    /// tabs.
    REFRESH_REUSE_WINDOW: Span = of(span("0s", "300s")).or("30s");
    /// Lifetime of a browser session however much it is used.
    SESSION_MAX_AGE: Span = of(span("1s", "365d")).or("24h");
    /// Lifetime of a browser session that is not used.
    SESSION_IDLE_TIMEOUT: Span = of(span("1s", "365d")).or("1h");
    /// Algorithm that new signing keys are made for.
    JWT_ALGORITHM: Choice<Algorithm> = of(ALGORITHM).or("ES256");
    /// How long a key signs before the next takes over.
    KEY_ROTATION_INTERVAL: Span = of(span("1s", "3650d")).or("90d");
    /// Private key in PEM (PKCS#8 or SEC1) that is imported as the default tenant's active signing key.
    /// Absent: keys are generated.
    JWT_PRIVATE_KEY_PATH: Parsed<PathBuf> = of(PATH);
    /// Lifetime of a pushed authorization request (RFC 9126).
    PAR_TTL: Span = of(span("1s", "10m")).or("90s");
    /// Accept proofs of possession (RFC 9449).
    DPOP_ENABLED: Choice<bool> = of(FLAG).or("true");
    /// How long a nonce for such a proof is accepted.
    DPOP_NONCE_TTL: Span = of(span("1s", "24h")).or("5m");
    /// How old such a proof may be.
    DPOP_JTI_WINDOW: Span = of(span("1s", "1h")).or("1m");
}

// === impl TokenSettings ===

impl TokenSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            access_ttl: values.get(&ACCESS_TOKEN_TTL)?,
            agent_ttl: values.get(&AGENT_TOKEN_TTL)?,
            refresh_ttl: values.get(&REFRESH_TOKEN_TTL)?,
            refresh_max_age: values.get(&REFRESH_TOKEN_MAX_AGE)?,
            refresh_reuse_window: values.get(&REFRESH_REUSE_WINDOW)?,
        })
    }

    /// Gives what a tenant makes of it: shorter spans, and no longer ones, because revocations and
    /// retired keys are kept for these.
    #[must_use]
    pub fn narrowed(&self, chosen: &Lifetimes) -> Self {
        let refresh_max_age = shorter(self.refresh_max_age, chosen.refresh_token_max_age_seconds);
        let refresh_ttl = shorter(self.refresh_ttl, chosen.refresh_token_seconds);
        Self {
            access_ttl: shorter(self.access_ttl, chosen.access_token_seconds),
            agent_ttl: shorter(self.agent_ttl, chosen.agent_token_seconds),
            refresh_ttl: refresh_ttl.min(refresh_max_age),
            refresh_max_age,
            refresh_reuse_window: self.refresh_reuse_window,
        }
    }
}

impl SessionSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            max_age: values.get(&SESSION_MAX_AGE)?,
            idle_timeout: values.get(&SESSION_IDLE_TIMEOUT)?,
        })
    }

    /// Gives what a tenant makes of it, which is never longer.
    #[must_use]
    pub fn narrowed(&self, chosen: &Lifetimes) -> Self {
        Self {
            max_age: shorter(self.max_age, chosen.session_max_age_seconds),
            idle_timeout: shorter(self.idle_timeout, chosen.session_idle_seconds),
        }
    }
}

impl KeySettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            algorithm: values.get(&JWT_ALGORITHM)?,
            rotation_interval: values.get(&KEY_ROTATION_INTERVAL)?,
            import: values.find(&JWT_PRIVATE_KEY_PATH)?,
        })
    }
}

impl DpopSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            enabled: values.get(&DPOP_ENABLED)?,
            nonce_ttl: values.get(&DPOP_NONCE_TTL)?,
            jti_window: values.get(&DPOP_JTI_WINDOW)?,
        })
    }
}

pub(super) fn read_par_ttl(values: &Values) -> Result<Duration, Mistake> {
    values.get(&PAR_TTL)
}

/// Gives the shorter of a span and one that may have been chosen.
#[must_use]
pub fn shorter(most: Duration, chosen: Option<u32>) -> Duration {
    chosen.map_or(most, |seconds| {
        most.min(Duration::from_secs(seconds.into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_shortens_and_never_lengthens() {
        let settings = TokenSettings {
            access_ttl: Duration::from_mins(15),
            agent_ttl: Duration::from_mins(5),
            refresh_ttl: Duration::from_hours(24),
            refresh_max_age: Duration::from_hours(48),
            refresh_reuse_window: Duration::from_secs(30),
        };
        assert_eq!(settings.narrowed(&Lifetimes::default()), settings);
        let chosen = Lifetimes {
            access_token_seconds: Some(60),
            agent_token_seconds: Some(3_600),
            refresh_token_max_age_seconds: Some(600),
            ..Lifetimes::default()
        };
        let narrowed = settings.narrowed(&chosen);
        assert_eq!(narrowed.access_ttl, Duration::from_mins(1));
        assert_eq!(narrowed.agent_ttl, Duration::from_mins(5));
        let both = (narrowed.refresh_ttl, narrowed.refresh_max_age);
        assert_eq!(both, (Duration::from_mins(10), Duration::from_mins(10)));
    }
}
