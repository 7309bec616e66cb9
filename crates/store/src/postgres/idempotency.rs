//! Claimed idempotency keys on PostgreSQL. What was made is noted by a trigger on the trail.

use domain::rejection::Fault;
use tokio_postgres::Row;

use super::pool::Step;
use super::row::{self, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::idempotency::{Claimed, Idempotency, KeyClaim, Outcome};

/// Whoever claims the same key at once waits here for the first to commit, and then finds it taken.
const CLAIM_KEY: &str = "
    INSERT INTO idempotency AS held (tenant_id, key, fingerprint, request_id, lease_until, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, key) DO UPDATE
    SET fingerprint = excluded.fingerprint,
        request_id = excluded.request_id,
        lease_until = excluded.lease_until,
        expires_at = excluded.expires_at,
        made_at = NULL,
        subject = NULL,
        answer = NULL
    WHERE held.expires_at <= $7 OR (held.made_at IS NULL AND held.lease_until <= $7)";

const LOAD_CLAIM: &str = "
    SELECT fingerprint, request_id = $3 AS is_ours,
           made_at IS NOT NULL AND lease_until <= $4 AS is_made, subject, answer
    FROM idempotency
    WHERE tenant_id = $1 AND key = $2";

const KEEP_ANSWER: &str = "
    UPDATE idempotency
    SET made_at = coalesce(made_at, $3),
        answer = $4
    WHERE tenant_id = $1 AND request_id = $2";

const RELEASE_KEY: &str = "
    DELETE FROM idempotency
    WHERE tenant_id = $1 AND request_id = $2 AND made_at IS NULL";

impl Postgres {
    async fn claim_one(&self, claim: KeyClaim) -> Result<Claimed, Fault> {
        let (tenant, request) = (claim.tenant.as_uuid(), claim.request.as_uuid());
        let (key, fingerprint) = (claim.key.as_slice(), claim.fingerprint.as_slice());
        let steps = [
            Step {
                sql: CLAIM_KEY,
                values: &[
                    &tenant,
                    &key,
                    &fingerprint,
                    &request,
                    &claim.lease_until.as_millis(),
                    &claim.expires_at.as_millis(),
                    &claim.now.as_millis(),
                ],
            },
            Step {
                sql: LOAD_CLAIM,
                values: &[&tenant, &key, &request, &claim.now.as_millis()],
            },
        ];
        let scope = Scope::Tenant(claim.tenant);
        let answers = self.pool().run_all(scope, &steps).await?;
        let row = answers.last().and_then(|rows| rows.first());
        // Its holder gave it back between the two: whoever comes again finds it free.
        row.map_or(Err(Fault::Busy("idempotency keys")), read)
    }
}

impl Idempotency for Postgres {
    fn claim_key(&self, claim: KeyClaim) -> Pending<'_, Claimed> {
        Box::pin(self.claim_one(claim))
    }

    fn keep_answer(&self, claim: KeyClaim, sealed: Vec<u8>) -> Pending<'_, ()> {
        Box::pin(async move {
            let (tenant, request) = (claim.tenant.as_uuid(), claim.request.as_uuid());
            let values: super::pool::Values<'_> =
                &[&tenant, &request, &claim.now.as_millis(), &sealed];
            let scope = Scope::Tenant(claim.tenant);
            self.pool().run(scope, KEEP_ANSWER, values).await?;
            Ok(())
        })
    }

    fn release_key(&self, claim: KeyClaim) -> Pending<'_, ()> {
        Box::pin(async move {
            let (tenant, request) = (claim.tenant.as_uuid(), claim.request.as_uuid());
            let scope = Scope::Tenant(claim.tenant);
            self.pool()
                .run(scope, RELEASE_KEY, &[&tenant, &request])
                .await?;
            Ok(())
        })
    }
}

fn read(row: &Row) -> Result<Claimed, Fault> {
    if get(row, "is_ours")? {
        return Ok(Claimed::Ours);
    }
    let answer: Option<&[u8]> = get(row, "answer")?;
    Ok(Claimed::Taken {
        fingerprint: row::bytes32(row, "fingerprint")?,
        outcome: match answer {
            Some(answer) => Outcome::Answered(answer.to_vec()),
            None if get(row, "is_made")? => Outcome::Made {
                subject: get(row, "subject")?,
            },
            None => Outcome::Open,
        },
    })
}
