//! Tenants on PostgreSQL.

use domain::event::Entry;
use domain::rejection::Fault;
use domain::tenant::{Tenant, TenantStatus};
use domain::time::UnixMillis;
use tokio_postgres::Row;

use super::pool::failure::Failure;
use super::pool::{Step, within};
use super::row::{self, Line, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::changes::HINT_KEPT;
use crate::port::tenants::{TenantWrite, Tenants};

const LOAD_TENANTS: &str = "
    SELECT id, slug, name, status, config, version, created_at
    FROM tenants";

/// Nothing is returned when the slug is taken.
const CREATE_TENANT: &str = "
    WITH fresh AS (
        INSERT INTO tenants (id, slug, name, status, config, version, created_at)
        VALUES ($4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (slug) DO NOTHING
        RETURNING id, slug, name, status, config, version, created_at
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM fresh
    )
    SELECT * FROM fresh";

const LOAD_BY_SLUG: &str = "
    SELECT id, slug, name, status, config, version, created_at
    FROM tenants
    WHERE slug = $1";

const UPDATE_TENANT: &str = "
    WITH fresh AS (
        UPDATE tenants
        SET slug = $5,
            name = $6,
            status = $7,
            config = $8,
            version = version + 1
        WHERE id = $4 AND version = $9
        RETURNING id, slug, name, status, config, version, created_at
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM fresh
    ), told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT id, 'tenant_changed', '', $10
        FROM fresh
    )
    SELECT * FROM fresh";

fn tenant(row: &Row) -> Result<Tenant, Fault> {
    Ok(Tenant {
        id: row::tenant(row, "id")?,
        slug: get(row, "slug")?,
        name: get(row, "name")?,
        status: TenantStatus::from_stored(get(row, "status")?),
        config: row::json(row, "config")?,
        version: get(row, "version")?,
        created_at: row::instant(row, "created_at")?,
    })
}

/// When a change that is about something stored may be forgotten: every node has read the feed, or
/// has forgotten what it remembered of the thing, long before.
pub(super) fn forget_change_at(at: UnixMillis) -> i64 {
    (at + HINT_KEPT).as_millis()
}

impl Postgres {
    /// Stores a tenant unless its slug is taken, and then looks who has the slug: the second
    /// statement sees a row that another transaction committed while the first waited for it.
    async fn insert_tenant(&self, tenant: &Tenant, entry: &Entry) -> Result<Vec<Vec<Row>>, Fault> {
        let line = Line::of(entry);
        let (id, config) = (tenant.id.as_uuid(), row::to_json(&tenant.config)?);
        let created = tenant.created_at.as_millis();
        let status = tenant.status.as_str();
        let steps = [
            Step {
                sql: CREATE_TENANT,
                values: &[
                    &line.tenant,
                    &line.at,
                    &line.fields,
                    &id,
                    &tenant.slug,
                    &tenant.name,
                    &status,
                    &config,
                    &tenant.version,
                    &created,
                ],
            },
            Step {
                sql: LOAD_BY_SLUG,
                values: &[&tenant.slug],
            },
        ];
        self.pool().run_all(Scope::System, &steps).await
    }

    async fn write_tenant(&self, tenant: Tenant, entry: Entry) -> Result<TenantWrite, Fault> {
        let line = Line::of(&entry);
        let (id, config) = (tenant.id.as_uuid(), row::to_json(&tenant.config)?);
        let forget = forget_change_at(entry.origin.at);
        let status = tenant.status.as_str();
        let step = Step {
            sql: UPDATE_TENANT,
            values: &[
                &line.tenant,
                &line.at,
                &line.fields,
                &id,
                &tenant.slug,
                &tenant.name,
                &status,
                &config,
                &tenant.version,
                &forget,
            ],
        };
        let mut link = self.pool().link().await?;
        match link.whole(Scope::Tenant(tenant.id), &[step]).await {
            Ok(answers) => match answers.first().and_then(|rows| rows.first()) {
                Some(row) => Ok(TenantWrite::Stored(Box::new(self::tenant(row)?))),
                None => Ok(TenantWrite::Stale),
            },
            Err(Failure::Duplicate(_)) => Ok(TenantWrite::SlugTaken),
            Err(failure) => Err(failure.into()),
        }
    }
}

impl Tenants for Postgres {
    fn load_tenants(&self) -> Pending<'_, Vec<Tenant>> {
        Box::pin(async move {
            let rows = self.pool().run(Scope::System, LOAD_TENANTS, &[]).await?;
            rows.iter().map(tenant).collect()
        })
    }

    fn ensure_tenant(&self, new: Tenant, entry: Entry) -> Pending<'_, Tenant> {
        Box::pin(async move {
            let answers = self.insert_tenant(&new, &entry).await?;
            match answers.last().and_then(|rows| rows.first()) {
                Some(row) => tenant(row),
                None => Err(Fault::Broken("a tenant was stored and is gone".to_owned())),
            }
        })
    }

    fn create_tenant(&self, new: Tenant, entry: Entry) -> Pending<'_, TenantWrite> {
        Box::pin(async move {
            let answers = self.insert_tenant(&new, &entry).await?;
            match answers.first().and_then(|rows| rows.first()) {
                Some(row) => Ok(TenantWrite::Stored(Box::new(tenant(row)?))),
                None => Ok(TenantWrite::SlugTaken),
            }
        })
    }

    fn update_tenant(&self, tenant: Tenant, entry: Entry) -> Pending<'_, TenantWrite> {
        Box::pin(within(self.write_tenant(tenant, entry)))
    }
}
