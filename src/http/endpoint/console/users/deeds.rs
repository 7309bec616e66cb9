//! /console/users/…: making, changing, locking, opening, resetting and deleting accounts.

use domain::user::UserStatus;

use super::{AREA, HERE, load, place_of};
use crate::flow::admin::factors;
use crate::flow::admin::users::{self, CreateUser, LockUser, PatchUser};
use crate::http::endpoint::console::{Deed, Done, Later, Question, Seat, deeds};
use crate::http::page::sheet::Input;
use domain::secret::SecretText;

static CREATE: Deed = Deed {
    area: AREA,
    ask: whom_to_make,
    act: make,
};
static EDIT: Deed = Deed {
    area: AREA,
    ask: what_to_change,
    act: change,
};
static LOCK: Deed = Deed {
    area: AREA,
    ask: why_to_lock,
    act: close,
};
static UNLOCK: Deed = Deed {
    area: AREA,
    ask: whether_to_open,
    act: open,
};
static RESET_MFA: Deed = Deed {
    area: AREA,
    ask: whether_to_reset,
    act: take_factors,
};
static DELETE: Deed = Deed {
    area: AREA,
    ask: whether_to_delete,
    act: erase,
};

deeds![
    ask_create create CREATE,
    ask_edit edit EDIT,
    ask_lock lock LOCK,
    ask_unlock unlock UNLOCK,
    ask_reset_mfa reset_mfa RESET_MFA,
    ask_delete delete DELETE,
];

fn whom_to_make(_: &Seat) -> Later<'_, Question> {
    Box::pin(async {
        Ok(Question {
            heading: "Make an account".to_owned(),
            text: "Without a password, the person chooses one with “Forgotten your password?”."
                .to_owned(),
            inputs: vec![
                Input::line("email", "E-mail address").of_type("email"),
                Input::line("name", "Name"),
                Input::line("password", "Password")
                    .of_type("password")
                    .or_nothing(),
                Input::line("roles", "Roles")
                    .with("user")
                    .hint("Names, with spaces between them."),
            ],
            button: "Make the account",
            is_danger: false,
        })
    })
}

fn make(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let message = CreateUser {
            email: seat.given("email").unwrap_or_default(),
            password: seat.given("password").map(SecretText::new),
            name: seat.given("name").unwrap_or_default(),
            roles: seat.given_list("roles"),
        };
        let made = users::create(seat.flows(), seat.act(), message).await?;
        Ok(Done::Go(place_of(&made), "created"))
    })
}

fn what_to_change(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let user = load(seat).await?;
        Ok(Question {
            heading: format!("Change {}", user.name),
            text:
                "Another address counts as not confirmed until its owner has answered a mail to it."
                    .to_owned(),
            inputs: vec![
                Input::line("email", "E-mail address")
                    .of_type("email")
                    .with(user.email.as_str()),
                Input::line("name", "Name").with(&user.name),
                Input::line("roles", "Roles")
                    .with(user.roles.join(" "))
                    .or_nothing()
                    .hint("Names, with spaces between them."),
                Input::hidden("version", user.version.to_string()),
            ],
            button: "Save",
            is_danger: false,
        })
    })
}

fn change(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let user = load(seat).await?;
        let differs = |name: &str, before: &str| seat.given(name).filter(|text| text != before);
        let roles = seat.given_list("roles");
        let message = PatchUser {
            email: differs("email", user.email.as_str()),
            name: differs("name", &user.name),
            roles: Some(roles).filter(|roles| seat.is_whole() && *roles != user.roles),
            version: seat.given("version").and_then(|text| text.parse().ok()),
            ..PatchUser::of(user.id)
        };
        users::patch(seat.flows(), seat.act(), message).await?;
        Ok(Done::Go(place_of(&user), "saved"))
    })
}

fn why_to_lock(seat: &Seat) -> Later<'_, Question> {
    Box::pin(async move {
        let user = load(seat).await?;
        Ok(Question {
            heading: format!("Lock {}?", user.name),
            text: format!(
                "{} is signed out everywhere within a second, and does not get in until the account is \
                 opened again.",
                user.email.as_str(),
            ),
            inputs: vec![
                Input::line("reason", "Why").hint("For the operators who come after you."),
                Input::choice(
                    "how",
                    "Until when",
                    &[("locked", "For now"), ("suspended", "Until further notice")],
                ),
            ],
            button: "Lock the account",
            is_danger: true,
        })
    })
}

fn close(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let user = load(seat).await?;
        if seat.given("how").as_deref() == Some(UserStatus::Suspended.as_str()) {
            let message = PatchUser {
                status: Some(UserStatus::Suspended),
                ..PatchUser::of(user.id)
            };
            users::patch(seat.flows(), seat.act(), message).await?;
            return Ok(Done::Go(place_of(&user), "suspended"));
        }
        let message = LockUser {
            user: user.id,
            reason: seat.given("reason"),
        };
        users::lock(seat.flows(), seat.act(), message).await?;
        Ok(Done::Go(place_of(&user), "locked"))
    })
}

/// Makes a question that needs no answer but yes, about an account.
fn whether<'a>(
    seat: &'a Seat,
    (verb, text, button): (&'static str, &'static str, &'static str),
    is_danger: bool,
) -> Later<'a, Question> {
    Box::pin(async move {
        let user = load(seat).await?;
        Ok(Question {
            heading: format!("{verb} {}?", user.name),
            text: format!("{}: {text}", user.email.as_str()),
            inputs: Vec::new(),
            button,
            is_danger,
        })
    })
}

fn whether_to_open(seat: &Seat) -> Later<'_, Question> {
    let text = "gets in again, and its failed sign-ins are forgotten.";
    whether(
        seat,
        ("Open the account of", text, "Open the account"),
        false,
    )
}

fn open(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let user = load(seat).await?;
        users::unlock(seat.flows(), seat.act(), user.id).await?;
        Ok(Done::Go(place_of(&user), "unlocked"))
    })
}

fn whether_to_reset(seat: &Seat) -> Later<'_, Question> {
    let text = "loses its app, passkeys and backup codes, is signed out everywhere, and is told by mail. \
                Make sure that you speak with the person themselves.";
    let said = ("Take the second factors of", text, "Take them away");
    whether(seat, said, true)
}

fn take_factors(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let user = load(seat).await?;
        factors::reset(seat.flows(), seat.act(), user.id).await?;
        Ok(Done::Go(place_of(&user), "factors"))
    })
}

fn whether_to_delete(seat: &Seat) -> Later<'_, Question> {
    let text = "is erased at once with all that belongs to it. That cannot be taken back; the audit trail \
                stays.";
    whether(seat, ("Delete", text, "Delete the account"), true)
}

fn erase(seat: &Seat) -> Later<'_, Done> {
    Box::pin(async move {
        let user = load(seat).await?;
        users::delete(seat.flows(), seat.act(), user.id, None).await?;
        Ok(Done::Go(HERE.to_owned(), "deleted"))
    })
}
