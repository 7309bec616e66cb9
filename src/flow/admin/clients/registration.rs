//! What may be registered about a client, in the words of RFC 7591 §2.
//!
//! What an operator says is laid over the defaults of the client's type, or over what is stored, and
//! the whole is judged: the same rules hold when a client is made and when it is changed.
//!
//! By subject: `policy` for what it must do and may do, `keys` for what it signs with, `certificates` for
//! what it shows in TLS, `answers` for what is signed for it, `subjects` for how people are named to it,
//! `logout` for how it learns that they are gone, `pages` for what people are shown and where they go.

use domain::client::{ClientMetadata, ClientType};
use domain::scope::ScopeSet;
use serde_json::{Value, json};
use url::Url;

use super::redirect_uri::check_redirect_uri;
use crate::flow::account::Mistakes;
use crate::flow::admin::role::check_roles;
use crate::flow::token::client_auth::{
    METHOD_BASIC, METHOD_NONE, METHOD_POST, METHOD_PRIVATE_KEY_JWT, METHOD_SELF_SIGNED_TLS,
    METHOD_TLS,
};
use crate::flow::token::{jwt_bearer, token_exchange};

mod answers;
mod certificates;
mod keys;
mod logout;
mod pages;
mod policy;
mod subjects;

pub use answers::AnswersPatch;
pub use certificates::CertificatesPatch;
pub use keys::KeysPatch;
pub use logout::LogoutPatch;
pub use pages::PagesPatch;
pub use policy::PolicyPatch;
pub use subjects::SubjectsPatch;

const CODE: &str = "authorization_code";
const REFRESH: &str = "refresh_token";
const CREDENTIALS: &str = "client_credentials";

/// The grants that exist (OAuth 2.1): never implicit, never password.
const GRANTS: [&str; 7] = [
    CODE,
    REFRESH,
    CREDENTIALS,
    "urn:ietf:params:oauth:grant-type:device_code",
    token_exchange::GRANT,
    jwt_bearer::GRANT,
    "urn:openid:params:grant-type:ciba",
];

/// The grants of clients that authenticate.
const FOR_CONFIDENTIAL: [&str; 3] = [CREDENTIALS, token_exchange::GRANT, jwt_bearer::GRANT];

/// How a client may authenticate.
const METHODS: [&str; 6] = [
    METHOD_BASIC,
    METHOD_POST,
    METHOD_PRIVATE_KEY_JWT,
    METHOD_TLS,
    METHOD_SELF_SIGNED_TLS,
    METHOD_NONE,
];

/// The one format that can be asked for; see [`ClientMetadata::access_token_format`].
const FORMAT_JWT: &str = "jwt";

/// The most URIs, scopes or audiences of one client.
const MAX_ENTRIES: usize = 100;
/// The longest name of a type of rich details.
const MAX_TYPE: usize = 256;
/// The longest lifetime that may be asked for, in seconds. The service's own bounds it besides.
const MAX_TTL_SECONDS: u32 = 86_400;

/// What an operator says about a client; `None` leaves a field as it is, or as its type has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetadataPatch {
    /// Where codes may be sent.
    pub redirect_uris: Option<Vec<String>>,
    /// Which grants it may use.
    pub grant_types: Option<Vec<String>>,
    /// Which scopes it may ask for.
    pub scopes: Option<Vec<String>>,
    /// Which types of rich details it may ask for (RFC 9396 §10).
    pub authorization_details_types: Option<Vec<String>>,
    /// How it authenticates: `client_secret_basic`, `client_secret_post`, `private_key_jwt`,
    /// `tls_client_auth`, `self_signed_tls_client_auth` or `none`.
    pub token_endpoint_auth_method: Option<String>,
    /// Which roles its own tokens carry.
    pub roles: Option<Vec<String>>,
    /// Which resources its tokens may be for (RFC 8707).
    pub audiences: Option<Vec<String>>,
    /// Which resources it is itself (RFC 8693).
    pub own_resources: Option<Vec<String>>,
    /// `jwt` for a bare JWS; `Some(None)` follows the service.
    pub access_token_format: Option<Option<String>>,
    /// How long its access tokens live, in seconds; `Some(None)` follows the service.
    pub access_token_ttl_seconds: Option<Option<u32>>,
    /// What it must do and may do.
    pub policy: PolicyPatch,
    /// What it signs with.
    pub keys: KeysPatch,
    /// What it shows in TLS.
    pub certificates: CertificatesPatch,
    /// What is signed for it.
    pub answers: AnswersPatch,
    /// What people are shown of it, and where they go.
    pub pages: PagesPatch,
    /// How people are named to it.
    pub subjects: SubjectsPatch,
    /// How it learns that a sign-in has ended.
    pub logout: LogoutPatch,
}

