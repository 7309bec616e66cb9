//! Purging in SQLite.
//!
//! Families and sessions have no index on their end (it would be written at every rotation), so a
//! reader looks for them, which delays nobody, and the writer deletes what was found if it is still
//! past its end. So it is with mails and notices that were given up: where they are sent they are few.

use std::time::Duration;

use domain::change::ChangeKind;
use domain::id::{TenantId, UserId};
use domain::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, params};

use super::row::Columns;
use super::{Sqlite, Step, audit, changes, erasure, users};
use crate::port::Pending;
use crate::port::changes::REVOCATION_KEPT;
use crate::port::janitor::{
    Erasure, Janitor, Purged, UNUSED_CLIENT_KEPT, erased_entry, unused_entry,
};

/// How long ended sessions and families are kept.
const KEPT: Duration = Duration::from_hours(24);
/// How long expired codes, device codes and pushed requests are kept.
const LINGERING: Duration = Duration::from_hours(1);
/// How long an untouched failure counter is kept.
const COUNTED: Duration = Duration::from_hours(24 * 90);
/// How long a mail or a notice that was given up is kept for operators to see.
const MAILS_KEPT: Duration = Duration::from_hours(24 * 30);

macro_rules! old_families {
    () => {
        "(expires_at < ?1 OR idle_expires_at < ?1 OR ended_at < ?1)"
    };
}

macro_rules! old_sessions {
    () => {
        "(expires_at < ?1 OR ended_at < ?1)
    AND NOT EXISTS (
        SELECT 1
        FROM refresh_families AS f
        WHERE f.tenant_id = sessions.tenant_id AND f.session_id = sessions.id
    )"
    };
}

const FIND_FAMILIES: &str = concat!(
    "SELECT rowid
FROM refresh_families
WHERE ",
    old_families!(),
    "
LIMIT ?2"
);

const DELETE_FAMILY: &str = concat!(
    "DELETE FROM refresh_families
WHERE rowid = ?2 AND ",
    old_families!()
);

const FIND_SESSIONS: &str = concat!(
    "SELECT rowid
FROM sessions
WHERE ",
    old_sessions!(),
    "
LIMIT ?2"
);

const DELETE_SESSION: &str = concat!(
    "DELETE FROM sessions
WHERE rowid = ?2 AND ",
    old_sessions!()
);

const DELETE_TOKENS: &str = "DELETE FROM one_time
WHERE (tenant_id, user_id, purpose) IN (
    SELECT tenant_id, user_id, purpose
    FROM one_time
    WHERE expires_at <= ?1
    LIMIT ?2
)";

const DELETE_PUSHED: &str = "DELETE FROM pushed_requests
WHERE (tenant_id, signature) IN (
    SELECT tenant_id, signature
    FROM pushed_requests
    WHERE expires_at <= ?1
    LIMIT ?2
)";

const DELETE_CODES: &str = "DELETE FROM codes
WHERE (tenant_id, signature) IN (
    SELECT tenant_id, signature
    FROM codes
    WHERE expires_at <= ?1
    LIMIT ?2
)";

const DELETE_DEVICES: &str = "DELETE FROM device_codes
WHERE (tenant_id, signature) IN (
    SELECT tenant_id, signature
    FROM device_codes
    WHERE expires_at <= ?1
    LIMIT ?2
)";

const DELETE_SPENT: &str = "DELETE FROM spent_ids
WHERE (tenant_id, key) IN (
    SELECT tenant_id, key
    FROM spent_ids
    WHERE expires_at <= ?1
    LIMIT ?2
)";

const DELETE_KEYS: &str = "DELETE FROM idempotency
WHERE (tenant_id, key) IN (
    SELECT tenant_id, key
    FROM idempotency
    WHERE expires_at <= ?1
    LIMIT ?2
)";

const DELETE_CHANGES: &str = "DELETE FROM changes
WHERE seq IN (
    SELECT seq
    FROM changes
    WHERE expires_at <= ?1
        AND (kind NOT IN ('access_revoked', 'session_ended', 'grant_ended') OR expires_at <= ?1 - ?3)
    LIMIT ?2
)";

