//! /console/roles: roles, policies, who has which role, and why somebody may do something. Flows:
//! [`rbac`].

use domain::page::{PageRequest, PageStart};
use domain::role::{BUILT_IN, Policy, Role};
use http::StatusCode;

use super::{Later, Seat, Shown, look};
use crate::flow::admin::rbac::{self, Check, Checked};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::sheet::{Cell, Form, Input, Part, Table};
use crate::http::render::Reply;

pub(in crate::http) mod deeds;

const AREA: &str = "rbac";
const HERE: &str = "/console/roles";
/// What the list of policies is called, as JSON has it, so that cursors are the same.
const PLURAL: &str = "policies";

/// Shows roles and policies.
pub(in crate::http) fn list(call: Call) -> Answer {
    look(call, AREA, list_page)
}

/// Explains a decision.
pub(in crate::http) fn explain(call: Call) -> Answer {
    look(call, AREA, explain_page)
}

fn list_page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let rules = rbac::rules(seat.flows(), seat.act());
        let list = seat.call.list(PLURAL);
        let cursor = seat.given("cursor");
        let page = match cursor.as_deref() {
            Some(cursor) => list.page_after(Some(cursor))?,
            None => PageRequest {
                start: PageStart::Number(1),
                per_page: 50,
            },
        };
        let policies = rbac::list_policies(seat.flows(), seat.act(), None, page);
        let next = list.next_of(&policies);
        let mut rows: Vec<Vec<Cell>> = BUILT_IN.iter().map(|name| built_in(name)).collect();
        rows.extend(rules.roles().map(role_row));
        let go = |to: &str, label: &str| (format!("{HERE}/{to}"), label.to_owned());
        let mut acts = vec![go("policies/new", "Make a policy")];
        if let Some(cursor) = next {
            acts.insert(
                0,
                (
                    format!("{HERE}?cursor={cursor}"),
                    "More policies".to_owned(),
                ),
            );
        }
        let parts = vec![
            Part::Acts(vec![
                go("new", "Make a role"),
                go("grant", "Give somebody a role"),
                go("revoke", "Take a role from somebody"),
                go("explain", "Explain a decision"),
            ]),
            Part::Table(Table {
                caption: "Roles",
                heads: vec!["Role", "For", "Inherits", ""],
                rows,
                empty: "",
            }),
            Part::Heading("Policies".to_owned()),
            Part::Table(Table {
                caption: "Policies",
                heads: vec!["Subject", "Object", "Action", "Made", ""],
                rows: policies
                    .items
                    .iter()
                    .map(|one| policy_row(seat, one))
                    .collect(),
                empty: "There are no policies: only the role admin opens this door.",
            }),
            Part::Acts(acts),
        ];
        let shown = Shown {
            heading: "Roles",
            lead: "A policy allows a role, an account or a client an action on an object. Nothing forbids.",
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

fn built_in(name: &str) -> Vec<Cell> {
    vec![
        Cell::code(name),
        Cell::text("There from the start"),
        Cell::text(""),
        Cell::text(""),
    ]
}

fn role_row(role: &Role) -> Vec<Cell> {
    let delete = format!("{HERE}/{}/delete", role.name);
    vec![
        Cell::code(&role.name),
        Cell::text(&role.description),
        Cell::text(role.inherits.join(", ")),
        Cell::link(delete, format!("Delete {}", role.name)),
    ]
}

fn policy_row(seat: &Seat, policy: &Policy) -> Vec<Cell> {
    let delete = format!("{HERE}/policies/{}/delete", policy.id);
    let label = format!("Take back from {}", policy.subject);
    vec![
        Cell::code(&policy.subject),
        Cell::code(policy.object.as_str()),
        Cell::code(policy.action.as_str()),
        Cell::When(seat.when(policy.created_at)),
        Cell::link(delete, label),
    ]
}

fn explain_page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let given = |name: &str| seat.given(name).unwrap_or_default();
        let message = Check {
            subject: given("subject"),
            object: given("object"),
            action: given("action"),
        };
        let mut parts = vec![Part::Filter(Form {
            action: format!("{HERE}/explain"),
            inputs: vec![
                Input::line("subject", "Who")
                    .with(&message.subject)
                    .hint("A role, or user: or client: and an id."),
                Input::line("object", "On what").with(&message.object),
                Input::line("action", "To do what").with(&message.action),
            ],
            button: "Explain",
            ..Form::default()
        })];
        if !message.subject.is_empty() {
            let said = format!(
                "{} / {} / {}",
                message.subject, message.action, message.object
            );
            let checked = rbac::check(seat.flows(), seat.act(), message).await?;
            parts.push(Part::Heading(said));
            parts.push(Part::Facts(told(&checked)));
        }
        let shown = Shown {
            heading: "Explain a decision",
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

fn told(checked: &Checked) -> Vec<(&'static str, Cell)> {
    let Some(why) = &checked.why else {
        return vec![(
            "Decision",
            Cell::Bad("not allowed: no policy allows it".to_owned()),
        )];
    };
    let policy = why.policy.as_ref().map_or_else(
        || "the role admin is allowed everything".to_owned(),
        |one| {
            format!(
                "{} may {} on {}",
                one.subject,
                one.action.as_str(),
                one.object.as_str()
            )
        },
    );
    vec![
        ("Decision", Cell::Mark("allowed".to_owned())),
        ("Because of", Cell::code(&why.subject)),
        ("Steps of inheritance", Cell::text(why.distance)),
        ("Policy", Cell::text(policy)),
    ]
}
