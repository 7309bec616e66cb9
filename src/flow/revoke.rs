//! Revoking a token (RFC 7009).
//!
//! A refresh token ends its session with all its families and access tokens; an access token is
//! refused from then on, on every node within a second. What is not a live token of the caller's is
//! answered the same way (§2.2) and nothing happens to it.

use domain::api_key::SCOPE_REVOKE;
use domain::event::{Actor, EventKind};
use domain::id::FamilyId;
use domain::rejection::Rejection;
use domain::secret::SecretText;
use domain::session::EndReason;
use domain::time::UnixMillis;
use protocol::access_token::AccessClaims;
use protocol::opaque::REFRESH_PREFIX;
use serde_json::json;
use store::port::sessions::{EndTarget, Ending};

use super::caller::accept;
use super::token::client_auth::{self, ClientAuth, KnownClient};
use super::{Act, Flows, judged, subject};

/// Revoke a token.
#[derive(Debug, Clone)]
pub struct Revoke {
    /// The token, of either kind.
    pub token: SecretText,
    /// Who asks.
    pub client: ClientAuth,
}

/// Revokes a token of the client's own.
///
/// # Errors
/// `invalid_client`, or a fault; never for the token's sake.
pub async fn revoke(flows: &Flows, act: &Act, message: Revoke) -> Result<(), Rejection> {
    let client = client_auth::authenticate_or_key(flows, act, message.client, SCOPE_REVOKE).await?;
    let token = message.token.expose();
    if token.starts_with(REFRESH_PREFIX) {
        revoke_refresh(flows, act, &client, token).await
    } else {
        revoke_access(flows, act, &client, token).await
    }
}

async fn revoke_refresh(
    flows: &Flows,
    act: &Act,
    client: &KnownClient,
    token: &str,
) -> Result<(), Rejection> {
    let Some(own) = judged::read_refresh(flows, act, token) else {
        return Ok(());
    };
    let issued_to = flows
        .sessions
        .client_of(act.tenant.id, own.family, act.deadline);
    if issued_to.await?.as_deref() != Some(client.id()) {
        return Ok(());
    }
    let actor = Actor::Client(client.id().to_owned());
    end_family(flows, act, own.family, (actor, client.id())).await
}

async fn revoke_access(
    flows: &Flows,
    act: &Act,
    client: &KnownClient,
    token: &str,
) -> Result<(), Rejection> {
    let claims = accept(flows, act, token).await?;
    let Some(claims) = claims.filter(|claims| claims.client_id == client.id()) else {
        return Ok(());
    };
    let actor = Actor::Client(client.id().to_owned());
    refuse_token(flows, act, &claims, actor).await
}

/// Ends the session that a refresh family of a client belongs to.
///
/// # Errors
/// A fault.
pub(super) async fn end_family(
    flows: &Flows,
    act: &Act,
    family: FamilyId,
    (actor, client): (Actor, &str),
) -> Result<(), Rejection> {
    let ending = Ending {
        tenant: act.tenant.id,
        target: EndTarget::Family(family),
        reason: EndReason::Revoked,
        now: act.now,
        remember_until: flows.remember_until(act.now),
        entry: act
            .entry_by(actor, EventKind::TokenRevoked)
            .about(&family)
            .through(client)
            .with(json!({ "token": "refresh" })),
    };
    flows.sessions.end(ending, act.deadline).await?;
    Ok(())
}

/// Refuses an access token from now on.
///
/// # Errors
/// A fault.
pub(super) async fn refuse_token(
    flows: &Flows,
    act: &Act,
    claims: &AccessClaims,
    actor: Actor,
) -> Result<(), Rejection> {
    let user = subject::holder_of(flows, claims).and_then(|holder| holder.user);
    let entry = act
        .entry_by(actor, EventKind::TokenRevoked)
        .about(&user.map_or_else(|| claims.sub.clone(), |user| user.to_string()))
        .through(&claims.client_id)
        .with(json!({ "token": "access", "jti": claims.jti }));
    let expires_at = UnixMillis::from_seconds(claims.exp);
    let (tenant, name) = (act.tenant.id, claims.jti.clone());
    let revoked = flows
        .sessions
        .revoke_access(tenant, name, expires_at, entry, act.deadline);
    Ok(revoked.await?)
}
