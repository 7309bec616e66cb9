//! /console/keys: the keys that sign, and letting the next one sign. Flow: [`keys`].

use actors::keys::KeyView;
use domain::time::UnixMillis;
use http::StatusCode;

use super::{Deed, Done, Later, Question, Seat, Shown, deeds, look};
use crate::flow::admin::keys;
use crate::http::endpoint::{Answer, Call};
use crate::http::page::sheet::{Cell, Part, Table};
use crate::http::render::Reply;

const AREA: &str = "keys";
const HERE: &str = "/console/keys";

static ROTATE: Deed = Deed {
    area: AREA,
    ask: ask_whether_to_rotate,
    act: rotate_now,
};

deeds![ask_rotate rotate ROTATE];

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
