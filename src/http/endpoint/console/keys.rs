//! /console/keys: the keys that sign, letting the next one sign, and ending one that others may have. Flow:
//! [`keys`].

use actors::keys::KeyView;
use domain::key::KeyState;
use domain::rejection::{Refusal, Rejection};
use domain::time::UnixMillis;
use http::StatusCode;

use super::{Deed, Done, Later, Question, Seat, Shown, deeds, look};
use crate::flow::admin::keys;
use crate::http::endpoint::{Answer, Call, not_found};
use crate::http::page::sheet::{Cell, Input, Part, Table};
use crate::http::render::Reply;

const AREA: &str = "keys";
const HERE: &str = "/console/keys";

static ROTATE: Deed = Deed {
    area: AREA,
    ask: ask_whether_to_rotate,
    act: rotate_now,
};
static REVOKE: Deed = Deed {
    area: AREA,
    ask: ask_whether_to_revoke,
    act: revoke_now,
};

deeds![ask_rotate rotate ROTATE, ask_revoke revoke REVOKE];

/// Lists the keys.
pub(in crate::http) fn list(call: Call) -> Answer {
    look(call, AREA, page)
}

fn page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let listed = keys::list(seat.flows(), seat.act()).await?;
        let rows = listed.iter().map(|key| row(seat, key)).collect();
        let parts = vec![
            Part::Table(Table {
                caption: "Signing keys",
                heads: vec![
                    "Name",
                    "Algorithm",
                    "State",
                    "Made",
                    "Signs since",
                    "Retired",
                    "",
                ],
                rows,
                empty: "There are no keys yet.",
            }),
            Part::Acts(vec![(format!("{HERE}/rotate"), "Rotate now".to_owned())]),
        ];
        let shown = Shown {
            heading: "Signing keys",
            lead: "A key is published as the next one before it signs, and stays after it retired until \
                   the last token that it signed has expired. Rotation happens by itself.",
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

fn row(seat: &Seat, key: &KeyView) -> Vec<Cell> {
    let when = |at: Option<UnixMillis>| match at {
        Some(at) => Cell::When(seat.when(at)),
        None => Cell::text("–"),
    };
    vec![
        Cell::code(&key.kid),
        Cell::text(key.algorithm.as_str()),
        Cell::Mark(key.state.as_str().to_owned()),
        when(Some(key.created_at)),
        when(key.activated_at),
        when(key.retired_at),
        Cell::link(
            format!("{HERE}/{}/revoke", key.kid),
            format!("Revoke {}…", key.kid.chars().take(8).collect::<String>()),
        ),
    ]
}

fn ask_whether_to_rotate(_: &Seat) -> Later<'_, Question> {
    Box::pin(async {
        Ok(Question {
            heading: "Let the next key sign?".to_owned(),
            text: "New tokens are signed with the next key from now on; those that there are stay good."
                .to_owned(),
            inputs: Vec::new(),
            button: "Rotate",
            is_danger: false,
        })
    })
}

fn rotate_now(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        keys::rotate(seat.flows(), seat.act()).await?;
        Ok(Done::Go(HERE.to_owned(), "rotated"))
    })
}

/// Finds the key that the path names.
async fn load(seat: &Seat) -> Result<KeyView, Rejection> {
    let kid: String = seat.call.id()?;
    let listed = keys::list(seat.flows(), seat.act()).await?;
    let found = listed.into_iter().find(|key| key.kid == kid);
    Ok(found.ok_or_else(not_found)?)
}

fn ask_whether_to_revoke(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let key = load(seat).await?;
        Ok(Question {
            heading: format!("Revoke {}?", key.kid),
            text: format!(
                "This is for a key that others may have; to renew one, rotate. {} It leaves the key set, and \
                 never signs again. That cannot be taken back.",
                what_breaks(key.state),
            ),
            inputs: vec![
                Input::line("kid", "Its name, once more")
                    .hint("As it stands above: so that it is this key that is meant."),
            ],
            button: "Revoke the key",
            is_danger: true,
        })
    })
}

/// Says what does not work any more once a key is revoked.
const fn what_breaks(state: KeyState) -> &'static str {
    match state {
        KeyState::Active => {
            "Every token that it signed is refused on every node within a second: applications must \
             refresh their access tokens, and ID tokens verify no more. The next key signs at once; whoever \
             remembers the key set without it refuses new tokens until they fetch it again."
        }
        KeyState::Next => {
            "It has signed nothing yet, so no token is lost. Whoever remembers the key set fetches the one \
             that is published in its place before that signs."
        }
        KeyState::Retired | KeyState::Revoked => {
            "What it signed and has not expired yet is refused on every node within a second: applications \
             that still hold such tokens must refresh them."
        }
    }
}

fn revoke_now(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let key = load(seat).await?;
        if seat.given("kid").as_deref() != Some(&*key.kid) {
            return Err(Refusal::field("kid", "is not the name of this key").into());
        }
        keys::revoke(seat.flows(), seat.act(), key.kid).await?;
        Ok(Done::Go(HERE.to_owned(), "key_revoked"))
    })
}
