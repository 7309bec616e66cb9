//! /account/applications: what a person allowed applications, and taking it back. Flow: [`consents`].

use http::StatusCode;
use url::form_urlencoded::byte_serialize;

use super::{Asked, ask, done, done_of, signed_in, take_text};
use crate::flow::consents::{self, Allowed, TakeBack};
use crate::http::endpoint::page::{Posted, query_of};
use crate::http::endpoint::{Answer, Call, not_found};
use crate::http::page::Frame;
use crate::http::page::texts::account::Matter;
use crate::http::page::views::Scope;
use crate::http::page::views::account as views;
use crate::http::page::when::When;

const HERE: &str = "/account/applications";
const WORD: &str = "account.applications";
const TAKE_BACK: &str = "/account/applications/take-back";

/// Lists what the person allowed.
pub(in crate::http) fn list(call: Call) -> Answer {
    signed_in(call, (Posted::No, WORD), |desk, browser| async move {
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let all = consents::list(flows, act, browser.user.id).await?;
        let frame = desk.frame();
        let rows: Vec<_> = all.iter().map(|one| row(one, &frame)).collect();
        let page = views::ApplicationList {
            frame: &frame,
            done: frame.texts.account.done(&done_of(&desk)?),
            applications: &rows,
        };
        Ok(desk.show(StatusCode::OK, &frame, &page))
    })
}

fn row<'a>(allowed: &'a Allowed, frame: &'a Frame) -> views::Application<'a> {
    let consent = &allowed.consent;
    let scopes = consent.scope.iter().map(|name| Scope {
        text: frame.texts.scope(name),
        name,
    });
    let client: String = byte_serialize(consent.client.as_bytes()).collect();
    views::Application {
        name: name_of(allowed),
        scopes: scopes.collect(),
        since: When::new(consent.given_at, frame.texts),
        take_back: format!("{}{TAKE_BACK}?client={client}", frame.base),
    }
}

fn name_of(allowed: &Allowed) -> &str {
    let client = allowed.client.as_ref();
    client.map_or(&allowed.consent.client, |client| &client.name)
}

/// Asks whether to take it back.
pub(in crate::http) fn ask_take_back(call: Call) -> Answer {
    signed_in(call, (Posted::No, WORD), |desk, browser| async move {
        let client = query_of(&desk.call, "client")?.unwrap_or_default();
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let all = consents::list(flows, act, browser.user.id).await?;
        let found = all.iter().find(|one| one.consent.client == client);
        let asked = Asked {
            here: HERE,
            matter: Matter::TakeBack,
            about: name_of(found.ok_or_else(not_found)?),
            action: TAKE_BACK,
            fields: &[("client", &client)],
        };
        Ok(ask(&desk, &asked))
    })
}

/// Takes it back.
pub(in crate::http) fn take_back(call: Call) -> Answer {
    signed_in(call, (Posted::Form, WORD), |mut desk, browser| async move {
        let client = take_text(&mut desk, "client")?;
        let user = browser.user.id;
        let message = TakeBack { user, client };
        consents::take_back(desk.call.flows(), &desk.call.act, message).await?;
        Ok(done(&desk, HERE, Matter::TakeBack.as_str()))
    })
}
