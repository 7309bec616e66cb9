//! What is searched for in the audit trail: the form, and what was filled in.

use domain::email::EmailAddress;
use domain::event::EventKind;
use domain::rejection::{Refusal, Rejection};
use store::port::audit::AuditFilter;

use super::HERE;
use crate::flow::admin::users;
use crate::flow::allowed::{self, Access};
use crate::http::endpoint::console::{Seat, instants};
use crate::http::page::sheet::{Form, Input};

/// The fields of the form.
pub(super) const NAMES: [&str; 7] = ["user", "client", "actor", "event", "outcome", "from", "to"];
/// The longest text that is searched for, as at the API.
const MAX_TEXT: usize = 256;
/// The words of an outcome, and how each is called.
const OUTCOMES: [(&str, &str); 3] = [("", "Any"), ("success", "Success"), ("failure", "Failure")];

/// Makes the form, with what is searched for in it.
pub(super) fn form(seat: &Seat) -> Form {
    let given = |name: &str| seat.given(name).unwrap_or_default();
    let line = |name, label| Input::line(name, label).or_nothing().with(given(name));
    let words = EventKind::ALL.iter().map(|kind| kind.as_str());
    let events: Vec<(&str, &str)> = [("", "Any")]
        .into_iter()
        .chain(words.map(|word| (word, word)))
        .collect();
    Form {
        action: HERE.to_owned(),
        inputs: vec![
            line("user", "To whom: an id, or an address"),
            line("client", "Client"),
            line("actor", "By whom: an id"),
            Input::choice("event", "What", &events).with(given("event")),
            Input::choice("outcome", "Outcome", &OUTCOMES).with(given("outcome")),
            instant(seat, "from", "From, in UTC"),
            instant(seat, "to", "Before, in UTC"),
        ],
        button: "Search",
        ..Form::default()
    }
}

/// Shows an instant as it was understood.
fn instant(seat: &Seat, name: &'static str, label: &'static str) -> Input {
    let at = instants::take(seat, name).ok().flatten();
    instants::input(name, label, at)
}

/// Reads what is searched for.
///
/// # Errors
/// 422 naming what is wrong; or a fault.
pub(super) async fn read(seat: &Seat) -> Result<AuditFilter, Rejection> {
    Ok(AuditFilter {
        subject: subject(seat).await?,
        client: text(seat, "client")?,
        actor: text(seat, "actor")?,
        event: text(seat, "event")?,
        success: outcome(seat)?,
        from: instants::take(seat, "from")?,
        until: instants::take(seat, "to")?,
    })
}

fn text(seat: &Seat, name: &'static str) -> Result<Option<String>, Refusal> {
    match seat.given(name) {
        Some(text) if text.len() > MAX_TEXT => {
            Err(Refusal::field(name, "must be 256 bytes at most"))
        }
        text => Ok(text),
    }
}

fn outcome(seat: &Seat) -> Result<Option<bool>, Refusal> {
    match seat.given("outcome").as_deref() {
        None => Ok(None),
        Some("success") => Ok(Some(true)),
        Some("failure") => Ok(Some(false)),
        Some(_) => Err(Refusal::field("outcome", "must be success or failure")),
    }
}

/// Reads whom it happened to. People know addresses, and the trail names ids alone; whose an address is, only who
/// may see accounts is told.
async fn subject(seat: &Seat) -> Result<Option<String>, Rejection> {
    let Some(whom) = text(seat, "user")? else {
        return Ok(None);
    };
    let Ok(address) = EmailAddress::parse(&whom) else {
        return Ok(Some(whom));
    };
    let (flows, act, caller) = (seat.flows(), seat.act(), &seat.seated.caller);
    let powers = allowed::require_operator(flows, act, caller, ("users", Access::Read)).await;
    let found = match powers {
        Ok(_) => users::find(flows, act, address).await,
        Err(rejection) => Err(rejection),
    };
    match found {
        Ok(user) => Ok(Some(user.id.to_string())),
        Err(Rejection::Refused(_)) => {
            let wrong =
                "is nobody's address, or of an account that is not yours to see: take its id";
            Err(Refusal::field("user", wrong).into())
        }
        Err(failed) => Err(failed),
    }
}
