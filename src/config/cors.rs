//! CORS: which web pages may call the service from a browser (Fetch standard).

use std::time::Duration;

use http::{HeaderName, Method};

use crate::config::kind::web::{HEADERS, METHODS, ORIGINS, Origins};
use crate::config::kind::{Choice, FLAG, Parsed, Span, span};
use crate::config::mistake::Mistake;
use crate::config::values::Values;
use crate::config::variable::{of, variables};

/// What a browser is told about calls from other origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsSettings {
    /// Who may read answers; `CORS_ALLOWED_ORIGINS`, nobody.
    pub origins: Origins,
    /// With which methods; `CORS_ALLOWED_METHODS`, those that we serve.
    pub methods: Vec<Method>,
    /// With which request headers; `CORS_ALLOWED_HEADERS`, those that we read.
    pub headers: Vec<HeaderName>,
    /// Which response headers a page may read; `CORS_EXPOSE_HEADERS`, those that it may need.
    pub exposed: Vec<HeaderName>,
    /// Whether cookies are sent along; `CORS_ALLOW_CREDENTIALS`, no. Never together with a `*`.
    pub credentials: bool,
    /// How long a browser may remember all this; `CORS_MAX_AGE`, 12 h.
    pub max_age: Duration,
}

variables! {
    /// Origins of web pages that may read answers, or `*` for all. Absent: none. A tenant may have a list
    /// of its own (`cors_allowed_origins`) instead.
    CORS_ALLOWED_ORIGINS: Parsed<Origins> = of(ORIGINS);
    /// Methods that such pages may use.
    CORS_ALLOWED_METHODS: Parsed<Vec<Method>> =
        of(METHODS).or("GET,POST,PUT,PATCH,DELETE,OPTIONS");
    /// Request headers that such pages may send.
    CORS_ALLOWED_HEADERS: Parsed<Vec<HeaderName>> =
        of(HEADERS).or("Authorization,Content-Type,DPoP,X-API-Key,X-Tenant-ID,X-Request-ID");
    /// Response headers that such pages may read.
    CORS_EXPOSE_HEADERS: Parsed<Vec<HeaderName>> =
        of(HEADERS).or("X-Request-ID,DPoP-Nonce,WWW-Authenticate,Retry-After");
    /// Whether such pages may send cookies. Refused together with `*`.
    CORS_ALLOW_CREDENTIALS: Choice<bool> = of(FLAG).or("false");
    /// How long a browser may remember a preflight answer.
    CORS_MAX_AGE: Span = of(span("0s", "24h")).or("12h");
}

// === impl CorsSettings ===

impl CorsSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        let origins = values.find(&CORS_ALLOWED_ORIGINS)?;
        Ok(Self {
            origins: origins.unwrap_or(Origins::Listed(Vec::new())),
            methods: values.get(&CORS_ALLOWED_METHODS)?,
            headers: values.get(&CORS_ALLOWED_HEADERS)?,
            exposed: values.get(&CORS_EXPOSE_HEADERS)?,
            credentials: values.get(&CORS_ALLOW_CREDENTIALS)?,
            max_age: values.get(&CORS_MAX_AGE)?,
        })
    }
}
