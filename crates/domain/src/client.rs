//! Clients: the applications, services and agents that ask for tokens (RFC 6749 §2).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::factor::MfaPolicy;
use crate::id::TenantId;
use crate::time::UnixMillis;

/// The client that stands for the first-party API (`/auth/login`) in every tenant.
pub const FIRST_PARTY: &str = "first-party";
/// The client that the operators' console is, in every tenant. It is registered nowhere.
pub const CONSOLE: &str = "console";

/// A registered client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its public name: `client_` and random text, so that it can never look like a user's subject
    /// (RFC 9700 §4.15).
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What stands behind it.
    pub client_type: ClientType,
    /// Whether it may be used.
    pub disabled: bool,
    /// Everything else that was registered (RFC 7591 names).
    pub metadata: ClientMetadata,
    /// The signatures of its live secrets, newest first; two at most.
    pub secrets: Vec<ClientSecret>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it last changed.
    pub updated_at: UnixMillis,
    /// Counts changes, so that a late write is noticed.
    pub version: i64,
}

/// What stands behind a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientType {
    /// A service that acts for itself.
    Service,
    /// An AI agent.
    Agent,
    /// A web application in front of people.
    Web,
    /// An application on people's own devices.
    Native,
}

impl ClientType {
    /// Gives the word a store keeps and JSON shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Agent => "agent",
            Self::Web => "web",
            Self::Native => "native",
        }
    }

    /// Reads the word a store kept.
    #[must_use]
    pub fn from_stored(word: &str) -> Option<Self> {
        [Self::Service, Self::Agent, Self::Web, Self::Native]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// What a client registered (RFC 7591 §2), in the standard's words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in a standard's registry of client metadata"
)]
pub struct ClientMetadata {
    /// Where codes may be sent; compared byte for byte.
    pub redirect_uris: Vec<String>,
    /// Which grants it may use.
    pub grant_types: Vec<String>,
    /// Which scopes it may ask for.
    pub scopes: Vec<String>,
    /// Which types of rich details it may ask for (RFC 9396 §10).
    pub authorization_details_types: Vec<String>,
    /// How it authenticates at the token endpoint.
    pub token_endpoint_auth_method: String,
    /// Which roles its own tokens carry.
    pub roles: Vec<String>,
    /// Which resources (RFC 8707) its tokens may be for; the first is the default audience.
    pub audiences: Vec<String>,
    /// Which resources it is itself: tokens that are for one of them it may exchange (RFC 8693).
    pub own_resources: Vec<String>,
    /// `jwt` for a bare JWS access token without the `qf_at_` prefix.
    pub access_token_format: Option<String>,
    /// How long its access tokens live, in seconds; absent follows the service.
    pub access_token_ttl_seconds: Option<u32>,
    /// Whether it is ours: people are not asked for their consent, and are not told whose it is.
    pub is_first_party: bool,
    /// Whether it must use PKCE; `false` only for a confidential client (CONTRACT §6).
    pub require_pkce: Option<bool>,
    /// Whether it must push its authorization requests (RFC 9126 §6).
    pub require_pushed_authorization_requests: bool,
    /// Whether its tokens must be bound to a key by DPoP (RFC 9449 §5.2).
    pub dpop_bound_access_tokens: bool,
    /// Whether its tokens must be bound to its certificate (RFC 8705 §3.4).
    pub tls_client_certificate_bound_access_tokens: bool,
    /// The subject of its certificate, in the form of RFC 4514; of this and the four that follow a
    /// client of the method `tls_client_auth` has exactly one (RFC 8705 §2.1.2).
    pub tls_client_auth_subject_dn: Option<String>,
    /// A host name that its certificate is for.
    pub tls_client_auth_san_dns: Option<String>,
    /// A URI that its certificate is for.
    pub tls_client_auth_san_uri: Option<String>,
    /// An IP address that its certificate is for.
    pub tls_client_auth_san_ip: Option<String>,
    /// An e-mail address that its certificate is for.
    pub tls_client_auth_san_email: Option<String>,
    /// What people are asked for beside a password when they sign in to it; the tenant may ask more.
    pub mfa: Option<MfaPolicy>,
    /// Whether everything the FAPI 2.0 Security Profile forbids is refused.
    pub fapi_2_0: bool,
    /// Whether it may ask what a token is worth (RFC 7662 §2.1).
    pub may_introspect: bool,
    /// Its public keys (RFC 7591 §2); beside `jwks_uri` only one may stand.
    pub jwks: Option<Value>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// The algorithm of its client assertions.
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// The algorithm of its request objects (RFC 9101 §10.5).
    pub request_object_signing_alg: Option<String>,
    /// Whether its authorization requests must be signed (RFC 9101 §10.5).
    pub require_signed_request_object: bool,
    /// The algorithm of its ID tokens; absent follows the service.
    pub id_token_signed_response_alg: Option<String>,
    /// The algorithm of its userinfo answers; absent: they are plain JSON.
    pub userinfo_signed_response_alg: Option<String>,
    /// The algorithm of its introspection answers, where it asks for signed ones (RFC 9701 §6).
    pub introspection_signed_response_alg: Option<String>,
    /// `pairwise` for subjects that no other client sees (OpenID Connect Core §8).
    pub subject_type: Option<String>,
    /// The host that groups its pairwise subjects (OpenID Connect Core §8.1).
    pub sector_identifier_uri: Option<String>,
    /// How old a sign-in may be unless the request says it, in seconds.
    pub default_max_age: Option<u64>,
    /// Where a person may be sent after signing out; compared byte for byte.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where logout tokens are posted (OpenID Connect Back-Channel Logout §2.2).
    pub backchannel_logout_uri: Option<String>,
    /// Whether logout tokens must name the sign-in that ended; they all do.
    pub backchannel_logout_session_required: bool,
    /// What the browser opens as it signs out (OpenID Connect Front-Channel Logout §2).
    pub frontchannel_logout_uri: Option<String>,
    /// Whether that must name the issuer and the sign-in.
    pub frontchannel_logout_session_required: bool,
    /// Where request objects of its own may be fetched from (OpenID Connect Registration §2).
    pub request_uris: Vec<String>,
    /// The page of its own that people know it by.
    pub client_uri: Option<String>,
    /// Its picture.
    pub logo_uri: Option<String>,
    /// Its privacy policy.
    pub policy_uri: Option<String>,
    /// Its terms.
    pub tos_uri: Option<String>,
    /// Whether it described itself and nobody vouches for it: people are asked each time.
    pub is_self_registered: bool,
    /// The signature of the token that opens its registration (RFC 7592), in base64url.
    pub registration_token: Option<String>,
}

/// One live secret of a client: its HMAC signature, never the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSecret {
    /// HMAC-SHA-256 under `SYSTEM_SECRETS`, in base64url.
    pub signature: String,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it stops working; absent while it is the newest.
    pub expires_at: Option<UnixMillis>,
}

/// What an operator changes about a client; `None` leaves a field alone.
#[derive(Debug, Clone, Default)]
pub struct ClientPatch {
    /// A new name.
    pub name: Option<String>,
    /// Close or reopen it.
    pub disabled: Option<bool>,
    /// New registered metadata, replacing the old.
    pub metadata: Option<ClientMetadata>,
    /// New secrets, replacing the old.
    pub secrets: Option<Vec<ClientSecret>>,
    /// The version the change was based on; another stored version is a conflict.
    pub expected_version: Option<i64>,
}
