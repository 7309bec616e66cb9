//! API keys in SQLite.

use domain::api_key::ApiKey;
use domain::change::ChangeKind;
use domain::event::Entry;
use domain::id::{ApiKeyId, TenantId};
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension, Row, params};

use super::row::{self, Columns, Id};
use super::{Sqlite, Step, audit, changes};
use crate::port::Pending;
use crate::port::api_keys::ApiKeys;

const INSERT: &str = "INSERT INTO api_keys
    (tenant_id, id, name, visible_prefix, signature, scopes, created_at, expires_at, revoked_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant_id, name, visible_prefix, signature, scopes, created_at, expires_at, \
             revoked_at
FROM api_keys
",
            $rest
        )
    };
}

const LOAD: &str = select!("WHERE tenant_id = ?1 AND signature = ?2");

const LIST: &str = select!(
    "WHERE tenant_id = ?1
ORDER BY created_at, id"
);

const ANY: &str = "SELECT EXISTS (SELECT 1 FROM api_keys WHERE tenant_id = ?1)";

const REVOKE: &str = "UPDATE api_keys
SET revoked_at = ?3
WHERE tenant_id = ?1 AND id = ?2 AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > ?3)";

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

    fn list_api_keys(&self, tenant: TenantId) -> Pending<'_, Vec<ApiKey>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(LIST)?;
            let rows = statement.query_map([tenant.blob()], read)?;
            rows.collect()
        })
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
}

fn insert(step: &Step<'_>, key: &ApiKey, entry: &Entry) -> rusqlite::Result<()> {
    step.prepare_cached(INSERT)?.execute(params![
        key.tenant.blob(),
        key.id.blob(),
        key.name,
        key.visible_prefix,
        key.signature,
        key.scopes.to_string(),
        key.created_at.as_millis(),
        key.expires_at.map(UnixMillis::as_millis),
        key.revoked_at.map(UnixMillis::as_millis),
    ])?;
    audit::write(step, entry)
}

fn read(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    let mut columns = Columns::of(row);
    Ok(ApiKey {
        id: columns.id()?,
        tenant: columns.id()?,
        name: columns.take()?,
        visible_prefix: columns.take()?,
        signature: columns.take()?,
        scopes: row::scope(&columns.take::<String>()?),
        created_at: columns.time()?,
        expires_at: columns.maybe_time()?,
        revoked_at: columns.maybe_time()?,
    })
}
