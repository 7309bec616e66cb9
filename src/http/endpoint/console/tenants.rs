//! /console/tenants: every tenant, for operators of the default one alone. Flow: [`tenants`].
//!
//! What a tenant chooses is shown as the API has it, and changed there.

use std::sync::Arc;

use domain::rejection::{Refusal, Rejection};
use domain::tenant::{Tenant, TenantConfig, TenantFilter, TenantStatus};
use domain::time::UnixMillis;
use http::StatusCode;
use serde_json::Value;

use super::{Later, Seat, Shown, look};
use crate::flow::admin::tenants::{self, ListTenants};
use crate::flow::issuer::issuer_of;
use crate::http::endpoint::{Answer, Call};
use crate::http::page::sheet::{Cell, Form, Input, Link, Part, Table};
use crate::http::render::Reply;

pub(in crate::http) mod deeds;

const AREA: &str = "tenants";
const HERE: &str = "/console/tenants";
/// What the list is called, as JSON has it, so that cursors are the same.
const PLURAL: &str = "tenants";

/// Lists tenants.
pub(in crate::http) fn list(call: Call) -> Answer {
    look(call, AREA, list_page)
}

/// Shows a tenant.
pub(in crate::http) fn show(call: Call) -> Answer {
    look(call, AREA, one_page)
}

fn list_page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let list = seat.call.list(PLURAL);
        let cursor = seat.given("cursor");
        let message = ListTenants {
            page: list.page_after(cursor.as_deref())?,
            filter: TenantFilter {
                status: seat.given("status").as_deref().and_then(status_of),
                slug: seat.given("slug"),
            },
        };
        let found = tenants::list(seat.flows(), seat.act(), message).await?;
        let next = list.next_of(&found);
        let rows = found.items.iter().map(|tenant| row(seat, tenant)).collect();
        let mut acts = vec![(format!("{HERE}/new"), "Make a tenant".to_owned())];
        if let Some(cursor) = next {
            let further = seat.further(HERE, &["slug", "status"], &cursor);
            acts.insert(0, (further, "Next page".to_owned()));
        }
        let parts = vec![
            Part::Filter(filter_form(seat)),
            Part::Note(format!("{} found.", found.total)),
            Part::Table(Table {
                caption: "Tenants",
                heads: vec!["Name", "Slug", "Status", "Made", "Is erased"],
                rows,
                empty: "There are no such tenants.",
            }),
            Part::Acts(acts),
        ];
        let shown = Shown {
            heading: "Tenants",
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

/// The words of a status, and how each is called.
const STATUSES: [(&str, &str); 4] = [
    ("", "Any"),
    ("active", "Active"),
    ("suspended", "Suspended"),
    ("deleted", "Deleted"),
];

fn status_of(word: &str) -> Option<TenantStatus> {
    let known = STATUSES.iter().find(|(known, _)| *known == word);
    known.map(|(word, _)| TenantStatus::from_stored(word))
}

fn filter_form(seat: &Seat) -> Form {
    let given = |name: &str| seat.given(name).unwrap_or_default();
    Form {
        action: HERE.to_owned(),
        inputs: vec![
            Input::line("slug", "Slug begins with")
                .or_nothing()
                .of_type("search")
                .with(given("slug")),
            Input::choice("status", "Status", &STATUSES).with(given("status")),
        ],
        button: "Search",
        ..Form::default()
    }
}

fn row(seat: &Seat, tenant: &Tenant) -> Vec<Cell> {
    vec![
        Cell::link(place_of(tenant), &tenant.name),
        Cell::code(&tenant.slug),
        status_cell(tenant),
        Cell::When(seat.when(tenant.created_at)),
        erasure_cell(seat, tenant),
    ]
}

fn status_cell(tenant: &Tenant) -> Cell {
    let word = tenant.status.as_str().to_owned();
    if tenant.status == TenantStatus::Active {
        return Cell::Mark(word);
    }
    Cell::Bad(word)
}

fn erasure_cell(seat: &Seat, tenant: &Tenant) -> Cell {
    match tenant.erase_at {
        None => Cell::text("–"),
        Some(day) if day == UnixMillis::default() => Cell::Bad("now".to_owned()),
        Some(day) => Cell::When(seat.when(day)),
    }
}

/// Loads the tenant that the path names, for who looks after all of them.
fn load(seat: &Seat) -> Result<Arc<Tenant>, Rejection> {
    require_default(seat)?;
    let name: String = seat.call.id()?;
    Ok(tenants::get(seat.flows(), seat.act(), &name)?)
}

fn require_default(seat: &Seat) -> Result<(), Refusal> {
    tenants::require_default(seat.flows(), seat.act())
}

/// Gives the page of a tenant.
fn place_of(tenant: &Tenant) -> String {
    format!("{HERE}/{}", tenant.slug)
}

fn one_page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let tenant = load(seat)?;
        let mut parts = vec![Part::Facts(facts(seat, &tenant))];
        parts.push(match acts(seat, &tenant) {
            acts if acts.is_empty() => Part::Note(STAYS_OPEN.to_owned()),
            acts => Part::Acts(acts),
        });
        parts.push(Part::Heading("What it chooses".to_owned()));
        parts.push(Part::Table(Table {
            caption: "Choices",
            heads: vec!["Choice", "Value"],
            rows: choices(&tenant.config),
            empty: "Nothing: everything is as the service has it.",
        }));
        let shown = Shown {
            heading: &tenant.name,
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

const STAYS_OPEN: &str =
    "The default tenant is where operators are: it is not suspended and not deleted.";

fn acts(seat: &Seat, tenant: &Tenant) -> Vec<Link> {
    let here = place_of(tenant);
    let go = |to: &str, label: &str| (format!("{here}/{to}"), label.to_owned());
    if tenant.id == seat.act().tenant.id {
        return Vec::new();
    }
    match tenant.status {
        TenantStatus::Active => vec![go("suspend", "Suspend"), go("delete", "Delete")],
        TenantStatus::Suspended => vec![go("activate", "Open again"), go("delete", "Delete")],
        TenantStatus::Deleted => vec![go("restore", "Restore")],
    }
}

fn facts(seat: &Seat, tenant: &Tenant) -> Vec<(&'static str, Cell)> {
    let issuer = issuer_of(&seat.flows().settings, tenant);
    let mut facts = vec![
        ("Id", Cell::code(tenant.id)),
        ("Slug", Cell::code(&tenant.slug)),
        ("Status", status_cell(tenant)),
        ("Issuer", Cell::code(issuer)),
        ("Made", Cell::When(seat.when(tenant.created_at))),
        ("Changes", Cell::text(tenant.version.saturating_sub(1))),
    ];
    if tenant.erase_at.is_some() {
        facts.insert(3, ("Is erased", erasure_cell(seat, tenant)));
    }
    facts
}

/// Gives what a tenant chose otherwise than the service has it.
fn choices(config: &TenantConfig) -> Vec<Vec<Cell>> {
    let members = |config: &TenantConfig| match serde_json::to_value(config) {
        Ok(Value::Object(members)) => members,
        _ => serde_json::Map::new(),
    };
    let usual = members(&TenantConfig::default());
    let chosen = members(config).into_iter();
    let chosen = chosen.filter(|(name, value)| usual.get(name) != Some(value));
    chosen
        .map(|(name, value)| vec![Cell::code(name), Cell::code(value)])
        .collect()
}
