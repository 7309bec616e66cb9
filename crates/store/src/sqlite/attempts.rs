//! Counters of failed sign-ins in SQLite.

use domain::attempt::{AttemptClaim, AttemptCount, AttemptKey, AttemptKeys, AttemptVerdict};
use domain::event::Entry;
use domain::id::TenantId;
use rusqlite::{OptionalExtension, params};

use super::row::{Columns, Id};
use super::{Sqlite, Step, audit};
use crate::port::Pending;
use crate::port::attempts::Attempts;

const SELECT: &str = "SELECT failures, last_at
FROM attempts
WHERE tenant_id = ?1 AND key = ?2";

const TAKE_OVER: &str = "INSERT INTO attempts (tenant_id, key, failures, last_at)
SELECT tenant_id, ?2, failures, last_at
FROM attempts
WHERE tenant_id = ?1 AND key = ?3 AND failures > 0
ON CONFLICT (tenant_id, key) DO UPDATE
SET failures = excluded.failures, last_at = max(last_at, excluded.last_at)
WHERE failures < excluded.failures";

const PAY: &str = "INSERT INTO attempts (tenant_id, key, failures, last_at)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (tenant_id, key) DO UPDATE
SET failures = excluded.failures, last_at = excluded.last_at";

const REFUND: &str = "UPDATE attempts
SET failures = failures - 1
WHERE tenant_id = ?1 AND key = ?2 AND failures > 0";

const CLEAR: &str = "DELETE FROM attempts
WHERE tenant_id = ?1 AND key = ?2";

impl Attempts for Sqlite {
    fn claim_attempt(&self, claim: AttemptClaim) -> Pending<'_, AttemptVerdict> {
        self.write(move |step| self::claim(step, &claim))
    }

    fn refund_attempt(&self, tenant: TenantId, key: AttemptKey) -> Pending<'_, ()> {
        self.write(move |step| {
            let mut statement = step.prepare_cached(REFUND)?;
            statement.execute(params![tenant.blob(), key.0])?;
            Ok(())
        })
    }

    fn clear_attempts(&self, tenant: TenantId, keys: AttemptKeys) -> Pending<'_, ()> {
        self.write(move |step| clear(step, tenant, &keys))
    }

    fn record_failure(&self, entry: Entry) -> Pending<'_, ()> {
        self.write(move |step| audit::write(step, &entry))
    }
}

/// Forgets a count, under whichever keys.
pub(super) fn clear(step: &Step<'_>, tenant: TenantId, keys: &AttemptKeys) -> rusqlite::Result<()> {
    let mut statement = step.prepare_cached(CLEAR)?;
    for key in keys.iter() {
        statement.execute(params![tenant.blob(), key.0])?;
    }
    Ok(())
}

fn claim(step: &Step<'_>, claim: &AttemptClaim) -> rusqlite::Result<AttemptVerdict> {
    let newest = claim.keys.newest;
    for older in &claim.keys.older {
        let mut take_over = step.prepare_cached(TAKE_OVER)?;
        take_over.execute(params![claim.tenant.blob(), newest.0, older.0])?;
    }
    let stored = step
        .prepare_cached(SELECT)?
        .query_row(params![claim.tenant.blob(), newest.0], |row| {
            let mut columns = Columns::of(row);
            Ok(AttemptCount {
                failures: columns.take()?,
                last_at: columns.time()?,
            })
        })
        .optional()?;
    let verdict = claim.policy.judge(stored.unwrap_or_default(), claim.now);
    if let AttemptVerdict::Granted { failures } = verdict {
        step.prepare_cached(PAY)?.execute(params![
            claim.tenant.blob(),
            newest.0,
            failures,
            claim.now.as_millis(),
        ])?;
    }
    Ok(verdict)
}
