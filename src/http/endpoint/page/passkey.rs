//! GET, POST /bind-passkey; and what other pages ask of passkeys. Flows: [`bind`], [`show`].

use domain::rejection::{Refusal, Rejection};
use http::StatusCode;

use super::station::{Station, find_binder};
use super::{Desk, Posted, Problem, bind as bind_page};
use crate::flow::mfa::Binder;
use crate::flow::passkey::bind::{self, BindPasskey};
use crate::flow::passkey::{Answered, Begun, show};
use crate::flow::sign_in::demand_of;
use crate::http::endpoint::{Answer, Call};
use crate::http::fields::Fields;
use crate::http::page::views::factor;
use crate::http::render::Reply;

/// Shows the form that a passkey answers.
pub(in crate::http) fn show_form(call: Call) -> Answer {
    Box::pin(async move {
        let desk = Desk::open(call, Posted::No).await?;
        match find_binder(&desk).await? {
            Ok(binder) => form(&desk, StatusCode::OK, (&binder, ""), &Problem::default()),
            Err(reply) => Ok(*reply),
        }
    })
}

/// Binds the passkey that answered.
pub(in crate::http) fn submit(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        if let Some(reply) = desk.cancel().await? {
            return Ok(reply);
        }
        let (name, answered) = parse(&mut desk)?;
        let binder = match find_binder(&desk).await? {
            Ok(binder) => binder,
            Err(reply) => return Ok(*reply),
        };
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let message = BindPasskey {
            answered,
            name: name.clone(),
            demand: demand_of(act, desk.asked.as_ref()),
        };
        match bind::finish(flows, act, binder.clone(), message).await {
            Ok(bound) => {
                let made = (bound.backup_codes.as_slice(), bound.progress.as_ref());
                Ok(bind_page::show_codes(&desk, made))
            }
            Err(rejection) => {
                let problem = Problem::of_factor(rejection, &desk.frame(), "passkey")?;
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                form(&desk, status, (&binder, &name), &problem)
            }
        }
    })
}

/// Asks for one of the passkeys of whoever is at the page; gives the options and the state.
pub(super) fn ask(desk: &Desk, station: &Station) -> Result<(String, String), Rejection> {
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let visitor = Some(desk.guard.visitor());
    let begun = show::begin_second_factor(flows, act, station.account(), visitor)?;
    Ok(written(&begun))
}

/// Asks for anybody's passkey; gives the options and the state, empty where there are no passkeys.
pub(super) fn ask_anybody(desk: &Desk) -> Result<(String, String), Rejection> {
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    if flows.relying_party.is_none() {
        return Ok((String::new(), String::new()));
    }
    let begun = show::begin_sign_in(flows, act, Some(desk.guard.visitor()))?;
    Ok(written(&begun))
}

/// Takes what a passkey answered, if one did.
pub(super) fn take_answered(fields: &mut Fields, visitor: String) -> Option<Answered> {
    let state = fields.optional_secret("state");
    let response = fields.optional_text("response");
    let response = response.filter(|response| !response.is_empty());
    Some(Answered {
        state: state?,
        response: response?.into_bytes(),
        visitor: Some(visitor),
    })
}

fn parse(desk: &mut Desk) -> Result<(String, Answered), Refusal> {
    let mut fields = desk.call.take_fields();
    let visitor = desk.guard.visitor().to_owned();
    let name = fields.optional_text("name").unwrap_or_default();
    let answered = take_answered(&mut fields, visitor);
    let (name, answered) = fields.finish((name, answered))?;
    let answered = answered.ok_or_else(|| Refusal::field("response", "is missing"))?;
    Ok((name, answered))
}

fn form(
    desk: &Desk,
    status: StatusCode,
    (binder, name): (&Binder, &str),
    problem: &Problem,
) -> Result<Reply, Rejection> {
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let begun = bind::begin(flows, act, binder, Some(desk.guard.visitor()))?;
    let (options, state) = written(&begun);
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = factor::BindPasskey {
        frame: &frame,
        csrf: &csrf,
        request: &desk.request,
        options: &options,
        state: &state,
        name,
        problem: &problem.text,
        details: &problem.details,
    };
    Ok(desk.show(status, &frame, &page))
}

fn written(begun: &Begun) -> (String, String) {
    (begun.options.to_string(), begun.state.expose().to_owned())
}
