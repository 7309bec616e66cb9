//! Port: signed checkpoints of the audit trail's chains, reading chains whole, and purging what is old.
//!
//! A checkpoint says how far a tenant's chain had come, signed with what is in no store. The audit owner makes
//! them, one for each day and tenant; that of today moves on with the chain, in the commit of the seals.

use domain::event::Entry;
use domain::id::TenantId;
use domain::page::{Page, PageRequest};
use domain::time::UnixMillis;

use super::Pending;
use super::audit::{AuditRow, ChainHead};

/// How far a chain had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose chain.
    pub tenant: TenantId,
    /// Its end at that time.
    pub head: ChainHead,
    /// When.
    pub at: UnixMillis,
    /// Over all of that.
    pub signature: [u8; 32],
    /// Signs that the entries up to here may be gone; absent: all of them must be there.
    pub purged: Option<[u8; 32]>,
}

/// Gives the day of an instant, counted from 1970.
pub(crate) const fn day_of(at: UnixMillis) -> i64 {
    at.as_millis().div_euclid(86_400_000)
}

/// Stores checkpoints.
pub trait Checkpoints: Send + Sync + 'static {
    /// Names every tenant that is there or has a checkpoint, in order.
    fn load_audited_tenants(&self) -> Pending<'_, Vec<TenantId>>;

    /// Loads up to `limit` of a tenant's sealed entries after this place, in the chain's order.
    fn load_chain(&self, tenant: TenantId, after: i64, limit: u32) -> Pending<'_, Vec<AuditRow>>;

    /// Loads up to `limit` of a tenant's checkpoints after this place, in the chain's order.
    fn load_checkpoints(
        &self,
        tenant: TenantId,
        after: i64,
        limit: u32,
    ) -> Pending<'_, Vec<Checkpoint>>;

    /// Lists a tenant's checkpoints, newest first.
    fn list_checkpoints(
        &self,
        tenant: TenantId,
        page: PageRequest,
    ) -> Pending<'_, Page<Checkpoint>>;

    /// Stores other signatures of checkpoints that are still as far as they were.
    fn renew_checkpoints(&self, renewed: Vec<Checkpoint>) -> Pending<'_, ()>;

    /// Loads each tenant's last checkpoint before this instant, if entries up to it are there; up to
    /// `limit` tenants.
    fn load_purgeable(&self, before: UnixMillis, limit: u32) -> Pending<'_, Vec<Checkpoint>>;

    /// Stores what signs that the entries up to a checkpoint may be gone, deletes up to `limit` of them,
    /// the oldest first, with the checkpoints before it, and writes the entry that tells of it. Gives how
    /// many entries went; nothing happens if the checkpoint is not there as given.
    fn purge_audit(
        &self,
        checkpoint: Checkpoint,
        limit: u32,
        entry: Option<Entry>,
    ) -> Pending<'_, u64>;
}
