//! Discovery: the documents by which clients and resources find out what we do.
//!
//! One [`Metadata`] is valid both as OpenID Connect Discovery's `openid-configuration` (§3) and as
//! RFC 8414's `oauth-authorization-server` (§2), so both paths serve the same bytes.
//! [`ProtectedResource`] is RFC 9728's counterpart, by which a resource names us.
//!
//! A document promises; so nothing is in it that the caller does not say exists: [`Facts`] are
//! about the running service, and what is off is absent, not empty (RFC 8414 §3.2). What every
//! service of ours does is written down here: `code` alone, PKCE with `S256` alone, `iss` in every
//! answer.

mod answers;
mod authentication;
mod endpoints;
mod requests;

use domain::key::Algorithm;
use domain::scope::ScopeSet;
use serde::Serialize;

use self::answers::Answers;
use self::authentication::Authentication;
use self::endpoints::Endpoints;
use self::requests::Requests;

/// What is true of the running service.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in a standard's registry of server metadata"
)]
pub struct Facts<'a> {
    /// The issuer, to the letter.
    pub issuer: &'a str,
    /// The scopes that are offered.
    pub scopes: &'a ScopeSet,
    /// What we sign with, the default first. OpenID Connect Discovery §3 wants `RS256` among them.
    pub algorithms: &'a [Algorithm],
    /// The algorithms in which clients may sign assertions and request objects; none: they sign
    /// neither.
    pub client_algorithms: &'a [&'a str],
    /// The algorithms in which proofs may be signed (RFC 9449 §5.1); none: tokens cannot be bound to a
    /// key by proof.
    pub proof_algorithms: &'a [&'a str],
    /// The authentication contexts that a request may ask for.
    pub acr_values: &'a [&'a str],
    /// The languages of the pages (BCP 47).
    pub ui_locales: &'a [&'a str],
    /// How clients learn the end of a backchannel authentication (CIBA §5); none: it is not offered.
    pub ciba_delivery_modes: &'a [&'a str],
    /// Whether a client may ask for subjects that no other client sees (OpenID Connect Core §8.1).
    pub supports_pairwise: bool,
    /// Whether userinfo answers can be signed (OpenID Connect Core §5.3.2).
    pub signs_userinfo: bool,
    /// Whether introspection answers can be signed (RFC 9701).
    pub signs_introspection: bool,
    /// Whether clients may register themselves (RFC 7591).
    pub is_registration_open: bool,
    /// Whether a client may be named by the URL of its metadata.
    pub supports_cimd: bool,
    /// Whether clients may authenticate by certificate (RFC 8705).
    pub supports_mtls: bool,
    /// Whether `request` is read (RFC 9101).
    pub supports_request_objects: bool,
    /// Whether a `request_uri` of the client's own is fetched (RFC 9101 §5.2).
    pub supports_request_uri: bool,
    /// Whether devices without a browser can ask (RFC 8628).
    pub supports_device_flow: bool,
    /// Whether tokens can be exchanged (RFC 8693).
    pub supports_token_exchange: bool,
    /// Whether assertions are accepted as grants (RFC 7523 §2.1).
    pub supports_jwt_bearer: bool,
    /// Whether an ID-JAG is issued for other authorization servers (ID-JAG §7).
    pub issues_id_jag: bool,
    /// Whether an ID-JAG of other issuers is accepted as grant.
    pub accepts_id_jag: bool,
    /// Whether clients are told of a logout (OpenID Connect Back-Channel Logout §2.1).
    pub supports_backchannel_logout: bool,
    /// Whether the browser tells clients of a logout (OpenID Connect Front-Channel Logout §3).
    pub supports_frontchannel_logout: bool,
}

/// The metadata of the authorization server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata<'a> {
    issuer: &'a str,
    #[serde(flatten)]
    endpoints: Endpoints,
    #[serde(flatten)]
    requests: Requests<'a>,
    #[serde(flatten)]
    authentication: Authentication<'a>,
    #[serde(flatten)]
    answers: Answers<'a>,
}

/// The metadata of a protected resource (RFC 9728 §2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProtectedResource<'a> {
    resource: &'a str,
    authorization_servers: [&'a str; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<&'a str>,
    bearer_methods_supported: [&'static str; 1],
}

/// Describes a resource whose tokens we issue. They are read from the `Authorization` header alone.
#[must_use]
pub fn protected_resource<'a>(
    issuer: &'a str,
    resource: &'a str,
    scopes: &'a ScopeSet,
) -> ProtectedResource<'a> {
    ProtectedResource {
        resource,
        authorization_servers: [issuer],
        scopes_supported: scopes.iter().collect(),
        bearer_methods_supported: ["header"],
    }
}

// === impl Metadata ===

impl<'a> Metadata<'a> {
    /// Writes down what is true.
    #[must_use]
    pub fn new(facts: &Facts<'a>) -> Self {
        Self {
            issuer: facts.issuer,
            endpoints: Endpoints::new(facts),
            requests: Requests::new(facts),
            authentication: Authentication::new(facts),
            answers: Answers::new(facts),
        }
    }
}

#[cfg(test)]
mod tests;
