//! The audit trail, as operators search it, take it along and keep its checkpoints.
//!
//! Nothing here changes the trail, but taking it along is written into it: who has all of it knows much about
//! everybody. Whether it is whole is judged by [`verify`].

use std::sync::Arc;

use domain::event::EventKind;
use domain::page::{Page, PageRequest};
use domain::rejection::{Fault, Rejection};
use serde_json::{Value, json};
use store::port::audit::{AuditFilter, AuditRow};
use store::port::checkpoints::Checkpoint;
use uuid::Uuid;

use super::not_found;
use crate::flow::{Act, Flows};

pub mod verify;

/// How many entries are read at once of a trail that is taken along.
const AT_ONCE: u32 = 200;

/// A search that is taken along, part by part; it holds no more than one.
pub struct Export {
    flows: Arc<Flows>,
    act: Act,
    filter: AuditFilter,
    after: Option<Uuid>,
    is_over: bool,
}

/// Finds entries, newest first.
///
/// # Errors
/// A fault when the store is away.
pub async fn find(
    flows: &Flows,
    act: &Act,
    filter: AuditFilter,
    page: PageRequest,
) -> Result<Page<AuditRow>, Rejection> {
    let found = flows.audit.find_audit(act.tenant.id, filter, page);
    Ok(act.wait(found).await?)
}

/// Loads an entry.
///
/// # Errors
/// 404 when there is none of this number; or a fault.
pub async fn get(flows: &Flows, act: &Act, seq: i64) -> Result<AuditRow, Rejection> {
    let found = flows.audit.load_audit(act.tenant.id, seq);
    let found = act.wait(found).await?;
    Ok(found.ok_or_else(|| not_found("entry"))?)
}

/// Lists the checkpoints, newest first.
///
/// # Errors
/// A fault when the store is away.
pub async fn checkpoints(
    flows: &Flows,
    act: &Act,
    page: PageRequest,
) -> Result<Page<Checkpoint>, Rejection> {
    let listed = flows.checkpoints.list_checkpoints(act.tenant.id, page);
    Ok(act.wait(listed).await?)
}

/// Begins to take a search along, and writes that down. What is asked for is named by its kinds alone: a filter
/// is whatever somebody typed.
///
/// # Errors
/// A fault when the store is away.
pub async fn export(
    flows: &Arc<Flows>,
    act: &Act,
    filter: AuditFilter,
) -> Result<Export, Rejection> {
    let entry = act.entry(EventKind::AuditExported).with(named(&filter));
    act.wait(flows.audit.append(vec![entry])).await?;
    Ok(Export {
        flows: Arc::clone(flows),
        act: act.clone(),
        filter,
        after: None,
        is_over: false,
    })
}

fn named(filter: &AuditFilter) -> Value {
    let kinds = [
        ("user", filter.subject.is_some()),
        ("client", filter.client.is_some()),
        ("actor", filter.actor.is_some()),
        ("event", filter.event.is_some()),
        ("outcome", filter.success.is_some()),
        ("from", filter.from.is_some()),
        ("to", filter.until.is_some()),
    ];
    let kinds = kinds.iter().filter(|(_, is_asked)| *is_asked);
    json!({ "filtered_by": kinds.map(|(kind, _)| *kind).collect::<Vec<_>>() })
}

// === impl Export ===

impl Export {
    /// Gives the next part, newest first; `None` after the last.
    ///
    /// # Errors
    /// A fault when the store is away.
    pub async fn next(&mut self) -> Result<Option<Vec<AuditRow>>, Fault> {
        if self.is_over {
            return Ok(None);
        }
        let tenant = self.act.tenant.id;
        let read = self
            .flows
            .audit
            .read_audit(tenant, self.filter.clone(), self.after, AT_ONCE);
        let rows = read.await?;
        self.after = rows.last().map(AuditRow::cursor);
        self.is_over = rows.len() < usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        Ok(Some(rows).filter(|rows| !rows.is_empty()))
    }
}
