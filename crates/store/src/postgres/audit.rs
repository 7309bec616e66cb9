//! The audit trail on PostgreSQL.

use std::collections::BTreeMap;

use domain::event::Entry;
use domain::id::{TenantId, UserId};
use domain::page::{Page, PageRequest, id_of_number, number_of_id};
use domain::rejection::Fault;
use serde_json::{Map, Value};
use tokio_postgres::Row;
use uuid::Uuid;

use super::gather::Gathered;
use super::pool::{Parameter, Pool, Step};
use super::row::{self, Line, Window, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::audit::{Audit, AuditRow, ChainHead, Seal};

/// Entries of one tenant: `$2` the instants, `$3` the fields.
const APPEND: &str = "
    INSERT INTO audit (tenant_id, at, fields)
    SELECT $1, line.at, line.fields
    FROM unnest($2::bigint[], $3::jsonb[]) WITH ORDINALITY AS line (at, fields, place)
    ORDER BY line.place";

/// Turns to another tenant within a transaction: row-level security binds each of its statements to
/// the tenant that was named last.
const ENTER: &str = "SELECT set_config('app.tenant', $1, true)";

const LOAD_UNSEALED_TENANTS: &str = "
    SELECT DISTINCT tenant_id
    FROM audit
    WHERE seal IS NULL";

const LOAD_HEAD: &str = "
    SELECT chain_no, seal
    FROM audit
    WHERE tenant_id = $1 AND chain_no IS NOT NULL
    ORDER BY chain_no DESC
    LIMIT 1";

const LOAD_UNSEALED: &str = "
    SELECT tenant_id, seq, at, fields, chain_no, seal
    FROM audit
    WHERE tenant_id = $1 AND seal IS NULL
    ORDER BY seq
    LIMIT $2";

/// One sealer at a time in a tenant, however many nodes there are; released at the commit.
const LOCK_CHAIN: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 0))";

/// `$2`, `$3` the head that is believed to be the end; `$4`, `$5`, `$6` the seals.
const SEAL: &str = "
    WITH head AS (
        SELECT chain_no, seal
        FROM audit
        WHERE tenant_id = $1 AND chain_no IS NOT NULL
        ORDER BY chain_no DESC
        LIMIT 1
    ), fresh AS (
        SELECT 1
        WHERE ($2::bigint = 0 AND NOT EXISTS (SELECT FROM head))
           OR EXISTS (SELECT FROM head WHERE chain_no = $2 AND seal = $3::bytea)
    ), sealed AS (
        UPDATE audit AS a
        SET chain_no = mark.chain_no,
            seal = mark.seal
        FROM unnest($4::bigint[], $5::bigint[], $6::bytea[]) AS mark (seq, chain_no, seal), fresh
        WHERE a.tenant_id = $1 AND a.seq = mark.seq AND a.seal IS NULL
        RETURNING a.seq
    )
    SELECT EXISTS (SELECT FROM fresh) AS fresh, (SELECT count(*) FROM sealed) AS sealed";

const LIST_AUDIT: &str = "
    SELECT tenant_id, seq, at, fields, chain_no, seal
    FROM audit
    WHERE tenant_id = $1
    ORDER BY seq DESC
    OFFSET $2
    LIMIT $3";

/// `$3` the number before which a page begins; NULL: the first page.
const LIST_TOLD: &str = "
    SELECT tenant_id, seq, at, fields, chain_no, seal
    FROM audit
    WHERE tenant_id = $1
      AND told_to = $2
      AND ($3::bigint IS NULL OR seq < $3)
    ORDER BY seq DESC
    OFFSET $4
    LIMIT $5";

const COUNT_TOLD: &str = "
    SELECT count(*) AS total
    FROM audit
    WHERE tenant_id = $1 AND told_to = $2";

/// Entries that belong to no other verb, of one caller.
pub(super) struct Lines(Vec<Line>);

