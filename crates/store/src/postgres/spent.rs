//! Ids that count once, on PostgreSQL.

use domain::id::TenantId;
use domain::time::UnixMillis;

use super::pool::Values;
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::spent::Spent;

/// Whoever claims the same id at once waits here for the first to commit, and then finds it taken.
const CLAIM_ID: &str = "
    INSERT INTO spent_ids (tenant_id, key, expires_at)
    VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, key) DO NOTHING
    RETURNING key";

impl Spent for Postgres {
    fn claim_id(
        &self,
        tenant: TenantId,
        key: [u8; 32],
        expires_at: UnixMillis,
    ) -> Pending<'_, bool> {
        Box::pin(async move {
            let (id, key) = (tenant.as_uuid(), key.as_slice());
            let values: Values<'_> = &[&id, &key, &expires_at.as_millis()];
            let scope = Scope::Tenant(tenant);
            let claimed = self.pool().run(scope, CLAIM_ID, values).await?;
            Ok(!claimed.is_empty())
        })
    }
}
