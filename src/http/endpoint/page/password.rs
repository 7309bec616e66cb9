//! GET, POST /forgotten-password: asking for a link. GET, POST /reset-password: where it leads. Flows:
//! [`request_reset`], [`confirm_reset`].

use domain::rejection::{Refusal, Rejection};
use domain::secret::SecretText;
use http::StatusCode;

use super::{Desk, Posted, Problem, query_of};
use crate::flow::new_password::least_length;
use crate::flow::reset::{ConfirmReset, RequestReset, confirm_reset, request_reset};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::{self, views};
use crate::http::render::Reply;

/// Shows the form that asks for a link.
pub(in crate::http) fn ask(call: Call) -> Answer {
    Box::pin(async move {
        let desk = Desk::open(call, Posted::No).await?;
        let (frame, csrf) = (desk.frame(), desk.token());
        let page = views::Forgotten {
            frame: &frame,
            csrf: &csrf,
            problem: "",
            details: &[],
        };
        Ok(desk.show(StatusCode::OK, &frame, &page))
    })
}

/// Sends a link, if there is an account to send it to; says the same if there is none.
pub(in crate::http) fn send(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        let mut fields = desk.call.take_fields();
        let email = fields.optional_text("email").unwrap_or_default();
        let message = fields.finish(RequestReset { email })?;
        request_reset(desk.call.flows(), &desk.call.act, message).await?;
        let frame = desk.frame();
        Ok(desk.say(&frame.texts.sent_heading, &frame.texts.sent_text, None))
    })
}

/// Shows the form that the link leads to.
pub(in crate::http) fn choose(call: Call) -> Answer {
    Box::pin(async move {
        let token = query_of(&call, "token")?.unwrap_or_default();
        let desk = Desk::open(call, Posted::No).await?;
        Ok(form(&desk, StatusCode::OK, &token, &Problem::default()))
    })
}

/// Sends whoever wants to change their password to where that is done (W3C "A Well-Known URL for
/// Changing Passwords").
#[expect(
    clippy::needless_pass_by_value,
    reason = "every endpoint is given its request whole"
)]
pub(in crate::http) fn elsewhere(call: Call) -> Answer {
    let base = page::base_of(&call.act.issuer);
    let place = page::see_other(&format!("{base}/forgotten-password"));
    Box::pin(std::future::ready(Ok(place)))
}

/// Sets the new password.
pub(in crate::http) fn save(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        let message = parse(&mut desk)?;
        let token = message.token.clone();
        let saved = confirm_reset(desk.call.flows(), &desk.call.act, message).await;
        if let Err(rejection) = saved {
            return refuse(&desk, rejection, &token);
        }
        let frame = desk.frame();
        let sign_in = format!("{}/sign-in", frame.base);
        let link = Some((sign_in.as_str(), frame.texts.sign_in.as_str()));
        Ok(desk.say(&frame.texts.reset_done, &frame.texts.reset_done_text, link))
    })
}

fn parse(desk: &mut Desk) -> Result<ConfirmReset, Refusal> {
    let mut fields = desk.call.take_fields();
    let message = ConfirmReset {
        token: fields.optional_secret("token").unwrap_or_default(),
        password: fields.optional_secret("password").unwrap_or_default(),
    };
    fields.finish(message)
}

fn refuse(desk: &Desk, rejection: Rejection, token: &SecretText) -> Result<Reply, Rejection> {
    let problem = Problem::of(rejection, &desk.frame())?;
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(form(desk, status, token.expose(), &problem))
}

fn form(desk: &Desk, status: StatusCode, token: &str, problem: &Problem) -> Reply {
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = views::Reset {
        frame: &frame,
        csrf: &csrf,
        token,
        min_length: least_length(desk.call.flows(), &desk.call.act),
        problem: &problem.text,
        details: &problem.details,
    };
    desk.show(status, &frame, &page)
}
