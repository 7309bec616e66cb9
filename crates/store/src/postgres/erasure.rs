//! Erasing a deleted tenant on PostgreSQL, a bounded number of rows at a time.
//!
//! Tables stand in an order in which a row that others point at goes after them, so that no foreign key
//! deletes more than a step may; a test compares the list with the schema. Every statement asks again
//! whether the erasure has begun: between two of them a tenant may have been had back.

use domain::id::TenantId;
use domain::rejection::Fault;
use domain::time::UnixMillis;

use super::pool::{Step, Values};
use super::row::{self, Line, get};
use super::tenants::forget_change_at;
use super::{Postgres, Scope};
use crate::port::janitor::{Erasure, tenant_erased_entry};

macro_rules! tables {
    ($($table:literal),+ $(,)?) => {
        /// Every table whose rows belong to a tenant and that the service may delete from.
        const TABLES: &[&str] = &[$(concat!(
            "WITH gone AS (
                DELETE FROM ", $table, "
                WHERE ctid = ANY (ARRAY(
                    SELECT row.ctid
                    FROM ", $table, " AS row
                    WHERE row.tenant_id = $1
                      AND EXISTS (
                          SELECT FROM tenants AS t
                          WHERE t.id = $1 AND t.status = 'deleted' AND t.erase_at = 0
                      )
                    LIMIT $2
                ))
                RETURNING 1
            )
            SELECT count(*) AS gone FROM gone"
        )),+];
    };
}

tables!(
    "refresh_families",
    "codes",
    "sessions",
    "one_time",
    "consents",
    "totps",
    "passkeys",
    "backup_codes",
    "external_identities",
    "user_roles",
    "users",
    "attempts",
    "pushed_requests",
    "device_codes",
    "idempotency",
    "spent_ids",
    "pairwise_salts",
    "logout_notices",
    "outbox",
    "data_keys",
    "policies",
    "roles",
    "api_keys",
    "clients",
    "signing_keys",
    "changes",
);

/// The trail is not the service's to delete from; see the migration.
const ERASE_TRAIL: &str = "SELECT erase_audit($1, $2) AS gone";

/// After the trail: while there is something to seal, there may be another.
const ERASE_CHECKPOINTS: &str = "
    WITH gone AS (
        DELETE FROM audit_checkpoints
        WHERE ctid = ANY (ARRAY(
            SELECT row.ctid
            FROM audit_checkpoints AS row
            WHERE row.tenant_id = $1
              AND EXISTS (
                  SELECT FROM tenants AS t
                  WHERE t.id = $1 AND t.status = 'deleted' AND t.erase_at = 0
              )
            LIMIT $2
        ))
        RETURNING 1
    )
    SELECT count(*) AS gone FROM gone";

/// `$2` until when nodes are told. Only the first step changes the tenant, so that it is told once.
const BEGIN: &str = "
    WITH due AS (
        SELECT id, slug
        FROM tenants
        WHERE erase_at <= $1 AND status = 'deleted'
        ORDER BY erase_at
        LIMIT 1
    ), begun AS (
        UPDATE tenants AS t
        SET erase_at = 0, version = t.version + 1
        FROM due
        WHERE t.id = due.id AND t.status = 'deleted' AND t.erase_at <> 0 AND t.erase_at <= $1
        RETURNING t.id
    ), told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT id, 'tenant_changed', '', $2
        FROM begun
    )
    SELECT id, slug FROM due";

/// `$5` until when nodes are told.
const END: &str = "
    WITH gone AS (
        DELETE FROM tenants
        WHERE id = $4 AND status = 'deleted' AND erase_at = 0
        RETURNING id
    ), told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT id, 'tenant_changed', '', $5
        FROM gone
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM gone
    )
    SELECT id FROM gone";

impl Postgres {
    pub(super) async fn erase(
        &self,
        now: UnixMillis,
        keeper: TenantId,
        limit: u32,
    ) -> Result<Erasure, Fault> {
        let (at, forget) = (now.as_millis(), forget_change_at(now));
        let values: Values<'_> = &[&at, &forget];
        let due = self.pool().run(Scope::System, BEGIN, values).await?;
        let Some(due) = due.first() else {
            return Ok(Erasure::default());
        };
        let (tenant, slug) = (row::tenant(due, "id")?, get::<String>(due, "slug")?);
        let rows = self.delete_rows(tenant, limit).await?;
        if rows >= u64::from(limit) {
            return Ok(Erasure { rows, tenant: None });
        }
        let line = Line::of(&tenant_erased_entry(now, keeper, (tenant, &slug)));
        let id = tenant.as_uuid();
        let values: Values<'_> = &[&line.tenant, &line.at, &line.fields, &id, &forget];
        let gone = self.pool().run(Scope::System, END, values).await?;
        Ok(Erasure {
            rows,
            tenant: (!gone.is_empty()).then_some(tenant),
        })
    }

    /// Each statement has its own transaction, so that none holds locks for the others.
    async fn delete_rows(&self, tenant: TenantId, limit: u32) -> Result<u64, Fault> {
        let (id, limit) = (tenant.as_uuid(), u64::from(limit));
        let mut rows = 0;
        for sql in TABLES.iter().chain([&ERASE_TRAIL, &ERASE_CHECKPOINTS]) {
            let left = i64::try_from(limit.saturating_sub(rows)).unwrap_or(0);
            let step = Step {
                sql,
                values: &[&id, &left],
            };
            let answers = self.pool().run_all(Scope::System, &[step]).await?;
            let row = answers.first().and_then(|rows| rows.first());
            rows += row.map_or(Ok(0), |row| row::number(row, "gone"))?;
            if rows >= limit {
                break;
            }
        }
        Ok(rows)
    }
}
