//! Clients on PostgreSQL.

use domain::client::{Client, ClientPatch, ClientType};
use domain::event::Entry;
use domain::id::TenantId;
use domain::page::{Page, PageRequest};
use domain::rejection::Fault;
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::pool::{Step, Values};
use super::row::{self, Line, Window, get};
use super::tenants::forget_change_at;
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::clients::{ClientWrite, Clients};

macro_rules! client_columns {
    () => {
        "c.tenant_id, c.id, c.name, c.client_type, c.disabled, c.metadata, c.secrets, \
         c.created_at, c.updated_at, c.version, c.seq"
    };
}

const CREATE_CLIENT: &str = "
    WITH fresh AS (
        INSERT INTO clients (
            tenant_id, id, name, client_type, disabled, metadata, secrets, created_at, updated_at,
            version
        )
        VALUES ($1, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    )
    INSERT INTO audit (tenant_id, at, fields)
    VALUES ($1, $2, $3)";

/// `$13` how many there may be. Its condition is the one of an index.
const REGISTER_CLIENT: &str = "
    WITH room AS (
        SELECT count(*) < $13::bigint AS is_left
        FROM clients
        WHERE tenant_id = $1 AND (metadata ->> 'is_self_registered') = 'true'
    ), fresh AS (
        INSERT INTO clients (
            tenant_id, id, name, client_type, disabled, metadata, secrets, created_at, updated_at,
            version
        )
        SELECT $1, $4, $5, $6, $7, $8, $9, $10, $11, $12
        FROM room
        WHERE is_left
        RETURNING id
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM fresh
    )
    SELECT id FROM fresh";

const LOAD_CLIENT: &str = concat!(
    "SELECT ",
    client_columns!(),
    " FROM clients AS c WHERE c.tenant_id = $1 AND c.id = $2"
);

const COUNT_CLIENTS: &str = "SELECT count(*) AS total FROM clients WHERE tenant_id = $1";

const LIST_CLIENTS: &str = concat!(
    "SELECT ",
    client_columns!(),
    " FROM clients AS c
    WHERE c.tenant_id = $1
      AND ($4::bigint IS NULL OR (c.created_at, c.seq) < ($4, $5::bigint))
    ORDER BY c.created_at DESC, c.seq DESC
    OFFSET $2
    LIMIT $3"
);

/// A parameter that is NULL leaves its column alone.
const UPDATE_CLIENT: &str = concat!(
    "WITH fresh AS (
        UPDATE clients AS c
        SET name = coalesce($5, c.name),
            disabled = coalesce($6, c.disabled),
            metadata = coalesce($7, c.metadata),
            secrets = coalesce($8, c.secrets),
            updated_at = $2,
            version = c.version + 1
        WHERE c.tenant_id = $1
          AND c.id = $4
          AND ($9::bigint IS NULL OR c.version = $9)
        RETURNING ",
    client_columns!(),
    "), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM fresh
    ), told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT $1, 'client_changed', id, $10
        FROM fresh
    )
    SELECT * FROM fresh"
);

const DELETE_CLIENT: &str = "
    WITH gone AS (
        DELETE FROM clients
        WHERE tenant_id = $1 AND id = $4 AND ($6::bigint IS NULL OR version = $6)
        RETURNING id
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM gone
    ), told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT $1, 'client_changed', id, $5
        FROM gone
    )
    SELECT id FROM gone";

/// A client's id is random text, so a cursor into the list is made of what orders it: the instant
/// and the number of the entry.
fn to_cursor(created_at: i64, seq: i64) -> Uuid {
    Uuid::from_u64_pair(created_at.cast_unsigned(), seq.cast_unsigned())
}

fn from_cursor(cursor: Uuid) -> (i64, i64) {
    let (created_at, seq) = cursor.as_u64_pair();
    (created_at.cast_signed(), seq.cast_signed())
}

fn client(row: &Row) -> Result<Client, Fault> {
    let word: &str = get(row, "client_type")?;
    let Some(client_type) = ClientType::from_stored(word) else {
        return Err(Fault::Broken("a client of an unknown type".to_owned()));
    };
    Ok(Client {
        tenant: row::tenant(row, "tenant_id")?,
        id: get(row, "id")?,
        name: get(row, "name")?,
        client_type,
        disabled: get(row, "disabled")?,
        metadata: row::json(row, "metadata")?,
        secrets: row::json(row, "secrets")?,
        created_at: row::instant(row, "created_at")?,
        updated_at: row::instant(row, "updated_at")?,
        version: get(row, "version")?,
    })
}

fn listed(row: &Row) -> Result<(Client, Uuid), Fault> {
    let client = client(row)?;
    let cursor = to_cursor(client.created_at.as_millis(), get(row, "seq")?);
    Ok((client, cursor))
}

