//! Tokens of every client, as operators judge and revoke them.
//!
//! Operators are told why a token does not count; clients never are (RFC 7662 §2.2). Revoking is what
//! `/oauth/revoke` does, whichever client the token was issued to. An operator's session is not ended by
//! who looks after one area only.

use domain::rejection::Rejection;
use domain::secret::SecretText;
use protocol::opaque::REFRESH_PREFIX;

use super::users::require_in_reach;
use crate::flow::caller::accept;
use crate::flow::judged::{self, Inactive, Judged};
use crate::flow::revoke::{end_family, refuse_token};
use crate::flow::{Act, Flows, live, subject};

/// Says what a token comes to, and why.
///
/// # Errors
/// A fault while this node does not know what was revoked, or a store is away.
pub async fn introspect(flows: &Flows, act: &Act, token: SecretText) -> Result<Judged, Rejection> {
    let token = token.expose();
    if !token.starts_with(REFRESH_PREFIX) {
        return Ok(judged::judge_access(flows, act, token, |_| true).await?);
    }
    let Some(own) = judged::read_refresh(flows, act, token) else {
        return Ok(Judged::unknown());
    };
    let issued_to = flows
        .sessions
        .client_of(act.tenant.id, own.family, act.deadline);
    let Some(id) = issued_to.await? else {
        return Ok(Judged::Inactive(Inactive::Revoked, None));
    };
    let client = live::load_client(flows, act, &id).await?;
    let is_closed = client.as_ref().is_some_and(|client| client.disabled);
    let asked = (id.as_str(), client.as_deref());
    Ok(
        match judged::judge_refresh(flows, act, &own, asked).await? {
            Judged::Active(told) if is_closed => Judged::Inactive(Inactive::Closed, Some(told)),
            judged => judged,
        },
    )
}

/// Revokes a token; says whether there was one to revoke. A refresh token ends its session with all
/// that belongs to it.
///
/// # Errors
/// 403 for an operator's token and a key for one area; or a fault.
pub async fn revoke(flows: &Flows, act: &Act, token: SecretText) -> Result<bool, Rejection> {
    let token = token.expose();
    if token.starts_with(REFRESH_PREFIX) {
        return revoke_refresh(flows, act, token).await;
    }
    let Some(claims) = accept(flows, act, token).await? else {
        return Ok(false);
    };
    let holder = subject::holder_of(flows, &claims);
    if let Some(user) = holder.and_then(|holder| holder.user) {
        require_in_reach(flows, act, user).await?;
    }
    refuse_token(flows, act, &claims, act.origin.actor.clone()).await?;
    Ok(true)
}

async fn revoke_refresh(flows: &Flows, act: &Act, token: &str) -> Result<bool, Rejection> {
    let Some(own) = judged::read_refresh(flows, act, token) else {
        return Ok(false);
    };
    let (tenant, deadline) = (act.tenant.id, act.deadline);
    let issued_to = flows.sessions.client_of(tenant, own.family, deadline);
    let Some(client) = issued_to.await? else {
        return Ok(false);
    };
    let found = flows
        .sessions
        .live_family(tenant, own.family, client.clone(), deadline);
    let Some(granted) = found.await? else {
        return Ok(false);
    };
    require_in_reach(flows, act, granted.user.id).await?;
    let by = (act.origin.actor.clone(), client.as_str());
    end_family(flows, act, own.family, by).await?;
    Ok(true)
}
