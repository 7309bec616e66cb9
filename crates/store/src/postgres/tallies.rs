//! How much a tenant has, on PostgreSQL.

use domain::id::TenantId;
use domain::rejection::Fault;
use domain::time::UnixMillis;

use super::pool::Values;
use super::{Postgres, Scope, row};
use crate::port::Pending;
use crate::port::tallies::{Tallies, Tally};

const LOAD_TALLY: &str = "
    SELECT
        (SELECT count(*) FROM (SELECT FROM users WHERE tenant_id = $1 LIMIT $2) AS u) AS users,
        (SELECT count(*) FROM (
            SELECT FROM sessions
            WHERE tenant_id = $1 AND ended_at IS NULL AND expires_at > $3
            LIMIT $2
        ) AS s) AS sessions,
        (SELECT count(*) FROM (SELECT FROM clients WHERE tenant_id = $1 LIMIT $2) AS c) AS clients,
        (SELECT count(*) FROM (
            SELECT FROM api_keys
            WHERE tenant_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)
            LIMIT $2
        ) AS k) AS api_keys";

impl Tallies for Postgres {
    fn load_tally(&self, tenant: TenantId, most: u32, now: UnixMillis) -> Pending<'_, Tally> {
        Box::pin(async move {
            let (id, most, now) = (tenant.as_uuid(), i64::from(most), now.as_millis());
            let values: Values<'_> = &[&id, &most, &now];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, LOAD_TALLY, values).await?;
            let missing = || Fault::Broken("nothing was counted".to_owned());
            let counted = rows.first().ok_or_else(missing)?;
            Ok(Tally {
                users: row::number(counted, "users")?,
                sessions: row::number(counted, "sessions")?,
                clients: row::number(counted, "clients")?,
                api_keys: row::number(counted, "api_keys")?,
            })
        })
    }
}
