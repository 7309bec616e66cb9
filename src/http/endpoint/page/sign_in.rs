//! GET, POST /sign-in. Flow: [`login`].

use domain::rejection::{Refusal, Rejection};
use http::StatusCode;
use protocol::opaque::Made;

use super::{Desk, Posted, Problem};
use crate::flow::login::{Login, login};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::{self, session, views};
use crate::http::render::Reply;

/// Shows the form; without a request, whoever is signed in is told so.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let desk = Desk::open(call, Posted::No).await?;
        if let Some(reply) = desk.elsewhere().await? {
            return Ok(reply);
        }
        if let ("", Some(browser)) = (desk.request.as_str(), &desk.browser) {
            let frame = desk.frame();
            let text = frame.texts.signed_in_as(browser.user.email.as_str());
            let sign_out = format!("{}/oauth/logout", frame.base);
            let link = Some((sign_out.as_str(), frame.texts.sign_out.as_str()));
            return Ok(desk.say(&frame.texts.signed_in, &text, link));
        }
        let hint = desk
            .asked
            .as_ref()
            .and_then(|asked| asked.request.login_hint.clone());
        Ok(form(
            &desk,
            StatusCode::OK,
            &hint.unwrap_or_default(),
            &Problem::default(),
        ))
    })
}

/// Signs the person in.
pub(in crate::http) fn submit(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        if let Some(reply) = desk.cancel().await? {
            return Ok(reply);
        }
        if let Some(reply) = desk.elsewhere().await? {
            return Ok(reply);
        }
        let message = parse(&mut desk)?;
        let email = message.email.clone();
        match login(desk.call.flows(), &desk.call.act, message).await {
            Ok(signed_in) => Ok(enter(&desk, signed_in.session)),
            Err(rejection) => refuse(&desk, rejection, &email),
        }
    })
}

fn parse(desk: &mut Desk) -> Result<Login, Refusal> {
    let mut fields = desk.call.take_fields();
    // What is missing is as wrong as anything else: the form comes back with one sentence.
    let email = fields.optional_text("email").unwrap_or_default();
    let password = fields.optional_secret("password").unwrap_or_default();
    fields.finish(Login { email, password })
}

/// Lets the browser remember the sign-in, under a name that nobody knew before, and sends it on.
pub(super) fn enter(desk: &Desk, session: domain::id::SessionId) -> Reply {
    let base = desk.frame().base;
    let place = match desk.request.as_str() {
        "" => format!("{base}/sign-in"),
        request if desk.device.is_some() => format!("{base}/device?request={request}"),
        request => format!("{base}/oauth/resume?request={request}"),
    };
    let mut reply = page::see_other(&place);
    let made = (session, Made::Here);
    session::keep(desk.call.flows(), &desk.call.act, made, &mut reply);
    reply
}

fn refuse(desk: &Desk, rejection: Rejection, email: &str) -> Result<Reply, Rejection> {
    let problem = Problem::of(rejection, &desk.frame())?;
    Ok(form(
        desk,
        StatusCode::UNPROCESSABLE_ENTITY,
        email,
        &problem,
    ))
}

fn form(desk: &Desk, status: StatusCode, email: &str, problem: &Problem) -> Reply {
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = views::SignIn {
        frame: &frame,
        csrf: &csrf,
        request: &desk.request,
        client: desk.client_name(),
        email,
        options: "",
        state: "",
        problem: &problem.text,
        details: &problem.details,
    };
    desk.show(status, &frame, &page)
}