/// What a registration is judged under.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// What stands behind the client.
    pub(super) client_type: ClientType,
    /// Whether the operator opened places that are asked in clear text (`EGRESS_ALLOW`).
    pub(super) takes_clear_text: bool,
    /// Whether the service takes client certificates (`TLS_CLIENT_CA_PATH`).
    pub(super) takes_certificates: bool,
}

// === impl MetadataPatch ===

impl MetadataPatch {
    /// Says whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Lays what is said over `base` and judges the whole, naming every wrong field.
    pub(super) fn over(
        self,
        base: ClientMetadata,
        terms: Terms,
        mistakes: &mut Mistakes,
    ) -> ClientMetadata {
        let method = self.token_endpoint_auth_method;
        let types = self.authorization_details_types;
        let mut metadata = ClientMetadata {
            redirect_uris: unique(self.redirect_uris.unwrap_or(base.redirect_uris)),
            grant_types: unique(self.grant_types.unwrap_or(base.grant_types)),
            scopes: unique(self.scopes.unwrap_or(base.scopes)),
            authorization_details_types: unique(types.unwrap_or(base.authorization_details_types)),
            token_endpoint_auth_method: method.unwrap_or(base.token_endpoint_auth_method),
            roles: check_roles(mistakes, self.roles.unwrap_or(base.roles)),
            audiences: unique(self.audiences.unwrap_or(base.audiences)),
            own_resources: unique(self.own_resources.unwrap_or(base.own_resources)),
            access_token_format: self.access_token_format.unwrap_or(base.access_token_format),
            access_token_ttl_seconds: self
                .access_token_ttl_seconds
                .unwrap_or(base.access_token_ttl_seconds),
            ..base
        };
        self.policy.lay_over(&mut metadata);
        self.keys.lay_over(&mut metadata);
        self.certificates.lay_over(&mut metadata);
        self.answers.lay_over(&mut metadata);
        self.pages.lay_over(&mut metadata);
        self.subjects.lay_over(&mut metadata);
        self.logout.lay_over(&mut metadata);
        check_all(&metadata, terms, mistakes);
        metadata
    }
}

/// Gives what a client of this type is registered with when nobody says otherwise: systems act for
/// themselves, applications for people; what runs on people's devices can keep no secret (RFC 8252
/// §8.4).
pub(in crate::flow) fn defaults_of(client_type: ClientType) -> ClientMetadata {
    let (grants, method): (&[&str], _) = match client_type {
        ClientType::Service | ClientType::Agent => (&[CREDENTIALS], METHOD_BASIC),
        ClientType::Web => (&[CODE, REFRESH], METHOD_BASIC),
        ClientType::Native => (&[CODE, REFRESH], METHOD_NONE),
    };
    ClientMetadata {
        grant_types: grants.iter().map(ToString::to_string).collect(),
        token_endpoint_auth_method: method.to_owned(),
        ..ClientMetadata::default()
    }
}

/// Says whether a client authenticates by a secret.
pub(in crate::flow) fn has_secret(metadata: &ClientMetadata) -> bool {
    [METHOD_BASIC, METHOD_POST].contains(&metadata.token_endpoint_auth_method.as_str())
}

/// Gives what the audit trail keeps of a registration: what it may do, and the names of its keys.
pub(in crate::flow) fn detail(client_type: ClientType, metadata: &ClientMetadata) -> Value {
    json!({
        "client_type": client_type.as_str(),
        "grant_types": metadata.grant_types,
        "scopes": metadata.scopes,
        "authorization_details_types": metadata.authorization_details_types,
        "audiences": metadata.audiences,
        "own_resources": metadata.own_resources,
        "roles": metadata.roles,
        "token_endpoint_auth_method": metadata.token_endpoint_auth_method,
        "is_first_party": metadata.is_first_party,
        "require_pkce": metadata.require_pkce,
        "dpop_bound_access_tokens": metadata.dpop_bound_access_tokens,
        "tls_client_certificate_bound_access_tokens":
            metadata.tls_client_certificate_bound_access_tokens,
        "mfa": metadata.mfa,
        "fapi_2_0": metadata.fapi_2_0,
        "may_introspect": metadata.may_introspect,
        "jwk_thumbprints": keys::thumbprints(metadata),
        "jwks_uri": metadata.jwks_uri,
        "subject_type": metadata.subject_type,
    })
}

fn check_all(metadata: &ClientMetadata, terms: Terms, mistakes: &mut Mistakes) {
    check_grants(metadata, mistakes);
    check_method(metadata, mistakes);
    check_addresses(metadata, terms.client_type, mistakes);
    check_tokens(metadata, mistakes);
    policy::check(metadata, mistakes);
    keys::check(metadata, terms, mistakes);
    certificates::check(metadata, terms, mistakes);
    answers::check(metadata, mistakes);
    pages::check(metadata, terms.client_type, mistakes);
    subjects::check(metadata, terms, mistakes);
    logout::check(metadata, terms, mistakes);
}

