//! GET, POST /recover-factor: for whoever is in the middle of a sign-in and lost every second factor. Flows:
//! [`ask`], [`recover`].

use domain::factor::Factor;
use domain::rejection::{Code, Refusal, Rejection};
use domain::secret::SecretText;
use http::StatusCode;
use protocol::assurance::Standing;

use super::station::{Station, Underway};
use super::{Desk, Posted, Problem, query_of, sign_in};
use crate::flow::mfa::recovery::{Recover, ask, recover};
use crate::flow::sign_in::demand_of;
use crate::http::endpoint::{Answer, Call};
use crate::http::page::{self, views};
use crate::http::render::Reply;

/// The path of the page.
pub(super) const PATH: &str = "/recover-factor";
/// The parameter that says that a code was sent.
const SENT: &str = "sent";

/// Says what would happen, or asks for the code that was sent.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let is_sent = query_of(&call, SENT)?.is_some();
        let desk = Desk::open(call, Posted::No).await?;
        match find(&desk).await? {
            Ok(_) => {
                let problem = Problem::default();
                Ok(form(&desk, StatusCode::OK, is_sent, &problem))
            }
            Err(reply) => Ok(*reply),
        }
    })
}

/// Sends a code, or looks at one.
pub(in crate::http) fn submit(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        if let Some(reply) = desk.cancel().await? {
            return Ok(reply);
        }
        let code = parse(&mut desk)?;
        let underway = match find(&desk).await? {
            Ok(underway) => underway,
            Err(reply) => return Ok(*reply),
        };
        let is_sent = code.is_some();
        let done = match code {
            None => send(&desk, &underway).await,
            Some(code) => finish(&desk, &underway, code).await,
        };
        match done {
            Ok(reply) => Ok(reply),
            Err(Rejection::Refused(refusal)) if refusal.code == Code::Forbidden => {
                Ok(impossible(&desk))
            }
            Err(rejection) => {
                let problem = Problem::of_factor(rejection, &desk.frame(), "recovery")?;
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Ok(form(&desk, status, is_sent, &problem))
            }
        }
    })
}

/// Finds the sign-in that owes a second factor; a reply sends everybody else to where they belong.
async fn find(desk: &Desk) -> Result<Result<Box<Underway>, Box<Reply>>, Rejection> {
    let place = match Station::find(desk).await? {
        Some(Station::SigningIn(underway, Standing::Owes(methods)))
            if !methods.contains(&Factor::Password) =>
        {
            return Ok(Ok(underway));
        }
        Some(_) => "/second-factor",
        None => "/sign-in",
    };
    Ok(Err(Box::new(page::see_other(&desk.place(place)))))
}

async fn send(desk: &Desk, underway: &Underway) -> Result<Reply, Rejection> {
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let demand = demand_of(act, desk.asked.as_ref());
    let from = (&underway.token, Some(desk.guard.visitor()));
    ask(flows, act, from, demand).await?;
    Ok(page::see_other(&desk.place_with(PATH, (SENT, "1"))))
}

async fn finish(desk: &Desk, underway: &Underway, code: SecretText) -> Result<Reply, Rejection> {
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let message = Recover {
        token: underway.token.clone(),
        visitor: Some(desk.guard.visitor().to_owned()),
        demand: demand_of(act, desk.asked.as_ref()),
        code,
    };
    let progress = recover(flows, act, message).await?;
    Ok(sign_in::go_on(desk, &progress))
}

/// Says that a mailed code is no second way to this account, and who helps.
fn impossible(desk: &Desk) -> Reply {
    let frame = desk.frame();
    let texts = &frame.texts.factor;
    let back = desk.place_with("/second-factor", ("method", "backup"));
    let link = Some((back.as_str(), texts.way("backup")));
    desk.say(&texts.recover, &texts.recover_impossible, link)
}

/// Takes the code; a form without one asks for it to be sent.
fn parse(desk: &mut Desk) -> Result<Option<SecretText>, Refusal> {
    let mut fields = desk.call.take_fields();
    let code = fields.optional_secret("code");
    fields.finish(code)
}

fn form(desk: &Desk, status: StatusCode, is_sent: bool, problem: &Problem) -> Reply {
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = views::factor::RecoverFactor {
        frame: &frame,
        csrf: &csrf,
        request: &desk.request,
        is_sent,
        again: &desk.place(PATH),
        back: &desk.place("/second-factor"),
        problem: &problem.text,
        details: &problem.details,
    };
    desk.show(status, &frame, &page)
}
