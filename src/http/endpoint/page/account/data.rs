//! /account/data: what is kept of a person. GET /account/data/export gives it to them. Flow:
//! [`export`].

use http::StatusCode;

use super::{fresh, signed_in};
use crate::flow::export::export;
use crate::http::endpoint::page::Posted;
use crate::http::endpoint::{Answer, Call, export as document};
use crate::http::page::views::account as views;

const WORD: &str = "account.data";

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
