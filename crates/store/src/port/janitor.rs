//! Port: purging what has expired. Held by the janitor alone.

use std::time::Duration;

use domain::event::{Actor, Entry, EventKind, Origin};
use domain::id::{RequestId, TenantId};
use domain::time::UnixMillis;
use serde_json::json;
use uuid::Uuid;

use super::Pending;

/// How long a client that described itself stays if nobody uses it.
pub const UNUSED_CLIENT_KEPT: Duration = Duration::from_hours(90 * 24);

/// How many rows a purge deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Refresh families past their end for a day (kept that long so that a reuse is recognised).
    pub families: u64,
    /// Sessions past their end for a day, without families.
    pub sessions: u64,
    /// One-time tokens past their end.
    pub one_time: u64,
    /// Pushed requests past their end for an hour: a person who signs in slowly still completes.
    pub pushed_requests: u64,
    /// Codes past their end for an hour (kept that long so that a replay is recognised).
    pub codes: u64,
    /// Device codes past their end for an hour (kept that long so that the device is told).
    pub devices: u64,
    /// Ids that counted once, past their end.
    pub spent_ids: u64,
    /// Idempotency keys past their day.
    pub idempotency_keys: u64,
    /// Changes that nobody needs to remember; revocations an hour after that, because the instant is
    /// a node's, and a node's clock may be ahead.
    pub changes: u64,
    /// Failure counters untouched for 90 days. A disabled password (100 failures) is kept.
    pub attempts: u64,
    /// Mails that were given up, 30 days after they were written. A mail that was sent is gone
    /// already; one that waits is kept.
    pub mails: u64,
    /// Notices that were given up, 30 days after their session ended. One that was given is gone
    /// already; one that waits is kept.
    pub notices: u64,
    /// Clients that described themselves, did so last [`UNUSED_CLIENT_KEPT`] ago, and have neither a
    /// consent nor a refresh family that has not ended; each with a `client.deleted` entry.
    pub clients: u64,
    /// Accounts that their owners deleted, on the day that they were told, with everything that belongs
    /// to them; each with a `user.deleted` entry.
    pub accounts: u64,
}

/// What one step of a tenant's erasure did; nothing, when no tenant is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erasure {
    /// How many of its rows were deleted. None goes unseen by a foreign key.
    pub rows: u64,
    /// The tenant, once nothing is left of it.
    pub tenant: Option<TenantId>,
}

/// Makes the entry of a client that nobody used; a backend names tenant and client.
pub(crate) fn unused_entry(now: UnixMillis) -> Entry {
    entry(EventKind::ClientDeleted, now).with(json!({ "reason": "unused" }))
}

/// Makes the entry of an account whose days of grace are over; a backend names tenant and account.
pub(crate) fn erased_entry(now: UnixMillis) -> Entry {
    entry(EventKind::UserDeleted, now).with(json!({ "reason": "owner" }))
}

/// Makes the entry of a tenant of which nothing is left, in the trail of the one that keeps it.
pub(crate) fn tenant_erased_entry(
    now: UnixMillis,
    keeper: TenantId,
    (id, slug): (TenantId, &str),
) -> Entry {
    let mut entry = entry(EventKind::TenantErased, now)
        .about(&id)
        .with(json!({ "slug": slug }));
    entry.origin.tenant = keeper;
    entry
}

fn entry(kind: EventKind, now: UnixMillis) -> Entry {
    let origin = Origin {
        tenant: TenantId::from_uuid(Uuid::nil()),
        actor: Actor::System,
        address: None,
        user_agent: None,
        request: RequestId::from_uuid(Uuid::nil()),
        claimed_in: None,
        at: now,
    };
    Entry::new(kind, &origin)
}

/// Purges what has expired.
pub trait Janitor: Send + Sync + 'static {
    /// Deletes up to `limit` expired rows of each kind, of any tenant.
    fn purge(&self, now: UnixMillis, limit: u32) -> Pending<'_, Purged>;

    /// Deletes up to `limit` rows of one deleted tenant whose day has come, those that others point at
    /// last; with the last of them the tenant itself, with a `tenant.erased` entry in the trail of
    /// `keeper` and a `TenantChanged` change. From the first step on the tenant cannot be had back.
    fn erase_tenant(&self, now: UnixMillis, keeper: TenantId, limit: u32) -> Pending<'_, Erasure>;
}