/// A disabled password (100 failures) is kept: forgetting it would enable it.
const DELETE_ATTEMPTS: &str = "DELETE FROM attempts
WHERE (tenant_id, key) IN (
    SELECT tenant_id, key
    FROM attempts
    WHERE last_at < ?1 AND failures < 100
    LIMIT ?2
)";

const FIND_MAILS: &str = "SELECT rowid
FROM outbox
WHERE status = 'abandoned' AND created_at < ?1
LIMIT ?2";

const DELETE_MAIL: &str = "DELETE FROM outbox
WHERE rowid = ?2 AND status = 'abandoned' AND created_at < ?1";

macro_rules! unused_clients {
    () => {
        "json_extract(metadata, '$.is_self_registered') = 1 AND updated_at <= ?1
    AND NOT EXISTS (
        SELECT 1
        FROM consents AS k
        WHERE k.tenant_id = clients.tenant_id AND k.client_id = clients.id
    )
    AND NOT EXISTS (
        SELECT 1
        FROM refresh_families AS f
        WHERE f.tenant_id = clients.tenant_id AND f.client_id = clients.id
            AND f.ended_at IS NULL
    )"
    };
}

/// It goes through an index that holds those clients alone.
const FIND_CLIENTS: &str = concat!(
    "SELECT seq
FROM clients
WHERE ",
    unused_clients!(),
    "
LIMIT ?2"
);

const DELETE_CLIENT: &str = concat!(
    "DELETE FROM clients
WHERE seq = ?2 AND ",
    unused_clients!(),
    "
RETURNING tenant_id, id"
);

const FIND_NOTICES: &str = "SELECT rowid
FROM logout_notices
WHERE status = 'abandoned' AND created_at < ?1
LIMIT ?2";

const DELETE_NOTICE: &str = "DELETE FROM logout_notices
WHERE rowid = ?2 AND status = 'abandoned' AND created_at < ?1";

/// It goes through an index that holds those accounts alone.
pub(super) const FIND_ACCOUNTS: &str = "SELECT tenant_id, id
FROM users
WHERE erase_at <= ?1 AND status = 'deleted'
LIMIT ?2";

impl Janitor for Sqlite {
    fn purge(&self, now: UnixMillis, limit: u32) -> Pending<'_, Purged> {
        Box::pin(async move {
            let ended = (now - KEPT).as_millis();
            let families = self.find(FIND_FAMILIES, ended, limit).await?;
            let families = self.delete(DELETE_FAMILY, ended, families).await?;
            // After the families: a session goes when none of its families is left.
            let sessions = self.find(FIND_SESSIONS, ended, limit).await?;
            let sessions = self.delete(DELETE_SESSION, ended, sessions).await?;
            let given_up = (now - MAILS_KEPT).as_millis();
            let mails = self.find(FIND_MAILS, given_up, limit).await?;
            let mails = self.delete(DELETE_MAIL, given_up, mails).await?;
            let notices = self.find(FIND_NOTICES, given_up, limit).await?;
            let notices = self.delete(DELETE_NOTICE, given_up, notices).await?;
            let now_millis = now.as_millis();
            let untouched = (now - COUNTED).as_millis();
            let (one_time, changes, attempts) = self
                .write(move |step| {
                    Ok((
                        sweep(step, DELETE_TOKENS, now_millis, limit)?,
                        sweep_changes(step, now_millis, limit)?,
                        sweep(step, DELETE_ATTEMPTS, untouched, limit)?,
                    ))
                })
                .await?;
            let unused = (now - UNUSED_CLIENT_KEPT).as_millis();
            let clients = self.find(FIND_CLIENTS, unused, limit).await?;
            let clients = self.delete_clients(now, clients).await?;
            let accounts = self.erase_accounts(now, limit).await?;
            let over = self.purge_authorizations(now, limit).await?;
            Ok(Purged {
                families,
                sessions,
                one_time,
                changes,
                attempts,
                mails,
                notices,
                clients,
                accounts,
                ..over
            })
        })
    }

    fn erase_tenant(&self, now: UnixMillis, keeper: TenantId, limit: u32) -> Pending<'_, Erasure> {
        self.write(move |step| erasure::erase(step, now, keeper, limit))
    }
}

