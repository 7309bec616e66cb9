//! GET, POST /oauth/authorize: where a client sends a person (RFC 6749 §3.1). GET /oauth/resume: where
//! a page of ours sends them on. Flow: [`authorize`].

use domain::rejection::{Code, OAuthCode, Refusal};
use protocol::oauth::parameters::Parameters;

use super::{Desk, Posted};
use crate::flow::authorize;
use crate::http::endpoint::{Answer, Call};
use crate::http::form;

/// Judges a request and says what comes next.
pub(in crate::http) fn answer(mut call: Call) -> Answer {
    Box::pin(async move {
        let pairs = match &call.query {
            Some(query) if !query.is_empty() => form::parse(query.as_bytes())?,
            _ => call.take_fields().into_pairs(),
        };
        let parameters = Parameters::collect(pairs).map_err(|error| Refusal {
            code: Code::BadRequest,
            ..Refusal::oauth(OAuthCode::InvalidRequest, error.to_string())
        })?;
        call.query = None;
        let desk = Desk::open(call, Posted::No).await?;
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let step = authorize::begin(flows, act, parameters, desk.browser.as_ref()).await?;
        desk.follow(step)
    })
}

/// Goes on with a request after a page.
pub(in crate::http) fn resume(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::No).await?;
        let asked = desk.asked.take().ok_or_else(no_request)?;
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let step = authorize::go_on(flows, act, asked, desk.browser.as_ref()).await?;
        desk.follow(step)
    })
}

/// Says that a page is about a request, and none came.
pub(super) fn no_request() -> Refusal {
    Refusal::new(
        Code::BadRequest,
        "go back to the application and start again: this page was opened without its request",
    )
}
