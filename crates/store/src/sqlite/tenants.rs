//! Tenants in SQLite.

use domain::change::ChangeKind;
use domain::event::Entry;
use domain::tenant::{Tenant, TenantStatus};
use rusqlite::{OptionalExtension, params};

use super::row::{self, Columns, Id};
use super::{Sqlite, Step, audit, changes};
use crate::port::Pending;
use crate::port::tenants::{TenantWrite, Tenants};

const SELECT: &str = "SELECT tenant_id, slug, name, status, config, version, created_at
FROM tenants";

const SELECT_BY_SLUG: &str = "SELECT tenant_id, slug, name, status, config, version, created_at
FROM tenants
WHERE slug = ?1";

const INSERT: &str = "INSERT INTO tenants
    (tenant_id, slug, name, status, config, version, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (slug) DO NOTHING";

const UPDATE: &str = "UPDATE tenants
SET slug = ?3, name = ?4, status = ?5, config = ?6, version = version + 1
WHERE tenant_id = ?1 AND version = ?2";

impl Tenants for Sqlite {
    fn load_tenants(&self) -> Pending<'_, Vec<Tenant>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(SELECT)?;
            let rows = statement.query_map([], |row| tenant(&mut Columns::of(row)))?;
            rows.collect()
        })
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

fn insert(step: &Step<'_>, tenant: &Tenant, entry: &Entry) -> rusqlite::Result<bool> {
    let stored = step.prepare_cached(INSERT)?.execute(params![
        tenant.id.blob(),
        tenant.slug,
        tenant.name,
        tenant.status.as_str(),
        row::json(&tenant.config)?,
        tenant.version,
        tenant.created_at.as_millis(),
    ])?;
    if stored == 0 {
        return Ok(false);
    }
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
    ])?;
    if stored == 0 {
        return Ok(TenantWrite::Stale);
    }
    changes::announce_hint(step, entry, &ChangeKind::TenantChanged)?;
    audit::write(step, entry)?;
    let stored = Tenant {
        version: tenant.version + 1,
        ..tenant.clone()
    };
    Ok(TenantWrite::Stored(Box::new(stored)))
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
    })
}