fn check_grants(metadata: &ClientMetadata, mistakes: &mut Mistakes) {
    let has = |grant: &str| metadata.grant_types.iter().any(|known| known == grant);
    let is_known = |grant: &String| GRANTS.contains(&grant.as_str());
    if metadata.grant_types.is_empty() || !metadata.grant_types.iter().all(is_known) {
        mistakes.add("grant_types", format!("must be of {}", GRANTS.join(", ")));
    }
    // RFC 6749 §4.4: "The client credentials grant type MUST only be used by confidential clients."
    // RFC 8693 §5 leaves whoever has a token with what it can be exchanged for unless clients
    // authenticate; with an assertion it is no other.
    let named = FOR_CONFIDENTIAL.into_iter().find(|grant| has(grant));
    if let Some(grant) = named.filter(|_| is_public(metadata)) {
        let message = format!("must not be none with the grant {grant}");
        mistakes.add("token_endpoint_auth_method", message);
    }
    // RFC 7591 §2: "Clients using flows with redirection MUST register their redirection URI
    // values."
    if has(CODE) && metadata.redirect_uris.is_empty() {
        let message = "must name at least one for the grant authorization_code";
        mistakes.add("redirect_uris", message);
    }
}

fn check_method(metadata: &ClientMetadata, mistakes: &mut Mistakes) {
    if !METHODS.contains(&metadata.token_endpoint_auth_method.as_str()) {
        let message = format!("must be of {}", METHODS.join(", "));
        mistakes.add("token_endpoint_auth_method", message);
    }
}

/// Says whether a client does not authenticate.
fn is_public(metadata: &ClientMetadata) -> bool {
    metadata.token_endpoint_auth_method == METHOD_NONE
}

fn check_addresses(metadata: &ClientMetadata, client_type: ClientType, mistakes: &mut Mistakes) {
    check_count("redirect_uris", &metadata.redirect_uris, mistakes);
    let uris = metadata.redirect_uris.iter();
    let judged = uris.map(|uri| check_redirect_uri(client_type, uri));
    mistakes.check("redirect_uris", judged.collect::<Result<Vec<()>, _>>());
    for (field, resources) in [
        ("audiences", &metadata.audiences),
        ("own_resources", &metadata.own_resources),
    ] {
        check_count(field, resources, mistakes);
        if !resources.iter().all(|resource| is_resource(resource)) {
            mistakes.add(field, "each must be an absolute URI without fragment");
        }
    }
}

fn check_tokens(metadata: &ClientMetadata, mistakes: &mut Mistakes) {
    check_count("scopes", &metadata.scopes, mistakes);
    let joined = ScopeSet::parse(&metadata.scopes.join(" "));
    // A text with a space in it would join as two tokens.
    let is_one_each = |scope: &String| !scope.is_empty() && !scope.contains(' ');
    if joined.is_err() || !metadata.scopes.iter().all(is_one_each) {
        mistakes.add(
            "scopes",
            "each must be printable ASCII without space, quote or backslash",
        );
    }
    let types = &metadata.authorization_details_types;
    check_count("authorization_details_types", types, mistakes);
    let is_type = |name: &String| {
        (1..=MAX_TYPE).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !types.iter().all(is_type) {
        let hint = "each must be 1 to 256 printable ASCII characters without space";
        mistakes.add("authorization_details_types", hint);
    }
    let format = metadata.access_token_format.as_deref();
    if format.is_some_and(|format| format != FORMAT_JWT) {
        mistakes.add(
            "access_token_format",
            "must be jwt, or null to follow the service",
        );
    }
    let ttl = metadata.access_token_ttl_seconds;
    if ttl.is_some_and(|seconds| !(1..=MAX_TTL_SECONDS).contains(&seconds)) {
        let message = "must be 1 to 86400, or null to follow the service";
        mistakes.add("access_token_ttl_seconds", message);
    }
}

fn check_count(field: &'static str, entries: &[String], mistakes: &mut Mistakes) {
    if entries.len() > MAX_ENTRIES {
        mistakes.add(field, "must be 100 at most");
    }
}

/// RFC 8707 §2: a resource is an absolute URI without a fragment.
fn is_resource(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
        && Url::parse(text).is_ok_and(|url| url.fragment().is_none())
}

/// Drops repeats, keeping the order.
fn unique(entries: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(entries.len());
    for entry in entries {
        if !kept.contains(&entry) {
            kept.push(entry);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
