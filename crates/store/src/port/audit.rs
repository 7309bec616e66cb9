//! Port: the audit trail. Entries are written by the verbs they belong to; sealing them into a hash
//! chain is the audit owner's alone.

use domain::event::Entry;
use domain::id::{TenantId, UserId};
use domain::page::{Page, PageRequest};
use domain::time::UnixMillis;
use serde_json::Value;

use super::Pending;

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

/// Stores the audit trail.
pub trait Audit: Send + Sync + 'static {
    /// Writes entries that belong to no other verb.
    fn append(&self, entries: Vec<Entry>) -> Pending<'_, ()>;

    /// Names the tenants that have unsealed entries.
    fn load_unsealed_tenants(&self) -> Pending<'_, Vec<TenantId>>;

    /// Loads the end of a tenant's chain and up to `limit` of its unsealed entries in order of
    /// `seq`.
    fn load_unsealed(
        &self,
        tenant: TenantId,
        limit: u32,
    ) -> Pending<'_, (ChainHead, Vec<AuditRow>)>;

    /// Stores seals if the end of the chain is still `head`; false, and nothing written, if another
    /// node was first.
    fn seal(&self, tenant: TenantId, head: ChainHead, seals: Vec<Seal>) -> Pending<'_, bool>;

    /// Lists a tenant's entries, newest first. A cursor is not offered yet; pages are by number.
    fn list_audit(&self, tenant: TenantId, page: PageRequest) -> Pending<'_, Vec<AuditRow>>;

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