/// What a batch holds of one tenant.
struct Share<'a> {
    tenant: Uuid,
    scope: String,
    instants: Vec<i64>,
    fields: Vec<&'a Value>,
}

/// Gives every field of an entry but its tenant and instant, under the names JSON shows.
pub(super) fn fields(entry: &Entry) -> Value {
    let (actor_type, actor_id) = entry.origin.actor.to_stored();
    let fields = [
        ("event", Some(entry.kind.as_str().to_owned())),
        ("actor_type", Some(actor_type.to_owned())),
        ("actor_id", actor_id.map(str::to_owned)),
        ("subject", entry.subject.clone()),
        ("client_id", entry.client.clone()),
        ("session_id", entry.session.map(|id| id.to_string())),
        ("address", row::address(entry.origin.address)),
        ("user_agent", entry.origin.user_agent.clone()),
        ("request_id", Some(entry.origin.request.to_string())),
    ];
    let mut object: Map<String, Value> = fields
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?))))
        .collect();
    object.insert("success".to_owned(), Value::Bool(entry.success));
    object.insert("detail".to_owned(), entry.detail.clone());
    without_nul(Value::Object(object))
}

/// Replaces what jsonb cannot hold, so that an odd header never costs an entry.
fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) if !row::is_storable(&text) => {
            Value::String(text.replace('\0', "\u{fffd}"))
        }
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name.replace('\0', "\u{fffd}"), without_nul(value)))
            .collect(),
        other => other,
    }
}

fn audit_row(row: &Row) -> Result<AuditRow, Fault> {
    let seal: Option<&[u8]> = get(row, "seal")?;
    Ok(AuditRow {
        seq: get(row, "seq")?,
        tenant: row::tenant(row, "tenant_id")?,
        at: row::instant(row, "at")?,
        fields: get(row, "fields")?,
        chain_no: get(row, "chain_no")?,
        seal: seal.map(|_| row::bytes32(row, "seal")).transpose()?,
    })
}

fn chain_head(rows: &[Row]) -> Result<ChainHead, Fault> {
    rows.first().map_or(Ok(ChainHead::default()), |row| {
        Ok(ChainHead {
            chain_no: get(row, "chain_no")?,
            seal: row::bytes32(row, "seal")?,
        })
    })
}

// === impl Lines ===

impl Gathered for Lines {
    const NAME: &'static str = "the audit trail's queue";

