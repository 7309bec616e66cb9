//! /console/users: accounts, each with where it is signed in. Flows: [`users`] and [`factors`].

use domain::id::UserId;
use domain::rejection::Rejection;
use domain::user::{COUNTED_USERS, User, UserFilter, UserStatus};
use http::StatusCode;

use super::{Later, Seat, Shown, look};
use crate::flow::admin::factors;
use crate::flow::admin::users::{self, ListUsers};
use crate::flow::mfa::Status;
use crate::http::endpoint::{Answer, Call};
use crate::http::page::sheet::{Cell, Form, Input, Part, Table};
use crate::http::render::Reply;

pub(in crate::http) mod deeds;
pub(in crate::http) mod identities;
pub(in crate::http) mod sessions;

const AREA: &str = "users";
const HERE: &str = "/console/users";
/// What the list is called, as JSON has it, so that cursors are the same.
const PLURAL: &str = "users";

/// Lists accounts.
pub(in crate::http) fn list(call: Call) -> Answer {
    look(call, AREA, list_page)
}

/// Shows an account.
pub(in crate::http) fn show(call: Call) -> Answer {
    look(call, AREA, one_page)
}

fn list_page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let list = seat.call.list(PLURAL);
        let cursor = seat.given("cursor");
        let message = ListUsers {
            filter: UserFilter {
                search: seat.given("search"),
                status: seat.given("status").as_deref().and_then(status_of),
                role: seat.given("role"),
                ..UserFilter::default()
            },
            page: list.page_after(cursor.as_deref())?,
        };
        let found = users::list(seat.flows(), seat.act(), message).await?;
        let next = list.next_of(&found);
        let rows = found.items.iter().map(|user| row(seat, user)).collect();
        let mut parts = vec![
            Part::Filter(filter(seat)),
            Part::Note(counted(found.total)),
            Part::Table(Table {
                caption: "Accounts",
                heads: vec!["E-mail address", "Name", "Status", "Roles", "Made"],
                rows,
                empty: "Nobody is found.",
            }),
        ];
        let mut acts = vec![(format!("{HERE}/new"), "Make an account".to_owned())];
        if let Some(cursor) = next {
            let further = seat.further(HERE, &["search", "status", "role"], &cursor);
            acts.insert(0, (further, "Next page".to_owned()));
        }
        parts.push(Part::Acts(acts));
        let shown = Shown {
            heading: "Users",
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

/// Says how many there are, as far as they are counted.
fn counted(total: u64) -> String {
    if total > u64::from(COUNTED_USERS) {
        return format!("More than {COUNTED_USERS} found.");
    }
    format!("{total} found.")
}

/// The words of a status, and how each is called.
const STATUSES: [(&str, &str); 5] = [
    ("", "Any"),
    ("active", "Active"),
    ("locked", "Locked"),
    ("suspended", "Suspended"),
    ("deleted", "Deleted by its owner"),
];

fn status_of(word: &str) -> Option<UserStatus> {
    let known = STATUSES.iter().find(|(known, _)| *known == word);
    known.map(|(word, _)| UserStatus::from_stored(word))
}

fn filter(seat: &Seat) -> Form {
    let given = |name: &str| seat.given(name).unwrap_or_default();
    Form {
        action: HERE.to_owned(),
        inputs: vec![
            Input::line("search", "Address or name begins with")
                .or_nothing()
                .of_type("search")
                .with(given("search")),
            Input::choice("status", "Status", &STATUSES).with(given("status")),
            Input::line("role", "Role").or_nothing().with(given("role")),
        ],
        button: "Search",
        ..Form::default()
    }
}

fn row(seat: &Seat, user: &User) -> Vec<Cell> {
    vec![
        Cell::link(format!("{HERE}/{}", user.id), user.email.as_str()),
        Cell::text(&user.name),
        status_cell(user.status),
        Cell::text(user.roles.join(", ")),
        Cell::When(seat.when(user.created_at)),
    ]
}

fn status_cell(status: UserStatus) -> Cell {
    let word = status.as_str().to_owned();
    if status == UserStatus::Active {
        return Cell::Mark(word);
    }
    Cell::Bad(word)
}

/// Loads the account that the path names.
async fn load(seat: &Seat) -> Result<User, Rejection> {
    let id: UserId = seat.call.id()?;
    users::get(seat.flows(), seat.act(), id).await
}

/// Gives the page of an account.
fn place_of(user: &User) -> String {
    format!("{HERE}/{}", user.id)
}

fn one_page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let user = load(seat).await?;
        let status = factors::status(seat.flows(), seat.act(), user.id).await?;
        let here = place_of(&user);
        let go = |to: &str, label: &str| (format!("{here}/{to}"), label.to_owned());
        let lock = match user.status {
            UserStatus::Active => go("lock", "Lock"),
            _ => go("unlock", "Open again"),
        };
        let mut parts = vec![
            Part::Facts(facts(seat, &user, &status)),
            Part::Acts(vec![
                go("edit", "Change"),
                lock,
                go("reset-mfa", "Take away its second factors"),
                go("delete", "Delete"),
            ]),
        ];
        parts.extend(sessions::parts(seat, &user).await?);
        parts.extend(identities::parts(seat, &user).await?);
        let shown = Shown {
            heading: &user.name,
            lead: user.email.as_str(),
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

fn facts(seat: &Seat, user: &User, status: &Status) -> Vec<(&'static str, Cell)> {
    let said = |is_so: bool| Cell::text(if is_so { "yes" } else { "no" });
    let app = status.app.unwrap_or_default();
    let factors = format!(
        "{}{} passkeys, {} backup codes",
        if app { "an app, " } else { "" },
        status.passkeys,
        status.backup_codes,
    );
    let mut facts = vec![
        ("Id", Cell::code(user.id)),
        ("Status", status_cell(user.status)),
        ("Address confirmed", said(user.email_verified)),
        ("Roles", Cell::text(user.roles.join(", "))),
        ("Second factors", Cell::text(factors)),
        ("Made", Cell::When(seat.when(user.created_at))),
        ("Last changed", Cell::When(seat.when(user.updated_at))),
    ];
    if let Some(reason) = &user.locked_reason {
        facts.insert(2, ("Locked because", Cell::text(reason)));
    }
    if let Some(at) = user.erase_at {
        facts.insert(2, ("Is erased", Cell::When(seat.when(at))));
    }
    if user.password_compromised {
        facts.push(("Password", Cell::Bad("known to others".to_owned())));
    }
    facts
}
