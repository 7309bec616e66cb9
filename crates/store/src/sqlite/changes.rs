//! The feed of changes in SQLite.

use domain::change::{Change, ChangeKind};
use domain::event::Entry;
use domain::id::TenantId;
use domain::time::UnixMillis;
use rusqlite::{Connection, params};
use tokio::sync::watch;

use super::row::{Columns, Id};
use super::{Sqlite, Step};
use crate::port::Pending;
use crate::port::changes::{Bookmark, Changes, ChangesAsked, ChangesPage, HINT_KEPT, Interest};

const INSERT: &str = "INSERT INTO changes (tenant_id, kind, about, at, expires_at)
VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000 AS INTEGER), ?4)";

/// The clock is read first: whatever is committed after this reading is found by the next.
const NOW: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT seq, tenant_id, kind, about, at, expires_at
FROM changes
WHERE at >= ?1 AND (at, seq) > (?1, ?2)",
            $condition,
            "
ORDER BY at, seq
LIMIT ?3"
        )
    };
}

pub(super) const SELECT: &str = select!("");

/// Its condition is word for word the one of an index.
pub(super) const SELECT_REVOCATIONS: &str =
    select!(" AND kind IN ('access_revoked', 'session_ended', 'grant_ended')");

/// Whether a token is refused already, for as long.
pub(super) const IS_REVOKED: &str = "SELECT 1
FROM changes
WHERE tenant_id = ?1 AND about = ?2 AND kind = 'access_revoked' AND expires_at >= ?3";

impl Changes for Sqlite {
    fn load_changes(&self, asked: ChangesAsked) -> Pending<'_, ChangesPage> {
        self.read(move |connection| load(connection, asked))
    }

    fn notices(&self) -> watch::Receiver<u64> {
        self.inner.core.notices.subscribe()
    }

    fn is_shared(&self) -> bool {
        false
    }
}

/// Writes a change that is remembered until `expires_at`.
pub(super) fn announce(
    step: &Step<'_>,
    tenant: TenantId,
    what: &ChangeKind,
    expires_at: UnixMillis,
) -> rusqlite::Result<()> {
    let (kind, about) = what.to_stored();
    step.prepare_cached(INSERT)?.execute(params![
        tenant.blob(),
        kind,
        about,
        expires_at.as_millis()
    ])?;
    step.announce();
    Ok(())
}

/// Writes a change that says "read this again", in the tenant and at the instant of the entry it
/// belongs to.
pub(super) fn announce_hint(
    step: &Step<'_>,
    entry: &Entry,
    what: &ChangeKind,
) -> rusqlite::Result<()> {
    announce(step, entry.origin.tenant, what, entry.origin.at + HINT_KEPT)
}

/// Writes that a token is refused, unless that was written before.
pub(super) fn announce_revoked(
    step: &Step<'_>,
    tenant: TenantId,
    jti: &str,
    expires_at: UnixMillis,
) -> rusqlite::Result<()> {
    let bounds = params![tenant.blob(), jti, expires_at.as_millis()];
    if step.prepare_cached(IS_REVOKED)?.exists(bounds)? {
        return Ok(());
    }
    let told = ChangeKind::AccessRevoked(jti.to_owned());
    announce(step, tenant, &told, expires_at)
}

fn load(connection: &Connection, asked: ChangesAsked) -> rusqlite::Result<ChangesPage> {
    let now: i64 = connection
        .prepare_cached(NOW)?
        .query_row([], |row| row.get(0))?;
    let mut statement = connection.prepare_cached(match asked.interest {
        Interest::Everything => SELECT,
        Interest::Revocations => SELECT_REVOCATIONS,
    })?;
    let from = asked.from;
    let bounds = params![from.at.as_millis(), from.number, asked.limit];
    let entries = statement.query_map(bounds, |row| entry(&mut Columns::of(row)))?;
    Ok(ChangesPage::of(
        entries.collect::<Result<_, _>>()?,
        UnixMillis::from_millis(now),
        asked.limit,
    ))
}

fn entry(columns: &mut Columns<'_>) -> rusqlite::Result<(Bookmark, Option<Change>)> {
    let (number, tenant) = (columns.take()?, columns.id()?);
    let (kind, about) = (columns.take::<String>()?, columns.take::<String>()?);
    let (at, expires_at) = (columns.time()?, columns.time()?);
    let change = ChangeKind::from_stored(&kind, &about).map(|what| Change {
        tenant,
        what,
        at,
        expires_at,
    });
    Ok((Bookmark { at, number }, change))
}
