//! What pairwise subjects are made with, on PostgreSQL.

use domain::id::TenantId;
use domain::rejection::Fault;

use super::pool::Values;
use super::{Postgres, Scope, row};
use crate::port::Pending;
use crate::port::salts::Salts;

/// The update changes nothing; it waits for whoever stores one at this moment, and has the row that
/// stands returned.
const KEEP_SALT: &str = "
    INSERT INTO pairwise_salts AS p (tenant_id, salt)
    VALUES ($1, $2)
    ON CONFLICT (tenant_id) DO UPDATE SET salt = p.salt
    RETURNING salt";

impl Salts for Postgres {
    fn keep_salt(&self, tenant: TenantId, drawn: [u8; 32]) -> Pending<'_, [u8; 32]> {
        Box::pin(async move {
            let (id, drawn) = (tenant.as_uuid(), drawn.as_slice());
            let values: Values<'_> = &[&id, &drawn];
            let scope = Scope::Tenant(tenant);
            let kept = self.pool().run(scope, KEEP_SALT, values).await?;
            let missing = || Fault::Broken("a salt was not kept".to_owned());
            row::bytes32(kept.first().ok_or_else(missing)?, "salt")
        })
    }
}
