//! Finding entries in SQLite. Which indexes a search goes through is said and not left to be planned: a plan is
//! made once for a statement, whatever is bound to it (see [`schema`](super::super::schema)).

use std::fmt::Write as _;

use domain::id::TenantId;
use domain::page::{Page, PageRequest, moment_of_id};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use uuid::Uuid;

use super::super::row::{self, Id, Window};
use super::{COLUMNS, read};
use crate::port::audit::{AuditFilter, AuditRow, COUNTED};

const LOAD: &str = "WHERE tenant_id = ?1 AND seq = ?2";

/// The statement of a search, but for its columns: one branch for each index that it goes through. No entry is
/// found by two of them.
pub(in crate::sqlite) struct Search {
    branches: Vec<Branch>,
}

/// The part of a statement behind `SELECT …`, and what is bound to it.
struct Branch {
    clauses: String,
    values: Vec<Value>,
}

/// Finds a page, and counts.
pub(super) fn find(
    connection: &Connection,
    tenant: TenantId,
    filter: &AuditFilter,
    page: PageRequest,
) -> rusqlite::Result<Page<AuditRow>> {
    let window = Window::of(page);
    let snapshot = connection.unchecked_transaction()?;
    let all = Search::of(tenant, filter);
    let found = all.select("1");
    let count = format!("SELECT COUNT(*) FROM ({found} LIMIT {COUNTED})");
    let mut count = snapshot.prepare_cached(&count)?;
    let total = count.query_row(params_from_iter(all.values()), row::count)?;
    let search = Search::of(tenant, filter).after(window.before);
    let rows = search.run(&snapshot, window.limit, window.offset)?;
    Ok(window.page(rows, total, AuditRow::cursor))
}

/// Loads one entry.
pub(super) fn load(
    connection: &Connection,
    tenant: TenantId,
    seq: i64,
) -> rusqlite::Result<Option<AuditRow>> {
    let sql = format!("SELECT {COLUMNS} FROM audit {LOAD}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query_map(params![tenant.blob(), seq], read)?;
    rows.next().transpose()
}

// === impl Search ===

impl Search {
    /// Searches what a filter asks for.
    pub(in crate::sqlite) fn of(tenant: TenantId, filter: &AuditFilter) -> Self {
        let mut search = Self {
            branches: indexes_for(filter)
                .iter()
                .map(|(index, narrow)| Branch {
                    clauses: format!("FROM audit INDEXED BY {index} WHERE tenant_id = ?{narrow}"),
                    values: vec![Value::from(tenant.blob().to_vec())],
                })
                .collect(),
        };
        let texts = [
            ("subject", &filter.subject),
            ("actor_id", &filter.actor),
            ("client_id", &filter.client),
            ("event", &filter.event),
        ];
        for (column, text) in texts {
            if let Some(text) = text {
                search.and(&format!("{column} = ?"), &[text.clone().into()]);
            }
        }
        if let Some(success) = filter.success {
            // Written out, so that the index of failures is known to hold what is looked for.
            search.and(&format!("success = {}", u8::from(success)), &[]);
        }
        if let Some(from) = filter.from {
            search.and("at >= ?", &[from.as_millis().into()]);
        }
        if let Some(until) = filter.until {
            search.and("at < ?", &[until.as_millis().into()]);
        }
        search
    }

    /// Begins after an entry.
    pub(in crate::sqlite) fn after(mut self, cursor: Option<Uuid>) -> Self {
        if let Some((at, seq)) = cursor.map(moment_of_id) {
            let bounds = [at.as_millis().into(), seq.into()];
            self.and("(at, seq) < (?, ?)", &bounds);
        }
        self
    }

    /// Gives the entries, newest first.
    pub(super) fn run(
        &self,
        connection: &Connection,
        limit: u32,
        offset: i64,
    ) -> rusqlite::Result<Vec<AuditRow>> {
        let sql = format!("{} {ORDER}", self.select(COLUMNS));
        let page = [Value::from(limit), Value::from(offset)];
        let values = self.values().chain(&page);
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), read)?;
        rows.collect()
    }

    /// Gives the statement for some columns, without order and end.
    pub(in crate::sqlite) fn select(&self, columns: &str) -> String {
        let branches = self.branches.iter();
        let selects: Vec<_> = branches
            .map(|branch| format!("SELECT {columns} {}", branch.clauses))
            .collect();
        selects.join(" UNION ALL ")
    }

    fn values(&self) -> impl Iterator<Item = &Value> {
        self.branches.iter().flat_map(|branch| &branch.values)
    }

    fn and(&mut self, condition: &str, values: &[Value]) {
        for branch in &mut self.branches {
            // Writing to a string cannot fail.
            let _ = write!(branch.clauses, " AND {condition}");
            branch.values.extend_from_slice(values);
        }
    }
}

/// Newest first; all the indexes have that order.
pub(in crate::sqlite) const ORDER: &str = "ORDER BY at DESC, seq DESC LIMIT ? OFFSET ?";

/// Names the index of what narrows a search down the most, and what it takes to know that the entries are in
/// it. What a client did through itself is not in the index by actor, and is found by client.
fn indexes_for(filter: &AuditFilter) -> &'static [(&'static str, &'static str)] {
    match filter {
        AuditFilter {
            subject: Some(_), ..
        } => &[("audit_by_subject", "")],
        AuditFilter {
            client: Some(_), ..
        } => &[("audit_by_client", "")],
        AuditFilter { actor: Some(_), .. } => &[
            ("audit_by_other_actor", " AND actor_id IS NOT client_id"),
            ("audit_by_client", " AND client_id = actor_id"),
        ],
        AuditFilter { event: Some(_), .. } => &[("audit_by_event", "")],
        AuditFilter {
            success: Some(false),
            ..
        } => &[("audit_failures", "")],
        _ => &[("audit_by_time", "")],
    }
}
