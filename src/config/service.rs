//! The service as a whole: where it runs, what it logs, how it ends.

use std::time::Duration;

use tracing::level_filters::LevelFilter;
use url::Url;

use crate::config::kind::web::HTTP_URL;
use crate::config::kind::{Choice, Parsed, Span, span};
use crate::config::mistake::Mistake;
use crate::config::values::Values;
use crate::config::variable::{of, variables};

/// The kind of place the service runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// A person's machine: secrets are generated, mails and logs are printed for reading.
    Development,
    /// A test run: as development, and hashing may be as weak as a test likes.
    Test,
    /// A rehearsal of production, under the same demands.
    Staging,
    /// The real thing: nothing is generated, the issuer is https.
    Production,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// The least severe level that is written; `LOG_LEVEL`, `info`.
    pub level: LevelFilter,
    /// How a line is written; `LOG_FORMAT`, text in development and JSON elsewhere.
    pub format: LogFormat,
}

const ENVIRONMENT: Choice<Environment> = Choice(&[
    ("development", Environment::Development),
    ("test", Environment::Test),
    ("staging", Environment::Staging),
    ("production", Environment::Production),
]);

const LEVEL: Choice<LevelFilter> = Choice(&[
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
]);

const FORMAT: Choice<LogFormat> = Choice(&[("text", LogFormat::Text), ("json", LogFormat::Json)]);

variables! {
    /// Where the service runs. In development and test, secrets are generated and checks that only
    /// an operator can satisfy are left out.
    APP_ENV: Choice<Environment> = of(ENVIRONMENT).or("development");
    /// The least severe level that is logged.
    LOG_LEVEL: Choice<LevelFilter> = of(LEVEL).or("info");
    /// How a log line is written: for people, or one JSON object a line.
    LOG_FORMAT: Choice<LogFormat> =
        of(FORMAT).or_derived("text in development, else json", derive_format);
    /// Where traces are sent (OTLP over HTTP). Absent: no traces.
    OTEL_EXPORTER_OTLP_ENDPOINT: Parsed<Url> = of(HTTP_URL);
    /// How long requests in flight may take to finish after SIGTERM.
    SHUTDOWN_GRACE: Span = of(span("0s", "1h")).or("30s");
    /// How long an account that its owner deleted can be had back, before it is erased.
    ACCOUNT_DELETION_GRACE: Span = of(span("1d", "365d")).or("30d");
    /// How long entries of the audit trail are kept. They go by whole days, the oldest first.
    AUDIT_RETENTION: Span = of(span("1d", "36500d")).or("365d");
}

fn derive_format(values: &Values) -> Option<String> {
    let environment = values.peek(&APP_ENV)?;
    let word = match environment {
        Environment::Development => "text",
        Environment::Test | Environment::Staging | Environment::Production => "json",
    };
    Some(word.to_owned())
}

// === impl Environment ===

impl Environment {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        values.get(&APP_ENV)
    }

    /// Says whether what only an operator can provide is demanded.
    #[must_use]
    pub const fn is_production_like(self) -> bool {
        matches!(self, Self::Staging | Self::Production)
    }
}

// === impl LogSettings ===

impl LogSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            level: values.get(&LOG_LEVEL)?,
            format: values.get(&LOG_FORMAT)?,
        })
    }
}

pub(super) fn read_otel_endpoint(values: &Values) -> Result<Option<Url>, Mistake> {
    values.find(&OTEL_EXPORTER_OTLP_ENDPOINT)
}

pub(super) fn read_deletion_grace(values: &Values) -> Result<Duration, Mistake> {
    values.get(&ACCOUNT_DELETION_GRACE)
}

pub(super) fn read_audit_retention(values: &Values) -> Result<Duration, Mistake> {
    values.get(&AUDIT_RETENTION)
}

pub(super) fn read_shutdown_grace(values: &Values) -> Result<Duration, Mistake> {
    values.get(&SHUTDOWN_GRACE)
}
