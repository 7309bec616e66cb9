//! Purging on PostgreSQL.
//!
//! Rows that somebody holds at the moment are left for the next time. Days narrow a purge down by
//! an index; the exact instant decides.

use std::time::Duration;

use domain::id::TenantId;
use domain::rejection::Fault;
use domain::time::UnixMillis;

use super::pool::{Step, Values};
use super::row::{self, Line};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::changes::{HINT_KEPT, REVOCATION_KEPT};
use crate::port::janitor::{
    Erasure, Janitor, Purged, UNUSED_CLIENT_KEPT, erased_entry, unused_entry,
};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const ATTEMPTS_KEPT: Duration = Duration::from_hours(90 * 24);
const MAILS_KEPT: Duration = Duration::from_hours(30 * 24);

macro_rules! purge {
    ($table:literal, $key:literal, $condition:literal) => {
        concat!(
            "WITH old AS (SELECT tenant_id, ",
            $key,
            " FROM ",
            $table,
            " AS row WHERE ",
            $condition,
            " LIMIT $2 FOR UPDATE SKIP LOCKED), gone AS (DELETE FROM ",
            $table,
            " AS row USING old WHERE row.tenant_id = old.tenant_id AND row.",
            $key,
            " = old.",
            $key,
            " RETURNING 1) SELECT count(*) AS gone FROM gone"
        )
    };
}

const PURGE_FAMILIES: &str = purge!(
    "refresh_families",
    "id",
    "row.end_day <= $1::bigint / 86400000
     AND least(row.idle_expires_at, row.expires_at, row.ended_at) <= $1"
);

const PURGE_SESSIONS: &str = purge!(
    "sessions",
    "id",
    "least(row.expires_at, row.ended_at) <= $1::bigint
     AND NOT EXISTS (
         SELECT FROM refresh_families AS f
         WHERE f.tenant_id = row.tenant_id AND f.session_id = row.id
     )"
);

const PURGE_ONE_TIME: &str = purge!("one_time", "signature", "row.expires_at <= $1::bigint");

const PURGE_PUSHED: &str = purge!(
    "pushed_requests",
    "signature",
    "row.expires_at <= $1::bigint"
);

const PURGE_CODES: &str = purge!("codes", "signature", "row.expires_at <= $1::bigint");

const PURGE_DEVICES: &str = purge!("device_codes", "signature", "row.expires_at <= $1::bigint");

const PURGE_SPENT: &str = purge!("spent_ids", "key", "row.expires_at <= $1::bigint");

const PURGE_KEYS: &str = purge!("idempotency", "key", "row.expires_at <= $1::bigint");

const PURGE_CHANGES: &str = purge!(
    "changes",
    "id",
    "row.expires_at <= $1::bigint
     AND (
         row.kind NOT IN ('access_revoked', 'session_ended', 'grant_ended')
         OR row.expires_at <= $1 - $3::bigint
     )"
);

/// 100 failures disable a password (NIST SP 800-63B-4 §3.2.2): forgetting them would enable it.
const PURGE_ATTEMPTS: &str = purge!(
    "attempts",
    "key",
    "row.last_day <= $1::bigint / 86400000 AND row.last_at <= $1 AND row.failures < 100"
);

const PURGE_MAILS: &str = purge!(
    "outbox",
    "id",
    "row.state = 'abandoned' AND row.created_at <= $1::bigint"
);

/// `$3` until when nodes are told to forget them, `$4` and `$5` the instant and fields of the entry.
const PURGE_CLIENTS: &str = "
    WITH old AS (
        SELECT c.tenant_id, c.id
        FROM clients AS c
        WHERE (c.metadata ->> 'is_self_registered') = 'true'
          AND c.updated_at <= $1::bigint
          AND NOT EXISTS (
              SELECT FROM consents AS k
              WHERE k.tenant_id = c.tenant_id AND k.client_id = c.id
          )
          AND NOT EXISTS (
              SELECT FROM refresh_families AS f
              WHERE f.tenant_id = c.tenant_id AND f.client_id = c.id AND f.ended_at IS NULL
          )
        LIMIT $2
        FOR UPDATE OF c SKIP LOCKED
    ), gone AS (
        DELETE FROM clients AS c
        USING old
        WHERE c.tenant_id = old.tenant_id AND c.id = old.id
        RETURNING c.tenant_id, c.id
    ), told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT tenant_id, 'client_changed', id, $3
        FROM gone
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT tenant_id, $4, $5::jsonb || jsonb_build_object('subject', id)
        FROM gone
    )
    SELECT count(*) AS gone FROM gone";

