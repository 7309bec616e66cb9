//! Port: what pairwise subjects are made with (OpenID Connect Core §8.1). Used by flows.

use domain::id::TenantId;

use super::Pending;

/// Keeps one salt for each tenant.
pub trait Salts: Send + Sync + 'static {
    /// Keeps the salt unless the tenant has one, and gives the one it has: however many nodes draw
    /// one at once, all are given the same. It is never replaced, because clients keep what was made
    /// with it.
    fn keep_salt(&self, tenant: TenantId, drawn: [u8; 32]) -> Pending<'_, [u8; 32]>;
}