impl Sqlite {
    fn purge_authorizations(&self, now: UnixMillis, limit: u32) -> Pending<'_, Purged> {
        let (now, lingered) = (now.as_millis(), (now - LINGERING).as_millis());
        self.write(move |step| {
            Ok(Purged {
                pushed_requests: sweep(step, DELETE_PUSHED, lingered, limit)?,
                codes: sweep(step, DELETE_CODES, lingered, limit)?,
                devices: sweep(step, DELETE_DEVICES, lingered, limit)?,
                spent_ids: sweep(step, DELETE_SPENT, now, limit)?,
                idempotency_keys: sweep(step, DELETE_KEYS, now, limit)?,
                ..Purged::default()
            })
        })
    }

    /// What belongs to an account goes by its foreign keys.
    fn erase_accounts(&self, now: UnixMillis, limit: u32) -> Pending<'_, u64> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(FIND_ACCOUNTS)?;
            let due = statement.query_map(params![now.as_millis(), limit], |row| {
                let columns = &mut Columns::of(row);
                Ok((columns.id()?, columns.id::<UserId>()?))
            })?;
            let due = due.collect::<rusqlite::Result<Vec<_>>>()?;
            let mut erased = 0;
            for (tenant, user) in due {
                let mut entry = erased_entry(now).about(&user);
                entry.origin.tenant = tenant;
                let gone = users::delete(step, user, now + REVOCATION_KEPT, &entry)?;
                erased += u64::from(gone.is_some());
            }
            Ok(erased)
        })
    }

    fn delete_clients(&self, now: UnixMillis, rows: Vec<i64>) -> Pending<'_, u64> {
        let unused = (now - UNUSED_CLIENT_KEPT).as_millis();
        self.write(move |step| {
            let mut statement = step.prepare_cached(DELETE_CLIENT)?;
            let mut deleted = 0;
            for row in &rows {
                let gone = statement.query_row(params![unused, row], |row| {
                    let columns = &mut Columns::of(row);
                    Ok((columns.id()?, columns.take::<String>()?))
                });
                let Some((tenant, client)) = gone.optional()? else {
                    continue;
                };
                let mut entry = unused_entry(now).about(&client);
                entry.origin.tenant = tenant;
                changes::announce_hint(step, &entry, &ChangeKind::ClientChanged(client))?;
                audit::write(step, &entry)?;
                deleted += 1;
            }
            Ok(deleted)
        })
    }

    fn find(&self, sql: &'static str, horizon: i64, limit: u32) -> Pending<'_, Vec<i64>> {
        self.read(move |connection: &Connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![horizon, limit], |row| row.get(0))?;
            rows.collect()
        })
    }

    fn delete(&self, sql: &'static str, horizon: i64, rows: Vec<i64>) -> Pending<'_, u64> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(sql)?;
            let mut deleted = 0;
            for row in &rows {
                deleted += count(statement.execute(params![horizon, row])?);
            }
            Ok(deleted)
        })
    }
}

fn sweep(step: &Step<'_>, sql: &str, horizon: i64, limit: u32) -> rusqlite::Result<u64> {
    let mut statement = step.prepare_cached(sql)?;
    statement.execute(params![horizon, limit]).map(count)
}

fn sweep_changes(step: &Step<'_>, horizon: i64, limit: u32) -> rusqlite::Result<u64> {
    let kept = (UnixMillis::default() + REVOCATION_KEPT).as_millis();
    let mut statement = step.prepare_cached(DELETE_CHANGES)?;
    statement.execute(params![horizon, limit, kept]).map(count)
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
