//! Judging a presented API key, at every door.
//!
//! A key has our signature in it, so a guess is refused by one HMAC before any look-up; then it is found in
//! memory, or else in the store. It counts while it is live, and the client that it belongs to may be used.
//! What ends it is felt on every node within a second: the feed empties the memory, and a node that does
//! not hear the feed says so (503) rather than guess.
//!
//! A key may be limited to so many uses each minute, counted where all nodes see it. Whoever reaches the
//! limit is told when the minute ends; that is told to nobody without the key.

use std::sync::Arc;
use std::time::Duration;

use domain::api_key::ApiKey;
use domain::rejection::{Code, Refusal, Rejection};
use protocol::opaque::RandomToken;

use super::caller::invalid_token;
use super::{Act, Flows, live};

/// The window of a key's limit.
const MINUTE: Duration = Duration::from_mins(1);

/// Gives the key that was presented, if it may be used, and counts the use.
///
/// # Errors
/// 401 for anything that is no live key of this tenant; 429 beyond the key's limit; a fault while this node
/// does not know what was revoked, or the store is away.
///
/// # Cancel safety
/// The use may be counted.
pub(in crate::flow) async fn judge(
    flows: &Flows,
    act: &Act,
    text: &str,
) -> Result<Arc<ApiKey>, Rejection> {
    let signature = RandomToken::ApiKey
        .parse(&flows.secrets, text)
        .map_err(|_| invalid_token())?;
    live::require_fresh(flows)?;
    let found = flows
        .known_keys
        .load(act.tenant.id, signature, act.deadline);
    let key = found
        .await?
        .filter(|key| key.accepts(&signature, act.now))
        .ok_or_else(invalid_token)?;
    if let Some(client) = &key.client
        && live::find_client(flows, act, client).await?.is_none()
    {
        return Err(invalid_token().into());
    }
    spend(flows, act, &key).await?;
    flows.known_keys.note_used(&key, act.now);
    Ok(key)
}

/// Counts a use of a key that has a limit.
async fn spend(flows: &Flows, act: &Act, key: &ApiKey) -> Result<(), Rejection> {
    let Some(limit) = key.rate_limit else {
        return Ok(());
    };
    let counted = format!("api-key/{}", key.id);
    let limit = u64::from(limit.get());
    let spent = flows.limits.spend(counted, limit, MINUTE, act.deadline);
    spent.await?.map_err(|rest| {
        let hint = "This API key has been used as often as it may be in a minute.";
        Refusal::new(Code::RateLimited, hint).retry_after(rest)
    })?;
    Ok(())
}
