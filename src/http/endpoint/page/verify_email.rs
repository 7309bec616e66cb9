//! GET, POST /verify-email: where the link that proves an address leads. Flow: [`verify_email`].
//!
//! Opening it changes nothing: programs that check mails follow links. The person presses a button.

use domain::rejection::Rejection;
use http::StatusCode;

use super::{Desk, Posted, Problem, query_of};
use crate::flow::verify_email::{VerifyEmail, verify_email};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::views;
use crate::http::render::Reply;

/// Shows the button.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let token = query_of(&call, "token")?.unwrap_or_default();
        let desk = Desk::open(call, Posted::No).await?;
        Ok(form(&desk, StatusCode::OK, &token, &Problem::default()))
    })
}

/// Takes the proof.
pub(in crate::http) fn submit(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        let mut fields = desk.call.take_fields();
        let token = fields.optional_secret("token").unwrap_or_default();
        let message = fields.finish(VerifyEmail {
            token: token.clone(),
        })?;
        match verify_email(desk.call.flows(), &desk.call.act, message).await {
            Ok(()) => {
                let frame = desk.frame();
                Ok(desk.say(&frame.texts.verified, &frame.texts.verified_text, None))
            }
            Err(rejection) => refuse(&desk, rejection, token.expose()),
        }
    })
}

fn refuse(desk: &Desk, rejection: Rejection, token: &str) -> Result<Reply, Rejection> {
    let problem = Problem::of(rejection, &desk.frame())?;
    Ok(form(
        desk,
        StatusCode::UNPROCESSABLE_ENTITY,
        token,
        &problem,
    ))
}

fn form(desk: &Desk, status: StatusCode, token: &str, problem: &Problem) -> Reply {
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = views::Verify {
        frame: &frame,
        csrf: &csrf,
        token,
        problem: &problem.text,
        details: &problem.details,
    };
    desk.show(status, &frame, &page)
}
