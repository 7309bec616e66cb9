//! GET, POST /register. Flows: [`register`], then [`login`]: whoever registers for an application goes
//! on to it at once.

use domain::rejection::{Refusal, Rejection};
use http::StatusCode;

use super::{Desk, Posted, Problem, sign_in};
use crate::flow::login::login;
use crate::flow::new_password::least_length;
use crate::flow::register::{Register, RegisterReply, register};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::views;
use crate::http::render::Reply;

/// Shows the form.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let desk = Desk::open(call, Posted::No).await?;
        let hint = desk
            .asked
            .as_ref()
            .and_then(|asked| asked.request.login_hint.clone());
        let typed = ("", hint.as_deref().unwrap_or_default());
        Ok(form(&desk, StatusCode::OK, typed, &Problem::default()))
    })
}

/// Makes the account, and signs the person in.
pub(in crate::http) fn submit(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        if let Some(reply) = desk.cancel().await? {
            return Ok(reply);
        }
        let message = parse(&mut desk)?;
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        match register(flows, act, message.clone()).await {
            Ok(RegisterReply::Created(_)) => go_on(&desk, message).await,
            // Whether there is an account now is for the mail to say.
            Ok(RegisterReply::Accepted) => Ok(accepted(&desk)),
            Err(rejection) => refuse(&desk, rejection, &message),
        }
    })
}

fn parse(desk: &mut Desk) -> Result<Register, Refusal> {
    let mut fields = desk.call.take_fields();
    let message = Register {
        email: fields.optional_text("email").unwrap_or_default(),
        password: fields.optional_secret("password").unwrap_or_default(),
        name: fields.optional_text("name").unwrap_or_default(),
    };
    fields.finish(message)
}

async fn go_on(desk: &Desk, message: Register) -> Result<Reply, Rejection> {
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let credentials = desk.login(message.email, message.password).await?;
    match login(flows, act, credentials).await {
        Ok(progress) => Ok(sign_in::go_on(desk, &progress)),
        // The account is there; signing in by hand says what is wrong.
        Err(_) => Ok(accepted(desk)),
    }
}

fn accepted(desk: &Desk) -> Reply {
    let frame = desk.frame();
    let sign_in = match desk.request.as_str() {
        "" => format!("{}/sign-in", frame.base),
        request => format!("{}/sign-in?request={request}", frame.base),
    };
    let link = Some((sign_in.as_str(), frame.texts.sign_in.as_str()));
    desk.say(
        &frame.texts.registered_heading,
        &frame.texts.registered_text,
        link,
    )
}

fn refuse(desk: &Desk, rejection: Rejection, message: &Register) -> Result<Reply, Rejection> {
    let problem = Problem::of(rejection, &desk.frame())?;
    let typed = (message.name.as_str(), message.email.as_str());
    Ok(form(
        desk,
        StatusCode::UNPROCESSABLE_ENTITY,
        typed,
        &problem,
    ))
}

fn form(desk: &Desk, status: StatusCode, (name, email): (&str, &str), problem: &Problem) -> Reply {
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = views::Register {
        frame: &frame,
        csrf: &csrf,
        request: &desk.request,
        name,
        email,
        min_length: least_length(desk.call.flows(), &desk.call.act),
        problem: &problem.text,
        details: &problem.details,
    };
    desk.show(status, &frame, &page)
}
