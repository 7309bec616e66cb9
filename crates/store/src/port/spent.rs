//! Port: ids that count once, such as the `jti` of a proof (RFC 9449 §11.1) or of a client's
//! assertion (RFC 7523 §3). Used by flows.

use domain::id::TenantId;
use domain::time::UnixMillis;

use super::Pending;

/// Stores ids that count once.
pub trait Spent: Send + Sync + 'static {
    /// Claims an id: true for exactly one of any number of concurrent callers on all nodes, also
    /// after a restart, until it expires. `key` is a digest over the id and over whatever it is
    /// unique within.
    ///
    /// An expired id can be claimed again once it was purged; what carries it must have been refused
    /// as expired before.
    fn claim_id(
        &self,
        tenant: TenantId,
        key: [u8; 32],
        expires_at: UnixMillis,
    ) -> Pending<'_, bool>;
}
