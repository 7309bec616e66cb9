//! /account/activity: what happened to the account lately, newest first. Flow: [`activity`].

use http::StatusCode;

use super::signed_in;
use crate::flow::activity::{self, By, Happened};
use crate::http::endpoint::auth::activity::PLURAL;
use crate::http::endpoint::page::{Posted, query_of};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::Frame;
use crate::http::page::device::describe;
use crate::http::page::views::account as views;
use crate::http::page::when::When;

const WORD: &str = "account.activity";

/// Lists what happened.
pub(in crate::http) fn list(call: Call) -> Answer {
    signed_in(call, (Posted::No, WORD), |desk, browser| async move {
        let cursor = query_of(&desk.call, "cursor")?;
        let list = desk.call.list(PLURAL);
        let asked = list.page_after(cursor.as_deref())?;
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let found = activity::list(flows, act, browser.holder(), asked).await?;
        let frame = desk.frame();
        let rows: Vec<_> = found.items.iter().map(|one| row(one, &frame)).collect();
        let older = list.next_of(&found);
        let older = older.map(|cursor| format!("{}/account/activity?cursor={cursor}", frame.base));
        let page = views::ActivityList {
            frame: &frame,
            rows: &rows,
            older: &older.unwrap_or_default(),
        };
        Ok(desk.show(StatusCode::OK, &frame, &page))
    })
}

fn row<'a>(one: &'a Happened, frame: &'a Frame) -> views::ActivityRow<'a> {
    let texts = &frame.texts.account;
    let is_told_where = matches!(one.by, By::Owner | By::Somebody);
    let device = is_told_where.then(|| describe(one.user_agent.as_deref(), frame.texts));
    views::ActivityRow {
        what: texts.event(&one.event),
        factor: one.factor.as_deref().map_or("", |word| texts.factor(word)),
        at: When::new(one.at, frame.texts),
        by: texts.doer(one.by.as_str()),
        address: one.address.as_deref().unwrap_or_default(),
        device: device.unwrap_or_default(),
    }
}
