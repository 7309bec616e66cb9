//! Counters of failed sign-ins on PostgreSQL.

use domain::attempt::{AttemptClaim, AttemptCount, AttemptKey, AttemptKeys};
use domain::attempt::{AttemptPolicy, AttemptVerdict};
use domain::event::Entry;
use domain::id::TenantId;
use domain::rejection::Fault;
use tokio_postgres::Row;

use super::pool::Step;
use super::row;
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::attempts::Attempts;

/// Takes the highest count under an older key over, unless the newest has come as far.
const TAKE_OVER: &str = "
    INSERT INTO attempts AS a (tenant_id, key, failures, last_at)
    SELECT o.tenant_id, $2, o.failures, o.last_at
    FROM attempts AS o
    WHERE o.tenant_id = $1 AND o.key = ANY($3::bytea[]) AND o.failures > 0
    ORDER BY o.failures DESC
    LIMIT 1
    ON CONFLICT (tenant_id, key) DO UPDATE
    SET failures = excluded.failures,
        last_at = greatest(a.last_at, excluded.last_at)
    WHERE a.failures < excluded.failures";

/// Pays if the wait is over. The waits come as an array made by the policy itself (`$5`, the wait in
/// milliseconds after 0, 1, 2 … failures; the last holds for all that follow), so the rule stands in
/// one place. `ON CONFLICT` locks the row even where its `WHERE` says no.
const CLAIM_ATTEMPT: &str = "
    INSERT INTO attempts AS a (tenant_id, key, failures, last_at)
    VALUES ($1, $2, 1, $3)
    ON CONFLICT (tenant_id, key) DO UPDATE
    SET failures = a.failures + 1,
        last_at = $3
    WHERE a.failures < $4::bigint
      AND (
          ($5::bigint[])[least(a.failures + 1, cardinality($5::bigint[]))] = 0
          OR $3 >= a.last_at + ($5::bigint[])[least(a.failures + 1, cardinality($5::bigint[]))]
      )
    RETURNING a.failures, a.last_at";

/// Reads the row that the claim has locked: what it was judged by if it was not paid for.
const LOAD_COUNT: &str = "
    SELECT failures, last_at
    FROM attempts
    WHERE tenant_id = $1 AND key = $2";

const REFUND_ATTEMPT: &str = "
    UPDATE attempts
    SET failures = failures - 1
    WHERE tenant_id = $1 AND key = $2 AND failures > 0";

const CLEAR_ATTEMPTS: &str = "
    DELETE FROM attempts
    WHERE tenant_id = $1 AND key = ANY($2::bytea[])";

/// Gives the wait after 0, 1, 2 … failures in milliseconds, up to the number from which it is always
/// the same.
fn waits(policy: &AttemptPolicy) -> Vec<i64> {
    (0..=policy.lock_after.min(policy.disable_after))
        .map(|failures| i64::try_from(policy.delay(failures).as_millis()).unwrap_or(i64::MAX >> 1))
        .collect()
}

/// Gives the keys as an array's elements.
pub(super) fn words(keys: &AttemptKeys) -> Vec<&[u8]> {
    keys.iter().map(|key| key.0.as_slice()).collect()
}

fn count(row: &Row) -> Result<AttemptCount, Fault> {
    Ok(AttemptCount {
        failures: row::number(row, "failures")?,
        last_at: row::instant(row, "last_at")?,
    })
}

fn verdict(claim: &AttemptClaim, paid: &[Row], stored: &[Row]) -> Result<AttemptVerdict, Fault> {
    if let Some(row) = paid.first() {
        let failures = count(row)?.failures;
        return Ok(AttemptVerdict::Granted { failures });
    }
    let stored = stored.first().map_or(Ok(AttemptCount::default()), count)?;
    match claim.policy.judge(stored, claim.now) {
        AttemptVerdict::Granted { .. } => Err(Fault::Broken(
            "the database refused an attempt that the policy grants".to_owned(),
        )),
        refused => Ok(refused),
    }
}

impl Postgres {
    async fn claim(&self, claim: AttemptClaim) -> Result<AttemptVerdict, Fault> {
        let (tenant, key) = (claim.tenant.as_uuid(), claim.keys.newest.0.as_slice());
        let (now, end) = (claim.now.as_millis(), i64::from(claim.policy.disable_after));
        if end == 0 {
            return Ok(AttemptVerdict::Disabled);
        }
        let waits = waits(&claim.policy);
        let older: Vec<&[u8]> = claim.keys.older.iter().map(|k| k.0.as_slice()).collect();
        let steps = [
            Step {
                sql: TAKE_OVER,
                values: &[&tenant, &key, &older],
            },
            Step {
                sql: CLAIM_ATTEMPT,
                values: &[&tenant, &key, &now, &end, &waits],
            },
            Step {
                sql: LOAD_COUNT,
                values: &[&tenant, &key],
            },
        ];
        let scope = Scope::Tenant(claim.tenant);
        // Most of the time there is one secret, and nothing to take over.
        let (_, alone) = steps.split_at(usize::from(older.is_empty()));
        let answers = self.pool().run_all(scope, alone).await?;
        match answers.as_slice() {
            [paid, stored] | [_, paid, stored] => verdict(&claim, paid, stored),
            _ => Err(Fault::Broken("an answer is missing".to_owned())),
        }
    }

    async fn refund(&self, tenant: TenantId, key: AttemptKey) -> Result<(), Fault> {
        let (id, key) = (tenant.as_uuid(), key.0.as_slice());
        self.pool()
            .run(Scope::Tenant(tenant), REFUND_ATTEMPT, &[&id, &key])
            .await
            .map(drop)
    }

    async fn clear(&self, tenant: TenantId, keys: AttemptKeys) -> Result<(), Fault> {
        let (id, keys) = (tenant.as_uuid(), words(&keys));
        self.pool()
            .run(Scope::Tenant(tenant), CLEAR_ATTEMPTS, &[&id, &keys])
            .await
            .map(drop)
    }
}

impl Attempts for Postgres {
    fn claim_attempt(&self, claim: AttemptClaim) -> Pending<'_, AttemptVerdict> {
        Box::pin(self.claim(claim))
    }

    fn refund_attempt(&self, tenant: TenantId, key: AttemptKey) -> Pending<'_, ()> {
        Box::pin(self.refund(tenant, key))
    }

    fn clear_attempts(&self, tenant: TenantId, keys: AttemptKeys) -> Pending<'_, ()> {
        Box::pin(self.clear(tenant, keys))
    }

    fn record_failure(&self, entry: Entry) -> Pending<'_, ()> {
        use crate::port::audit::Audit as _;
        self.append(vec![entry])
    }
}
