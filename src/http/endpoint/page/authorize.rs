//! GET, POST /oauth/authorize: where a client sends a person (RFC 6749 §3.1). GET /oauth/resume: where
//! a page of ours, or a login interface of the tenant's own, sends them on. Flows: [`authorize`],
//! [`login_ui`].

use domain::rejection::{Code, OAuthCode, Refusal, Rejection};
use protocol::oauth::parameters::Parameters;

use super::{Desk, Posted, query_of};
use crate::flow::{authorize, login_ui};
use crate::http::endpoint::{Answer, Call};
use crate::http::form;
use crate::http::page::session;
use crate::http::render::Reply;

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
        desk.follow(step).await
    })
}

/// Goes on with a request after a page.
pub(in crate::http) fn resume(call: Call) -> Answer {
    Box::pin(async move {
        let verifier = match query_of(&call, "login_verifier")? {
            Some(verifier) => Some(verifier),
            None => query_of(&call, "consent_verifier")?,
        };
        let mut desk = Desk::open(call, Posted::No).await?;
        if let Some(verifier) = verifier {
            return come_back(&desk, &verifier).await;
        }
        let asked = desk.asked.take().ok_or_else(no_request)?;
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let step = authorize::go_on(flows, act, asked, desk.browser.as_ref()).await?;
        desk.follow(step).await
    })
}

/// Takes a browser that comes back from the tenant's own login interface.
async fn come_back(desk: &Desk, verifier: &str) -> Result<Reply, Rejection> {
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let resumed = login_ui::resume(flows, act, desk.guard.visitor(), verifier).await?;
    let mut reply = desk.follow(resumed.step).await?;
    if let Some(began) = resumed.began {
        session::keep(flows, act, began, &mut reply);
    }
    Ok(reply)
}

/// Says that a page is about a request, and none came.
pub(super) fn no_request() -> Refusal {
    Refusal::new(
        Code::BadRequest,
        "go back to the application and start again: this page was opened without its request",
    )
}
