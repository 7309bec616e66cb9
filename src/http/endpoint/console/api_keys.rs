//! /console/apikeys: long-lived credentials: whose they are, what they open, until when, and when they were
//! used last. Flow: [`api_keys`].

use std::num::NonZeroU32;

use domain::api_key::{ApiKey, ApiKeyFilter};
use domain::rejection::Rejection;
use domain::time::UnixMillis;
use http::StatusCode;

use super::{Later, Seat, Shown, look};
use crate::flow::admin::api_keys;
use crate::http::endpoint::{Answer, Call};
use crate::http::page::sheet::{Cell, Form, Input, Part, Table};
use crate::http::render::Reply;

pub(in crate::http) mod deeds;

const AREA: &str = "apikeys";
const HERE: &str = "/console/apikeys";
/// What the list is called, as JSON has it, so that cursors are the same.
const PLURAL: &str = "apikeys";

/// Lists API keys.
pub(in crate::http) fn list(call: Call) -> Answer {
    look(call, AREA, list_page)
}

/// Shows an API key, never what it is.
pub(in crate::http) fn show(call: Call) -> Answer {
    look(call, AREA, one_page)
}

fn list_page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let list = seat.call.list(PLURAL);
        let cursor = seat.given("cursor");
        let page = list.page_after(cursor.as_deref())?;
        let filter = ApiKeyFilter {
            client: seat.given("client_id"),
            live: wanted(seat).map(|live| (live, seat.act().now)),
        };
        let found = api_keys::list(seat.flows(), seat.act(), filter, page).await?;
        let next = list.next_of(&found);
        let rows = found.items.iter().map(|key| row(seat, key)).collect();
        let mut acts = vec![(format!("{HERE}/new"), "Make an API key".to_owned())];
        if let Some(cursor) = next {
            let further = seat.further(HERE, &["client_id", "live"], &cursor);
            acts.insert(0, (further, "Next page".to_owned()));
        }
        let parts = vec![
            Part::Filter(filter_form(seat)),
            Part::Note(format!("{} found.", found.total)),
            Part::Table(Table {
                caption: "API keys",
                heads: vec![
                    "Name",
                    "Begins with",
                    "Client",
                    "Scopes",
                    "State",
                    "Last used",
                    "Works until",
                ],
                rows,
                empty: "There are no such API keys.",
            }),
            Part::Acts(acts),
        ];
        let shown = Shown {
            heading: "API keys",
            lead: "What services and operators show instead of signing in. A key is shown once, when it is \
                   made or rotated.",
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

/// The words of a state, and how each is called.
const STATES: [(&str, &str); 3] = [
    ("", "Any"),
    ("true", "Live"),
    ("false", "Expired or revoked"),
];

fn wanted(seat: &Seat) -> Option<bool> {
    seat.given("live").and_then(|word| word.parse().ok())
}

fn filter_form(seat: &Seat) -> Form {
    let given = |name: &str| seat.given(name).unwrap_or_default();
    Form {
        action: HERE.to_owned(),
        inputs: vec![
            Input::line("client_id", "Client")
                .or_nothing()
                .with(given("client_id")),
            Input::choice("live", "State", &STATES).with(given("live")),
        ],
        button: "Search",
        ..Form::default()
    }
}

fn row(seat: &Seat, key: &ApiKey) -> Vec<Cell> {
    vec![
        Cell::link(place_of(key), &key.name),
        Cell::code(&key.visible_prefix),
        client_cell(key),
        Cell::text(&key.scopes),
        state_cell(seat, key),
        at_or(seat, key.last_used_at, "never"),
        at_or(seat, key.expires_at, "for good"),
    ]
}

fn client_cell(key: &ApiKey) -> Cell {
    match &key.client {
        Some(client) => Cell::code(client),
        None => Cell::text("an operator's own"),
    }
}

fn state_cell(seat: &Seat, key: &ApiKey) -> Cell {
    if key.is_live(seat.act().now) {
        return Cell::Mark("live".to_owned());
    }
    let is_revoked = key.revoked_at.is_some();
    Cell::Bad(if is_revoked { "revoked" } else { "expired" }.to_owned())
}

fn at_or(seat: &Seat, at: Option<UnixMillis>, otherwise: &str) -> Cell {
    match at {
        Some(at) => Cell::When(seat.when(at)),
        None => Cell::text(otherwise),
    }
}

/// Loads the key that the path names.
async fn load(seat: &Seat) -> Result<ApiKey, Rejection> {
    api_keys::get(seat.flows(), seat.act(), seat.call.id()?).await
}

/// Gives the page of a key.
fn place_of(key: &ApiKey) -> String {
    format!("{HERE}/{}", key.id)
}

fn one_page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let key = load(seat).await?;
        let here = place_of(&key);
        let go = |to: &str, label: &str| (format!("{here}/{to}"), label.to_owned());
        let mut parts = vec![Part::Facts(facts(seat, &key))];
        if key.is_live(seat.act().now) {
            parts.push(Part::Acts(vec![
                go("edit", "Change"),
                go("rotate", "Rotate"),
                go("revoke", "Revoke"),
            ]));
        }
        let shown = Shown {
            heading: &key.name,
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

fn facts(seat: &Seat, key: &ApiKey) -> Vec<(&'static str, Cell)> {
    let limit = key.rate_limit.map(NonZeroU32::get);
    let limit = limit.map_or_else(
        || "as often as anybody".to_owned(),
        |limit| format!("{limit} requests a minute"),
    );
    let mut facts = vec![
        ("Id", Cell::code(key.id)),
        ("Begins with", Cell::code(&key.visible_prefix)),
        ("State", state_cell(seat, key)),
        ("Client", client_cell(key)),
        ("Scopes", Cell::text(&key.scopes)),
        ("May be used", Cell::text(limit)),
        ("Last used", at_or(seat, key.last_used_at, "never")),
        ("Works until", at_or(seat, key.expires_at, "for good")),
        ("Made", Cell::When(seat.when(key.created_at))),
    ];
    if let Some(at) = key.revoked_at {
        facts.push(("Revoked", Cell::When(seat.when(at))));
    }
    let former = key.superseded.as_ref().map(|former| former.works_until);
    if let Some(until) = former.filter(|until| seat.act().now < *until) {
        facts.push(("The one before works until", Cell::When(seat.when(until))));
    }
    facts
}
