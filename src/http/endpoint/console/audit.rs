//! /console/audit: the audit trail, searched, taken along, and how far it was signed. Flow: [`audit`].

use domain::rejection::{Refusal, Rejection};
use http::StatusCode;
use store::port::audit::{AuditRow, COUNTED};
use store::port::checkpoints::Checkpoint;

use super::{Later, Seat, Shown, look, told};
use crate::flow::admin::audit;
use crate::http::endpoint::admin::audit::{CHECKPOINTS, ENTRIES, hexadecimal, render_lines};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::sheet::{Cell, Link, Part, Table};
use crate::http::render::Reply;

pub(in crate::http) mod entry;
mod search;

use entry::text_of;

const AREA: &str = "audit";
const HERE: &str = "/console/audit";

/// Finds entries.
pub(in crate::http) fn list(call: Call) -> Answer {
    look(call, AREA, list_page)
}

/// Gives a search whole, one entry a line; that this was asked for is written down.
pub(in crate::http) fn export(call: Call) -> Answer {
    look(call, AREA, take_along)
}

/// Lists the checkpoints.
pub(in crate::http) fn checkpoints(call: Call) -> Answer {
    look(call, AREA, checkpoints_page)
}

fn list_page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let filter = match search::read(seat).await {
            Ok(filter) => filter,
            Err(Rejection::Refused(refusal)) => return Ok(refused(seat, refusal)),
            Err(failed) => return Err(failed),
        };
        let list = seat.call.list(ENTRIES);
        let cursor = seat.given("cursor");
        let page = list.page_after(cursor.as_deref())?;
        let found = audit::find(seat.flows(), seat.act(), filter, page).await?;
        let rows = found.items.iter().map(|row| row_of(seat, row)).collect();
        let mut acts = acts(seat);
        if let Some(cursor) = list.next_of(&found) {
            let further = seat.further(HERE, &search::NAMES, &cursor);
            acts.insert(0, (further, "Next page".to_owned()));
        }
        let parts = vec![
            Part::Filter(search::form(seat)),
            Part::Note(counted(found.total)),
            Part::Table(Table {
                caption: "Entries",
                heads: vec!["What", "When", "Outcome", "To whom", "By whom", "Client"],
                rows,
                empty: "Nothing like that happened.",
            }),
            Part::Acts(acts),
        ];
        let shown = Shown {
            heading: "Audit trail",
            lead: LEAD,
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

const LEAD: &str =
    "Who did what to whom, newest first. It names accounts by their ids and holds no secret.";

/// Shows the form again, with what was wrong.
fn refused(seat: &Seat, refusal: Refusal) -> Reply {
    let (status, problem, details) = told(refusal);
    let shown = Shown {
        heading: "Audit trail",
        lead: LEAD,
        problem: &problem,
        details: &details,
        parts: vec![Part::Filter(search::form(seat))],
        ..Shown::default()
    };
    seat.show(status, &shown)
}

fn counted(total: u64) -> String {
    if total >= u64::from(COUNTED) {
        return format!("{COUNTED} or more found.");
    }
    format!("{total} found.")
}

fn acts(seat: &Seat) -> Vec<Link> {
    let export = seat.narrowed(&format!("{HERE}/export"), &search::NAMES);
    vec![
        (export, "Take these along, as JSON lines".to_owned()),
        (format!("{HERE}/checkpoints"), "Checkpoints".to_owned()),
    ]
}

fn row_of(seat: &Seat, row: &AuditRow) -> Vec<Cell> {
    let code = |name: &str| match text_of(row, name) {
        Some(text) => Cell::code(text),
        None => Cell::text("–"),
    };
    let event = text_of(row, "event").unwrap_or_default();
    vec![
        Cell::link(format!("{HERE}/{}", row.seq), event),
        Cell::When(seat.when(row.at)),
        entry::outcome_cell(row),
        code("subject"),
        entry::actor_cell(row),
        code("client_id"),
    ]
}

fn take_along(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let filter = search::read(seat).await?;
        let export = audit::export(&seat.call.hall.flows, seat.act(), filter).await?;
        Ok(render_lines(export))
    })
}

fn checkpoints_page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let list = seat.call.list(CHECKPOINTS);
        let cursor = seat.given("cursor");
        let page = list.page_after(cursor.as_deref())?;
        let listed = audit::checkpoints(seat.flows(), seat.act(), page).await?;
        let here = format!("{HERE}/checkpoints");
        let mut acts = vec![(HERE.to_owned(), "The trail".to_owned())];
        if let Some(cursor) = list.next_of(&listed) {
            let further = seat.further(&here, &[], &cursor);
            acts.insert(0, (further, "Next page".to_owned()));
        }
        let parts = vec![
            Part::Table(Table {
                caption: "Checkpoints",
                heads: vec!["Up to", "When", "Seal", "Signature", "Before it"],
                rows: listed
                    .items
                    .iter()
                    .map(|one| checkpoint_row(seat, one))
                    .collect(),
                empty: "Nothing was sealed yet.",
            }),
            Part::Acts(acts),
        ];
        let shown = Shown {
            heading: "Checkpoints",
            lead: "How far the trail had come, signed with what is in no store. Keep them elsewhere: “auth-service \
                   audit verify” judges the trail against them and finds whatever was changed, moved or taken \
                   away.",
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

fn checkpoint_row(seat: &Seat, one: &Checkpoint) -> Vec<Cell> {
    let is_purged = one.purged.is_some();
    vec![
        Cell::text(one.head.chain_no),
        Cell::When(seat.when(one.at)),
        Cell::code(hexadecimal(&one.head.seal)),
        Cell::code(hexadecimal(&one.signature)),
        Cell::text(if is_purged {
            "purged when it was old"
        } else {
            "all there"
        }),
    ]
}
