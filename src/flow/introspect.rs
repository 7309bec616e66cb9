//! Telling a client what a token is worth (RFC 7662).
//!
//! A client that may ask is told of every token of its tenant, any other of its own alone; what may not
//! be told, is unknown, expired or revoked is one answer: not active (§2.2).

use domain::rejection::{Fault, OAuthCode, Refusal, Rejection};
use domain::secret::SecretText;
use protocol::access_token::AccessClaims;

use super::token::ClientAuth;
use super::token::client_auth::{self, KnownClient};
use super::{Act, Flows, caller};

/// Ask what a token is worth.
#[derive(Debug, Clone)]
pub struct Introspect {
    /// The token.
    pub token: SecretText,
    /// Who asks; must prove it.
    pub client: ClientAuth,
}

/// Gives what a live access token says; `None` for anything else.
///
/// # Errors
/// `invalid_client` for whoever does not authenticate; a fault while this node does not know what was
/// revoked.
pub async fn introspect(
    flows: &Flows,
    act: &Act,
    message: Introspect,
) -> Result<Option<AccessClaims>, Rejection> {
    let known = client_auth::authenticate(flows, act, message.client).await?;
    let KnownClient::Confidential(client) = &known else {
        let hint = "introspection is for clients that authenticate (RFC 7662 §2.1)";
        return Err(Refusal::oauth(OAuthCode::InvalidClient, hint).into());
    };
    let Some(claims) = caller::accept(flows, act, message.token.expose()) else {
        return Ok(None);
    };
    let is_told = client.metadata.may_introspect || claims.client_id == client.id;
    if !is_told || is_revoked(flows, &claims)? || !is_client_live(flows, act, &claims).await? {
        return Ok(None);
    }
    Ok(Some(claims))
}

fn is_revoked(flows: &Flows, claims: &AccessClaims) -> Result<bool, Fault> {
    let denylist = flows.sessions.denylist();
    if !denylist.is_fresh() {
        return Err(Fault::Store("what was revoked is not known now".to_owned()));
    }
    let session = claims.sid.as_deref().map(str::parse).transpose();
    Ok(session.map_or(true, |session| denylist.is_refused(&claims.jti, session)))
}

/// Says whether the client of a token that speaks for no person may still be used.
async fn is_client_live(flows: &Flows, act: &Act, claims: &AccessClaims) -> Result<bool, Fault> {
    if claims.client_type == caller::TYPE_USER {
        return Ok(true);
    }
    Ok(caller::load_live_client(flows, act, claims)
        .await?
        .is_some())
}
