//! GET, POST /sign-in: by a password, or by a passkey alone. Flows: [`login`], [`passkey`].

use domain::rejection::{Refusal, Rejection};
use domain::secret::SecretText;
use http::StatusCode;
use protocol::opaque::Made;

use super::{Desk, Posted, Problem, restore};
use crate::flow::browser::Remembered;
use crate::flow::login::login;
use crate::flow::passkey::show::SignInByPasskey;
use crate::flow::passkey::{self, Answered};
use crate::flow::sign_in::{Progress, SignedIn, demand_of};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::cookies::{self, Kind};
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
        let hint = hint.unwrap_or_default();
        form(&desk, StatusCode::OK, &hint, &Problem::default())
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
        let (email, password, answered) = parse(&mut desk)?;
        if let Some(answered) = answered {
            return by_passkey(&desk, answered).await;
        }
        let message = desk.login(email, password).await?;
        let email = message.email.clone();
        match login(desk.call.flows(), &desk.call.act, message).await {
            Ok(progress) => Ok(go_on(&desk, &progress)),
            Err(rejection) => refuse(&desk, rejection, &email),
        }
    })
}

/// Signs the person in whose passkey answered.
async fn by_passkey(desk: &Desk, answered: Answered) -> Result<Reply, Rejection> {
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let demand = demand_of(act, desk.asked.as_ref());
    let message = SignInByPasskey { answered, demand };
    match passkey::show::sign_in(flows, act, message).await {
        Ok(progress) => Ok(go_on(desk, &progress)),
        Err(rejection) => {
            if let Some(reply) = restore::offer(desk, &rejection) {
                return Ok(reply);
            }
            let problem = Problem::of_factor(rejection, &desk.frame(), "passkey")?;
            form(desk, StatusCode::UNPROCESSABLE_ENTITY, "", &problem)
        }
    }
}

/// What a sign-in form carries.
type Filled = (String, SecretText, Option<Answered>);

fn parse(desk: &mut Desk) -> Result<Filled, Refusal> {
    let mut fields = desk.call.take_fields();
    let visitor = desk.guard.visitor().to_owned();
    let answered = super::passkey::take_answered(&mut fields, visitor);
    // What is missing is as wrong as anything else: the form comes back with one sentence.
    let email = fields.optional_text("email").unwrap_or_default();
    let password = fields.optional_secret("password").unwrap_or_default();
    fields.finish((email, password, answered))
}

/// Sends a person on who proved something: where they came from, or to what they owe.
pub(super) fn go_on(desk: &Desk, progress: &Progress) -> Reply {
    match progress {
        Progress::SignedIn(signed_in) => enter(desk, signed_in),
        Progress::Owes(owed) => {
            let path = if owed.methods.is_empty() {
                "/bind-factor"
            } else {
                "/second-factor"
            };
            let mut reply = page::see_other(&desk.place(path));
            let token = owed.token.expose().to_owned();
            cookies::set(&mut reply, &desk.call.act.tenant, Kind::SignIn, token);
            reply
        }
    }
}

/// Lets the browser remember the sign-in, under a name that nobody knew before, and sends it on.
pub(super) fn enter(desk: &Desk, signed_in: &SignedIn) -> Reply {
    let mut reply = page::see_other(&desk.onward());
    remember(desk, signed_in, &mut reply);
    reply
}

/// Lets the browser remember the sign-in.
pub(super) fn remember(desk: &Desk, signed_in: &SignedIn, reply: &mut Reply) {
    let remembered = Remembered {
        session: signed_in.session,
        auth_time: signed_in.auth_time,
        made: Made::Here,
    };
    session::keep(desk.call.flows(), &desk.call.act, remembered, reply);
    cookies::clear(reply, &desk.call.act.tenant, Kind::SignIn);
}

fn refuse(desk: &Desk, rejection: Rejection, email: &str) -> Result<Reply, Rejection> {
    if let Some(reply) = restore::offer(desk, &rejection) {
        return Ok(reply);
    }
    let problem = Problem::of(rejection, &desk.frame())?;
    form(desk, StatusCode::UNPROCESSABLE_ENTITY, email, &problem)
}

fn form(
    desk: &Desk,
    status: StatusCode,
    email: &str,
    problem: &Problem,
) -> Result<Reply, Rejection> {
    let (options, state) = super::passkey::ask_anybody(desk)?;
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = views::SignIn {
        frame: &frame,
        csrf: &csrf,
        request: &desk.request,
        client: desk.client_name(),
        email,
        options: &options,
        state: &state,
        problem: &problem.text,
        details: &problem.details,
    };
    Ok(desk.show(status, &frame, &page))
}
