//! The shell of the audit owner: loads what is unsealed, seals it, signs how far that is, purges what is old.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use domain::event::{Actor, Entry, EventKind, Origin};
use domain::id::{RequestId, TenantId};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use serde_json::json;
use store::port::audit::{AuditRow, ChainHead, Seal};
use store::port::checkpoints::Checkpoint;
use uuid::Uuid;

use super::message::Message;
use super::{AuditNeeds, chain, signed};
use crate::patience::patiently;
use crate::supervision::Owner;

/// How many entries are sealed in one step. Others wait for the store's writer meanwhile.
const BATCH: u8 = 128;
/// How many of them are hashed before others may use the thread.
const AT_ONCE: usize = 16;
/// After how many ticks it is looked for what is unsealed: two seconds. While there are whole batches of it,
/// each tick seals them: what a busy time writes is sealed along with it, and not in bursts that others wait
/// behind.
const LOOK_EVERY: u32 = 20;
/// How many entries are purged in one step.
const PURGED: u32 = 500;
/// How many checkpoints are loaded at once.
const MARKS: u32 = 1_000;
/// After how many ticks it is looked again for what is old: an hour.
const PURGE_EVERY: u32 = 36_000;
/// How many tenants one purge looks after; the next goes on.
const TENANTS: u32 = 500;

/// Seals entries, one tenant after the other.
pub(super) struct Notary {
    pub(super) needs: Arc<AuditNeeds>,
    /// How many ticks there were.
    pub(super) ticks: u32,
    /// The tenants that had a whole batch when it was looked last, and the number of the last entry of each
    /// that was sealed. To look from there on spares the store to walk what it sealed a moment ago: PostgreSQL
    /// keeps that in its index until it is vacuumed.
    pub(super) behind: HashMap<TenantId, i64>,
    /// The day of each tenant's checkpoint that was logged last.
    pub(super) logged: HashMap<TenantId, i64>,
}

// === impl Notary ===

impl Owner for Notary {
    type Message = Message;

    const TICK: Option<Duration> = Some(Duration::from_millis(100));

    async fn handle(&mut self, message: Message) -> Result<(), Fault> {
        match message {
            Message::Seal => self.seal_all().await,
            Message::Purge { reply } => {
                reply.take_time();
                reply.send(self.purge().await);
                Ok(())
            }
        }
    }

    async fn tick(&mut self) -> Result<(), Fault> {
        let ticks = self.ticks;
        if ticks == 0 {
            // Before anything is sealed: what an older secret signed counts only while that is listed.
            self.renew_all().await?;
        }
        if ticks.is_multiple_of(PURGE_EVERY) {
            let purged = self.purge().await?;
            tracing::debug!(purged, "purged what is older than the audit trail is kept");
        }
        // Counted only now: a start that the store was away at is tried again whole.
        self.ticks = ticks.wrapping_add(1).max(1);
        if ticks.is_multiple_of(LOOK_EVERY) {
            self.seal_all().await
        } else {
            self.catch_up().await
        }
    }
}

impl Notary {
    /// Seals all there is, also entries that were written with a lower number than others that are sealed.
    async fn seal_all(&mut self) -> Result<(), Fault> {
        self.behind.clear();
        for tenant in patiently(self.needs.trail.load_unsealed_tenants()).await? {
            self.seal_after(tenant, 0, 1).await?;
        }
        Ok(())
    }

    /// Seals whole batches alone where there were some: the rest is more at the next look.
    async fn catch_up(&mut self) -> Result<(), Fault> {
        for (tenant, after) in std::mem::take(&mut self.behind) {
            self.seal_after(tenant, after, usize::from(BATCH)).await?;
        }
        Ok(())
    }

    /// Seals a tenant's entries after that number, batch after batch, until there are fewer than `least`.
    async fn seal_after(
        &mut self,
        tenant: TenantId,
        mut after: i64,
        least: usize,
    ) -> Result<(), Fault> {
        let needs = Arc::clone(&self.needs);
        loop {
            let unsealed = needs.trail.load_unsealed(tenant, after, u32::from(BATCH));
            let (head, rows) = patiently(unsealed).await?;
            let Some(last) = rows.last().filter(|_| rows.len() >= least) else {
                return Ok(());
            };
            after = last.seq;
            // Another node that was first goes on with this tenant; the next look finds what it left.
            let was_first = self.seal(tenant, head, &rows).await?;
            if !was_first || rows.len() < usize::from(BATCH) {
                return Ok(());
            }
            self.behind.insert(tenant, after);
        }
    }

