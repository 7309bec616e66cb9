//! GET, POST /second-factor: one more factor, to finish a sign-in or to strengthen one. Flows:
//! [`verify`], [`step_up`].

use domain::factor::Factor;
use domain::rejection::{Refusal, Rejection};
use http::StatusCode;
use protocol::assurance::Standing;

use super::station::Station;
use super::{Desk, Posted, Problem, passkey, query_of, recovery, restore, sign_in};
use crate::flow::sign_in::demand_of;
use crate::flow::sign_in::factor::Shown;
use crate::flow::sign_in::step_up::step_up;
use crate::flow::sign_in::verify::{Verify, verify};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::{self, session, views};
use crate::http::render::Reply;

/// Shows the form for the way that is liked best, or the one that was chosen.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let desk = Desk::open(call, Posted::No).await?;
        let chosen = query_of(&desk.call, "method")?;
        match owed(&desk, Station::find(&desk).await?) {
            Ok((station, methods)) => {
                let ways = (methods.as_slice(), chosen.as_deref());
                form(&desk, (StatusCode::OK, &station), ways, &Problem::default())
            }
            Err(reply) => Ok(*reply),
        }
    })
}

/// Looks at what is shown.
pub(in crate::http) fn submit(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        if let Some(reply) = desk.cancel().await? {
            return Ok(reply);
        }
        let (method, shown) = parse(&mut desk)?;
        let (station, methods) = match owed(&desk, Station::find(&desk).await?) {
            Ok(owed) => owed,
            Err(reply) => return Ok(*reply),
        };
        match prove(&desk, &station, shown).await {
            Ok(reply) => Ok(reply),
            Err(rejection) => {
                if let Some(reply) = restore::offer(&desk, &rejection) {
                    return Ok(reply);
                }
                let problem = Problem::of_factor(rejection, &desk.frame(), &method)?;
                let look = (StatusCode::UNPROCESSABLE_ENTITY, &station);
                form(&desk, look, (&methods, Some(&method)), &problem)
            }
        }
    })
}

/// Gives what may be shown; a reply sends whoever owes nothing, or something else, to where they belong.
fn owed(desk: &Desk, station: Option<Station>) -> Result<(Station, Vec<Factor>), Box<Reply>> {
    let elsewhere = |place: &str| Err(Box::new(page::see_other(place)));
    let Some(station) = station else {
        return elsewhere(&desk.place("/sign-in"));
    };
    match station.standing().clone() {
        Standing::Done(_) => elsewhere(&desk.onward()),
        Standing::MustBind => elsewhere(&desk.place("/bind-factor")),
        Standing::Owes(methods) if methods.contains(&Factor::Password) => {
            elsewhere(&desk.place("/sign-in"))
        }
        Standing::Owes(methods) => Ok((station, methods)),
    }
}

async fn prove(desk: &Desk, station: &Station, shown: Shown) -> Result<Reply, Rejection> {
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    match station {
        Station::SigningIn(of, _) => {
            let message = Verify {
                token: of.token.clone(),
                visitor: Some(desk.guard.visitor().to_owned()),
                demand: demand_of(act, desk.asked.as_ref()),
                shown,
            };
            let progress = verify(flows, act, message).await?;
            Ok(sign_in::go_on(desk, &progress))
        }
        Station::SignedIn(browser, bound, _) => {
            let browser = step_up(flows, act, (browser, bound), shown).await?;
            let mut reply = page::see_other(&desk.onward());
            session::keep(flows, act, browser.remembered(), &mut reply);
            Ok(reply)
        }
    }
}

fn parse(desk: &mut Desk) -> Result<(String, Shown), Refusal> {
    let mut fields = desk.call.take_fields();
    let method = fields.optional_text("method").unwrap_or_default();
    // What is missing is as wrong as anything else.
    let code = fields.optional_secret("code").unwrap_or_default();
    let visitor = desk.guard.visitor().to_owned();
    let answered = passkey::take_answered(&mut fields, visitor);
    let shown = match (method.as_str(), answered) {
        ("passkey", Some(answered)) => Shown::Passkey(answered),
        ("backup", _) => Shown::BackupCode(code),
        _ => Shown::Totp(code),
    };
    fields.finish((method, shown))
}

/// Shows the form for one way, and where the others are.
fn form(
    desk: &Desk,
    (status, station): (StatusCode, &Station),
    (methods, chosen): (&[Factor], Option<&str>),
    problem: &Problem,
) -> Result<Reply, Rejection> {
    let words: Vec<&str> = methods.iter().map(|one| word_of(*one)).collect();
    let chosen = words.iter().find(|word| Some(**word) == chosen);
    let method = chosen.or(words.first()).copied().unwrap_or("totp");
    let others = words.iter().filter(|word| **word != method);
    let others: Vec<(&str, String)> = others
        .map(|word| (*word, desk.place_with("/second-factor", ("method", word))))
        .collect();
    // Whoever is signed in has a password and a mailbox to begin anew with.
    let recover = match station {
        Station::SigningIn(..) => desk.place(recovery::PATH),
        Station::SignedIn(..) => String::new(),
    };
    let (options, state) = match method {
        "passkey" => passkey::ask(desk, station)?,
        _ => (String::new(), String::new()),
    };
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = views::factor::SecondFactor {
        frame: &frame,
        csrf: &csrf,
        request: &desk.request,
        method,
        others: &others,
        recover: &recover,
        options: &options,
        state: &state,
        problem: &problem.text,
        details: &problem.details,
    };
    Ok(desk.show(status, &frame, &page))
}

/// Names a way as the form does (CONTRACT §6).
const fn word_of(factor: Factor) -> &'static str {
    match factor {
        Factor::BackupCode => "backup",
        Factor::Passkey | Factor::VerifyingPasskey => "passkey",
        Factor::Totp | Factor::Password => "totp",
    }
}
