//! Tokens: the grants of the token endpoint (RFC 6749 §4, §6) and what they answer with.
//!
//! [`token`] takes a request for any grant to its flow; a grant is a file here. [`mint`] is the one
//! place where access tokens are made.

use std::time::Duration;

use domain::id::UserId;
use domain::rejection::Rejection;
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use protocol::access_token::Audience;
use protocol::oauth::resource::{self, InvalidTarget};

use super::{Act, Flows};

pub mod authorization_code;
pub mod client_auth;
pub mod client_credentials;
pub mod device_code;
pub mod id_token;
pub mod jwt_bearer;
pub mod mint;
pub mod refresh;
pub mod token_exchange;

pub use authorization_code::AuthorizationCode;
pub use client_auth::{AuthMethod, ClientAuth};
pub use client_credentials::ClientCredentials;
pub use device_code::DeviceCode;
pub use jwt_bearer::JwtBearer;
pub use refresh::Refresh;
pub use token_exchange::TokenExchange;

/// A request for tokens.
#[derive(Debug, Clone)]
pub enum Grant {
    /// `authorization_code`.
    AuthorizationCode(AuthorizationCode),
    /// `refresh_token`.
    Refresh(Refresh),
    /// `client_credentials`.
    ClientCredentials(ClientCredentials),
    /// `urn:ietf:params:oauth:grant-type:device_code`.
    DeviceCode(DeviceCode),
    /// `urn:ietf:params:oauth:grant-type:token-exchange`.
    TokenExchange(TokenExchange),
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`.
    JwtBearer(JwtBearer),
}

/// What the token endpoint answers with (RFC 6749 §5.1).
#[derive(Debug, Clone)]
pub struct TokenReply {
    /// The access token.
    pub access: String,
    /// Its type: `Bearer`, or `DPoP` if it is bound to a key.
    pub kind: &'static str,
    /// What was issued, where there was a choice (RFC 8693 §2.2.1 `issued_token_type`).
    pub issued: Option<&'static str>,
    /// The ID token, where one was asked for.
    pub id_token: Option<String>,
    /// The refresh token, where the grant gives one.
    pub refresh: Option<SecretText>,
    /// How long the access token lives.
    pub expires_in: Duration,
    /// What the access token is for.
    pub scope: ScopeSet,
    /// What exactly it is for, where more was asked for than a scope says (RFC 9396 §7).
    pub details: Option<serde_json::Value>,
    /// Whom it speaks for, if a person.
    pub user: Option<UserId>,
}

/// Chooses whom a token is for among the resources that a person allowed: those that are wanted, or
/// all; none allowed means us (RFC 8707 §2.2).
fn audience_of(
    granted: &[String],
    issuer: &str,
    wanted: &[String],
) -> Result<Audience, InvalidTarget> {
    let ours = [issuer.to_owned()];
    let allowed = if granted.is_empty() { &ours } else { granted };
    let mut chosen = resource::choose(allowed, wanted.iter().map(String::as_str))?;
    if chosen.is_empty() {
        chosen = allowed.to_vec();
    }
    Ok(match (chosen.pop(), chosen.is_empty()) {
        (Some(only), true) => Audience::One(only),
        (Some(last), false) => {
            chosen.push(last);
            Audience::Many(chosen)
        }
        (None, _) => Audience::One(issuer.to_owned()),
    })
}

/// Gives tokens for a grant.
///
/// # Errors
/// A refusal in OAuth's words, or a fault.
pub async fn token(flows: &Flows, act: &Act, grant: Grant) -> Result<TokenReply, Rejection> {
    match grant {
        // Each in a box of its own, so that no grant carries the room of the largest.
        Grant::AuthorizationCode(message) => {
            Box::pin(authorization_code::authorization_code(flows, act, message)).await
        }
        Grant::Refresh(message) => Box::pin(refresh::refresh(flows, act, message)).await,
        Grant::ClientCredentials(message) => {
            Box::pin(client_credentials::client_credentials(flows, act, message)).await
        }
        Grant::DeviceCode(message) => Box::pin(device_code::device_code(flows, act, message)).await,
        Grant::TokenExchange(message) => {
            Box::pin(token_exchange::token_exchange(flows, act, message)).await
        }
        Grant::JwtBearer(message) => Box::pin(jwt_bearer::jwt_bearer(flows, act, message)).await,
    }
}
