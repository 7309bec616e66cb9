//! The shell of the vault: makes, unwraps and wraps anew.

use std::sync::Arc;
use std::time::Duration;

use domain::id::{DataKeyId, TenantId};
use domain::random::Random;
use domain::rejection::Fault;
use domain::time::{Clock, UnixMillis};
use protocol::envelope::{self, Belonging, DataKeyBytes};
use protocol::seal::Unsealable;
use store::port::data_keys::{DataKey, DataKeys, Rewrap};
use zeroize::Zeroizing;

use super::message::Message;
use super::shelf::Shelf;
use super::wrapping::{KeyName, KeyWrapping};
use crate::patience::patiently;
use crate::supervision::Owner;

/// How many keys are looked at in one tick of a round.
const PAGE: u32 = 16;
/// How long after a round the next one begins: a node that is replaced later may still have wrapped
/// a key under an older secret.
const ROUND_EVERY: Duration = Duration::from_hours(1);

/// What the owner is made from at each start.
pub(super) struct Parts {
    pub(super) store: Arc<dyn DataKeys>,
    pub(super) wrapping: Arc<dyn KeyWrapping>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

/// Keeps the data keys, one step at a time.
pub(super) struct Keeper {
    parts: Arc<Parts>,
    shelf: Shelf,
    /// The last key that this round looked at.
    seen: Option<(TenantId, DataKeyId)>,
    round_at: UnixMillis,
    /// Whether it was said that rounds fail: it is said once.
    is_cut_off: bool,
}

// === impl Keeper ===

impl Owner for Keeper {
    type Message = Message;

    const TICK: Option<Duration> = Some(Duration::from_secs(1));

    async fn handle(&mut self, message: Message) -> Result<(), Fault> {
        match message {
            Message::Seal {
                tenant,
                context,
                plain,
                reply,
            } => reply.send(self.seal(tenant, &context, plain.expose()).await),
            Message::Open {
                tenant,
                context,
                sealed,
                reply,
            } => reply.send(self.open(tenant, &context, &sealed).await),
        }
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Fault> {
        let now = self.parts.clock.now();
        self.shelf.forget_idle(now);
        if now < self.round_at {
            return Ok(());
        }
        match self.go_round(now).await {
            Ok(()) => self.is_cut_off = false,
            Err(fault) if !self.is_cut_off => {
                self.is_cut_off = true;
                tracing::warn!(%fault, "the data keys could not be looked after; trying again");
            }
            Err(_) => {}
        }
        Ok(())
    }
}

impl Keeper {
    pub(super) fn new(parts: Arc<Parts>) -> Self {
        Self {
            shelf: Shelf::default(),
            seen: None,
            round_at: parts.clock.now(),
            is_cut_off: false,
            parts,
        }
    }

    async fn seal(
        &mut self,
        tenant: TenantId,
        context: &str,
        plain: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let (id, key) = self.active(tenant).await?;
        envelope::seal(&key, belonging(tenant, id, context), plain).map_err(broken)
    }

    async fn open(
        &mut self,
        tenant: TenantId,
        context: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let id = envelope::key_of(sealed).map_err(broken)?;
        let key = self.find(tenant, id).await?;
        envelope::open(&key, belonging(tenant, id, context), sealed).map_err(broken)
    }

    /// Gives the key that seals for a tenant; makes it if there is none yet.
    async fn active(&mut self, tenant: TenantId) -> Result<(DataKeyId, DataKeyBytes), Fault> {
        let now = self.parts.clock.now();
        if let Some(id) = self.shelf.active(tenant)
            && let Some(key) = self.shelf.find(tenant, id, now)
        {
            return Ok((id, key));
        }
        let stored = patiently(self.parts.store.load_data_keys(tenant)).await?;
        let active = match stored.into_iter().find(|key| key.is_active) {
            Some(active) => active,
            None => self.make(tenant, now).await?,
        };
        let (id, key) = (active.id, self.take(active, now).await?);
        self.shelf.note_active(tenant, id);
        Ok((id, key))
    }

