//! Authenticating a client by an API key of its own: at introspection and revocation, where nothing is
//! given out that outlives the key.

use domain::rejection::{Code, OAuthCode, Refusal, Rejection};
use domain::secret::SecretText;

use super::{
    ClientAuth, KnownClient, authenticate, count_failure, invalid_client, load_live_client,
};
use crate::flow::{Act, Flows, api_key};

/// Authenticates a client where its API key will do as well, if the key has the scope for it.
///
/// # Errors
/// As [`authenticate`]; 403 for a key without the scope; 429 for one that is used more often than it may be.
///
/// # Cancel safety
/// As [`authenticate`]; the key's use may be counted.
pub(crate) async fn authenticate_or_key(
    flows: &Flows,
    act: &Act,
    auth: ClientAuth,
    scope: &str,
) -> Result<KnownClient, Rejection> {
    let ClientAuth::ApiKey { id, key } = auth else {
        return authenticate(flows, act, auth).await;
    };
    let judged = by_key(flows, act, (id, key), scope).await;
    match judged {
        Err(Rejection::Refused(refusal)) if refusal.code == Code::Unauthorized => {
            count_failure(flows, act).await?;
            Err(invalid_client().into())
        }
        judged => judged,
    }
}

/// Gives the client that a key belongs to. An operator's own is no client's.
async fn by_key(
    flows: &Flows,
    act: &Act,
    (id, key): (Option<String>, SecretText),
    scope: &str,
) -> Result<KnownClient, Rejection> {
    let key = api_key::judge(flows, act, key.expose()).await?;
    let own = key.client.as_deref().ok_or_else(invalid_client)?;
    if id.is_some_and(|id| id != own) {
        return Err(invalid_client().into());
    }
    if !key.scopes.contains(scope) {
        let hint = format!("The API key lacks the scope {scope}.");
        return Err(Refusal::oauth(OAuthCode::InsufficientScope, hint).into());
    }
    let client = load_live_client(flows, act, own).await?;
    Ok(KnownClient::Confidential(client))
}
