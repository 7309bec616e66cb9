//! GET, POST /oauth/logout (OpenID Connect RP-Initiated Logout 1.0). Flow: [`sign_out`].
//!
//! A client may send its parameters either way; our own form is told apart by its token.

use domain::rejection::{Code, OAuthCode, Refusal, Rejection};
use http::StatusCode;
use protocol::oauth::parameters::Parameters;

use super::{Desk, Posted};
use crate::flow::sign_out::{SignOut, sign_out};
use crate::http::endpoint::{Answer, Call};
use crate::http::form;
use crate::http::page::{self, guard, session, views};
use crate::http::render::Reply;

/// Asks the person, or signs out at once where there is nothing to ask.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let pairs = form::parse(call.query.as_deref().unwrap_or_default().as_bytes())?;
        ask(call, pairs).await
    })
}

/// Does what the person decided, or asks what a client's form wants.
pub(in crate::http) fn submit(mut call: Call) -> Answer {
    Box::pin(async move {
        if !call.fields.has(guard::FIELD) {
            let pairs = call.take_fields().into_pairs();
            return ask(call, pairs).await;
        }
        let mut desk = Desk::open(call, Posted::Form).await?;
        let mut fields = desk.call.take_fields();
        let decision = fields.optional_text("decision").unwrap_or_default();
        let wanted = fields.optional_text("logout").unwrap_or_default();
        let wanted = SignOut::open(desk.call.flows(), &desk.call.act, &wanted)?;
        match decision.as_str() {
            "logout" => finish(&desk, &wanted).await,
            "stay" => {
                let frame = desk.frame();
                Ok(desk.say(&frame.texts.signed_in, &frame.texts.stayed_text, None))
            }
            _ => Err(Refusal::new(Code::BadRequest, "decision is logout or stay").into()),
        }
    })
}

async fn ask(mut call: Call, pairs: Vec<(String, String)>) -> Result<Reply, Rejection> {
    let parameters = Parameters::collect(pairs).map_err(|error| Refusal {
        code: Code::BadRequest,
        ..Refusal::oauth(OAuthCode::InvalidRequest, error.to_string())
    })?;
    call.query = None;
    let desk = Desk::open(call, Posted::No).await?;
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let wanted = SignOut::read(flows, act, &parameters).await?;
    let Some(browser) = &desk.browser else {
        return Ok(leave(&desk, &wanted, &[]));
    };
    if wanted.is_certain(flows, act, browser) {
        return finish(&desk, &wanted).await;
    }
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = views::SignOut {
        frame: &frame,
        csrf: &csrf,
        logout: &wanted.seal(flows, act)?,
        client: wanted.client_name.as_deref().unwrap_or_default(),
        email: browser.user.email.as_str(),
    };
    let leave = page::Leave {
        posts_to: wanted.place.as_deref(),
        ..page::Leave::default()
    };
    let mut reply = page::show(StatusCode::OK, &frame, &page, leave);
    desk.guard.remember(act, &mut reply);
    Ok(reply)
}

async fn finish(desk: &Desk, wanted: &SignOut) -> Result<Reply, Rejection> {
    let frames = match &desk.browser {
        Some(browser) => sign_out(desk.call.flows(), &desk.call.act, browser).await?,
        None => Vec::new(),
    };
    Ok(leave(desk, wanted, &frames))
}

/// Sends the browser where the client wants it, or says that it is done. It forgets either way. Where
/// clients are told by the browser, it shows a page that does so on the way.
fn leave(desk: &Desk, wanted: &SignOut, frames: &[String]) -> Reply {
    let mut reply = match &wanted.place {
        Some(place) if frames.is_empty() => page::see_other(place),
        place => show_signed_out(desk, place.as_deref(), frames),
    };
    session::forget(&desk.call.act, &mut reply);
    reply
}

fn show_signed_out(desk: &Desk, place: Option<&str>, frames: &[String]) -> Reply {
    let frame = desk.frame();
    let page = views::SignedOut {
        frame: &frame,
        place: place.unwrap_or_default(),
        frames,
    };
    let leave = page::Leave {
        frames,
        ..page::Leave::default()
    };
    let mut reply = page::show(StatusCode::OK, &frame, &page, leave);
    if let Some(place) = place {
        page::go_on_soon(&mut reply, place);
    }
    reply
}
