//! Tenants on PostgreSQL.

use domain::event::Entry;
use domain::id::TenantId;
use domain::page::{Page, PageRequest};
use domain::rejection::Fault;
use domain::tenant::{Tenant, TenantFilter, TenantStatus};
use domain::time::UnixMillis;
use tokio_postgres::Row;

use super::pool::failure::Failure;
use super::pool::{Step, Values, within};
use super::row::{self, Line, Window, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::changes::HINT_KEPT;
use crate::port::tenants::{TenantWrite, Tenants};

/// The columns that [`tenant`] reads.
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, slug, name, status, config, version, created_at, erase_at
            FROM tenants ",
            $condition
        )
    };
}

const LOAD_TENANTS: &str = select!("");
const LOAD_TENANT: &str = select!("WHERE id = $1");
const LOAD_BY_SLUG: &str = select!("WHERE slug = $1");

/// What a list is narrowed by: `$1` a status, `$2` and `$3` the range that a beginning of slugs is.
macro_rules! narrowed {
    () => {
        "($1::text IS NULL OR status = $1)
         AND ($2::text IS NULL OR (slug >= $2 AND slug < $3))"
    };
}

const COUNT_TENANTS: &str = concat!("SELECT count(*) AS total FROM tenants WHERE ", narrowed!());

const LIST_TENANTS: &str = concat!(
    "SELECT id, slug, name, status, config, version, created_at, erase_at
    FROM tenants
    WHERE ",
    narrowed!(),
    " AND ($4::uuid IS NULL OR id < $4)
    ORDER BY id DESC
    OFFSET $5
    LIMIT $6"
);

/// Sorts after everything that a slug can go on with.
const AFTER_ALL: &str = "\u{10ffff}";

/// Nothing is returned when the slug is taken.
const CREATE_TENANT: &str = "
    WITH fresh AS (
        INSERT INTO tenants (id, slug, name, status, config, version, created_at, erase_at)
        VALUES ($4, $5, $6, $7, $8, $9, $10, $12)
        ON CONFLICT (slug) DO NOTHING
        RETURNING id, slug, name, status, config, version, created_at, erase_at
    ), told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT id, 'tenant_changed', '', $11
        FROM fresh
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM fresh
    )
    SELECT * FROM fresh";

const UPDATE_TENANT: &str = "
    WITH fresh AS (
        UPDATE tenants
        SET slug = $5,
            name = $6,
            status = $7,
            config = $8,
            erase_at = $11,
            version = version + 1
        WHERE id = $4 AND version = $9 AND erase_at IS DISTINCT FROM 0
        RETURNING id, slug, name, status, config, version, created_at, erase_at
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
        erase_at: row::maybe_instant(row, "erase_at")?,
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
        let erase = tenant.erase_at.map(UnixMillis::as_millis);
        let forget = forget_change_at(entry.origin.at);
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
                    &forget,
                    &erase,
                ],
            },
            Step {
                sql: LOAD_BY_SLUG,
                values: &[&tenant.slug],
            },
        ];
        self.pool().run_all(Scope::System, &steps).await
    }

    async fn page_of_tenants(
        &self,
        filter: TenantFilter,
        page: PageRequest,
    ) -> Result<Page<Tenant>, Fault> {
        let window = Window::of(page);
        let status = filter.status.map(TenantStatus::as_str);
        let to = filter
            .slug
            .as_ref()
            .map(|slug| format!("{slug}{AFTER_ALL}"));
        let from = filter.slug.filter(|slug| row::is_storable(slug));
        if from.is_none() && to.is_some() {
            return Ok(window.page(Vec::new(), 0, |_| None));
        }
        let steps = [
            Step {
                sql: COUNT_TENANTS,
                values: &[&status, &from, &to],
            },
            Step {
                sql: LIST_TENANTS,
                values: &[
                    &status,
                    &from,
                    &to,
                    &window.after,
                    &window.skip,
                    &window.take,
                ],
            },
        ];
        let answers = self.pool().run_all(Scope::System, &steps).await?;
        let [count, rows] = answers.as_slice() else {
            return Err(Fault::Broken("an answer is missing".to_owned()));
        };
        let total = count
            .first()
            .map_or(Ok(0), |row| row::number(row, "total"))?;
        let tenants = rows.iter().map(tenant).collect::<Result<Vec<_>, _>>()?;
        Ok(window.page(tenants, total, |tenant| Some(tenant.id.as_uuid())))
    }

    async fn write_tenant(&self, tenant: Tenant, entry: Entry) -> Result<TenantWrite, Fault> {
        let line = Line::of(&entry);
        let (id, config) = (tenant.id.as_uuid(), row::to_json(&tenant.config)?);
        let forget = forget_change_at(entry.origin.at);
        let status = tenant.status.as_str();
        let erase = tenant.erase_at.map(UnixMillis::as_millis);
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
                &erase,
            ],
        };
        // What the default tenant's operators do to another stands in their own trail.
        let scope = if entry.origin.tenant == tenant.id {
            Scope::Tenant(tenant.id)
        } else {
            Scope::System
        };
        let mut link = self.pool().link().await?;
        match link.whole(scope, &[step]).await {
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

    fn load_tenant(&self, id: TenantId) -> Pending<'_, Option<Tenant>> {
        Box::pin(async move {
            let uuid = id.as_uuid();
            let values: Values<'_> = &[&uuid];
            let rows = self.pool().run(Scope::Tenant(id), LOAD_TENANT, values);
            rows.await?.first().map(tenant).transpose()
        })
    }

    fn list_tenants(&self, filter: TenantFilter, page: PageRequest) -> Pending<'_, Page<Tenant>> {
        Box::pin(self.page_of_tenants(filter, page))
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
