//! Port: the audit trail. Entries are written by the verbs they belong to; sealing them into a hash
//! chain is the audit owner's alone.

use domain::event::Entry;
use domain::id::{TenantId, UserId};
use domain::page::{Page, PageRequest, id_of_moment};
use domain::time::UnixMillis;
use serde_json::Value;
use uuid::Uuid;

use super::Pending;
use super::checkpoints::Checkpoint;

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Its number, unique in the store, growing roughly with time.
    pub seq: i64,
    /// The tenant.
    pub tenant: TenantId,
    /// When it happened.
    pub at: UnixMillis,
    /// Every other field of the entry, under the names JSON shows: `event`, `actor_type`,
    /// `actor_id`, `subject`, `client_id`, `session_id`, `address`, `user_agent`, `request_id`,
    /// `success`, `detail`; what is absent is left out.
    pub fields: Value,
    /// Its place in the tenant's chain, once sealed.
    pub chain_no: Option<i64>,
    /// Its seal, once sealed.
    pub seal: Option<[u8; 32]>,
}

// === impl AuditRow ===

impl AuditRow {
    /// Gives its cursor in a search.
    #[must_use]
    pub fn cursor(&self) -> Uuid {
        id_of_moment(self.at, self.seq)
    }
}

/// A seal to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// The entry's number.
    pub seq: i64,
    /// Its place in the tenant's chain, counted from 1.
    pub chain_no: i64,
    /// The hash over the seal before it and the entry.
    pub seal: [u8; 32],
}

/// The end of a tenant's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChainHead {
    /// The place of the last sealed entry; 0 before the first.
    pub chain_no: i64,
    /// Its seal; zeros before the first.
    pub seal: [u8; 32],
}

/// Which entries are looked for; what is `None` is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// To whom something happened.
    pub subject: Option<String>,
    /// Through which client.
    pub client: Option<String>,
    /// Who did it, by id.
    pub actor: Option<String>,
    /// What happened, in the word of the trail.
    pub event: Option<String>,
    /// Whether it succeeded.
    pub success: Option<bool>,
    /// From when on.
    pub from: Option<UnixMillis>,
    /// Before when.
    pub until: Option<UnixMillis>,
}

/// How far the entries of a search are counted; more are as many.
pub const COUNTED: u32 = 1_000;

/// Stores the audit trail.
pub trait Audit: Send + Sync + 'static {
    /// Writes entries that belong to no other verb.
    fn append(&self, entries: Vec<Entry>) -> Pending<'_, ()>;

    /// Names the tenants that have unsealed entries.
    fn load_unsealed_tenants(&self) -> Pending<'_, Vec<TenantId>>;

    /// Loads the end of a tenant's chain and up to `limit` of its unsealed entries in order of
    /// `seq`, those with a greater one than `after`. The end is the last sealed entry, or the last checkpoint where that has come as far: a
    /// chain whose last entries were purged goes on, and one whose last entries were taken away does
    /// not take their places again.
    fn load_unsealed(
        &self,
        tenant: TenantId,
        after: i64,
        limit: u32,
    ) -> Pending<'_, (ChainHead, Vec<AuditRow>)>;

    /// Stores seals if the end of the chain is still `head`, and the checkpoint of the new end with
    /// them, in the place of an earlier one of that day; false, and nothing written, if another node
    /// was first.
    fn seal(&self, head: ChainHead, seals: Vec<Seal>, checkpoint: Checkpoint) -> Pending<'_, bool>;

    /// Lists a tenant's entries in the order in which they were written, the last first; by number.
    fn list_audit(&self, tenant: TenantId, page: PageRequest) -> Pending<'_, Vec<AuditRow>>;

    /// Finds a tenant's entries, newest first by their instants. They are counted up to [`COUNTED`].
    fn find_audit(
        &self,
        tenant: TenantId,
        filter: AuditFilter,
        page: PageRequest,
    ) -> Pending<'_, Page<AuditRow>>;

    /// Reads up to `limit` of those entries after the one with this cursor, uncounted.
    fn read_audit(
        &self,
        tenant: TenantId,
        filter: AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Pending<'_, Vec<AuditRow>>;

    /// Loads the tenant's entry of this number.
    fn load_audit(&self, tenant: TenantId, seq: i64) -> Pending<'_, Option<AuditRow>>;

    /// Lists what happened to an account, newest first: the entries whose subject it is, except of what
    /// happens by itself all the time (tokens issued and refreshed, a password hashed anew, a factor
    /// begun).
    fn list_activity(
        &self,
        tenant: TenantId,
        user: UserId,
        page: PageRequest,
    ) -> Pending<'_, Page<AuditRow>>;
}
