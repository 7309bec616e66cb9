//! Clients: the applications, services and agents that ask for tokens (RFC 6749 §2).

use serde::{Deserialize, Serialize};

use crate::id::TenantId;
use crate::time::UnixMillis;

/// The client that stands for the first-party API (`/auth/login`) in every tenant.
pub const FIRST_PARTY: &str = "first-party";

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
pub struct ClientMetadata {
    /// Where codes may be sent; compared byte for byte.
    pub redirect_uris: Vec<String>,
    /// Which grants it may use.
    pub grant_types: Vec<String>,
    /// Which scopes it may ask for.
    pub scopes: Vec<String>,
    /// How it authenticates at the token endpoint.
    pub token_endpoint_auth_method: String,
    /// Which roles its own tokens carry.
    pub roles: Vec<String>,
    /// Which resources (RFC 8707) its tokens may be for; the first is the default audience.
    pub audiences: Vec<String>,
    /// `jwt` for a bare JWS access token without the `qf_at_` prefix.
    pub access_token_format: Option<String>,
    /// How long its access tokens live, in seconds; absent follows the service.
    pub access_token_ttl_seconds: Option<u32>,
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
