//! The audit trail on PostgreSQL.

use std::collections::BTreeMap;

use domain::event::Entry;
use domain::id::{TenantId, UserId};
use domain::page::{Page, PageRequest};
use domain::rejection::Fault;
use serde_json::{Map, Value};
use tokio_postgres::Row;
use uuid::Uuid;

use super::gather::Gathered;
use super::pool::{Parameter, Pool, Step};
use super::row::{self, Line, Window, get};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::audit::{Audit, AuditFilter, AuditRow, ChainHead, Seal};
use crate::port::checkpoints::Checkpoint;

pub(super) mod find;
mod seal;
mod told;

use seal::{LOAD_HEAD, chain_head};

/// Entries of one tenant: `$2` the instants, `$3` the fields.
const APPEND: &str = "
    INSERT INTO audit (tenant_id, at, fields)
    SELECT $1, line.at, line.fields
    FROM unnest($2::bigint[], $3::jsonb[]) WITH ORDINALITY AS line (at, fields, place)
    ORDER BY line.place";

const LOAD_UNSEALED_TENANTS: &str = "
    SELECT DISTINCT tenant_id
    FROM audit
    WHERE seal IS NULL";

const LOAD_UNSEALED: &str = "
    SELECT tenant_id, seq, at, fields, chain_no, seal
    FROM audit
    WHERE tenant_id = $1 AND seal IS NULL AND seq > $2
    ORDER BY seq
    LIMIT $3";

const LIST_AUDIT: &str = "
    SELECT tenant_id, seq, at, fields, chain_no, seal
    FROM audit
    WHERE tenant_id = $1
    ORDER BY seq DESC
    OFFSET $2
    LIMIT $3";

/// Entries that belong to no other verb, of one caller.
pub(super) struct Lines(Vec<Line>);

/// What a batch holds of one tenant.
struct Share<'a> {
    tenant: Uuid,
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
    if entry.is_of_claim() {
        // For a trigger, which takes it out again.
        object.insert("claimed".to_owned(), Value::Bool(true));
    }
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

pub(super) fn audit_row(row: &Row) -> Result<AuditRow, Fault> {
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

// === impl Lines ===

impl Gathered for Lines {
    type Done = ();

    const NAME: &'static str = "the audit trail's queue";

    fn fulfil<'a>(pool: &'a Pool, batch: &'a [Self]) -> Pending<'a, Vec<()>> {
        Box::pin(async move {
            let shares = Share::of_each(batch);
            let values: Vec<_> = shares.iter().map(Share::values).collect();
            pool.run_in_each(APPEND, &values).await?;
            Ok(vec![(); batch.len()])
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
                instants: Vec::new(),
                fields: Vec::new(),
            });
            share.instants.push(line.at);
            share.fields.push(&line.fields);
        }
        shares.into_values().collect()
    }

    /// Gives the tenant and the parameters of [`APPEND`].
    fn values(&self) -> (Uuid, [Parameter<'_>; 3]) {
        let lines: [Parameter<'_>; 3] = [&self.tenant, &self.instants, &self.fields];
        (self.tenant, lines)
    }
}

impl Audit for Postgres {
    fn append(&self, entries: Vec<Entry>) -> Pending<'_, ()> {
        Box::pin(async move {
            // They tell of nothing that was made, and whoever shares their batch is to lose no entry.
            let unclaimed = |mut entry: Entry| {
                entry.origin.claimed_in = None;
                Line::of(&entry)
            };
            let lines = Lines(entries.into_iter().map(unclaimed).collect());
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
        after: i64,
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
                    values: &[&id, &after, &limit],
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

    fn seal(&self, head: ChainHead, seals: Vec<Seal>, checkpoint: Checkpoint) -> Pending<'_, bool> {
        Box::pin(async move { self.seal_chain(head, &seals, &checkpoint).await })
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

    fn find_audit(
        &self,
        tenant: TenantId,
        filter: AuditFilter,
        page: PageRequest,
    ) -> Pending<'_, Page<AuditRow>> {
        Box::pin(async move { self.page_of_found(tenant, &filter, page).await })
    }

    fn read_audit(
        &self,
        tenant: TenantId,
        filter: AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Pending<'_, Vec<AuditRow>> {
        Box::pin(async move { self.found_after(tenant, &filter, after, limit).await })
    }

    fn load_audit(&self, tenant: TenantId, seq: i64) -> Pending<'_, Option<AuditRow>> {
        Box::pin(self.entry_of_number(tenant, seq))
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
