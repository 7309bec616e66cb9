//! Tokens: the grants of the token endpoint (RFC 6749 §4, §6) and what they answer with.
//!
//! [`token`] takes a request for any grant to its flow; a grant is a file here. [`mint`] is the one
//! place where access tokens are made.

use std::time::Duration;

use domain::id::UserId;
use domain::rejection::Rejection;
use domain::scope::ScopeSet;
use domain::secret::SecretText;

use super::{Act, Flows};

pub mod client_auth;
pub mod client_credentials;
pub mod mint;
pub mod refresh;

pub use client_auth::{AuthMethod, ClientAuth};
pub use client_credentials::ClientCredentials;
pub use refresh::Refresh;

/// A request for tokens.
#[derive(Debug, Clone)]
pub enum Grant {
    /// `refresh_token`.
    Refresh(Refresh),
    /// `client_credentials`.
    ClientCredentials(ClientCredentials),
}

/// What the token endpoint answers with (RFC 6749 §5.1).
#[derive(Debug, Clone)]
pub struct TokenReply {
    /// The access token; its type is `Bearer`.
    pub access: String,
    /// The refresh token, where the grant gives one.
    pub refresh: Option<SecretText>,
    /// How long the access token lives.
    pub expires_in: Duration,
    /// What the access token is for.
    pub scope: ScopeSet,
    /// Whom it speaks for, if a person.
    pub user: Option<UserId>,
}

/// Gives tokens for a grant.
///
/// # Errors
/// A refusal in OAuth's words, or a fault.
pub async fn token(flows: &Flows, act: &Act, grant: Grant) -> Result<TokenReply, Rejection> {
    match grant {
        Grant::Refresh(message) => refresh::refresh(flows, act, message).await,
        Grant::ClientCredentials(message) => {
            client_credentials::client_credentials(flows, act, message).await
        }
    }
}
