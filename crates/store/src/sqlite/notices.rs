//! Clients that are to be told of ended sessions, in SQLite. A claim moves a notice's `due_at` to the
//! end of its lease, so a lease that runs out needs nobody to notice.

use std::time::Duration;

use domain::id::{SessionId, TenantId};
use domain::notice::{Notice, NoticeId};
use domain::time::UnixMillis;
use rusqlite::{Row, params};

use super::row::{self, Columns, Id};
use super::{Sqlite, Step};
use crate::port::Pending;
use crate::port::notices::Notices;

/// A client that describes itself is in no table: whether it is to be told is seen when it is. Of
/// several families the one that was used last says how the client knows the person.
const LEAVE: &str = "INSERT INTO logout_notices
    (tenant_id, session_id, client_id, user_id, sector, status, attempts, due_at, created_at)
SELECT f.tenant_id, f.session_id, f.client_id, f.user_id, json_extract(f.details, '$.sector'),
    'waiting', 0, ?3, ?3
FROM refresh_families AS f
LEFT JOIN clients AS c ON c.tenant_id = f.tenant_id AND c.id = f.client_id
WHERE f.tenant_id = ?1 AND f.session_id = ?2
    AND (json_extract(c.metadata, '$.backchannel_logout_uri') IS NOT NULL
        OR f.client_id LIKE 'http%')
ORDER BY f.rotated_at DESC
ON CONFLICT DO NOTHING";

const DUE: &str =
    "SELECT rowid, tenant_id, session_id, client_id, user_id, sector, attempts + 1, created_at
FROM logout_notices
WHERE status = 'waiting' AND due_at <= ?1
ORDER BY due_at
LIMIT ?2";

const LEASE: &str = "UPDATE logout_notices
SET due_at = ?2, attempts = attempts + 1
WHERE rowid = ?1";

const COMPLETE: &str = "DELETE FROM logout_notices
WHERE tenant_id = ?1 AND session_id = ?2 AND client_id = ?3";

const RETRY: &str = "UPDATE logout_notices
SET due_at = ?4, last_error = ?5
WHERE tenant_id = ?1 AND session_id = ?2 AND client_id = ?3 AND status = 'waiting'";

const ABANDON: &str = "UPDATE logout_notices
SET status = 'abandoned', last_error = ?4
WHERE tenant_id = ?1 AND session_id = ?2 AND client_id = ?3";

const COUNT: &str = "SELECT COUNT(*)
FROM logout_notices
WHERE status = 'waiting'";

impl Notices for Sqlite {
    fn claim_notices(
        &self,
        limit: u32,
        now: UnixMillis,
        lease: Duration,
    ) -> Pending<'_, Vec<Notice>> {
        self.write(move |step| claim(step, limit, now, now + lease))
    }

    fn complete_notice(&self, notice: NoticeId) -> Pending<'_, ()> {
        self.write(move |step| {
            let NoticeId {
                tenant,
                session,
                client,
            } = &notice;
            let bounds = params![tenant.blob(), session.blob(), client];
            step.prepare_cached(COMPLETE)?.execute(bounds)?;
            Ok(())
        })
    }

    fn retry_notice(&self, notice: NoticeId, at: UnixMillis, error: String) -> Pending<'_, ()> {
        self.write(move |step| {
            let NoticeId {
                tenant,
                session,
                client,
            } = &notice;
            let at = at.as_millis();
            let bounds = params![tenant.blob(), session.blob(), client, at, error];
            step.prepare_cached(RETRY)?.execute(bounds)?;
            Ok(())
        })
    }

    fn abandon_notice(&self, notice: NoticeId, error: String) -> Pending<'_, ()> {
        self.write(move |step| {
            let NoticeId {
                tenant,
                session,
                client,
            } = &notice;
            let bounds = params![tenant.blob(), session.blob(), client, error];
            step.prepare_cached(ABANDON)?.execute(bounds)?;
            Ok(())
        })
    }

    fn count_notices(&self) -> Pending<'_, u64> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(COUNT)?;
            statement.query_row([], row::count)
        })
    }
}

/// Leaves a notice for each client that is to be told that a session ended, due at once.
pub(super) fn leave(
    step: &Step<'_>,
    (tenant, session): (TenantId, SessionId),
    now: UnixMillis,
) -> rusqlite::Result<()> {
    let bounds = params![tenant.blob(), session.blob(), now.as_millis()];
    step.prepare_cached(LEAVE)?.execute(bounds)?;
    Ok(())
}

fn claim(
    step: &Step<'_>,
    limit: u32,
    now: UnixMillis,
    until: UnixMillis,
) -> rusqlite::Result<Vec<Notice>> {
    let mut statement = step.prepare_cached(DUE)?;
    let due = statement
        .query_map(params![now.as_millis(), limit], read)?
        .collect::<rusqlite::Result<Vec<(i64, Notice)>>>()?;
    let mut lease = step.prepare_cached(LEASE)?;
    due.into_iter()
        .map(|(rowid, notice)| {
            lease
                .execute(params![rowid, until.as_millis()])
                .map(|_| notice)
        })
        .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Notice)> {
    let mut columns = Columns::of(row);
    let rowid = columns.take()?;
    let id = NoticeId {
        tenant: columns.id()?,
        session: columns.id()?,
        client: columns.take()?,
    };
    let notice = Notice {
        id,
        user: columns.id()?,
        sector: columns.take()?,
        attempts: columns.take()?,
        created_at: columns.time()?,
    };
    Ok((rowid, notice))
}
