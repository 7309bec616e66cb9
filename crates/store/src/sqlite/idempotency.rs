//! Claimed idempotency keys in SQLite.

use domain::event::Entry;
use rusqlite::{Row, params};

use super::row::{Columns, Id};
use super::{Sqlite, Step};
use crate::port::Pending;
use crate::port::idempotency::{Claimed, Idempotency, KeyClaim, Outcome};

const CLAIM: &str = "INSERT INTO idempotency
    (tenant_id, key, fingerprint, request_id, lease_until, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (tenant_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, request_id = excluded.request_id,
    lease_until = excluded.lease_until, expires_at = excluded.expires_at,
    made_at = NULL, subject = NULL, answer = NULL
WHERE expires_at <= ?7 OR (made_at IS NULL AND lease_until <= ?7)";

const SELECT: &str =
    "SELECT fingerprint, made_at IS NOT NULL AND lease_until <= ?3, subject, answer
FROM idempotency
WHERE tenant_id = ?1 AND key = ?2";

const NOTE: &str = "UPDATE idempotency
SET made_at = coalesce(made_at, ?3), subject = coalesce(subject, ?4)
WHERE tenant_id = ?1 AND request_id = ?2";

const KEEP: &str = "UPDATE idempotency
SET made_at = coalesce(made_at, ?3), answer = ?4
WHERE tenant_id = ?1 AND request_id = ?2";

const RELEASE: &str = "DELETE FROM idempotency
WHERE tenant_id = ?1 AND request_id = ?2 AND made_at IS NULL";

impl Idempotency for Sqlite {
    fn claim_key(&self, claim: KeyClaim) -> Pending<'_, Claimed> {
        self.write(move |step| {
            let claimed = step.prepare_cached(CLAIM)?.execute(params![
                claim.tenant.blob(),
                claim.key,
                claim.fingerprint,
                claim.request.blob(),
                claim.lease_until.as_millis(),
                claim.expires_at.as_millis(),
                claim.now.as_millis(),
            ])?;
            if claimed > 0 {
                return Ok(Claimed::Ours);
            }
            let mut statement = step.prepare_cached(SELECT)?;
            let whose = params![claim.tenant.blob(), claim.key, claim.now.as_millis()];
            statement.query_row(whose, read)
        })
    }

    fn keep_answer(&self, claim: KeyClaim, sealed: Vec<u8>) -> Pending<'_, ()> {
        self.write(move |step| {
            step.prepare_cached(KEEP)?.execute(params![
                claim.tenant.blob(),
                claim.request.blob(),
                claim.now.as_millis(),
                sealed,
            ])?;
            Ok(())
        })
    }

    fn release_key(&self, claim: KeyClaim) -> Pending<'_, ()> {
        self.write(move |step| {
            let bounds = params![claim.tenant.blob(), claim.request.blob()];
            step.prepare_cached(RELEASE)?.execute(bounds)?;
            Ok(())
        })
    }
}

/// Notes what was made under a claim, or fails the commit if the claim was lost.
pub(super) fn note(step: &Step<'_>, entry: &Entry) -> rusqlite::Result<()> {
    let origin = &entry.origin;
    let noted = step.prepare_cached(NOTE)?.execute(params![
        origin.tenant.blob(),
        origin.request.blob(),
        origin.at.as_millis(),
        entry.subject,
    ])?;
    match noted {
        1 => Ok(()),
        count => Err(rusqlite::Error::StatementChangedRows(count)),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Claimed> {
    let columns = &mut Columns::of(row);
    let fingerprint = columns.take()?;
    let (is_made, subject, answer) = (columns.take::<bool>()?, columns.take()?, columns.take()?);
    Ok(Claimed::Taken {
        fingerprint,
        outcome: match answer {
            Some(answer) => Outcome::Answered(answer),
            None if is_made => Outcome::Made { subject },
            None => Outcome::Open,
        },
    })
}
