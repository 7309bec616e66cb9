//! Clients in SQLite. A client's id is random text, so lists follow `seq`, the order of creation,
//! and the cursor of a page is a `seq` in the shape of an id.

use domain::change::ChangeKind;
use domain::client::{Client, ClientPatch, ClientType};
use domain::event::Entry;
use domain::id::TenantId;
use domain::page::{Page, PageRequest, id_of_number, number_of_id};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::row::{self, Columns, Id, Window};
use super::{Sqlite, Step, audit, changes};
use crate::port::Pending;
use crate::port::clients::{ClientWrite, Clients};

macro_rules! select {
    ($clauses:literal) => {
        concat!(
            "SELECT seq, tenant_id, id, name, client_type, disabled, metadata, secrets, \
             created_at, updated_at, version\nFROM clients\n",
            $clauses
        )
    };
}

const INSERT: &str = "INSERT INTO clients
    (tenant_id, id, name, client_type, disabled, metadata, secrets, created_at, updated_at,
     version)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Its condition is word for word the one of an index.
pub(super) const COUNT_SELF_REGISTERED: &str = "SELECT COUNT(*)
FROM clients
WHERE tenant_id = ?1 AND json_extract(metadata, '$.is_self_registered') = 1";

const SELECT: &str = select!("WHERE tenant_id = ?1 AND id = ?2");

const LIST: &str = select!(
    "WHERE tenant_id = ?1 AND seq < ?2
ORDER BY seq DESC
LIMIT ?3
OFFSET ?4"
);

const COUNT: &str = "SELECT COUNT(*)
FROM clients
WHERE tenant_id = ?1";

const UPDATE: &str = "UPDATE clients
SET name = ?3, disabled = ?4, metadata = ?5, secrets = ?6, updated_at = ?7, version = ?8
WHERE tenant_id = ?1 AND id = ?2";

const DELETE: &str = "DELETE FROM clients
WHERE tenant_id = ?1 AND id = ?2 AND (?3 IS NULL OR version = ?3)";

impl Clients for Sqlite {
    fn create_client(&self, client: Client, entry: Entry) -> Pending<'_, ()> {
        self.write(move |step| insert(step, &client, &entry))
    }

    fn register_client(&self, client: Client, most: u32, entry: Entry) -> Pending<'_, bool> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(COUNT_SELF_REGISTERED)?;
            let count: u32 = statement.query_row([client.tenant.blob()], |row| row.get(0))?;
            if count >= most {
                return Ok(false);
            }
            insert(step, &client, &entry)?;
            Ok(true)
        })
    }

    fn load_client(&self, tenant: TenantId, client: String) -> Pending<'_, Option<Client>> {
        self.read(move |connection| load(connection, tenant, &client))
    }

    fn list_clients(&self, tenant: TenantId, page: PageRequest) -> Pending<'_, Page<Client>> {
        self.read(move |connection| list(connection, tenant, &Window::of(page)))
    }

    fn update_client(
        &self,
        client: String,
        patch: ClientPatch,
        entry: Entry,
    ) -> Pending<'_, ClientWrite> {
        self.write(move |step| update(step, &client, &patch, &entry))
    }

    fn delete_client(
        &self,
        client: String,
        expected: Option<i64>,
        entry: Entry,
    ) -> Pending<'_, bool> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(DELETE)?;
            let bounds = params![entry.origin.tenant.blob(), client, expected];
            if statement.execute(bounds)? == 0 {
                return Ok(false);
            }
            let told = ChangeKind::ClientChanged(client.clone());
            changes::announce_hint(step, &entry, &told)?;
            audit::write(step, &entry)?;
            Ok(true)
        })
    }
}

fn insert(step: &Step<'_>, client: &Client, entry: &Entry) -> rusqlite::Result<()> {
    step.prepare_cached(INSERT)?.execute(params![
        client.tenant.blob(),
        client.id,
        client.name,
        client.client_type.as_str(),
        client.disabled,
        row::json(&client.metadata)?,
        row::json(&client.secrets)?,
        client.created_at.as_millis(),
        client.updated_at.as_millis(),
        client.version,
    ])?;
    audit::write(step, entry)
}

fn load(
    connection: &Connection,
    tenant: TenantId,
    client: &str,
) -> rusqlite::Result<Option<Client>> {
    let mut statement = connection.prepare_cached(SELECT)?;
    let found = statement.query_row(params![tenant.blob(), client], read);
    Ok(found.optional()?.map(|(_, client)| client))
}

fn list(
    connection: &Connection,
    tenant: TenantId,
    window: &Window,
) -> rusqlite::Result<Page<Client>> {
    let snapshot = connection.unchecked_transaction()?;
    let total = snapshot
        .prepare_cached(COUNT)?
        .query_row([tenant.blob()], row::count)?;
    let before = window.before.map_or(i64::MAX, number_of_id);
    let mut statement = snapshot.prepare_cached(LIST)?;
    let bounds = params![tenant.blob(), before, window.limit, window.offset];
    let found = statement.query_map(bounds, read)?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    let page = window.page(found, total, |(seq, _)| id_of_number(*seq));
    Ok(Page {
        items: page.items.into_iter().map(|(_, client)| client).collect(),
        total: page.total,
        next: page.next,
    })
}

fn update(
    step: &Step<'_>,
    client: &str,
    patch: &ClientPatch,
    entry: &Entry,
) -> rusqlite::Result<ClientWrite> {
    let Some(mut now) = load(step, entry.origin.tenant, client)? else {
        return Ok(ClientWrite::Missing);
    };
    if patch
        .expected_version
        .is_some_and(|version| version != now.version)
    {
        return Ok(ClientWrite::Stale);
    }
    now.name = patch.name.clone().unwrap_or(now.name);
    now.disabled = patch.disabled.unwrap_or(now.disabled);
    now.metadata = patch.metadata.clone().unwrap_or(now.metadata);
    now.secrets = patch.secrets.clone().unwrap_or(now.secrets);
    now.updated_at = entry.origin.at;
    now.version += 1;
    step.prepare_cached(UPDATE)?.execute(params![
        now.tenant.blob(),
        now.id,
        now.name,
        now.disabled,
        row::json(&now.metadata)?,
        row::json(&now.secrets)?,
        now.updated_at.as_millis(),
        now.version,
    ])?;
    let told = ChangeKind::ClientChanged(now.id.clone());
    changes::announce_hint(step, entry, &told)?;
    audit::write(step, entry)?;
    Ok(ClientWrite::Stored(Box::new(now)))
}

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Client)> {
    let mut columns = Columns::of(row);
    let seq = columns.take()?;
    let client = Client {
        tenant: columns.id()?,
        id: columns.take()?,
        name: columns.take()?,
        client_type: columns.word(ClientType::from_stored)?,
        disabled: columns.take()?,
        metadata: columns.json()?,
        secrets: columns.json()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        version: columns.take()?,
    };
    Ok((seq, client))
}
