//! OpenID Connect: who we are to clients, and what ID tokens carry.

use std::time::Duration;

use domain::scope::ScopeSet;

use crate::config::kind::text::SCOPES;
use crate::config::kind::web::ISSUER;
use crate::config::kind::{Parsed, Span, span};
use crate::config::mistake::Mistake;
use crate::config::values::Values;
use crate::config::variable::{of, variables};

/// Who we are to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// The issuer of the default tenant, to the letter; `OIDC_ISSUER_URL`, `http://localhost:4000`.
    /// No trailing slash, query or fragment; https in staging and production.
    pub issuer: String,
    /// Lifetime of ID tokens; `OIDC_ID_TOKEN_TTL`, 1 h.
    pub id_token_ttl: Duration,
    /// The scopes that are offered; `OIDC_SUPPORTED_SCOPES`.
    pub supported_scopes: ScopeSet,
}

variables! {
    /// URL under which clients reach the public door; the `iss` of every token. Must be https in
    /// staging and production.
    OIDC_ISSUER_URL: Parsed<String> = of(ISSUER).or("http://localhost:4000");
    /// Lifetime of ID tokens.
    OIDC_ID_TOKEN_TTL: Span = of(span("1s", "30d")).or("1h");
    /// Scopes that are offered.
    OIDC_SUPPORTED_SCOPES: Parsed<ScopeSet> =
        of(SCOPES).or("openid,profile,email,offline_access");
}

// === impl OidcSettings ===

impl OidcSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            issuer: values.get(&OIDC_ISSUER_URL)?,
            id_token_ttl: values.get(&OIDC_ID_TOKEN_TTL)?,
            supported_scopes: values.get(&OIDC_SUPPORTED_SCOPES)?,
        })
    }
}
