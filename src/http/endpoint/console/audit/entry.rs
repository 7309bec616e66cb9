//! /console/audit/{id}: one entry, with all that it keeps.

use form_urlencoded::Serializer;
use http::StatusCode;
use serde_json::Value;
use store::port::audit::AuditRow;

use super::{AREA, HERE};
use crate::flow::admin::audit;
use crate::http::endpoint::admin::audit::hexadecimal;
use crate::http::endpoint::console::{Later, Seat, Shown, look};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::sheet::{Cell, Link, Part, Table};
use crate::http::render::Reply;

/// Shows an entry.
pub(in crate::http) fn show(call: Call) -> Answer {
    look(call, AREA, page)
}

fn page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let row = audit::get(seat.flows(), seat.act(), seat.call.id()?).await?;
        let event = text_of(&row, "event").unwrap_or_default();
        let parts = vec![
            Part::Facts(facts(seat, &row)),
            Part::Table(Table {
                caption: "Details",
                heads: vec!["Detail", "Value"],
                rows: details(&row),
                empty: "Nothing else was worth keeping.",
            }),
            Part::Acts(acts(&row)),
        ];
        let shown = Shown {
            heading: event,
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

/// Fields of an entry that are texts, and how each is called.
const TEXTS: [(&str, &str); 6] = [
    ("subject", "To whom"),
    ("client_id", "Client"),
    ("session_id", "Sign-in"),
    ("address", "From"),
    ("user_agent", "With"),
    ("request_id", "Request"),
];

fn facts(seat: &Seat, row: &AuditRow) -> Vec<(&'static str, Cell)> {
    let mut facts = vec![
        ("Entry", Cell::text(row.seq)),
        ("When", Cell::When(seat.when(row.at))),
        ("Outcome", outcome_cell(row)),
        ("By whom", actor_cell(row)),
    ];
    let texts = TEXTS.iter();
    facts.extend(texts.filter_map(|(name, label)| Some((*label, Cell::code(text_of(row, name)?)))));
    let place = row.chain_no.zip(row.seal);
    match place {
        None => facts.push(("Place in the chain", Cell::text("not sealed yet"))),
        Some((place, seal)) => {
            facts.push(("Place in the chain", Cell::text(place)));
            facts.push(("Seal", Cell::code(hexadecimal(&seal))));
        }
    }
    facts
}

fn details(row: &AuditRow) -> Vec<Vec<Cell>> {
    let detail = row.fields.get("detail").and_then(Value::as_object);
    let members = detail.into_iter().flatten();
    members
        .map(|(name, value)| {
            let text = value.as_str().map(str::to_owned);
            let text = text.unwrap_or_else(|| value.to_string());
            vec![Cell::code(name), Cell::code(text)]
        })
        .collect()
}

/// Leads to what else happened to whom, and what else they did.
fn acts(row: &AuditRow) -> Vec<Link> {
    let find = |name: &str, value: &str| {
        let mut query = Serializer::new(String::new());
        query.append_pair(name, value);
        format!("{HERE}?{}", query.finish())
    };
    let mut acts = vec![(HERE.to_owned(), "The trail".to_owned())];
    if let Some(subject) = text_of(row, "subject") {
        let label = "What else happened to it".to_owned();
        acts.push((find("user", subject), label));
    }
    if let Some(actor) = text_of(row, "actor_id") {
        let label = "What else was done by whoever did it".to_owned();
        acts.push((find("actor", actor), label));
    }
    acts
}

/// Gives a field of an entry that is a text.
pub(super) fn text_of<'a>(row: &'a AuditRow, name: &str) -> Option<&'a str> {
    row.fields.get(name).and_then(Value::as_str)
}

pub(super) fn outcome_cell(row: &AuditRow) -> Cell {
    if row.fields.get("success") == Some(&Value::Bool(true)) {
        return Cell::Mark("success".to_owned());
    }
    Cell::Bad("failure".to_owned())
}

pub(super) fn actor_cell(row: &AuditRow) -> Cell {
    let kind = text_of(row, "actor_type").unwrap_or_default();
    match text_of(row, "actor_id") {
        Some(id) => Cell::code(format!("{kind} {id}")),
        None => Cell::text(kind),
    }
}
