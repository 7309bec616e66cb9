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

/// The part of a statement behind `SELECT …`, and what is bound to it.
pub(in crate::sqlite) struct Search {
    pub(in crate::sqlite) clauses: String,
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
    let count = format!(
        "SELECT COUNT(*) FROM (SELECT 1 {} LIMIT {COUNTED})",
        all.clauses
    );
    let mut count = snapshot.prepare_cached(&count)?;
    let total = count.query_row(params_from_iter(all.values), row::count)?;
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
            clauses: format!(
                "FROM audit INDEXED BY {} WHERE tenant_id = ?",
                index_for(filter)
            ),
            values: vec![Value::from(tenant.blob().to_vec())],
        };
        let texts = [
            ("subject", &filter.subject),
            ("actor_id", &filter.actor),
            ("client_id", &filter.client),
            ("event", &filter.event),
        ];
        for (column, text) in texts {
            if let Some(text) = text {
                search.and(format_args!("{column} = ?"), [text.clone().into()]);
            }
        }
        if let Some(success) = filter.success {
            // Written out, so that the index of failures is known to hold what is looked for.
            search.and(format_args!("success = {}", u8::from(success)), []);
        }
        if let Some(from) = filter.from {
            search.and(format_args!("at >= ?"), [from.as_millis().into()]);
        }
        if let Some(until) = filter.until {
            search.and(format_args!("at < ?"), [until.as_millis().into()]);
        }
        search
    }

    /// Begins after an entry.
    pub(in crate::sqlite) fn after(mut self, cursor: Option<Uuid>) -> Self {
        if let Some((at, seq)) = cursor.map(moment_of_id) {
            let bounds = [at.as_millis().into(), seq.into()];
            self.and(format_args!("(at, seq) < (?, ?)"), bounds);
        }
        self
    }

    /// Gives the entries, newest first.
    pub(super) fn run(
        mut self,
        connection: &Connection,
        limit: u32,
        offset: i64,
    ) -> rusqlite::Result<Vec<AuditRow>> {
        let sql = format!("SELECT {COLUMNS} {} {ORDER}", self.clauses);
        self.values.extend([limit.into(), offset.into()]);
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(self.values), read)?;
        rows.collect()
    }

    fn and<const N: usize>(&mut self, condition: std::fmt::Arguments<'_>, values: [Value; N]) {
        // Writing to a string cannot fail.
        let _ = write!(self.clauses, " AND {condition}");
        self.values.extend(values);
    }
}

/// Newest first; all the indexes have that order.
pub(in crate::sqlite) const ORDER: &str = "ORDER BY at DESC, seq DESC LIMIT ? OFFSET ?";

/// Names the index of what narrows a search down the most.
const fn index_for(filter: &AuditFilter) -> &'static str {
    match filter {
        AuditFilter {
            subject: Some(_), ..
        } => "audit_by_subject",
        AuditFilter { actor: Some(_), .. } => "audit_by_actor",
        AuditFilter {
            client: Some(_), ..
        } => "audit_by_client",
        AuditFilter { event: Some(_), .. } => "audit_by_event",
        AuditFilter {
            success: Some(false),
            ..
        } => "audit_failures",
        _ => "audit_by_time",
    }
}
