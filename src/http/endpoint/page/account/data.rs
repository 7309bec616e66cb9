//! /account/data: what is kept of a person. GET /account/data/export gives it to them, GET, POST
//! /account/data/delete deletes the account. Flows: [`export`], [`deletion`].

use http::StatusCode;

use super::{Asked, ask, fresh, signed_in};
use crate::flow::deletion;
use crate::flow::export::export;
use crate::http::endpoint::page::Posted;
use crate::http::endpoint::{Answer, Call, export as document};
use crate::http::page::session;
use crate::http::page::texts::account::Matter;
use crate::http::page::views::account as views;
use crate::http::page::when::When;

const HERE: &str = "/account/data";
const WORD: &str = "account.data";
const DELETE: &str = "/account/data/delete";

/// Says what can be done with it.
pub(in crate::http) fn show(call: Call) -> Answer {
    signed_in(call, (Posted::No, WORD), |desk, _| async move {
        let frame = desk.frame();
        let page = views::OwnData { frame: &frame };
        Ok(desk.show(StatusCode::OK, &frame, &page))
    })
}

/// Gives it to whoever proved lately who they are, as a file.
pub(in crate::http) fn take_along(call: Call) -> Answer {
    fresh(
        call,
        (Posted::No, WORD),
        |desk, browser, fresh| async move {
            let (flows, act) = (desk.call.flows(), &desk.call.act);
            let export = export(flows, act, fresh, browser.holder()).await?;
            Ok(document::render(&export, act))
        },
    )
}

/// Asks whether to delete the account.
pub(in crate::http) fn ask_delete(call: Call) -> Answer {
    fresh(call, (Posted::No, WORD), |desk, _, _| async move {
        let erase_at = desk.call.act.now + desk.call.flows().settings.deletion_grace;
        let erase_at = When::new(erase_at, desk.frame().texts);
        let asked = Asked {
            here: HERE,
            matter: Matter::DeleteAccount,
            about: erase_at.words(),
            action: DELETE,
            fields: &[],
        };
        Ok(ask(&desk, &asked))
    })
}

/// Deletes the account of whoever proved lately who they are; this browser is signed out too.
pub(in crate::http) fn delete(call: Call) -> Answer {
    fresh(
        call,
        (Posted::Form, WORD),
        |mut desk, _, fresh| async move {
            let erase_at = deletion::delete(desk.call.flows(), &desk.call.act, fresh).await?;
            desk.browser = None;
            let texts = desk.frame().texts;
            let erase_at = When::new(erase_at, texts);
            let heading = texts.account.done(Matter::DeleteAccount.as_str());
            let text = texts.account.deleted_until(erase_at.words());
            let mut reply = desk.say(heading, &text, None);
            session::forget(&desk.call.act, &mut reply);
            Ok(reply)
        },
    )
}
