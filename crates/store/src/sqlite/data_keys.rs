//! Data keys in SQLite. That a tenant has one active key is an index.

use domain::id::{DataKeyId, TenantId};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::row::{Columns, Id};
use crate::port::Pending;
use crate::port::data_keys::{DataKey, DataKeys, Rewrap};

const LOAD: &str = "SELECT tenant_id, id, wrapped, is_active, created_at
FROM data_keys
WHERE tenant_id = ?1
ORDER BY id";

/// The update changes nothing; it has the row that stands returned.
const MAKE: &str = "INSERT INTO data_keys (tenant_id, id, wrapped, is_active, created_at)
VALUES (?1, ?2, ?3, TRUE, ?4)
ON CONFLICT (tenant_id) WHERE is_active DO UPDATE SET wrapped = wrapped
RETURNING tenant_id, id, wrapped, is_active, created_at";

const REWRAP: &str = "UPDATE data_keys
SET wrapped = ?4
WHERE tenant_id = ?1 AND id = ?2 AND wrapped = ?3";

const LIST: &str = "SELECT tenant_id, id, wrapped, is_active, created_at
FROM data_keys
WHERE (tenant_id, id) > (?1, ?2)
ORDER BY tenant_id, id
LIMIT ?3";

impl DataKeys for Sqlite {
    fn load_data_keys(&self, tenant: TenantId) -> Pending<'_, Vec<DataKey>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(LOAD)?;
            let rows = statement.query_map([tenant.blob()], read)?;
            rows.collect()
        })
    }

    fn make_data_key(&self, new: DataKey) -> Pending<'_, DataKey> {
        self.write(move |step| {
            let bounds = params![
                new.tenant.blob(),
                new.id.blob(),
                new.wrapped,
                new.created_at.as_millis()
            ];
            step.prepare_cached(MAKE)?.query_row(bounds, read)
        })
    }

    fn rewrap_data_key(&self, rewrap: Rewrap) -> Pending<'_, bool> {
        self.write(move |step| {
            let bounds = params![
                rewrap.tenant.blob(),
                rewrap.id.blob(),
                rewrap.was,
                rewrap.wrapped
            ];
            Ok(step.prepare_cached(REWRAP)?.execute(bounds)? > 0)
        })
    }

    fn list_data_keys(
        &self,
        after: Option<(TenantId, DataKeyId)>,
        limit: u32,
    ) -> Pending<'_, Vec<DataKey>> {
        self.read(move |connection| {
            let nil = Uuid::nil().into_bytes();
            let (tenant, id) = after.map_or((nil, nil), |(t, id)| (t.blob(), id.blob()));
            let mut statement = connection.prepare_cached(LIST)?;
            let rows = statement.query_map(params![tenant, id, limit], read)?;
            rows.collect()
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<DataKey> {
    let mut columns = Columns::of(row);
    Ok(DataKey {
        tenant: columns.id()?,
        id: columns.id()?,
        wrapped: columns.take()?,
        is_active: columns.take()?,
        created_at: columns.time()?,
    })
}
