//! /console/users/{id}/identities/…: what other issuers call an account's owner, which its page shows, and ending
//! that. Flow: [`identities`].

use domain::identity::ExternalIdentity;
use domain::rejection::Rejection;
use domain::user::User;

use super::{AREA, load, place_of};
use crate::flow::admin::users::identities::{self, id_of};
use crate::http::endpoint::console::{Deed, Done, Later, Question, Seat, deeds};
use crate::http::endpoint::not_found;
use crate::http::page::sheet::{Cell, Part, Table};

static UNLINK: Deed = Deed {
    area: AREA,
    ask: whether_to_unlink,
    act: unlink_one,
};

deeds![ask_unlink unlink UNLINK];

/// Shows what an account is linked to.
///
/// # Errors
/// A fault.
pub(super) async fn parts(seat: &Seat, user: &User) -> Result<Vec<Part>, Rejection> {
    let all = identities::list(seat.flows(), seat.act(), user.id).await?;
    let here = format!("{}/identities", place_of(user));
    let rows = all.iter().map(|identity| row(seat, &here, identity));
    Ok(vec![
        Part::Heading("What it is linked to".to_owned()),
        Part::Table(Table {
            caption: "Linked accounts",
            heads: vec!["Provider", "Name there", "Linked", ""],
            rows: rows.collect(),
            empty: "It is linked to no account elsewhere.",
        }),
    ])
}

fn row(seat: &Seat, here: &str, identity: &ExternalIdentity) -> Vec<Cell> {
    let (issuer, subject) = (&identity.issuer, &identity.subject);
    vec![
        Cell::code(issuer),
        Cell::code(subject),
        Cell::When(seat.when(identity.created_at)),
        Cell::link(
            format!("{here}/{}/unlink", id_of(identity)),
            format!("Unlink {subject} of {issuer}"),
        ),
    ]
}

fn named(seat: &Seat) -> &str {
    seat.call.client.as_deref().unwrap_or_default()
}

fn whether_to_unlink(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let user = load(seat).await?;
        let all = identities::list(seat.flows(), seat.act(), user.id).await?;
        let identity = all.iter().find(|identity| id_of(identity) == named(seat));
        let identity = identity.ok_or_else(not_found)?;
        Ok(Question {
            heading: format!("Unlink this account of {}?", user.name),
            text: format!(
                "{} of {}: what that provider says is no more about {}, who is told by mail.",
                identity.subject,
                identity.issuer,
                user.email.as_str(),
            ),
            inputs: Vec::new(),
            button: "Unlink the account",
            is_danger: true,
        })
    })
}

fn unlink_one(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let user = load(seat).await?;
        identities::unlink(seat.flows(), seat.act(), user.id, named(seat)).await?;
        Ok(Done::Go(place_of(&user), "unlinked"))
    })
}
