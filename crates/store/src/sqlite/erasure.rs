//! Erasing a deleted tenant in SQLite, a bounded number of rows at a time.
//!
//! Tables stand in an order in which a row that others point at goes after them, so that no foreign key
//! deletes more than a step may. A test compares the list with the schema.

use domain::id::TenantId;
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension, params};

use super::row::{Columns, Id};
use super::{Step, audit, tenants};
use crate::port::janitor::{Erasure, tenant_erased_entry};

macro_rules! tables {
    ($($table:literal by $key:literal),+ $(,)?) => {
        /// Every table whose rows belong to a tenant, and what deletes some of a tenant's rows there.
        pub(super) const TABLES: &[(&str, &str)] = &[$((
            $table,
            concat!(
                "DELETE FROM ", $table, "\nWHERE (", $key, ") IN (\n    SELECT ", $key,
                "\n    FROM ", $table, "\n    WHERE tenant_id = ?1\n    LIMIT ?2\n)"
            ),
        )),+];
    };
}

tables!(
    "refresh_families" by "rowid",
    "codes" by "tenant_id, signature",
    "sessions" by "rowid",
    "one_time" by "tenant_id, user_id, purpose",
    "consents" by "tenant_id, user_id, client_id",
    "totps" by "tenant_id, user_id",
    "passkeys" by "rowid",
    "backup_codes" by "tenant_id, user_id, signature",
    "external_identities" by "tenant_id, issuer, subject",
    "user_roles" by "tenant_id, role, user_id",
    "users" by "rowid",
    "attempts" by "tenant_id, key",
    "pushed_requests" by "tenant_id, signature",
    "device_codes" by "tenant_id, signature",
    "idempotency" by "tenant_id, key",
    "spent_ids" by "tenant_id, key",
    "pairwise_salts" by "tenant_id",
    "logout_notices" by "rowid",
    "outbox" by "rowid",
    "data_keys" by "tenant_id, id",
    "policies" by "tenant_id, id",
    "roles" by "tenant_id, name",
    "api_keys" by "rowid",
    "clients" by "rowid",
    "signing_keys" by "rowid",
    "changes" by "rowid",
    "audit" by "rowid",
    "audit_checkpoints" by "tenant_id, day",
);

/// It goes through an index that holds deleted tenants alone.
const FIND: &str = "SELECT tenant_id, slug, erase_at
FROM tenants
WHERE erase_at <= ?1 AND status = 'deleted'
ORDER BY erase_at
LIMIT 1";

const BEGIN: &str = "UPDATE tenants
SET erase_at = 0, version = version + 1
WHERE tenant_id = ?1";

/// Does one step.
pub(super) fn erase(
    step: &Step<'_>,
    now: UnixMillis,
    keeper: TenantId,
    limit: u32,
) -> rusqlite::Result<Erasure> {
    let found = step
        .prepare_cached(FIND)?
        .query_row([now.as_millis()], |row| {
            let columns = &mut Columns::of(row);
            let due = (columns.id::<TenantId>()?, columns.take::<String>()?);
            Ok((due, columns.take::<i64>()?))
        })
        .optional()?;
    let Some(((tenant, slug), erase_at)) = found else {
        return Ok(Erasure::default());
    };
    if erase_at != 0 {
        step.prepare_cached(BEGIN)?.execute([tenant.blob()])?;
        tenants::announce(step, tenant, now)?;
    }
    let rows = delete_rows(step, tenant, limit)?;
    if rows >= u64::from(limit) {
        return Ok(Erasure { rows, tenant: None });
    }
    step.prepare_cached("DELETE FROM tenants WHERE tenant_id = ?1")?
        .execute([tenant.blob()])?;
    tenants::announce(step, tenant, now)?;
    audit::write(step, &tenant_erased_entry(now, keeper, (tenant, &slug)))?;
    Ok(Erasure {
        rows,
        tenant: Some(tenant),
    })
}

fn delete_rows(step: &Step<'_>, tenant: TenantId, limit: u32) -> rusqlite::Result<u64> {
    let limit = u64::from(limit);
    let mut rows = 0;
    for (_, sql) in TABLES {
        let left = i64::try_from(limit.saturating_sub(rows)).unwrap_or(0);
        let deleted = step
            .prepare_cached(sql)?
            .execute(params![tenant.blob(), left])?;
        rows += u64::try_from(deleted).unwrap_or(u64::MAX);
        if rows >= limit {
            break;
        }
    }
    Ok(rows)
}