    /// Seals entries onto the end of a chain. Says whether it was the end.
    async fn seal(
        &mut self,
        tenant: TenantId,
        head: ChainHead,
        rows: &[AuditRow],
    ) -> Result<bool, Fault> {
        let needs = &self.needs;
        let seals = extend(head, rows).await;
        let Some(last) = seals.last() else {
            return Ok(false);
        };
        let checkpoint = signed::sign(&needs.secrets, tenant, end_of(last), needs.clock.now());
        let was_first = patiently(needs.trail.seal(head, seals, checkpoint)).await?;
        if was_first {
            self.log(&checkpoint);
        }
        Ok(was_first)
    }

    /// Tells the log, which goes elsewhere, of a tenant's first checkpoint of each day.
    fn log(&mut self, one: &Checkpoint) {
        let day = one.at.as_seconds().div_euclid(86_400);
        if self.logged.insert(one.tenant, day) == Some(day) {
            return;
        }
        tracing::info!(
            tenant = %one.tenant,
            chain_no = one.head.chain_no,
            seal = hexadecimal(&one.head.seal),
            at = %one.at,
            signature = hexadecimal(&one.signature),
            "the audit trail was signed as far as this"
        );
    }

    /// Signs anew what was signed under an older secret, so that it can be taken from the list.
    async fn renew_all(&self) -> Result<(), Fault> {
        let needs = &self.needs;
        for tenant in patiently(needs.checkpoints.load_audited_tenants()).await? {
            let mut after = 0;
            loop {
                let loaded = needs.checkpoints.load_checkpoints(tenant, after, MARKS);
                let loaded = patiently(loaded).await?;
                let Some(last) = loaded.last() else {
                    break;
                };
                after = last.head.chain_no;
                let renew = |one| signed::renew(&needs.secrets, one);
                let renewed: Vec<_> = loaded.iter().filter_map(renew).collect();
                if !renewed.is_empty() {
                    patiently(needs.checkpoints.renew_checkpoints(renewed)).await?;
                }
            }
        }
        Ok(())
    }

    /// Purges what is older than it is kept, each chain up to its last checkpoint that is.
    async fn purge(&self) -> Result<u64, Fault> {
        let needs = &self.needs;
        let before = needs.clock.now() - needs.retention;
        let due = needs.checkpoints.load_purgeable(before, TENANTS);
        let mut purged = 0_u64;
        for one in patiently(due).await? {
            if !signed::is_signed(&needs.secrets, &one) {
                tracing::error!(
                    tenant = %one.tenant,
                    chain_no = one.head.chain_no,
                    "a checkpoint of the audit trail is not ours: run `auth-service audit verify`"
                );
                continue;
            }
            purged = purged.saturating_add(self.purge_to(&one).await?);
        }
        Ok(purged)
    }

    async fn purge_to(&self, one: &Checkpoint) -> Result<u64, Fault> {
        let needs = &self.needs;
        let signed = signed::let_go(&needs.secrets, one);
        // A purge that was cut off and goes on was told of.
        let mut entry = (signed != *one).then(|| purged_entry(one, needs.clock.now()));
        let mut purged = 0_u64;
        loop {
            let step = needs.checkpoints.purge_audit(signed, PURGED, entry.take());
            let gone = patiently(step).await?;
            purged = purged.saturating_add(gone);
            if gone < u64::from(PURGED) {
                return Ok(purged);
            }
        }
    }
}

/// Seals rows onto a chain, a few at a time: thousands come due under load, and each costs microseconds that
/// requests need.
async fn extend(head: ChainHead, rows: &[AuditRow]) -> Vec<Seal> {
    let mut seals: Vec<Seal> = Vec::with_capacity(rows.len());
    for part in rows.chunks(AT_ONCE) {
        let end = seals.last().map_or(head, end_of);
        seals.extend(chain::extend(end, part));
        tokio::task::yield_now().await;
    }
    seals
}

fn end_of(last: &Seal) -> ChainHead {
    ChainHead {
        chain_no: last.chain_no,
        seal: last.seal,
    }
}

fn purged_entry(one: &Checkpoint, now: UnixMillis) -> Entry {
    let origin = Origin {
        claimed_in: None,
        tenant: one.tenant,
        actor: Actor::System,
        address: None,
        user_agent: None,
        request: RequestId::from_uuid(Uuid::nil()),
        at: now,
    };
    let detail = json!({ "chain_no": one.head.chain_no, "before": one.at.to_string() });
    Entry::new(EventKind::AuditPurged, &origin).with(detail)
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
