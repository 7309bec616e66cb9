//! Port: how much a tenant has. Used by flows.

use domain::id::TenantId;
use domain::time::UnixMillis;

use super::Pending;

/// How many there are of each; none is counted further than was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Accounts, whatever their status.
    pub users: u64,
    /// Sign-ins that live.
    pub sessions: u64,
    /// Registered clients.
    pub clients: u64,
    /// API keys that live.
    pub api_keys: u64,
}

/// Counts what a tenant has.
pub trait Tallies: Send + Sync + 'static {
    /// Counts, of each, up to `most`: the answer takes no longer where there are a million.
    fn load_tally(&self, tenant: TenantId, most: u32, now: UnixMillis) -> Pending<'_, Tally>;
}
