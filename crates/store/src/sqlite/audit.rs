//! The audit trail in SQLite.

use domain::event::Entry;
use domain::id::{RequestId, SessionId, TenantId, UserId};
use domain::page::{Page, PageRequest, id_of_number, number_of_id};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::row::{self, Columns, Id, Window};
use super::{Sqlite, Step, checkpoints, idempotency};
use crate::port::Pending;
use crate::port::audit::{Audit, AuditFilter, AuditRow, ChainHead, Seal};
use crate::port::checkpoints::Checkpoint;

pub(super) mod find;

const INSERT: &str = "INSERT INTO audit
    (tenant_id, at, event, actor_type, actor_id, subject, client_id, session_id, address,
     user_agent, request_id, success, detail)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

macro_rules! columns {
    () => {
        "seq, tenant_id, at, event, actor_type, actor_id, subject, client_id, session_id, address, \
         user_agent, request_id, success, detail, chain_no, seal"
    };
}

/// What [`read`] reads.
pub(super) const COLUMNS: &str = columns!();

macro_rules! select {
    ($clauses:literal) => {
        concat!("SELECT ", columns!(), "\nFROM audit\n", $clauses)
    };
}

/// Sorts all of a tenant's trail. Whoever serves a page asks `find_audit`, which goes through an index.
const LIST: &str = select!(
    "WHERE tenant_id = ?1
ORDER BY seq DESC
LIMIT ?2
OFFSET ?3"
);

pub(super) const LIST_TOLD: &str = select!(
    "WHERE tenant_id = ?1 AND told_to = ?2 AND seq < ?3
ORDER BY seq DESC
LIMIT ?4
OFFSET ?5"
);

pub(super) const COUNT_TOLD: &str = "SELECT COUNT(*)
FROM audit
WHERE tenant_id = ?1 AND told_to = ?2";

pub(super) const UNSEALED: &str = select!(
    "INDEXED BY audit_unsealed
WHERE tenant_id = ?1 AND chain_no IS NULL AND seq > ?2
ORDER BY seq
LIMIT ?3"
);

/// The index is said: a file that somebody analysed while its trail was short would have another walked whole.
pub(super) const UNSEALED_TENANTS: &str = "SELECT DISTINCT tenant_id
FROM audit INDEXED BY audit_unsealed
WHERE chain_no IS NULL";

/// The last sealed entry, or the last checkpoint; where they are at one place, what was signed counts.
const HEAD: &str = "SELECT chain_no, seal
FROM (
    SELECT chain_no, seal, 0 AS is_signed
    FROM (
        SELECT chain_no, seal
        FROM audit
        WHERE tenant_id = ?1 AND chain_no IS NOT NULL
        ORDER BY chain_no DESC
        LIMIT 1
    )
    UNION ALL
    SELECT chain_no, seal, 1
    FROM (
        SELECT chain_no, seal
        FROM audit_checkpoints
        WHERE tenant_id = ?1
        ORDER BY chain_no DESC
        LIMIT 1
    )
)
ORDER BY chain_no DESC, is_signed DESC
LIMIT 1";

const SEAL: &str = "UPDATE audit
SET chain_no = ?3, seal = ?4
WHERE seq = ?1 AND tenant_id = ?2 AND chain_no IS NULL";

impl Audit for Sqlite {
    fn append(&self, entries: Vec<Entry>) -> Pending<'_, ()> {
        self.write(move |step| entries.iter().try_for_each(|entry| insert(step, entry)))
    }

    fn load_unsealed_tenants(&self) -> Pending<'_, Vec<TenantId>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(UNSEALED_TENANTS)?;
            let rows = statement.query_map([], |row| Columns::of(row).id())?;
            rows.collect()
        })
    }

    fn load_unsealed(
        &self,
        tenant: TenantId,
        after: i64,
        limit: u32,
    ) -> Pending<'_, (ChainHead, Vec<AuditRow>)> {
        self.read(move |connection| {
            // One snapshot, so that the rows are those that follow this very head.
            let snapshot = connection.unchecked_transaction()?;
            let mut statement = snapshot.prepare_cached(UNSEALED)?;
            let rows = statement.query_map(params![tenant.blob(), after, limit], read)?;
            Ok((head(&snapshot, tenant)?, rows.collect::<Result<_, _>>()?))
        })
    }

    fn seal(
        &self,
        expected: ChainHead,
        seals: Vec<Seal>,
        checkpoint: Checkpoint,
    ) -> Pending<'_, bool> {
        self.write(move |step| {
            let tenant = checkpoint.tenant;
            if head(step, tenant)? != expected {
                return Ok(false);
            }
            store_seals(step, tenant, &seals)?;
            checkpoints::mark(step, &checkpoint)?;
            Ok(true)
        })
    }

    fn list_audit(&self, tenant: TenantId, page: PageRequest) -> Pending<'_, Vec<AuditRow>> {
        self.read(move |connection| {
            let window = Window::of(page);
            let mut statement = connection.prepare_cached(LIST)?;
            let bounds = params![tenant.blob(), window.limit - 1, window.offset];
            let rows = statement.query_map(bounds, read)?;
            rows.collect()
        })
    }

    fn find_audit(
        &self,
        tenant: TenantId,
        filter: AuditFilter,
        page: PageRequest,
    ) -> Pending<'_, Page<AuditRow>> {
        self.read(move |connection| find::find(connection, tenant, &filter, page))
    }

    fn read_audit(
        &self,
        tenant: TenantId,
        filter: AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Pending<'_, Vec<AuditRow>> {
        self.read(move |connection| {
            let search = find::Search::of(tenant, &filter).after(after);
            search.run(connection, limit, 0)
        })
    }

    fn load_audit(&self, tenant: TenantId, seq: i64) -> Pending<'_, Option<AuditRow>> {
        self.read(move |connection| find::load(connection, tenant, seq))
    }

    fn list_activity(
        &self,
        tenant: TenantId,
        user: UserId,
        page: PageRequest,
    ) -> Pending<'_, Page<AuditRow>> {
        self.read(move |connection| list_told(connection, (tenant, user), &Window::of(page)))
    }
}

