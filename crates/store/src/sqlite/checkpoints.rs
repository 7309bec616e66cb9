//! Checkpoints of the audit trail in SQLite.

use domain::event::Entry;
use domain::id::TenantId;
use domain::page::{Page, PageRequest, id_of_number, number_of_id};
use domain::time::UnixMillis;
use rusqlite::{Connection, params};

use super::audit::{self, COLUMNS};
use super::row::{self, Columns, Id, Window};
use super::{Sqlite, Step};
use crate::port::Pending;
use crate::port::audit::{AuditRow, ChainHead};
use crate::port::checkpoints::{Checkpoint, Checkpoints, day_of};

/// That of today moves on with the chain, never back.
const MARK: &str = "INSERT INTO audit_checkpoints (tenant_id, day, chain_no, seal, at, signature)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (tenant_id, day) DO UPDATE
SET chain_no = excluded.chain_no,
    seal = excluded.seal,
    at = excluded.at,
    signature = excluded.signature,
    purged = NULL
WHERE excluded.chain_no > audit_checkpoints.chain_no";

const TENANTS: &str = "SELECT tenant_id FROM tenants
UNION
SELECT tenant_id FROM audit_checkpoints
ORDER BY tenant_id";

pub(super) const CHAIN: &str = "WHERE tenant_id = ?1 AND chain_no > ?2
ORDER BY chain_no
LIMIT ?3";

macro_rules! select {
    ($clauses:literal) => {
        concat!(
            "SELECT tenant_id, chain_no, seal, at, signature, purged\nFROM audit_checkpoints AS c\n",
            $clauses
        )
    };
}

const LOAD: &str = select!(
    "WHERE tenant_id = ?1 AND chain_no > ?2
ORDER BY chain_no
LIMIT ?3"
);

pub(super) const LIST: &str = select!(
    "WHERE tenant_id = ?1 AND chain_no < ?2
ORDER BY chain_no DESC
LIMIT ?3
OFFSET ?4"
);

const COUNT: &str = "SELECT COUNT(*)
FROM audit_checkpoints
WHERE tenant_id = ?1";

const RENEW: &str = "UPDATE audit_checkpoints
SET signature = ?4, purged = ?5
WHERE tenant_id = ?1 AND day = ?2 AND chain_no = ?3";

/// The last of each tenant's that are old enough, if something up to it is there.
pub(super) const PURGEABLE: &str = select!(
    "WHERE at < ?1
    AND NOT EXISTS (
        SELECT 1
        FROM audit_checkpoints AS later
        WHERE later.tenant_id = c.tenant_id AND later.chain_no > c.chain_no AND later.at < ?1
    )
    AND EXISTS (
        SELECT 1
        FROM audit AS a
        WHERE a.tenant_id = c.tenant_id AND a.chain_no <= c.chain_no
    )
LIMIT ?2"
);

const MAY_GO: &str = "UPDATE audit_checkpoints
SET purged = ?4
WHERE tenant_id = ?1 AND day = ?2 AND chain_no = ?3";

const PURGE: &str = "DELETE FROM audit
WHERE seq IN (
    SELECT seq
    FROM audit
    WHERE tenant_id = ?1 AND chain_no <= ?2
    ORDER BY chain_no
    LIMIT ?3
)";

const PURGE_MARKS: &str = "DELETE FROM audit_checkpoints
WHERE tenant_id = ?1 AND chain_no < ?2";

impl Checkpoints for Sqlite {
    fn load_audited_tenants(&self) -> Pending<'_, Vec<TenantId>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(TENANTS)?;
            let rows = statement.query_map([], |row| Columns::of(row).id())?;
            rows.collect()
        })
    }

    fn load_chain(&self, tenant: TenantId, after: i64, limit: u32) -> Pending<'_, Vec<AuditRow>> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM audit {CHAIN}");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![tenant.blob(), after, limit], audit::read)?;
            rows.collect()
        })
    }

    fn load_checkpoints(
        &self,
        tenant: TenantId,
        after: i64,
        limit: u32,
    ) -> Pending<'_, Vec<Checkpoint>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(LOAD)?;
            let rows = statement.query_map(params![tenant.blob(), after, limit], read)?;
            rows.collect()
        })
    }

    fn list_checkpoints(
        &self,
        tenant: TenantId,
        page: PageRequest,
    ) -> Pending<'_, Page<Checkpoint>> {
        self.read(move |connection| list(connection, tenant, &Window::of(page)))
    }

    fn renew_checkpoints(&self, renewed: Vec<Checkpoint>) -> Pending<'_, ()> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(RENEW)?;
            for one in &renewed {
                let (tenant, day, place) = key(one);
                statement.execute(params![tenant, day, place, one.signature, one.purged])?;
            }
            Ok(())
        })
    }

    fn load_purgeable(&self, before: UnixMillis, limit: u32) -> Pending<'_, Vec<Checkpoint>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(PURGEABLE)?;
            let rows = statement.query_map(params![before.as_millis(), limit], read)?;
            rows.collect()
        })
    }

    fn purge_audit(
        &self,
        checkpoint: Checkpoint,
        limit: u32,
        entry: Option<Entry>,
    ) -> Pending<'_, u64> {
        self.write(move |step| purge(step, &checkpoint, limit, entry.as_ref()))
    }
}

/// Stores the checkpoint of a chain's new end.
pub(super) fn mark(step: &Step<'_>, one: &Checkpoint) -> rusqlite::Result<()> {
    let (tenant, day, place) = key(one);
    let (seal, at) = (one.head.seal, one.at.as_millis());
    let mut statement = step.prepare_cached(MARK)?;
    statement.execute(params![tenant, day, place, seal, at, one.signature])?;
    Ok(())
}

fn purge(
    step: &Step<'_>,
    one: &Checkpoint,
    limit: u32,
    entry: Option<&Entry>,
) -> rusqlite::Result<u64> {
    let (tenant, day, place) = key(one);
    let mut may_go = step.prepare_cached(MAY_GO)?;
    if may_go.execute(params![tenant, day, place, one.purged])? == 0 {
        return Ok(0);
    }
    let mut delete = step.prepare_cached(PURGE)?;
    let gone = delete.execute(params![tenant, place, limit])?;
    step.prepare_cached(PURGE_MARKS)?
        .execute(params![tenant, place])?;
    if let Some(entry) = entry {
        audit::write(step, entry)?;
    }
    Ok(u64::try_from(gone).unwrap_or(u64::MAX))
}

fn list(
    connection: &Connection,
    tenant: TenantId,
    window: &Window,
) -> rusqlite::Result<Page<Checkpoint>> {
    let snapshot = connection.unchecked_transaction()?;
    let total = snapshot
        .prepare_cached(COUNT)?
        .query_row([tenant.blob()], row::count)?;
    let before = window.before.map_or(i64::MAX, number_of_id);
    let bounds = params![tenant.blob(), before, window.limit, window.offset];
    let mut statement = snapshot.prepare_cached(LIST)?;
    let rows = statement.query_map(bounds, read)?;
    let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(window.page(rows, total, |one| id_of_number(one.head.chain_no)))
}

fn key(one: &Checkpoint) -> ([u8; 16], i64, i64) {
    (one.tenant.blob(), day_of(one.at), one.head.chain_no)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Checkpoint> {
    let columns = &mut Columns::of(row);
    Ok(Checkpoint {
        tenant: columns.id()?,
        head: ChainHead {
            chain_no: columns.take()?,
            seal: columns.take()?,
        },
        at: columns.time()?,
        signature: columns.take()?,
        purged: columns.take()?,
    })
}
