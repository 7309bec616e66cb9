//! The feed of changes in SQLite.

use std::time::Duration;

use domain::change::{Change, ChangeKind};
use domain::event::Entry;
use domain::id::TenantId;
use domain::time::UnixMillis;
use rusqlite::{Connection, params};
use tokio::sync::watch;

use super::row::{Columns, Id};
use super::{Sqlite, Step};
use crate::port::Pending;
use crate::port::changes::Changes;

/// How long a change is kept that only says "read this again": no cache holds anything longer.
const HINT: Duration = Duration::from_hours(24);

const INSERT: &str = "INSERT INTO changes (tenant_id, kind, about, at, expires_at)
VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000 AS INTEGER), ?4)";

/// The clock is read first: whatever is committed after this reading is found by the next.
const NOW: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

const SELECT: &str = "SELECT tenant_id, kind, about, at, expires_at
FROM changes
WHERE at >= ?1";

impl Changes for Sqlite {
    fn load_changes(&self, since: UnixMillis) -> Pending<'_, (Vec<Change>, UnixMillis)> {
        self.read(move |connection| load(connection, since))
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
    announce(step, entry.origin.tenant, what, entry.origin.at + HINT)
}

fn load(connection: &Connection, since: UnixMillis) -> rusqlite::Result<(Vec<Change>, UnixMillis)> {
    let now: i64 = connection
        .prepare_cached(NOW)?
        .query_row([], |row| row.get(0))?;
    let mut statement = connection.prepare_cached(SELECT)?;
    let rows = statement.query_map([since.as_millis()], |row| change(&mut Columns::of(row)))?;
    // A kind that this version does not know was written by a newer one, for newer ones.
    let known = rows.filter_map(Result::transpose);
    Ok((
        known.collect::<Result<_, _>>()?,
        UnixMillis::from_millis(now),
    ))
}

fn change(columns: &mut Columns<'_>) -> rusqlite::Result<Option<Change>> {
    let tenant = columns.id()?;
    let (kind, about) = (columns.take::<String>()?, columns.take::<String>()?);
    let (at, expires_at) = (columns.time()?, columns.time()?);
    Ok(ChangeKind::from_stored(&kind, &about).map(|what| Change {
        tenant,
        what,
        at,
        expires_at,
    }))
}
