//! /console/users/{id}/sessions/…: where an account is signed in, which its page shows, and ending that.
//! Flow: [`sessions`].

use domain::id::SessionId;
use domain::rejection::{Refusal, Rejection};
use domain::session::Session;
use domain::user::User;

use super::{AREA, load, place_of};
use crate::flow::admin::users::sessions;
use crate::http::endpoint::console::{Deed, Done, Later, Question, Seat, deeds};
use crate::http::endpoint::not_found;
use crate::http::page::device::describe;
use crate::http::page::sheet::{Cell, Part, Table};

static END: Deed = Deed {
    area: AREA,
    ask: whether_to_end,
    act: end_one,
};
static END_ALL: Deed = Deed {
    area: AREA,
    ask: whether_to_end_all,
    act: end_every,
};

deeds![ask_end end END, ask_end_all end_all END_ALL];

/// Shows where an account is signed in.
///
/// # Errors
/// A fault.
pub(super) async fn parts(seat: &Seat, user: &User) -> Result<Vec<Part>, Rejection> {
    let live = sessions::list(seat.flows(), seat.act(), user.id).await?;
    let here = format!("{}/sessions", place_of(user));
    let rows = live.iter().map(|session| row(seat, &here, session));
    let mut parts = vec![
        Part::Heading("Where it is signed in".to_owned()),
        Part::Table(Table {
            caption: "Sign-ins",
            heads: vec!["Device", "Address", "Began", "Last used", "Ends", ""],
            rows: rows.collect(),
            empty: "It is signed in nowhere.",
        }),
    ];
    if !live.is_empty() {
        let all = (format!("{here}/end"), "End all its sign-ins".to_owned());
        parts.push(Part::Acts(vec![all]));
    }
    Ok(parts)
}

fn row(seat: &Seat, here: &str, session: &Session) -> Vec<Cell> {
    let device = device_of(seat, session);
    vec![
        Cell::text(&device),
        Cell::code(address_of(session)),
        Cell::When(seat.when(session.created_at)),
        Cell::When(seat.when(session.last_active_at)),
        Cell::When(seat.when(session.expires_at)),
        Cell::link(
            format!("{here}/{}/end", session.id),
            format!("End {device}"),
        ),
    ]
}

fn device_of(seat: &Seat, session: &Session) -> String {
    describe(session.user_agent.as_deref(), seat.frame.texts)
}

fn address_of(session: &Session) -> String {
    session
        .address
        .map_or_else(|| "–".to_owned(), |address| address.to_string())
}

/// Reads which sign-in the path names.
fn named(seat: &Seat) -> Result<SessionId, Refusal> {
    let named = seat.call.client.as_deref().unwrap_or_default();
    named.parse().map_err(|_| not_found())
}

fn whether_to_end(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let (user, named) = (load(seat).await?, named(seat)?);
        let live = sessions::list(seat.flows(), seat.act(), user.id).await?;
        let session = live.iter().find(|session| session.id == named);
        let session = session.ok_or_else(not_found)?;
        Ok(Question {
            heading: format!("End this sign-in of {}?", user.name),
            text: format!(
                "{}, {}, since {}: its tokens are refused everywhere within a second.",
                device_of(seat, session),
                address_of(session),
                seat.when(session.created_at).words(),
            ),
            inputs: Vec::new(),
            button: "End the sign-in",
            is_danger: true,
        })
    })
}

fn end_one(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let (user, named) = (load(seat).await?, named(seat)?);
        sessions::end(seat.flows(), seat.act(), user.id, named).await?;
        Ok(Done::Go(place_of(&user), "session"))
    })
}

fn whether_to_end_all(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let user = load(seat).await?;
        Ok(Question {
            heading: format!("End all sign-ins of {}?", user.name),
            text: format!(
                "{} is signed out everywhere within a second, and may sign in again.",
                user.email.as_str(),
            ),
            inputs: Vec::new(),
            button: "End all sign-ins",
            is_danger: true,
        })
    })
}

fn end_every(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let user = load(seat).await?;
        sessions::end_all(seat.flows(), seat.act(), user.id).await?;
        Ok(Done::Go(place_of(&user), "sessions"))
    })
}
