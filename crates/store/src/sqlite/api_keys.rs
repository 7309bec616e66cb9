//! API keys in SQLite.

use std::num::NonZeroU32;

use domain::api_key::{ApiKey, ApiKeyFilter, ApiKeyUse, Superseded};
use domain::change::ChangeKind;
use domain::event::Entry;
use domain::id::{ApiKeyId, TenantId};
use domain::page::{Page, PageRequest};
use domain::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use uuid::Uuid;

use super::row::{self, Columns, Id, Window};
use super::{Sqlite, Step, audit, changes};
use crate::port::Pending;
use crate::port::api_keys::ApiKeys;

const INSERT: &str = "INSERT INTO api_keys
    (tenant_id, id, client_id, name, visible_prefix, signature, former_signature, former_until, scopes,
     rate_limit, created_at, expires_at, revoked_at, last_used_at, version)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant_id, client_id, name, visible_prefix, signature, former_signature, \
             former_until, scopes, rate_limit, created_at, expires_at, revoked_at, last_used_at, \
             version
FROM api_keys
",
            $rest
        )
    };
}

/// Tenant, client, whether it is live at `?4`: what a list is narrowed by.
macro_rules! narrowed {
    ($client:literal) => {
        concat!(
            "WHERE tenant_id = ?1
    AND ",
            $client,
            "
    AND (?3 IS NULL
        OR ?3 = (revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?4)))"
        )
    };
}

macro_rules! list {
    ($client:literal) => {
        concat!(
            "SELECT id, tenant_id, client_id, name, visible_prefix, signature, former_signature, \
             former_until, scopes, rate_limit, created_at, expires_at, revoked_at, last_used_at, \
             version
FROM api_keys
",
            narrowed!($client),
            "
    AND id < ?5
ORDER BY id DESC
LIMIT ?6
OFFSET ?7"
        )
    };
}

macro_rules! count {
    ($client:literal) => {
        concat!("SELECT COUNT(*)\nFROM api_keys\n", narrowed!($client))
    };
}

/// Each of the two ways has its index.
pub(super) const LOAD: &str =
    select!("WHERE tenant_id = ?1 AND (signature = ?2 OR former_signature = ?2)");

const FIND: &str = select!("WHERE tenant_id = ?1 AND id = ?2");

pub(super) const LIST: &str = list!("?2 IS NULL");
const COUNT: &str = count!("?2 IS NULL");
pub(super) const LIST_OF_CLIENT: &str = list!("client_id = ?2");
const COUNT_OF_CLIENT: &str = count!("client_id = ?2");

const ANY: &str = "SELECT EXISTS (SELECT 1 FROM api_keys WHERE tenant_id = ?1)";

const UPDATE: &str = "UPDATE api_keys
SET name = ?4, visible_prefix = ?5, signature = ?6, former_signature = ?7, former_until = ?8,
    scopes = ?9, rate_limit = ?10, expires_at = ?11, version = version + 1
WHERE tenant_id = ?1 AND id = ?2 AND version = ?3 AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > ?12)";

const REVOKE: &str = "UPDATE api_keys
SET revoked_at = ?3, version = version + 1
WHERE tenant_id = ?1 AND id = ?2 AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > ?3)";

const NOTE_USED: &str = "UPDATE api_keys
SET last_used_at = ?3
WHERE tenant_id = ?1 AND id = ?2 AND (last_used_at IS NULL OR last_used_at < ?3)";

impl ApiKeys for Sqlite {
    fn create_api_key(&self, key: ApiKey, entry: Entry) -> Pending<'_, ()> {
        self.write(move |step| insert(step, &key, &entry))
    }

    fn ensure_api_key(&self, key: ApiKey, entry: Entry) -> Pending<'_, bool> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(ANY)?;
            if statement.query_row([key.tenant.blob()], |row| row.get(0))? {
                return Ok(false);
            }
            insert(step, &key, &entry)?;
            Ok(true)
        })
    }

    fn load_api_key(&self, tenant: TenantId, signature: [u8; 32]) -> Pending<'_, Option<ApiKey>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(LOAD)?;
            let found = statement.query_row(params![tenant.blob(), signature], read);
            found.optional()
        })
    }

    fn find_api_key(&self, tenant: TenantId, key: ApiKeyId) -> Pending<'_, Option<ApiKey>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(FIND)?;
            let found = statement.query_row([tenant.blob(), key.blob()], read);
            found.optional()
        })
    }

    fn list_api_keys(
        &self,
        tenant: TenantId,
        filter: ApiKeyFilter,
        page: PageRequest,
    ) -> Pending<'_, Page<ApiKey>> {
        self.read(move |connection| list(connection, tenant, &filter, &Window::of(page)))
    }

    fn update_api_key(&self, key: ApiKey, entry: Entry) -> Pending<'_, bool> {
        self.write(move |step| update(step, &key, &entry))
    }

    fn revoke_api_key(
        &self,
        tenant: TenantId,
        key: ApiKeyId,
        now: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, bool> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(REVOKE)?;
            let bounds = params![tenant.blob(), key.blob(), now.as_millis()];
            if statement.execute(bounds)? == 0 {
                return Ok(false);
            }
            changes::announce_hint(step, &entry, &ChangeKind::ApiKeyChanged(key))?;
            audit::write(step, &entry)?;
            Ok(true)
        })
    }

    fn note_api_keys_used(&self, uses: Vec<ApiKeyUse>) -> Pending<'_, ()> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(NOTE_USED)?;
            for one in &uses {
                let bounds = params![one.tenant.blob(), one.key.blob(), one.at.as_millis()];
                statement.execute(bounds)?;
            }
            Ok(())
        })
    }
}