fn list_told(
    connection: &Connection,
    (tenant, user): (TenantId, UserId),
    window: &Window,
) -> rusqlite::Result<Page<AuditRow>> {
    let (tenant, user) = (tenant.blob(), user.to_string());
    let snapshot = connection.unchecked_transaction()?;
    let total = snapshot
        .prepare_cached(COUNT_TOLD)?
        .query_row(params![tenant, user], row::count)?;
    let before = window.before.map_or(i64::MAX, number_of_id);
    let bounds = params![tenant, user, before, window.limit, window.offset];
    let mut statement = snapshot.prepare_cached(LIST_TOLD)?;
    let rows = statement.query_map(bounds, read)?;
    let rows = rows.collect::<rusqlite::Result<Vec<AuditRow>>>()?;
    Ok(window.page(rows, total, |row| id_of_number(row.seq)))
}

/// Writes the entry of a verb, and to the claim that it was made under, if there is one, what was made.
pub(super) fn write(step: &Step<'_>, entry: &Entry) -> rusqlite::Result<()> {
    if entry.is_of_claim() {
        idempotency::note(step, entry)?;
    }
    insert(step, entry)
}

fn insert(step: &Step<'_>, entry: &Entry) -> rusqlite::Result<()> {
    let origin = &entry.origin;
    let (actor_type, actor_id) = origin.actor.to_stored();
    step.prepare_cached(INSERT)?.execute(params![
        origin.tenant.blob(),
        origin.at.as_millis(),
        entry.kind.as_str(),
        actor_type,
        actor_id,
        entry.subject,
        entry.client,
        entry.session.map(Id::blob),
        origin.address.map(|address| address.to_string()),
        origin.user_agent,
        origin.request.blob(),
        entry.success,
        row::json(&entry.detail)?,
    ])?;
    Ok(())
}

fn store_seals(step: &Step<'_>, tenant: TenantId, seals: &[Seal]) -> rusqlite::Result<()> {
    let mut statement = step.prepare_cached(SEAL)?;
    let tenant = tenant.blob();
    for seal in seals {
        let stored = statement.execute(params![seal.seq, tenant, seal.chain_no, seal.seal])?;
        // An entry that is not there or is sealed already: an error takes the whole order back.
        if stored != 1 {
            return Err(rusqlite::Error::StatementChangedRows(stored));
        }
    }
    Ok(())
}

fn head(connection: &Connection, tenant: TenantId) -> rusqlite::Result<ChainHead> {
    let mut statement = connection.prepare_cached(HEAD)?;
    let found = statement.query_row([tenant.blob()], |row| {
        let mut columns = Columns::of(row);
        Ok(ChainHead {
            chain_no: columns.take()?,
            seal: columns.take()?,
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<AuditRow> {
    let columns = &mut Columns::of(row);
    Ok(AuditRow {
        seq: columns.take()?,
        tenant: columns.id()?,
        at: columns.time()?,
        fields: fields(columns)?,
        chain_no: columns.take()?,
        seal: columns.take()?,
    })
}

fn fields(columns: &mut Columns<'_>) -> rusqlite::Result<Value> {
    let mut fields = Map::new();
    fields.insert("event".to_owned(), columns.take::<String>()?.into());
    fields.insert("actor_type".to_owned(), columns.take::<String>()?.into());
    for name in ["actor_id", "subject", "client_id"] {
        put(&mut fields, name, columns.take()?);
    }
    let session: Option<[u8; 16]> = columns.take()?;
    let session = session.map(|id| SessionId::from_blob(id).to_string());
    put(&mut fields, "session_id", session);
    for name in ["address", "user_agent"] {
        put(&mut fields, name, columns.take()?);
    }
    let request: RequestId = columns.id()?;
    put(&mut fields, "request_id", Some(request.to_string()));
    fields.insert("success".to_owned(), columns.take::<bool>()?.into());
    fields.insert("detail".to_owned(), columns.json()?);
    Ok(Value::Object(fields))
}

fn put(fields: &mut Map<String, Value>, name: &str, value: Option<String>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), value.into());
    }
}
