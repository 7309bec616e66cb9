//! Sealing on PostgreSQL: the end of a chain, and how it moves on.

use domain::rejection::Fault;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::Postgres;
use super::super::Scope;
use super::super::pool::Step;
use super::super::row::{self, get};
use crate::port::audit::{ChainHead, Seal};
use crate::port::checkpoints::{Checkpoint, day_of};

/// The last sealed entry, or the last checkpoint; where they are at one place, what was signed counts.
macro_rules! head {
    () => {
        "SELECT chain_no, seal
        FROM (
            (
                SELECT chain_no, seal, 0 AS is_signed
                FROM audit
                WHERE tenant_id = $1 AND chain_no IS NOT NULL
                ORDER BY chain_no DESC
                LIMIT 1
            )
            UNION ALL
            (
                SELECT chain_no, seal, 1
                FROM audit_checkpoints
                WHERE tenant_id = $1
                ORDER BY chain_no DESC
                LIMIT 1
            )
        ) AS ends
        ORDER BY chain_no DESC, is_signed DESC
        LIMIT 1"
    };
}

pub(super) const LOAD_HEAD: &str = head!();

/// One sealer at a time in a tenant, however many nodes there are; released at the commit.
const LOCK_CHAIN: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 0))";

/// `$2`, `$3` the head that is believed to be the end; `$4`, `$5`, `$6` the seals; `$7` to
/// `$11` the checkpoint of the new end: that of today moves on with the chain, never back; `$12` and `$13` the
/// lowest and the highest number that is sealed, so that an index is not walked from its beginning, where
/// lies what was sealed since it was vacuumed last.
const SEAL: &str = concat!(
    "WITH head AS (",
    head!(),
    "), fresh AS (
        SELECT 1
        WHERE ($2::bigint = 0 AND NOT EXISTS (SELECT FROM head))
           OR EXISTS (SELECT FROM head WHERE chain_no = $2 AND seal = $3::bytea)
    ), sealed AS (
        UPDATE audit AS a
        SET chain_no = mark.chain_no,
            seal = mark.seal
        FROM unnest($4::bigint[], $5::bigint[], $6::bytea[]) AS mark (seq, chain_no, seal), fresh
        WHERE a.tenant_id = $1 AND a.seq = mark.seq AND a.seal IS NULL
          AND a.seq BETWEEN $12 AND $13
        RETURNING a.seq
    ), marked AS (
        INSERT INTO audit_checkpoints AS c (tenant_id, day, chain_no, seal, at, signature)
        SELECT $1, $7::bigint, $8::bigint, $9::bytea, $10::bigint, $11::bytea
        FROM fresh
        ON CONFLICT (tenant_id, day) DO UPDATE
        SET chain_no = excluded.chain_no,
            seal = excluded.seal,
            at = excluded.at,
            signature = excluded.signature,
            purged = NULL
        WHERE excluded.chain_no > c.chain_no
    )
    SELECT EXISTS (SELECT FROM fresh) AS fresh, (SELECT count(*) FROM sealed) AS sealed"
);

pub(super) fn chain_head(rows: &[Row]) -> Result<ChainHead, Fault> {
    rows.first().map_or(Ok(ChainHead::default()), |row| {
        Ok(ChainHead {
            chain_no: get(row, "chain_no")?,
            seal: row::bytes32(row, "seal")?,
        })
    })
}

impl Postgres {
    pub(super) async fn seal_chain(
        &self,
        head: ChainHead,
        seals: &[Seal],
        checkpoint: &Checkpoint,
    ) -> Result<bool, Fault> {
        let (tenant, end) = (checkpoint.tenant, checkpoint.head);
        let id: Uuid = tenant.as_uuid();
        let (day, at) = (day_of(checkpoint.at), checkpoint.at.as_millis());
        let (end_seal, signature) = (end.seal.as_slice(), checkpoint.signature.as_slice());
        let seqs: Vec<i64> = seals.iter().map(|mark| mark.seq).collect();
        let (lowest, highest) = (seqs.iter().min(), seqs.iter().max());
        let places: Vec<i64> = seals.iter().map(|mark| mark.chain_no).collect();
        let marks: Vec<&[u8]> = seals.iter().map(|mark| mark.seal.as_slice()).collect();
        let last = head.seal.as_slice();
        let steps = [
            Step {
                sql: LOCK_CHAIN,
                values: &[&id],
            },
            Step {
                sql: SEAL,
                values: &[
                    &id,
                    &head.chain_no,
                    &last,
                    &seqs,
                    &places,
                    &marks,
                    &day,
                    &end.chain_no,
                    &end_seal,
                    &at,
                    &signature,
                    &lowest,
                    &highest,
                ],
            },
        ];
        let answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
        let Some(answer) = answers.last().and_then(|rows| rows.first()) else {
            return Err(Fault::Broken("sealing answered nothing".to_owned()));
        };
        let sealed: usize = row::number(answer, "sealed")?;
        let fresh: bool = get(answer, "fresh")?;
        if fresh && sealed != seals.len() {
            return Err(Fault::Broken("an entry was sealed twice".to_owned()));
        }
        Ok(fresh)
    }
}