/// `$3` until when nodes are told to forget them, `$4` and `$5` the instant and fields of the entry. What
/// belongs to an account goes by its foreign keys.
const ERASE_ACCOUNTS: &str = "
    WITH due AS (
        SELECT tenant_id, id
        FROM users
        WHERE erase_at <= $1::bigint AND status = 'deleted'
        LIMIT $2
        FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM users AS u
        USING due
        WHERE u.tenant_id = due.tenant_id AND u.id = due.id
        RETURNING u.tenant_id, u.id
    ), told AS (
        INSERT INTO changes (tenant_id, kind, about, expires_at)
        SELECT tenant_id, 'user_changed', id::text, $3
        FROM gone
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT tenant_id, $4, $5::jsonb || jsonb_build_object('subject', id::text)
        FROM gone
    )
    SELECT count(*) AS gone FROM gone";

const PURGE_NOTICES: &str = "
    WITH old AS (
        SELECT tenant_id, session_id, client_id
        FROM logout_notices
        WHERE state = 'abandoned' AND created_at <= $1::bigint
        LIMIT $2
        FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM logout_notices AS n
        USING old
        WHERE n.tenant_id = old.tenant_id
          AND n.session_id = old.session_id
          AND n.client_id = old.client_id
        RETURNING 1
    )
    SELECT count(*) AS gone
    FROM gone";

impl Postgres {
    async fn purge_all(&self, now: UnixMillis, limit: u32) -> Result<Purged, Fault> {
        let limit = i64::from(limit);
        let yesterday = (now - DAY).as_millis();
        let long_ago = (now - ATTEMPTS_KEPT).as_millis();
        let last_month = (now - MAILS_KEPT).as_millis();
        let an_hour_ago = (now - HOUR).as_millis();
        let entry = Line::of(&unused_entry(now));
        let unused = (now - UNUSED_CLIENT_KEPT).as_millis();
        let hint = (now + HINT_KEPT).as_millis();
        let erased = Line::of(&erased_entry(now));
        let now = now.as_millis();
        let clients: Values<'_> = &[&unused, &limit, &hint, &entry.at, &entry.fields];
        let accounts: Values<'_> = &[&now, &limit, &hint, &erased.at, &erased.fields];
        let aged: Values<'_> = &[&yesterday, &limit];
        let over: Values<'_> = &[&an_hour_ago, &limit];
        let due: Values<'_> = &[&now, &limit];
        let old: Values<'_> = &[&long_ago, &limit];
        let given_up: Values<'_> = &[&last_month, &limit];
        let kept = (UnixMillis::default() + REVOCATION_KEPT).as_millis();
        let told: Values<'_> = &[&now, &limit, &kept];
        // Families first, so that their sessions may follow in the same purge. Each of these stands
        // alone, and each has its own transaction so that none holds locks for the others.
        Ok(Purged {
            families: self.purge_one(PURGE_FAMILIES, aged).await?,
            sessions: self.purge_one(PURGE_SESSIONS, aged).await?,
            one_time: self.purge_one(PURGE_ONE_TIME, due).await?,
            pushed_requests: self.purge_one(PURGE_PUSHED, over).await?,
            codes: self.purge_one(PURGE_CODES, over).await?,
            devices: self.purge_one(PURGE_DEVICES, over).await?,
            spent_ids: self.purge_one(PURGE_SPENT, due).await?,
            idempotency_keys: self.purge_one(PURGE_KEYS, due).await?,
            changes: self.purge_one(PURGE_CHANGES, told).await?,
            attempts: self.purge_one(PURGE_ATTEMPTS, old).await?,
            mails: self.purge_one(PURGE_MAILS, given_up).await?,
            clients: self.purge_one(PURGE_CLIENTS, clients).await?,
            notices: self.purge_one(PURGE_NOTICES, given_up).await?,
            accounts: self.purge_one(ERASE_ACCOUNTS, accounts).await?,
        })
    }

    async fn purge_one(&self, sql: &'static str, values: Values<'_>) -> Result<u64, Fault> {
        let step = Step { sql, values };
        let answers = self.pool().run_all(Scope::System, &[step]).await?;
        let row = answers.first().and_then(|rows| rows.first());
        row.map_or(Ok(0), |row| row::number(row, "gone"))
    }
}

impl Janitor for Postgres {
    fn purge(&self, now: UnixMillis, limit: u32) -> Pending<'_, Purged> {
        Box::pin(self.purge_all(now, limit))
    }

    fn erase_tenant(&self, now: UnixMillis, keeper: TenantId, limit: u32) -> Pending<'_, Erasure> {
        Box::pin(self.erase(now, keeper, limit))
    }
}
