//! Finding entries on PostgreSQL. One statement for every filter: it is planned for the values it is given, so
//! what is not asked costs nothing and what is goes through its index.

use domain::id::TenantId;
use domain::page::{Page, PageRequest, moment_of_id};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use uuid::Uuid;

use super::super::pool::{Parameter, Step};
use super::super::row::{self, Window};
use super::super::{Postgres, Scope};
use super::audit_row;
use crate::port::audit::{AuditFilter, AuditRow};

/// Ends with the transaction. A generic plan would have to serve every filter at once.
const PLAN_EACH: &str = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)";

/// `$2` subject, `$3` client, `$4` actor, `$5` event, `$6` whether it failed, `$7` from, `$8` before.
macro_rules! wanted {
    () => {
        "FROM audit
    WHERE tenant_id = $1
      AND ($2::text IS NULL OR subject = $2)
      AND ($3::text IS NULL OR client_id = $3)
      AND ($4::text IS NULL OR actor_id = $4)
      AND ($5::text IS NULL OR event = $5)
      AND ($6::boolean IS NULL OR failed = $6)
      AND ($7::bigint IS NULL OR at >= $7)
      AND ($8::bigint IS NULL OR at < $8)"
    };
}

/// `$9` and `$10` the instant and the number after which it goes on.
pub(in crate::postgres) const FIND: &str = concat!(
    "SELECT tenant_id, seq, at, fields, chain_no, seal
    ",
    wanted!(),
    "
      AND ($9::bigint IS NULL OR (at, seq) < ($9, $10::bigint))
    ORDER BY at DESC, seq DESC
    OFFSET $11
    LIMIT $12"
);

/// As far as they are counted.
const COUNT: &str = concat!(
    "SELECT count(*) AS total
    FROM (
        SELECT 1
        ",
    wanted!(),
    "
        LIMIT 1000
    ) AS found"
);

const LOAD: &str = "
    SELECT tenant_id, seq, at, fields, chain_no, seal
    FROM audit
    WHERE tenant_id = $1 AND seq = $2";

/// What a filter binds.
struct Bound<'a> {
    tenant: Uuid,
    texts: [Option<&'a str>; 4],
    failed: Option<bool>,
    from: Option<i64>,
    until: Option<i64>,
}

// === impl Bound ===

impl<'a> Bound<'a> {
    /// Reads a filter; nothing, when it asks for what PostgreSQL cannot hold.
    fn of(tenant: TenantId, filter: &'a AuditFilter) -> Option<Self> {
        let texts = [
            &filter.subject,
            &filter.client,
            &filter.actor,
            &filter.event,
        ];
        let texts = texts.map(Option::as_deref);
        let is_storable = texts.iter().flatten().all(|text| row::is_storable(text));
        is_storable.then(|| Self {
            tenant: tenant.as_uuid(),
            texts,
            failed: filter.success.map(|success| !success),
            from: filter.from.map(UnixMillis::as_millis),
            until: filter.until.map(UnixMillis::as_millis),
        })
    }

    fn values(&self) -> [Parameter<'_>; 8] {
        let [subject, client, actor, event] = &self.texts;
        let Self {
            tenant,
            failed,
            from,
            until,
            ..
        } = self;
        [tenant, subject, client, actor, event, failed, from, until]
    }
}

impl Postgres {
    pub(super) async fn page_of_found(
        &self,
        tenant: TenantId,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditRow>, Fault> {
        let window = Window::of(page);
        let Some(bound) = Bound::of(tenant, filter) else {
            return Ok(window.page(Vec::new(), 0, |_| None));
        };
        let counted = bound.values();
        let after = Place::after(window.after);
        let found = after.values(&bound, (&window.skip, &window.take));
        let steps = [
            plan_each(),
            Step {
                sql: COUNT,
                values: &counted,
            },
            Step {
                sql: FIND,
                values: &found,
            },
        ];
        let answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
        let [_, count, rows] = answers.as_slice() else {
            return Err(Fault::Broken("an answer is missing".to_owned()));
        };
        let total = count.first();
        let total = total.map_or(Ok(0), |row| row::number(row, "total"))?;
        let rows = rows.iter().map(audit_row).collect::<Result<Vec<_>, _>>()?;
        Ok(window.page(rows, total, |row| Some(row.cursor())))
    }

    pub(super) async fn found_after(
        &self,
        tenant: TenantId,
        filter: &AuditFilter,
        cursor: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, Fault> {
        let Some(bound) = Bound::of(tenant, filter) else {
            return Ok(Vec::new());
        };
        let after = Place::after(cursor);
        let limit = i64::from(limit);
        let found = after.values(&bound, (&0, &limit));
        let steps = [
            plan_each(),
            Step {
                sql: FIND,
                values: &found,
            },
        ];
        let answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
        let rows = answers.last().into_iter().flatten();
        rows.map(audit_row).collect()
    }

    pub(super) async fn entry_of_number(
        &self,
        tenant: TenantId,
        seq: i64,
    ) -> Result<Option<AuditRow>, Fault> {
        let id = tenant.as_uuid();
        let values: super::super::pool::Values<'_> = &[&id, &seq];
        let rows = self.pool().run(Scope::Tenant(tenant), LOAD, values);
        rows.await?.first().map(audit_row).transpose()
    }
}

/// Where a page begins.
struct Place {
    at: Option<i64>,
    seq: Option<i64>,
}

// === impl Place ===

impl Place {
    fn after(cursor: Option<Uuid>) -> Self {
        let place = cursor.map(moment_of_id);
        Self {
            at: place.map(|(at, _)| at.as_millis()),
            seq: place.map(|(_, seq)| seq),
        }
    }

    fn values<'a>(
        &'a self,
        bound: &'a Bound<'_>,
        (skip, take): (&'a i64, &'a i64),
    ) -> [Parameter<'a>; 12] {
        let [tenant, subject, client, actor, event, failed, from, until] = bound.values();
        [
            tenant, subject, client, actor, event, failed, from, until, &self.at, &self.seq, skip,
            take,
        ]
    }
}

const fn plan_each() -> Step<'static> {
    Step {
        sql: PLAN_EACH,
        values: &[],
    }
}