    /// Gives a tenant's key by its name.
    async fn find(&mut self, tenant: TenantId, id: DataKeyId) -> Result<DataKeyBytes, Fault> {
        let now = self.parts.clock.now();
        if let Some(key) = self.shelf.find(tenant, id, now) {
            return Ok(key);
        }
        let stored = patiently(self.parts.store.load_data_keys(tenant)).await?;
        let named = stored.into_iter().find(|key| key.id == id);
        let unknown = || Fault::Broken(format!("no data key {id} of tenant {tenant}"));
        self.take(named.ok_or_else(unknown)?, now).await
    }

    /// Makes a tenant's first key, and gives the one that stands: another node may have been first.
    async fn make(&self, tenant: TenantId, now: UnixMillis) -> Result<DataKey, Fault> {
        let random = self.parts.random.as_ref();
        let id = DataKeyId::generate(now, random);
        let key = DataKeyBytes::generate(random);
        let wrapped = patiently(self.parts.wrapping.wrap_key(KeyName { tenant, id }, key)).await?;
        let new = DataKey {
            tenant,
            id,
            wrapped,
            is_active: true,
            created_at: now,
        };
        patiently(self.parts.store.make_data_key(new)).await
    }

    /// Unwraps a stored key, puts it on the shelf, and wraps it anew if it is time.
    async fn take(&mut self, stored: DataKey, now: UnixMillis) -> Result<DataKeyBytes, Fault> {
        let key = self.unwrap_stored(&stored).await?;
        self.shelf.put((stored.tenant, stored.id), key.clone(), now);
        if !self.is_current(&stored)
            && let Err(fault) = self.rewrap(stored, key.clone()).await
        {
            // It opens all the same; the next round tries again.
            tracing::warn!(%fault, "a data key could not be wrapped anew");
        }
        Ok(key)
    }

    async fn unwrap_stored(&self, stored: &DataKey) -> Result<DataKeyBytes, Fault> {
        let wrapped = stored.wrapped.clone();
        patiently(self.parts.wrapping.unwrap_key(name_of(stored), wrapped)).await
    }

    fn is_current(&self, stored: &DataKey) -> bool {
        self.parts
            .wrapping
            .is_current(name_of(stored), &stored.wrapped)
    }

    /// Wraps a key anew. That another node did it first is as good.
    async fn rewrap(&self, stored: DataKey, key: DataKeyBytes) -> Result<(), Fault> {
        let wrapping = &self.parts.wrapping;
        let wrapped = patiently(wrapping.wrap_key(name_of(&stored), key)).await?;
        let rewrap = Rewrap {
            tenant: stored.tenant,
            id: stored.id,
            was: stored.wrapped,
            wrapped,
        };
        patiently(self.parts.store.rewrap_data_key(rewrap)).await?;
        Ok(())
    }

    /// Looks at one page of all keys, and wraps anew what is not wrapped under the newest secret.
    async fn go_round(&mut self, now: UnixMillis) -> Result<(), Fault> {
        let page = patiently(self.parts.store.list_data_keys(self.seen, PAGE)).await?;
        let Some(last) = page.last().map(|key| (key.tenant, key.id)) else {
            self.seen = None;
            self.round_at = now + ROUND_EVERY;
            return Ok(());
        };
        for stored in page {
            if self.is_current(&stored) {
                continue;
            }
            match self.unwrap_stored(&stored).await {
                Ok(key) => self.rewrap(stored, key).await?,
                Err(fault @ Fault::Broken(_)) => {
                    let key = name_of(&stored);
                    tracing::error!(%key, %fault, "a data key cannot be unwrapped");
                }
                Err(fault) => return Err(fault),
            }
        }
        self.seen = Some(last);
        Ok(())
    }
}

const fn name_of(stored: &DataKey) -> KeyName {
    KeyName {
        tenant: stored.tenant,
        id: stored.id,
    }
}

const fn belonging(tenant: TenantId, key: DataKeyId, context: &str) -> Belonging<'_> {
    Belonging {
        tenant,
        key,
        context,
    }
}

fn broken(error: Unsealable) -> Fault {
    Fault::Broken(error.to_string())
}