impl Postgres {
    /// Stores a client; one that described itself only where there are fewer than `most`.
    async fn insert_client(
        &self,
        client: Client,
        most: Option<u32>,
        entry: Entry,
    ) -> Result<bool, Fault> {
        let line = Line::of(&entry);
        let metadata = row::to_json(&client.metadata)?;
        let secrets = row::to_json(&client.secrets)?;
        let created = client.created_at.as_millis();
        let updated = client.updated_at.as_millis();
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &client.id,
            &client.name,
            &client.client_type.as_str(),
            &client.disabled,
            &metadata,
            &secrets,
            &created,
            &updated,
            &client.version,
            &most.map(i64::from),
        ];
        let scope = Scope::Tenant(client.tenant);
        if most.is_some() {
            let rows = self.pool().run(scope, REGISTER_CLIENT, values).await?;
            return Ok(!rows.is_empty());
        }
        let (values, _) = values.split_at(12);
        self.pool().run(scope, CREATE_CLIENT, values).await?;
        Ok(true)
    }

    async fn page_of_clients(
        &self,
        tenant: TenantId,
        page: PageRequest,
    ) -> Result<Page<Client>, Fault> {
        let (id, window) = (tenant.as_uuid(), Window::of(page));
        let (at, seq) = window.after.map(from_cursor).unzip();
        let steps = [
            Step {
                sql: COUNT_CLIENTS,
                values: &[&id],
            },
            Step {
                sql: LIST_CLIENTS,
                values: &[&id, &window.skip, &window.take, &at, &seq],
            },
        ];
        let answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
        let [count, rows] = answers.as_slice() else {
            return Err(Fault::Broken("an answer is missing".to_owned()));
        };
        let total = count
            .first()
            .map_or(Ok(0), |row| row::number(row, "total"))?;
        let items = rows.iter().map(listed).collect::<Result<Vec<_>, Fault>>()?;
        let page = window.page(items, total, |(_, cursor)| Some(*cursor));
        Ok(Page {
            items: page.items.into_iter().map(|(client, _)| client).collect(),
            total: page.total,
            next: page.next,
        })
    }

    async fn write_client(
        &self,
        id: String,
        patch: ClientPatch,
        entry: Entry,
    ) -> Result<ClientWrite, Fault> {
        let line = Line::of(&entry);
        let metadata: Option<Value> = patch.metadata.as_ref().map(row::to_json).transpose()?;
        let secrets: Option<Value> = patch.secrets.as_ref().map(row::to_json).transpose()?;
        let forget = forget_change_at(entry.origin.at);
        let steps = [
            Step {
                sql: UPDATE_CLIENT,
                values: &[
                    &line.tenant,
                    &line.at,
                    &line.fields,
                    &id,
                    &patch.name,
                    &patch.disabled,
                    &metadata,
                    &secrets,
                    &patch.expected_version,
                    &forget,
                ],
            },
            Step {
                sql: LOAD_CLIENT,
                values: &[&line.tenant, &id],
            },
        ];
        let scope = Scope::Tenant(entry.origin.tenant);
        let answers = self.pool().run_all(scope, &steps).await?;
        let [written, stored] = answers.as_slice() else {
            return Err(Fault::Broken("an answer is missing".to_owned()));
        };
        match (written.first(), stored.first()) {
            (Some(row), _) => Ok(ClientWrite::Stored(Box::new(client(row)?))),
            (None, Some(_)) => Ok(ClientWrite::Stale),
            (None, None) => Ok(ClientWrite::Missing),
        }
    }
}

impl Clients for Postgres {
    fn create_client(&self, client: Client, entry: Entry) -> Pending<'_, ()> {
        Box::pin(async move { self.insert_client(client, None, entry).await.map(drop) })
    }

    fn register_client(&self, client: Client, most: u32, entry: Entry) -> Pending<'_, bool> {
        Box::pin(self.insert_client(client, Some(most), entry))
    }

    fn load_client(&self, tenant: TenantId, id: String) -> Pending<'_, Option<Client>> {
        Box::pin(async move {
            if !row::is_storable(&id) {
                return Ok(None);
            }
            let key = tenant.as_uuid();
            let rows = self
                .pool()
                .run(Scope::Tenant(tenant), LOAD_CLIENT, &[&key, &id])
                .await?;
            rows.first().map(client).transpose()
        })
    }

    fn list_clients(&self, tenant: TenantId, page: PageRequest) -> Pending<'_, Page<Client>> {
        Box::pin(self.page_of_clients(tenant, page))
    }

    fn update_client(
        &self,
        id: String,
        patch: ClientPatch,
        entry: Entry,
    ) -> Pending<'_, ClientWrite> {
        Box::pin(async move {
            if !row::is_storable(&id) {
                return Ok(ClientWrite::Missing);
            }
            self.write_client(id, patch, entry).await
        })
    }

    fn delete_client(&self, id: String, expected: Option<i64>, entry: Entry) -> Pending<'_, bool> {
        Box::pin(async move {
            if !row::is_storable(&id) {
                return Ok(false);
            }
            let line = Line::of(&entry);
            let forget = forget_change_at(entry.origin.at);
            let told: Values<'_> = &[&line.tenant, &line.at, &line.fields, &id, &forget];
            let values = [told, &[&expected]].concat();
            let scope = Scope::Tenant(entry.origin.tenant);
            let gone = self.pool().run(scope, DELETE_CLIENT, &values).await?;
            Ok(!gone.is_empty())
        })
    }
}
