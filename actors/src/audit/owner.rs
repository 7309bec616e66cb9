//! The shell of the audit owner: loads what is unsealed, seals it, stores the seals.

use std::sync::Arc;
use std::time::Duration;

use domain::id::TenantId;
use domain::rejection::Fault;
use store::port::audit::Audit;

use super::chain;
use super::message::Message;
use crate::patience::patiently;
use crate::supervision::Owner;

/// How many entries are sealed in one step.
const BATCH: u32 = 500;

/// Seals entries, one tenant after the other.
pub(super) struct Notary {
    pub(super) store: Arc<dyn Audit>,
}

// === impl Notary ===

impl Owner for Notary {
    type Message = Message;

    const TICK: Option<Duration> = Some(Duration::from_secs(2));

    async fn handle(&mut self, message: Message) -> Result<(), Fault> {
        match message {
            Message::Seal => self.seal_all().await,
        }
    }

    async fn tick(&mut self) -> Result<(), Fault> {
        self.seal_all().await
    }
}

impl Notary {
    async fn seal_all(&self) -> Result<(), Fault> {
        for tenant in patiently(self.store.load_unsealed_tenants()).await? {
            while self.seal_batch(tenant).await? {}
        }
        Ok(())
    }

    /// Seals a batch. Says whether there may be more.
    async fn seal_batch(&self, tenant: TenantId) -> Result<bool, Fault> {
        let (head, rows) = patiently(self.store.load_unsealed(tenant, BATCH)).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let is_full = rows.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        let seals = chain::extend(head, &rows);
        let was_first = patiently(self.store.seal(tenant, head, seals)).await?;
        // Another node that was first goes on with this tenant; the next tick looks again.
        Ok(was_first && is_full)
    }
}