fn insert(step: &Step<'_>, key: &ApiKey, entry: &Entry) -> rusqlite::Result<()> {
    let former = key.superseded.as_ref();
    step.prepare_cached(INSERT)?.execute(params![
        key.tenant.blob(),
        key.id.blob(),
        key.client,
        key.name,
        key.visible_prefix,
        key.signature,
        former.map(|former| former.signature),
        former.map(|former| former.works_until.as_millis()),
        key.scopes.to_string(),
        key.rate_limit.map(NonZeroU32::get),
        key.created_at.as_millis(),
        key.expires_at.map(UnixMillis::as_millis),
        key.revoked_at.map(UnixMillis::as_millis),
        key.last_used_at.map(UnixMillis::as_millis),
        key.version,
    ])?;
    audit::write(step, entry)
}

fn update(step: &Step<'_>, key: &ApiKey, entry: &Entry) -> rusqlite::Result<bool> {
    let former = key.superseded.as_ref();
    let changed = step.prepare_cached(UPDATE)?.execute(params![
        key.tenant.blob(),
        key.id.blob(),
        key.version,
        key.name,
        key.visible_prefix,
        key.signature,
        former.map(|former| former.signature),
        former.map(|former| former.works_until.as_millis()),
        key.scopes.to_string(),
        key.rate_limit.map(NonZeroU32::get),
        key.expires_at.map(UnixMillis::as_millis),
        entry.origin.at.as_millis(),
    ])?;
    if changed == 0 {
        return Ok(false);
    }
    changes::announce_hint(step, entry, &ChangeKind::ApiKeyChanged(key.id))?;
    audit::write(step, entry)?;
    Ok(true)
}

fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: &ApiKeyFilter,
    window: &Window,
) -> rusqlite::Result<Page<ApiKey>> {
    let tenant = tenant.blob();
    let live = filter.live.map(|(live, _)| live);
    let at = filter.live.map(|(_, at)| at.as_millis());
    let before = window.before.unwrap_or(Uuid::max()).into_bytes();
    let narrowed: [&dyn ToSql; 4] = [&tenant, &filter.client, &live, &at];
    let paged: [&dyn ToSql; 3] = [&before, &window.limit, &window.offset];
    let (select, count) = match filter.client {
        Some(_) => (LIST_OF_CLIENT, COUNT_OF_CLIENT),
        None => (LIST, COUNT),
    };

    let snapshot = connection.unchecked_transaction()?;
    let total = snapshot
        .prepare_cached(count)?
        .query_row(&narrowed[..], row::count)?;
    let bounds = [&narrowed[..], &paged[..]].concat();
    let mut statement = snapshot.prepare_cached(select)?;
    let rows = statement.query_map(&bounds[..], read)?;
    let keys = rows.collect::<rusqlite::Result<Vec<ApiKey>>>()?;
    Ok(window.page(keys, total, |key| key.id.as_uuid()))
}

fn read(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    let mut columns = Columns::of(row);
    Ok(ApiKey {
        id: columns.id()?,
        tenant: columns.id()?,
        client: columns.take()?,
        name: columns.take()?,
        visible_prefix: columns.take()?,
        signature: columns.take()?,
        superseded: superseded(columns.take()?, columns.maybe_time()?),
        scopes: row::scope(&columns.take::<String>()?),
        rate_limit: columns.take::<Option<u32>>()?.and_then(NonZeroU32::new),
        created_at: columns.time()?,
        expires_at: columns.maybe_time()?,
        revoked_at: columns.maybe_time()?,
        last_used_at: columns.maybe_time()?,
        version: columns.take()?,
    })
}

fn superseded(signature: Option<[u8; 32]>, until: Option<UnixMillis>) -> Option<Superseded> {
    let (signature, works_until) = signature.zip(until)?;
    Some(Superseded {
        signature,
        works_until,
    })
}
