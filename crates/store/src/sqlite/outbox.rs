//! Mails waiting to be sent, in SQLite. A claim moves a mail's `due_at` to the end of its lease, so
//! a lease that runs out needs nobody to notice.

use std::time::Duration;

use domain::id::{MailId, TenantId};
use domain::mail::MailJob;
use domain::time::UnixMillis;
use rusqlite::{Row, params};

use super::row::{self, Columns, Id};
use super::{Sqlite, Step};
use crate::port::Pending;
use crate::port::outbox::Outbox;

const INSERT: &str = "INSERT INTO outbox
    (tenant_id, id, sealed, status, attempts, due_at, created_at)
VALUES (?1, ?2, ?3, 'waiting', ?4, ?5, ?5)";

const DUE: &str = "SELECT rowid, id, tenant_id, sealed, attempts + 1, created_at
FROM outbox
WHERE status = 'waiting' AND due_at <= ?1
ORDER BY due_at, id
LIMIT ?2";

const LEASE: &str = "UPDATE outbox
SET due_at = ?2, attempts = attempts + 1
WHERE rowid = ?1";

const COMPLETE: &str = "DELETE FROM outbox
WHERE tenant_id = ?1 AND id = ?2";

const RETRY: &str = "UPDATE outbox
SET due_at = ?3, last_error = ?4
WHERE tenant_id = ?1 AND id = ?2 AND status = 'waiting'";

const ABANDON: &str = "UPDATE outbox
SET status = 'abandoned', last_error = ?3
WHERE tenant_id = ?1 AND id = ?2";

const COUNT: &str = "SELECT COUNT(*)
FROM outbox
WHERE status = 'waiting'";

impl Outbox for Sqlite {
    fn claim_mails(
        &self,
        limit: u32,
        now: UnixMillis,
        lease: Duration,
    ) -> Pending<'_, Vec<MailJob>> {
        self.write(move |step| claim(step, limit, now, now + lease))
    }

    fn complete_mail(&self, tenant: TenantId, mail: MailId) -> Pending<'_, ()> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(COMPLETE)?;
            statement.execute(params![tenant.blob(), mail.blob()])?;
            Ok(())
        })
    }

    fn retry_mail(
        &self,
        tenant: TenantId,
        mail: MailId,
        at: UnixMillis,
        error: String,
    ) -> Pending<'_, ()> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(RETRY)?;
            statement.execute(params![tenant.blob(), mail.blob(), at.as_millis(), error])?;
            Ok(())
        })
    }

    fn abandon_mail(&self, tenant: TenantId, mail: MailId, error: String) -> Pending<'_, ()> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(ABANDON)?;
            statement.execute(params![tenant.blob(), mail.blob(), error])?;
            Ok(())
        })
    }

    fn count_waiting(&self) -> Pending<'_, u64> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(COUNT)?;
            statement.query_row([], row::count)
        })
    }
}

/// Queues a mail, due at once.
pub(super) fn queue(step: &Step<'_>, mail: &MailJob) -> rusqlite::Result<()> {
    step.prepare_cached(INSERT)?.execute(params![
        mail.tenant.blob(),
        mail.id.blob(),
        mail.sealed,
        mail.attempts,
        mail.created_at.as_millis(),
    ])?;
    Ok(())
}

fn claim(
    step: &Step<'_>,
    limit: u32,
    now: UnixMillis,
    until: UnixMillis,
) -> rusqlite::Result<Vec<MailJob>> {
    let mut statement = step.prepare_cached(DUE)?;
    let due = statement
        .query_map(params![now.as_millis(), limit], read)?
        .collect::<rusqlite::Result<Vec<(i64, MailJob)>>>()?;
    let mut lease = step.prepare_cached(LEASE)?;
    due.into_iter()
        .map(|(rowid, mail)| {
            lease
                .execute(params![rowid, until.as_millis()])
                .map(|_| mail)
        })
        .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, MailJob)> {
    let mut columns = Columns::of(row);
    let rowid = columns.take()?;
    let mail = MailJob {
        id: columns.id()?,
        tenant: columns.id()?,
        sealed: columns.take()?,
        attempts: columns.take()?,
        created_at: columns.time()?,
    };
    Ok((rowid, mail))
}
