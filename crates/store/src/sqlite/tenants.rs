//! Tenants in SQLite.

use domain::change::ChangeKind;
use domain::event::Entry;
use domain::id::TenantId;
use domain::page::{Page, PageRequest};
use domain::tenant::{Tenant, TenantFilter, TenantStatus};
use domain::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, ToSql, params};
use uuid::Uuid;

use super::row::{self, Columns, Id, Window};
use super::{Sqlite, Step, audit, changes};
use crate::port::Pending;
use crate::port::changes::HINT_KEPT;
use crate::port::tenants::{TenantWrite, Tenants};

/// The columns that [`tenant`] reads.
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT tenant_id, slug, name, status, config, version, created_at, erase_at
FROM tenants",
            $condition
        )
    };
}

const SELECT: &str = select!("");
const SELECT_ONE: &str = select!("\nWHERE tenant_id = ?1");
const SELECT_BY_SLUG: &str = select!("\nWHERE slug = ?1");

/// `?2` is how the slug begins, `?3` the same and the last of all code points.
const LIST: &str = select!(
    "
WHERE (?1 IS NULL OR status = ?1)
    AND (?2 IS NULL OR slug >= ?2 AND slug <= ?3)
    AND tenant_id < ?4
ORDER BY tenant_id DESC
LIMIT ?5
OFFSET ?6"
);

const COUNT: &str = "SELECT COUNT(*)
FROM tenants
WHERE (?1 IS NULL OR status = ?1)
    AND (?2 IS NULL OR slug >= ?2 AND slug <= ?3)";

const INSERT: &str = "INSERT INTO tenants
    (tenant_id, slug, name, status, config, version, created_at, erase_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (slug) DO NOTHING";

const UPDATE: &str = "UPDATE tenants
SET slug = ?3, name = ?4, status = ?5, config = ?6, erase_at = ?7, version = version + 1
WHERE tenant_id = ?1 AND version = ?2 AND erase_at IS NOT 0";

impl Tenants for Sqlite {
    fn load_tenants(&self) -> Pending<'_, Vec<Tenant>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(SELECT)?;
            let rows = statement.query_map([], |row| tenant(&mut Columns::of(row)))?;
            rows.collect()
        })
    }

    fn load_tenant(&self, id: TenantId) -> Pending<'_, Option<Tenant>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(SELECT_ONE)?;
            let found = statement.query_row([id.blob()], |row| tenant(&mut Columns::of(row)));
            found.optional()
        })
    }

    fn list_tenants(&self, filter: TenantFilter, page: PageRequest) -> Pending<'_, Page<Tenant>> {
        self.read(move |connection| list(connection, &filter, page))
    }

    fn ensure_tenant(&self, tenant: Tenant, entry: Entry) -> Pending<'_, Tenant> {
        self.write(move |step| {
            if insert(step, &tenant, &entry)? {
                return Ok(tenant.clone());
            }
            let mut statement = step.prepare_cached(SELECT_BY_SLUG)?;
            statement.query_row([&tenant.slug], |row| self::tenant(&mut Columns::of(row)))
        })
    }

    fn create_tenant(&self, tenant: Tenant, entry: Entry) -> Pending<'_, TenantWrite> {
        self.write(move |step| {
            Ok(if insert(step, &tenant, &entry)? {
                TenantWrite::Stored(Box::new(tenant.clone()))
            } else {
                TenantWrite::SlugTaken
            })
        })
    }

    fn update_tenant(&self, tenant: Tenant, entry: Entry) -> Pending<'_, TenantWrite> {
        self.write(move |step| update(step, &tenant, &entry))
    }
}

fn list(
    connection: &Connection,
    filter: &TenantFilter,
    page: PageRequest,
) -> rusqlite::Result<Page<Tenant>> {
    let window = Window::of(page);
    let status = filter.status.map(TenantStatus::as_str);
    let last = filter.slug.as_ref().map(|text| format!("{text}\u{10ffff}"));
    let before = window.before.unwrap_or(Uuid::max()).into_bytes();
    let narrowed: [&dyn ToSql; 3] = [&status, &filter.slug, &last];
    let paged: [&dyn ToSql; 3] = [&before, &window.limit, &window.offset];
    let snapshot = connection.unchecked_transaction()?;
    let total = snapshot
        .prepare_cached(COUNT)?
        .query_row(&narrowed[..], row::count)?;
    let bounds = [&narrowed[..], &paged[..]].concat();
    let mut statement = snapshot.prepare_cached(LIST)?;
    let rows = statement.query_map(&bounds[..], |row| tenant(&mut Columns::of(row)))?;
    let tenants = rows.collect::<rusqlite::Result<Vec<Tenant>>>()?;
    Ok(window.page(tenants, total, |tenant| tenant.id.as_uuid()))
}

fn insert(step: &Step<'_>, tenant: &Tenant, entry: &Entry) -> rusqlite::Result<bool> {
    let stored = step.prepare_cached(INSERT)?.execute(params![
        tenant.id.blob(),
        tenant.slug,
        tenant.name,
        tenant.status.as_str(),
        row::json(&tenant.config)?,
        tenant.version,
        tenant.created_at.as_millis(),
        tenant.erase_at.map(UnixMillis::as_millis),
    ])?;
    if stored == 0 {
        return Ok(false);
    }
    announce(step, tenant.id, entry.origin.at)?;
    audit::write(step, entry)?;
    Ok(true)
}

fn update(step: &Step<'_>, tenant: &Tenant, entry: &Entry) -> rusqlite::Result<TenantWrite> {
    let owner: Option<[u8; 16]> = step
        .prepare_cached("SELECT tenant_id FROM tenants WHERE slug = ?1")?
        .query_row([&tenant.slug], |row| row.get(0))
        .optional()?;
    if owner.is_some_and(|owner| owner != tenant.id.blob()) {
        return Ok(TenantWrite::SlugTaken);
    }
    let stored = step.prepare_cached(UPDATE)?.execute(params![
        tenant.id.blob(),
        tenant.version,
        tenant.slug,
        tenant.name,
        tenant.status.as_str(),
        row::json(&tenant.config)?,
        tenant.erase_at.map(UnixMillis::as_millis),
    ])?;
    if stored == 0 {
        return Ok(TenantWrite::Stale);
    }
    announce(step, tenant.id, entry.origin.at)?;
    audit::write(step, entry)?;
    let stored = Tenant {
        version: tenant.version + 1,
        ..tenant.clone()
    };
    Ok(TenantWrite::Stored(Box::new(stored)))
}

/// Tells every node to load the tenant again.
pub(super) fn announce(step: &Step<'_>, tenant: TenantId, at: UnixMillis) -> rusqlite::Result<()> {
    changes::announce(step, tenant, &ChangeKind::TenantChanged, at + HINT_KEPT)
}

fn tenant(columns: &mut Columns<'_>) -> rusqlite::Result<Tenant> {
    Ok(Tenant {
        id: columns.id()?,
        slug: columns.take()?,
        name: columns.take()?,
        status: TenantStatus::from_stored(&columns.take::<String>()?),
        config: columns.json()?,
        version: columns.take()?,
        created_at: columns.time()?,
        erase_at: columns.maybe_time()?,
    })
}
