//! The admin API key that a first start in development makes and prints once.

use std::sync::Arc;
use std::time::Duration;

use actors::supervision::ChildSpec;
use domain::api_key::ApiKey;
use domain::event::{Actor, Entry, EventKind, Origin};
use domain::id::{ApiKeyId, RequestId, TenantId};
use domain::rejection::Fault;
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use protocol::opaque::RandomToken;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::flow::Flows;

/// What became of it.
#[derive(Debug, Clone)]
pub(crate) enum FirstKey {
    /// Not known yet: the store is not up.
    Pending,
    /// Made now; to be shown once.
    Made(SecretText),
    /// There is one already, or this is no place for one.
    None,
}

/// How long between two tries while the store is away.
const RETRY: Duration = Duration::from_millis(50);

/// Describes the task that makes the key as soon as the default tenant is known.
pub(crate) fn spec(flows: Arc<Flows>, told: watch::Sender<FirstKey>) -> ChildSpec {
    ChildSpec::task("first-key", move |stop| {
        let (flows, told) = (Arc::clone(&flows), told.clone());
        Box::pin(async move {
            tokio::select! {
                key = make(&flows) => {
                    told.send_replace(key);
                    stop.cancelled().await;
                }
                () = stop.cancelled() => {}
            }
        })
    })
    .tolerant()
}

/// Tries until it is known whether a key is needed; that it cannot be known is told once.
async fn make(flows: &Flows) -> FirstKey {
    let mut is_told = false;
    loop {
        let tenant = flows
            .tenants
            .directory()
            .default_tenant()
            .map(|tenant| tenant.id);
        if let Some(tenant) = tenant {
            match ensure(flows, tenant).await {
                Ok(Some(key)) => return FirstKey::Made(key),
                Ok(None) => return FirstKey::None,
                Err(fault) if !std::mem::replace(&mut is_told, true) => {
                    tracing::warn!(%fault, "the first API key could not be made yet");
                }
                Err(_) => {}
            }
        }
        sleep(RETRY).await;
    }
}

async fn ensure(flows: &Flows, tenant: TenantId) -> Result<Option<SecretText>, Fault> {
    let (now, random) = (flows.clock.now(), flows.random.as_ref());
    let minted = RandomToken::ApiKey.mint(&flows.secrets, random);
    let key = ApiKey {
        id: ApiKeyId::generate(now, random),
        tenant,
        client: None,
        name: "first start".to_owned(),
        visible_prefix: minted.token.expose().chars().take(VISIBLE).collect(),
        signature: minted.signature,
        superseded: None,
        scopes: ScopeSet::from_stored(vec!["admin:*".to_owned()]),
        rate_limit: None,
        created_at: now,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        version: 1,
    };
    let origin = Origin {
        tenant,
        actor: Actor::System,
        address: None,
        user_agent: None,
        request: RequestId::generate(now, random),
        claimed_in: None,
        at: now,
    };
    let entry = Entry::new(EventKind::ApiKeyCreated, &origin).about(&key.id);
    let is_made = flows.api_keys.ensure_api_key(key, entry).await?;
    Ok(is_made.then_some(minted.token))
}

/// How many characters of a key people may see later.
const VISIBLE: usize = 12;
