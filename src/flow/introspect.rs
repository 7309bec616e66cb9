//! Telling a client what a token is worth (RFC 7662).
//!
//! A client that may ask is told of every token of its tenant, any other of its own alone; what may not
//! be told, is unknown, expired or revoked is one answer: not active (§2.2). Of a refresh token nobody is
//! told but the client it was issued to: no other can use it. Whoever asks for it is
//! answered with a JWS (RFC 9701).

use domain::api_key::SCOPE_INTROSPECT;
use domain::client::Client;
use domain::rejection::{OAuthCode, Refusal, Rejection};
use domain::secret::SecretText;
use protocol::access_token::AccessClaims;
use protocol::introspection::{ActiveToken, Introspection, TYPE};
use protocol::opaque::REFRESH_PREFIX;

use super::token::ClientAuth;
use super::token::client_auth::{self, KnownClient};
use super::{Act, Flows, judged, signature};

/// Ask what a token is worth.
#[derive(Debug, Clone)]
pub struct Introspect {
    /// The token.
    pub token: SecretText,
    /// Who asks; must prove it.
    pub client: ClientAuth,
    /// Whether the answer is to be signed (RFC 9701 §4).
    pub is_signed: bool,
}

/// What is told of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The answer itself.
    Plain(Introspection),
    /// A JWS of it, for the asker alone.
    Signed(String),
}

/// Tells what a token is worth.
///
/// # Errors
/// `invalid_client` for whoever does not authenticate; a fault while this node does not know what was
/// revoked.
pub async fn introspect(flows: &Flows, act: &Act, message: Introspect) -> Result<Told, Rejection> {
    let known =
        client_auth::authenticate_or_key(flows, act, message.client, SCOPE_INTROSPECT).await?;
    let KnownClient::Confidential(client) = &known else {
        let hint = "introspection is for clients that authenticate (RFC 7662 §2.1)";
        return Err(Refusal::oauth(OAuthCode::InvalidClient, hint).into());
    };
    let active = judge(flows, act, client, message.token.expose()).await?;
    let told = active.map_or_else(Introspection::inactive, Introspection::active);
    if !message.is_signed {
        return Ok(Told::Plain(told));
    }
    let wanted = signature::of_introspection(&client.metadata);
    let claims = told.signed(&act.issuer, &client.id, act.now);
    let jwt = signature::sign(flows, act, wanted, (TYPE, &claims)).await?;
    Ok(Told::Signed(jwt))
}

/// Gives what is told of a live token that concerns the client.
async fn judge(
    flows: &Flows,
    act: &Act,
    client: &Client,
    token: &str,
) -> Result<Option<ActiveToken>, Rejection> {
    if token.starts_with(REFRESH_PREFIX) {
        let Some(own) = judged::read_refresh(flows, act, token) else {
            return Ok(None);
        };
        let asker = (client.id.as_str(), Some(client));
        let judged = judged::judge_refresh(flows, act, &own, asker).await?;
        return Ok(judged.into_active());
    }
    let is_told =
        |claims: &AccessClaims| client.metadata.may_introspect || claims.client_id == client.id;
    let judged = judged::judge_access(flows, act, token, is_told).await?;
    Ok(judged.into_active())
}
