//! /console/apikeys/…: making, changing, rotating and revoking API keys. What a key is, is shown once.

use domain::api_key::ApiKey;
use domain::rejection::{Refusal, Rejection};
use domain::secret::SecretText;

use super::{AREA, HERE, load, place_of};
use crate::flow::admin::api_keys::{self, MintApiKey, PatchApiKey};
use crate::http::endpoint::console::{Deed, Done, Later, Question, Seat, deeds, instants};
use crate::http::endpoint::not_found;
use crate::http::page::sheet::{Cell, Input, Part};

static CREATE: Deed = Deed {
    area: AREA,
    ask: what_to_make,
    act: make,
};
static EDIT: Deed = Deed {
    area: AREA,
    ask: what_to_change,
    act: change,
};
static ROTATE: Deed = Deed {
    area: AREA,
    ask: whether_to_rotate,
    act: renew,
};
static REVOKE: Deed = Deed {
    area: AREA,
    ask: whether_to_revoke,
    act: end,
};

deeds![
    ask_create create CREATE,
    ask_edit edit EDIT,
    ask_rotate rotate ROTATE,
    ask_revoke revoke REVOKE,
];

const SCOPES: &str = "With spaces between them. admin:* opens everything here, admin:users one area, and \
with :read behind it for looking alone.";
const LIMIT: &str = "Requests a minute; empty: as often as anybody.";
const END: &str = "In UTC; empty: for good.";

fn what_to_make(_: &Seat) -> Later<'_, Question> {
    Box::pin(async {
        Ok(Question {
            heading: "Make an API key".to_owned(),
            text: "It can do no more than you. One that belongs to a client ends with it."
                .to_owned(),
            inputs: vec![
                Input::line("name", "Name"),
                Input::line("scopes", "Scopes").hint(SCOPES),
                Input::line("client_id", "Client")
                    .or_nothing()
                    .hint("Its id; empty: the key is an operator's own."),
                limit_input(String::new()),
                instants::input("expires_at", "Works until", None).hint(END),
            ],
            button: "Make the API key",
            is_danger: false,
        })
    })
}

fn limit_input(limit: String) -> Input {
    Input::line("rate_limit", "Limit")
        .or_nothing()
        .of_type("number")
        .with(limit)
        .hint(LIMIT)
}

fn make(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let message = MintApiKey {
            client: seat.given("client_id"),
            name: seat.given("name").unwrap_or_default(),
            scopes: seat.given_list("scopes"),
            rate_limit: take_limit(seat)?,
            expires_at: instants::take(seat, "expires_at")?,
        };
        let powers = seat.call.powers()?;
        let made = api_keys::mint(seat.flows(), seat.act(), powers, message);
        let (key, secret) = made.await?;
        Ok(once(&key, &secret, "It is shown this once."))
    })
}

fn take_limit(seat: &Seat) -> Result<Option<u32>, Refusal> {
    let wrong = |_| Refusal::field("rate_limit", "must be a number");
    let text = seat.given("rate_limit");
    text.map(|text| text.parse().map_err(wrong)).transpose()
}

/// Shows a key this once.
fn once(key: &ApiKey, secret: &SecretText, note: &str) -> Done {
    let keep = format!("{note} Keep it where only its holder finds it.");
    let parts = vec![
        Part::Facts(vec![
            ("Id", Cell::code(key.id)),
            ("Scopes", Cell::text(&key.scopes)),
        ]),
        Part::Secret("API key", secret.expose().to_owned()),
        Part::Note(keep),
        Part::Acts(vec![(place_of(key), "I have kept it".to_owned())]),
    ];
    Done::Once(key.name.clone(), parts)
}

/// Loads the key that the path names, if it still opens anything.
async fn load_live(seat: &Seat) -> Result<ApiKey, Rejection> {
    let key = load(seat).await?;
    if key.is_live(seat.act().now) {
        return Ok(key);
    }
    Err(not_found().into())
}

fn what_to_change(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let key = load_live(seat).await?;
        let limit = key.rate_limit.map(|limit| limit.to_string());
        Ok(Question {
            heading: format!("Change {}", key.name),
            text: "It holds everywhere within a second. The key itself stays as it is.".to_owned(),
            inputs: vec![
                Input::line("name", "Name").with(&key.name),
                Input::line("scopes", "Scopes")
                    .with(key.scopes.to_string())
                    .hint(SCOPES),
                limit_input(limit.unwrap_or_default()),
                instants::input("expires_at", "Works until", key.expires_at).hint(END),
                Input::hidden("version", key.version.to_string()),
            ],
            button: "Save",
            is_danger: false,
        })
    })
}

fn change(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let key = load_live(seat).await?;
        let is_whole = seat.is_whole();
        // Its field shows an end to the minute only: one that was left alone stays to the second.
        let shown = key.expires_at.map(instants::write);
        let is_other_end = is_whole && seat.given("expires_at") != shown;
        let limit = is_whole.then(|| take_limit(seat)).transpose()?;
        let end = is_other_end.then(|| instants::take(seat, "expires_at"));
        let message = PatchApiKey {
            key: key.id,
            name: is_whole.then(|| seat.given("name").unwrap_or_default()),
            scopes: is_whole.then(|| seat.given_list("scopes")),
            rate_limit: limit,
            expires_at: end.transpose()?,
            version: seat.given("version").and_then(|text| text.parse().ok()),
        };
        let powers = seat.call.powers()?;
        api_keys::patch(seat.flows(), seat.act(), powers, message).await?;
        Ok(Done::Go(place_of(&key), "saved"))
    })
}

fn whether_to_rotate(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let key = load_live(seat).await?;
        Ok(Question {
            heading: format!("Rotate {}?", key.name),
            text: "A new one takes its place, with the same scopes and limit, and is shown once. The one that \
                   there is works for another 24 hours; one before that does not. If others may have it, \
                   revoke it instead."
                .to_owned(),
            inputs: Vec::new(),
            button: "Make the new one",
            is_danger: false,
        })
    })
}

fn renew(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let key = load_live(seat).await?;
        let powers = seat.call.powers()?;
        let rotated = api_keys::rotate(seat.flows(), seat.act(), powers, key.id);
        let (key, secret) = rotated.await?;
        let former = key.superseded.as_ref().map(|former| former.works_until);
        // It works no longer than the key itself.
        let until = former.map(|until| key.expires_at.map_or(until, |end| end.min(until)));
        let until = until.map(|until| seat.when(until).words().to_owned());
        let note = format!(
            "It is shown this once. The one before works until {}.",
            until.unwrap_or_default(),
        );
        Ok(once(&key, &secret, &note))
    })
}

fn whether_to_revoke(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let key = load_live(seat).await?;
        Ok(Question {
            heading: format!("Revoke {}?", key.name),
            text: "It is refused everywhere within a second, and so is the one before it. That cannot be taken \
                   back."
                .to_owned(),
            inputs: Vec::new(),
            button: "Revoke the API key",
            is_danger: true,
        })
    })
}

fn end(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let key = load_live(seat).await?;
        let powers = seat.call.powers()?;
        api_keys::delete(seat.flows(), seat.act(), powers, key.id).await?;
        Ok(Done::Go(HERE.to_owned(), "api_key_revoked"))
    })
}
