//! Checkpoints of the audit trail on PostgreSQL.

use domain::event::Entry;
use domain::id::TenantId;
use domain::page::{Page, PageRequest, id_of_number, number_of_id};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use tokio_postgres::Row;
use uuid::Uuid;

use super::audit::audit_row;
use super::pool::Step;
use super::row::{self, Line, Window, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::audit::{AuditRow, ChainHead};
use crate::port::checkpoints::{Checkpoint, Checkpoints, day_of};

const LOAD_AUDITED_TENANTS: &str = "
    SELECT id FROM tenants
    UNION
    SELECT tenant_id FROM audit_checkpoints
    ORDER BY id";

const LOAD_CHAIN: &str = "
    SELECT tenant_id, seq, at, fields, chain_no, seal
    FROM audit
    WHERE tenant_id = $1 AND chain_no > $2
    ORDER BY chain_no
    LIMIT $3";

const LOAD: &str = "
    SELECT tenant_id, chain_no, seal, at, signature, purged
    FROM audit_checkpoints
    WHERE tenant_id = $1 AND chain_no > $2
    ORDER BY chain_no
    LIMIT $3";

/// `$2` the place before which a page begins; NULL: the first page.
const LIST: &str = "
    SELECT tenant_id, chain_no, seal, at, signature, purged
    FROM audit_checkpoints
    WHERE tenant_id = $1 AND ($2::bigint IS NULL OR chain_no < $2)
    ORDER BY chain_no DESC
    OFFSET $3
    LIMIT $4";

const COUNT: &str = "
    SELECT count(*) AS total
    FROM audit_checkpoints
    WHERE tenant_id = $1";

const RENEW: &str = "
    UPDATE audit_checkpoints
    SET signature = $4,
        purged = $5
    WHERE tenant_id = $1 AND day = $2 AND chain_no = $3";

/// The last of each tenant's that are old enough, if something up to it is there.
const LOAD_PURGEABLE: &str = "
    SELECT tenant_id, chain_no, seal, at, signature, purged
    FROM audit_checkpoints AS c
    WHERE at < $1
      AND NOT EXISTS (
          SELECT FROM audit_checkpoints AS later
          WHERE later.tenant_id = c.tenant_id AND later.chain_no > c.chain_no AND later.at < $1
      )
      AND EXISTS (
          SELECT FROM audit AS a
          WHERE a.tenant_id = c.tenant_id AND a.chain_no <= c.chain_no
      )
    LIMIT $2";

const MAY_GO: &str = "
    UPDATE audit_checkpoints
    SET purged = $4
    WHERE tenant_id = $1 AND day = $2 AND chain_no = $3";

/// The role of the pool deletes no entry; the function deletes what a checkpoint says may be gone.
const PURGE: &str = "SELECT purge_audit($1, $2) AS gone";

const PURGE_MARKS: &str = "
    DELETE FROM audit_checkpoints
    WHERE tenant_id = $1 AND chain_no < $2";

const TELL: &str = "
    INSERT INTO audit (tenant_id, at, fields)
    VALUES ($1, $2, $3)";

impl Postgres {
    async fn page_of_checkpoints(
        &self,
        tenant: TenantId,
        page: PageRequest,
    ) -> Result<Page<Checkpoint>, Fault> {
        let (id, window) = (tenant.as_uuid(), Window::of(page));
        let before = window.after.map(number_of_id);
        let steps = [
            Step {
                sql: COUNT,
                values: &[&id],
            },
            Step {
                sql: LIST,
                values: &[&id, &before, &window.skip, &window.take],
            },
        ];
        let answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
        let [count, rows] = answers.as_slice() else {
            return Err(Fault::Broken("an answer is missing".to_owned()));
        };
        let total = count.first();
        let total = total.map_or(Ok(0), |row| row::number(row, "total"))?;
        let rows = rows.iter().map(checkpoint).collect::<Result<Vec<_>, _>>()?;
        Ok(window.page(rows, total, |one| Some(id_of_number(one.head.chain_no))))
    }

    async fn purge_chain(
        &self,
        one: &Checkpoint,
        limit: u32,
        entry: Option<&Entry>,
    ) -> Result<u64, Fault> {
        let (tenant, day, place) = key(one);
        let (limit, purged) = (
            i64::from(limit),
            one.purged.as_ref().map(<[u8; 32]>::as_slice),
        );
        let marked: super::pool::Values<'_> = &[&tenant, &day, &place, &purged];
        let old: super::pool::Values<'_> = &[&tenant, &place];
        let most: super::pool::Values<'_> = &[&place, &limit];
        let line = entry.map(Line::of);
        let told = line
            .as_ref()
            .map(|line| -> [super::pool::Parameter<'_>; 3] {
                [&line.tenant, &line.at, &line.fields]
            });
        let mut steps = vec![
            Step {
                sql: MAY_GO,
                values: marked,
            },
            Step {
                sql: PURGE,
                values: most,
            },
            Step {
                sql: PURGE_MARKS,
                values: old,
            },
        ];
        steps.extend(told.as_ref().map(|values| Step { sql: TELL, values }));
        let answers = self
            .pool()
            .run_all(Scope::Tenant(one.tenant), &steps)
            .await?;
        let gone = answers.get(1).and_then(|rows| rows.first());
        gone.map_or(Ok(0), |row| row::number(row, "gone"))
    }
}

impl Checkpoints for Postgres {
    fn load_audited_tenants(&self) -> Pending<'_, Vec<TenantId>> {
        Box::pin(async move {
            let rows = self.pool().run(Scope::System, LOAD_AUDITED_TENANTS, &[]);
            let rows = rows.await?;
            rows.iter().map(|row| row::tenant(row, "id")).collect()
        })
    }

    fn load_chain(&self, tenant: TenantId, after: i64, limit: u32) -> Pending<'_, Vec<AuditRow>> {
        Box::pin(async move {
            let (id, limit) = (tenant.as_uuid(), i64::from(limit));
            let values: super::pool::Values<'_> = &[&id, &after, &limit];
            let rows = self.pool().run(Scope::Tenant(tenant), LOAD_CHAIN, values);
            rows.await?.iter().map(audit_row).collect()
        })
    }

    fn load_checkpoints(
        &self,
        tenant: TenantId,
        after: i64,
        limit: u32,
    ) -> Pending<'_, Vec<Checkpoint>> {
        Box::pin(async move {
            let (id, limit) = (tenant.as_uuid(), i64::from(limit));
            let values: super::pool::Values<'_> = &[&id, &after, &limit];
            let rows = self.pool().run(Scope::Tenant(tenant), LOAD, values);
            rows.await?.iter().map(checkpoint).collect()
        })
    }

    fn list_checkpoints(
        &self,
        tenant: TenantId,
        page: PageRequest,
    ) -> Pending<'_, Page<Checkpoint>> {
        Box::pin(self.page_of_checkpoints(tenant, page))
    }

    fn renew_checkpoints(&self, renewed: Vec<Checkpoint>) -> Pending<'_, ()> {
        Box::pin(async move {
            for one in &renewed {
                let (tenant, day, place) = key(one);
                let signature = one.signature.as_slice();
                let purged = one.purged.as_ref().map(<[u8; 32]>::as_slice);
                let values: super::pool::Values<'_> = &[&tenant, &day, &place, &signature, &purged];
                let scope = Scope::Tenant(one.tenant);
                self.pool().run(scope, RENEW, values).await?;
            }
            Ok(())
        })
    }

    fn load_purgeable(&self, before: UnixMillis, limit: u32) -> Pending<'_, Vec<Checkpoint>> {
        Box::pin(async move {
            let (before, limit) = (before.as_millis(), i64::from(limit));
            let values: super::pool::Values<'_> = &[&before, &limit];
            let rows = self.pool().run(Scope::System, LOAD_PURGEABLE, values);
            rows.await?.iter().map(checkpoint).collect()
        })
    }

    fn purge_audit(
        &self,
        checkpoint: Checkpoint,
        limit: u32,
        entry: Option<Entry>,
    ) -> Pending<'_, u64> {
        Box::pin(async move { self.purge_chain(&checkpoint, limit, entry.as_ref()).await })
    }
}

fn key(one: &Checkpoint) -> (Uuid, i64, i64) {
    (one.tenant.as_uuid(), day_of(one.at), one.head.chain_no)
}

fn checkpoint(row: &Row) -> Result<Checkpoint, Fault> {
    let purged: Option<&[u8]> = get(row, "purged")?;
    Ok(Checkpoint {
        tenant: row::tenant(row, "tenant_id")?,
        head: ChainHead {
            chain_no: get(row, "chain_no")?,
            seal: row::bytes32(row, "seal")?,
        },
        at: row::instant(row, "at")?,
        signature: row::bytes32(row, "signature")?,
        purged: purged.map(|_| row::bytes32(row, "purged")).transpose()?,
    })
}