    fn write<'a>(pool: &'a Pool, batch: &'a [Self]) -> Pending<'a, ()> {
        Box::pin(async move {
            let shares = Share::of_each(batch);
            let Some(first) = shares.first() else {
                return Ok(());
            };
            let values: Vec<_> = shares.iter().map(Share::values).collect();
            let enter = values.iter().map(|(scope, _)| Step {
                sql: ENTER,
                values: scope,
            });
            let append = values.iter().map(|(_, lines)| Step {
                sql: APPEND,
                values: lines,
            });
            let steps: Vec<_> = enter.zip(append).flat_map(<[Step<'_>; 2]>::from).collect();
            let scope = Scope::Tenant(TenantId::from_uuid(first.tenant));
            pool.run_all(scope, &steps).await.map(drop)
        })
    }
}

// === impl Share ===

impl<'a> Share<'a> {
    /// Sorts lines by their tenants; within one they keep their order.
    fn of_each(batch: &'a [Lines]) -> Vec<Self> {
        let mut shares = BTreeMap::<Uuid, Self>::new();
        for line in batch.iter().flat_map(|lines| &lines.0) {
            let share = shares.entry(line.tenant).or_insert_with(|| Self {
                tenant: line.tenant,
                scope: line.tenant.to_string(),
                instants: Vec::new(),
                fields: Vec::new(),
            });
            share.instants.push(line.at);
            share.fields.push(&line.fields);
        }
        shares.into_values().collect()
    }

    /// Gives the parameters of [`ENTER`] and of [`APPEND`].
    fn values(&self) -> ([Parameter<'_>; 1], [Parameter<'_>; 3]) {
        let lines: [Parameter<'_>; 3] = [&self.tenant, &self.instants, &self.fields];
        ([&self.scope], lines)
    }
}

impl Postgres {
    async fn page_of_told(
        &self,
        tenant: TenantId,
        user: UserId,
        page: PageRequest,
    ) -> Result<Page<AuditRow>, Fault> {
        let (id, user, window) = (tenant.as_uuid(), user.to_string(), Window::of(page));
        let before = window.after.map(number_of_id);
        let steps = [
            Step {
                sql: COUNT_TOLD,
                values: &[&id, &user],
            },
            Step {
                sql: LIST_TOLD,
                values: &[&id, &user, &before, &window.skip, &window.take],
            },
        ];
        let answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
        let [count, rows] = answers.as_slice() else {
            return Err(Fault::Broken("an answer is missing".to_owned()));
        };
        let total = count.first();
        let total = total.map_or(Ok(0), |row| row::number(row, "total"))?;
        let rows = rows.iter().map(audit_row).collect::<Result<Vec<_>, _>>()?;
        Ok(window.page(rows, total, |row| Some(id_of_number(row.seq))))
    }

    async fn seal_chain(
        &self,
        tenant: TenantId,
        head: ChainHead,
        seals: &[Seal],
    ) -> Result<bool, Fault> {
        let id: Uuid = tenant.as_uuid();
        let seqs: Vec<i64> = seals.iter().map(|mark| mark.seq).collect();
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
                values: &[&id, &head.chain_no, &last, &seqs, &places, &marks],
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

impl Audit for Postgres {
    fn append(&self, entries: Vec<Entry>) -> Pending<'_, ()> {
        Box::pin(async move {
            let lines = Lines(entries.iter().map(Line::of).collect());
            self.0.trail.order(lines).await
        })
    }

    fn load_unsealed_tenants(&self) -> Pending<'_, Vec<TenantId>> {
        Box::pin(async move {
            let rows = self
                .pool()
                .run(Scope::System, LOAD_UNSEALED_TENANTS, &[])
                .await?;
            rows.iter()
                .map(|row| row::tenant(row, "tenant_id"))
                .collect()
        })
    }

    fn load_unsealed(
        &self,
        tenant: TenantId,
        limit: u32,
    ) -> Pending<'_, (ChainHead, Vec<AuditRow>)> {
        Box::pin(async move {
            let (id, limit) = (tenant.as_uuid(), i64::from(limit));
            let steps = [
                Step {
                    sql: LOAD_HEAD,
                    values: &[&id],
                },
                Step {
                    sql: LOAD_UNSEALED,
                    values: &[&id, &limit],
                },
            ];
            let answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
            let [head, unsealed] = answers.as_slice() else {
                return Err(Fault::Broken("an answer is missing".to_owned()));
            };
            let rows = unsealed.iter().map(audit_row).collect::<Result<_, _>>()?;
            Ok((chain_head(head)?, rows))
        })
    }

    fn seal(&self, tenant: TenantId, head: ChainHead, seals: Vec<Seal>) -> Pending<'_, bool> {
        Box::pin(async move { self.seal_chain(tenant, head, &seals).await })
    }

    fn list_audit(&self, tenant: TenantId, page: PageRequest) -> Pending<'_, Vec<AuditRow>> {
        Box::pin(async move {
            let id = tenant.as_uuid();
            let (window, take) = (Window::of(page), i64::from(page.per_page));
            let values: super::pool::Values<'_> = &[&id, &window.skip, &take];
            let rows = self
                .pool()
                .run(Scope::Tenant(tenant), LIST_AUDIT, values)
                .await?;
            rows.iter().map(audit_row).collect()
        })
    }

    fn list_activity(
        &self,
        tenant: TenantId,
        user: UserId,
        page: PageRequest,
    ) -> Pending<'_, Page<AuditRow>> {
        Box::pin(self.page_of_told(tenant, user, page))
    }
}
