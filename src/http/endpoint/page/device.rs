//! GET, POST /device: a person types the code of a device, reads who asks for what, and decides (RFC 8628
//! §3.3). Flow: [`device`].
//!
//! One address, two forms: for the code, and, with the device it names, for the decision. A link may
//! fill in the code (§3.3.1); it is sent by hand all the same.

use domain::rejection::{Code, Refusal, Rejection};
use http::StatusCode;
use protocol::oauth::user_code::UserCode;

use super::{Desk, Posted, Problem, query_of};
use crate::flow::authorize::Decision;
use crate::flow::browser::Browser;
use crate::flow::device::{self, AskedDevice, Decided};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::views::{self, Fact, Scope};
use crate::http::page::{self, Frame};
use crate::http::render::Reply;

/// What stands before a sealed device, where pages carry sealed requests.
pub(super) const MARK: &str = "device.";

/// Shows the form for the code, or what the device asks for.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let desk = Desk::open(call, Posted::No).await?;
        match (&desk.device, &desk.browser) {
            (Some(asked), Some(browser)) => Ok(question(&desk, asked, browser)),
            (Some(_), None) => Ok(sign_in(&desk)),
            (None, _) => {
                let typed = query_of(&desk.call, "user_code")?;
                // What a stranger's link says is shown only if it could be a code.
                let code = typed.as_deref().and_then(UserCode::parse);
                let code = code.map(|code| code.shown()).unwrap_or_default();
                Ok(form(&desk, StatusCode::OK, &code, &Problem::default()))
            }
        }
    })
}

/// Takes the code, or the decision.
pub(in crate::http) fn submit(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        match desk.device.take() {
            Some(asked) => decide(desk, asked).await,
            None => find(desk).await,
        }
    })
}

async fn find(mut desk: Desk) -> Result<Reply, Rejection> {
    let typed = desk.call.fields.optional_text("user_code");
    let typed = typed.unwrap_or_default();
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    match device::find(flows, act, &typed, desk.browser.as_ref()).await {
        Ok(asked) => {
            let sealed = asked.seal(flows, act, desk.guard.visitor())?;
            let place = format!("{}/device?request={MARK}{sealed}", desk.frame().base);
            Ok(page::see_other(&place))
        }
        Err(rejection) => {
            let status = match &rejection {
                Rejection::Refused(refusal) if refusal.code == Code::RateLimited => {
                    StatusCode::TOO_MANY_REQUESTS
                }
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let problem = Problem::of(rejection, &desk.frame())?;
            Ok(form(&desk, status, &typed, &problem))
        }
    }
}

async fn decide(mut desk: Desk, asked: AskedDevice) -> Result<Reply, Rejection> {
    let decision = match desk.call.fields.optional_text("decision").as_deref() {
        Some("allow") => Decision::Allow,
        Some("deny") => Decision::Deny,
        _ => return Err(Refusal::new(Code::BadRequest, "decision is allow or deny").into()),
    };
    let Some(browser) = &desk.browser else {
        return Ok(sign_in(&desk));
    };
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let decided = device::decide(flows, act, &asked, browser, decision).await?;
    let frame = desk.frame();
    let texts = frame.texts;
    Ok(match decided {
        Decided::Allowed => desk.say(&texts.device_allowed, &texts.device_allowed_text, None),
        Decided::Denied => desk.say(&texts.device_denied, &texts.device_denied_text, None),
        Decided::SignedOut => sign_in(&desk),
        Decided::TooLate => {
            let problem = Problem {
                text: texts.problem_code.clone(),
                details: Vec::new(),
            };
            desk.request.clear();
            form(&desk, StatusCode::UNPROCESSABLE_ENTITY, "", &problem)
        }
    })
}

/// Sends the person to sign in, and back here.
fn sign_in(desk: &Desk) -> Reply {
    let (base, request) = (desk.frame().base, &desk.request);
    page::see_other(&format!("{base}/sign-in?request={request}"))
}

fn form(desk: &Desk, status: StatusCode, user_code: &str, problem: &Problem) -> Reply {
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = views::Device {
        frame: &frame,
        csrf: &csrf,
        user_code,
        problem: &problem.text,
        details: &problem.details,
    };
    desk.show(status, &frame, &page)
}

fn question(desk: &Desk, asked: &AskedDevice, browser: &Browser) -> Reply {
    let (frame, csrf) = (desk.frame(), desk.token());
    let scopes: Vec<Scope<'_>> = asked
        .device
        .scope
        .iter()
        .map(|name| Scope {
            text: frame.texts.scope(name),
            name,
        })
        .collect();
    let page = views::DeviceConsent {
        frame: &frame,
        csrf: &csrf,
        request: &desk.request,
        client: &asked.client.name,
        email: browser.user.email.as_str(),
        user_code: &asked.user_code,
        scopes: &scopes,
        facts: &facts(&frame, asked),
    };
    desk.show(StatusCode::OK, &frame, &page)
}

/// Says who the developer is and for which resources it is.
fn facts<'a>(frame: &Frame, asked: &AskedDevice) -> Vec<Fact<'a>> {
    let developer = asked.client.metadata.client_uri.clone();
    [
        (&frame.texts.fact_developer, developer.unwrap_or_default()),
        (
            &frame.texts.fact_resources,
            asked.device.resources.join(", "),
        ),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .map(|(term, text)| Fact { term, text })
    .collect()
}
