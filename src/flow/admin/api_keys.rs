//! API keys, as operators make, change, rotate and revoke them.
//!
//! A key is refused by what it is and by whom it belongs to: its own end, its client's, its tenant's. What
//! happens here holds on this node before it is answered and on every node within a second.
//!
//! Whoever makes a key, has it shown anew or changes it must be able to do themselves whatever it can (see
//! [`Powers::cover`]): a key for one area would else make itself one for all. Ending a key that can do more
//! is refused alike, as ending an operator is.
//!
//! A rotation keeps the key's name, scopes and limit. The key before works for [`GRACE`] more; one that was
//! before that does not. See `docs/decisions/0020-api-keys.md`.

use std::num::NonZeroU32;
use std::time::Duration;

use domain::api_key::{ApiKey, ApiKeyFilter, Superseded};
use domain::event::EventKind;
use domain::id::ApiKeyId;
use domain::page::{Page, PageRequest};
use domain::rejection::{Code, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use domain::time::UnixMillis;
use protocol::opaque::RandomToken;
use serde_json::json;

use super::{not_found, stale};
use crate::flow::allowed::Powers;
use crate::flow::{Act, Flows, live};

mod checked;

use checked::{Checked, check};

/// Make an API key of the operators' own, for whoever holds the machine.
#[derive(Debug, Clone)]
pub struct CreateApiKey {
    /// Its name for people.
    pub name: String,
    /// What it may be used for; `admin:*` opens the admin door.
    pub scopes: Vec<String>,
    /// How long it works; for good, when absent.
    pub lifetime: Option<Duration>,
}

/// Make an API key.
#[derive(Debug, Clone)]
pub struct MintApiKey {
    /// The client it belongs to; none: it is an operator's own.
    pub client: Option<String>,
    /// Its name for people.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// How often it may be used each minute; as often as anybody, when absent.
    pub rate_limit: Option<u32>,
    /// When it stops working; never, when absent.
    pub expires_at: Option<UnixMillis>,
}

/// Change an API key; `None` leaves a field alone.
#[derive(Debug, Clone)]
pub struct PatchApiKey {
    /// Which one.
    pub key: ApiKeyId,
    /// Its name for people.
    pub name: Option<String>,
    /// What it may be used for.
    pub scopes: Option<Vec<String>>,
    /// How often it may be used each minute.
    pub rate_limit: Option<Option<u32>>,
    /// When it stops working.
    pub expires_at: Option<Option<UnixMillis>>,
    /// The version the change is based on; absent: whichever is stored.
    pub version: Option<i64>,
}

/// How many characters of a key people may see later.
const VISIBLE_CHARS: usize = 12;
/// How long the key before a rotation works on.
const GRACE: Duration = Duration::from_hours(24);

/// Makes an API key of the operators' own. Only here the key itself is ever seen.
///
/// # Errors
/// 422 naming every wrong field; or a fault.
pub async fn create(
    flows: &Flows,
    act: &Act,
    message: CreateApiKey,
) -> Result<(ApiKey, SecretText), Rejection> {
    let message = MintApiKey {
        client: None,
        name: message.name,
        scopes: message.scopes,
        rate_limit: None,
        expires_at: message.lifetime.map(|span| act.now + span),
    };
    let checked = check(act.now, &message)?;
    store(flows, act, message, checked).await
}

/// Makes an API key for whoever has these powers. Only here the key itself is ever seen.
///
/// # Errors
/// 403 for a key that can do more than these powers; 422 naming every wrong field, a client that is not
/// registered among them; or a fault.
pub(crate) async fn mint(
    flows: &Flows,
    act: &Act,
    powers: &Powers,
    message: MintApiKey,
) -> Result<(ApiKey, SecretText), Rejection> {
    let checked = check(act.now, &message)?;
    if let Some(client) = &message.client
        && live::find_client(flows, act, client).await?.is_none()
    {
        return Err(Refusal::field("client_id", "is no client that may be used").into());
    }
    require_covered(powers, &checked.scopes)?;
    store(flows, act, message, checked).await
}

/// Lists the tenant's keys, newest first.
///
/// # Errors
/// A fault.
pub async fn list(
    flows: &Flows,
    act: &Act,
    filter: ApiKeyFilter,
    page: PageRequest,
) -> Result<Page<ApiKey>, Rejection> {
    let listed = flows.api_keys.list_api_keys(act.tenant.id, filter, page);
    let mut page = act.wait(listed).await?;
    for key in &mut page.items {
        key.last_used_at = flows.known_keys.last_used(key);
    }
    Ok(page)
}

/// Gives a key, live or not.
///
/// # Errors
/// 404 when there is none of this id; or a fault.
pub async fn get(flows: &Flows, act: &Act, key: ApiKeyId) -> Result<ApiKey, Rejection> {
    let found = flows.api_keys.find_api_key(act.tenant.id, key);
    let mut key = act.wait(found).await?.ok_or_else(|| not_found("API key"))?;
    key.last_used_at = flows.known_keys.last_used(&key);
    Ok(key)
}

/// Changes a live key.
///
/// # Errors
/// 403 for a key that can do, before or after, what these powers do not allow; 404 when there is no live one of
/// this id; 412 when it has changed since `version`, or changes at this moment; 422 naming every wrong
/// field; or a fault.
pub(crate) async fn patch(
    flows: &Flows,
    act: &Act,
    powers: &Powers,
    message: PatchApiKey,
) -> Result<ApiKey, Rejection> {
    let known = hold(flows, act, powers, message.key).await?;
    if message
        .version
        .is_some_and(|version| version != known.version)
    {
        return Err(stale().into());
    }
    let stored_rate = known.rate_limit.map(NonZeroU32::get);
    let changed = MintApiKey {
        client: known.client.clone(),
        name: message.name.unwrap_or_else(|| known.name.clone()),
        scopes: message
            .scopes
            .unwrap_or_else(|| known.scopes.iter().map(str::to_owned).collect()),
        rate_limit: message.rate_limit.unwrap_or(stored_rate),
        expires_at: message.expires_at.unwrap_or(known.expires_at),
    };
    let checked = check(act.now, &changed)?;
    require_covered(powers, &checked.scopes)?;
    let key = ApiKey {
        name: checked.name,
        scopes: checked.scopes,
        rate_limit: checked.rate_limit,
        expires_at: changed.expires_at,
        ..known
    };
    write(flows, act, key, EventKind::ApiKeyUpdated).await
}

/// Gives a live key a new secret, which only here is ever seen. The one before works for [`GRACE`] more,
/// and no longer than the key itself; the one before that does not work from now on.
///
/// # Errors
/// 403 for a key that can do more than these powers; 404 when there is no live one of this id; 412 when it
/// changes at this moment; or a fault.
pub(crate) async fn rotate(
    flows: &Flows,
    act: &Act,
    powers: &Powers,
    key: ApiKeyId,
) -> Result<(ApiKey, SecretText), Rejection> {
    let known = hold(flows, act, powers, key).await?;
    let minted = RandomToken::ApiKey.mint(&flows.secrets, flows.random.as_ref());
    let key = ApiKey {
        superseded: Some(Superseded {
            signature: known.signature,
            works_until: act.now + GRACE,
        }),
        visible_prefix: visible(&minted.token),
        signature: minted.signature,
        ..known
    };
    let key = write(flows, act, key, EventKind::ApiKeyRotated).await?;
    Ok((key, minted.token))
}

/// Revokes a key, for whoever holds the machine.
///
/// # Errors
/// 404 when the tenant has no live key of this name; or a fault.
pub async fn revoke(flows: &Flows, act: &Act, key: ApiKeyId) -> Result<(), Rejection> {
    let entry = act.entry(EventKind::ApiKeyRevoked).about(&key);
    let revoked = flows
        .api_keys
        .revoke_api_key(act.tenant.id, key, act.now, entry);
    let revoked = act.wait(revoked).await;
    // Whether or not the answer came in time, it may be stored.
    flows.known_keys.forget();
    if revoked? {
        return Ok(());
    }
    Err(no_live_key().into())
}

/// Revokes a key for whoever has these powers.
///
/// # Errors
/// 403 for a key that can do more than these powers; otherwise as [`revoke`].
pub(crate) async fn delete(
    flows: &Flows,
    act: &Act,
    powers: &Powers,
    key: ApiKeyId,
) -> Result<(), Rejection> {
    hold(flows, act, powers, key).await?;
    revoke(flows, act, key).await
}

/// Gives a live key that these powers may have to do with.
async fn hold(
    flows: &Flows,
    act: &Act,
    powers: &Powers,
    key: ApiKeyId,
) -> Result<ApiKey, Rejection> {
    let found = flows.api_keys.find_api_key(act.tenant.id, key);
    let live = act.wait(found).await?.filter(|key| key.is_live(act.now));
    let key = live.ok_or_else(no_live_key)?;
    require_covered(powers, &key.scopes)?;
    Ok(key)
}

/// Refuses a key that can do more than whoever asks.
fn require_covered(powers: &Powers, scopes: &ScopeSet) -> Result<(), Refusal> {
    let Some(beyond) = scopes.iter().find(|scope| !powers.cover(scope)) else {
        return Ok(());
    };
    let hint = format!("A key with the scope {beyond} can do what you may not do yourself.");
    Err(Refusal::new(Code::Forbidden, hint))
}

async fn store(
    flows: &Flows,
    act: &Act,
    message: MintApiKey,
    checked: Checked,
) -> Result<(ApiKey, SecretText), Rejection> {
    let random = flows.random.as_ref();
    let minted = RandomToken::ApiKey.mint(&flows.secrets, random);
    let key = ApiKey {
        id: ApiKeyId::generate(act.now, random),
        tenant: act.tenant.id,
        client: message.client,
        name: checked.name,
        visible_prefix: visible(&minted.token),
        signature: minted.signature,
        superseded: None,
        scopes: checked.scopes,
        rate_limit: checked.rate_limit,
        created_at: act.now,
        expires_at: message.expires_at,
        revoked_at: None,
        last_used_at: None,
        version: 1,
    };
    let entry = act.entry(EventKind::ApiKeyCreated).about(&key.id);
    let entry = entry.with(json!({ "scopes": message.scopes, "client": key.client }));
    act.wait(flows.api_keys.create_api_key(key.clone(), entry))
        .await?;
    Ok((key, minted.token))
}

/// Stores a changed key, and gives how it stands then.
async fn write(
    flows: &Flows,
    act: &Act,
    key: ApiKey,
    kind: EventKind,
) -> Result<ApiKey, Rejection> {
    let scopes: Vec<&str> = key.scopes.iter().collect();
    let entry = act
        .entry(kind)
        .about(&key.id)
        .with(json!({ "scopes": scopes }));
    let written = act.wait(flows.api_keys.update_api_key(key.clone(), entry));
    let written = written.await;
    // Whether or not the answer came in time, it may be stored.
    flows.known_keys.forget();
    if !written? {
        return Err(stale().into());
    }
    Ok(ApiKey {
        last_used_at: flows.known_keys.last_used(&key),
        version: key.version + 1,
        ..key
    })
}

fn visible(token: &SecretText) -> String {
    token.expose().chars().take(VISIBLE_CHARS).collect()
}

fn no_live_key() -> Refusal {
    Refusal::new(Code::NotFound, "there is no live API key of this id")
}
