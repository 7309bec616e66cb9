//! Binding a second factor: GET, POST /bind-factor to choose which, GET, POST /bind-app for an app that
//! shows codes. For whoever is signed in freshly, or in the middle of a sign-in that owes one. Flow:
//! [`app`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::rejection::{Refusal, Rejection};
use domain::secret::SecretText;
use http::StatusCode;
use protocol::system_secrets::Label;

use super::station::find_binder;
use super::{Desk, Posted, Problem, query_of, sign_in};
use crate::flow::mfa::Binder;
use crate::flow::mfa::app::{self, Setup};
use crate::flow::sign_in::{Progress, demand_of};
use crate::http::endpoint::{Answer, Call};
use crate::http::page;
use crate::http::page::views::factor;
use crate::http::render::Reply;

/// Names the mark by which a browser is known that had a secret made.
const SETUP: &str = "setup";
/// How many letters of a secret stand together.
const GROUP: usize = 4;

/// Asks which factor is to be bound.
pub(in crate::http) fn choose(call: Call) -> Answer {
    Box::pin(async move {
        let desk = Desk::open(call, Posted::No).await?;
        if let Err(reply) = find_binder(&desk).await? {
            return Ok(*reply);
        }
        let (frame, csrf) = (desk.frame(), desk.token());
        let page = factor::BindFactor {
            frame: &frame,
            csrf: &csrf,
            request: &desk.request,
            offers_passkeys: desk.call.flows().relying_party.is_some(),
            may_skip: false,
        };
        Ok(desk.show(StatusCode::OK, &frame, &page))
    })
}

/// Begins to bind it.
pub(in crate::http) fn begin(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        if let Some(reply) = desk.cancel().await? {
            return Ok(reply);
        }
        let method = desk.call.fields.optional_text("method");
        let is_passkey = method.as_deref() == Some("passkey");
        let binder = match find_binder(&desk).await? {
            Ok(binder) => binder,
            Err(reply) => return Ok(*reply),
        };
        if is_passkey {
            return Ok(page::see_other(&desk.place("/bind-passkey")));
        }
        let setup = app::set_up(desk.call.flows(), &desk.call.act, &binder).await?;
        let mark = mark_of(&desk, &binder, &setup);
        Ok(page::see_other(
            &desk.place_with("/bind-app", (SETUP, &mark)),
        ))
    })
}

/// Shows what the app is set up with.
pub(in crate::http) fn show_app(call: Call) -> Answer {
    Box::pin(async move {
        let mark = query_of(&call, SETUP)?.unwrap_or_default();
        let desk = Desk::open(call, Posted::No).await?;
        match find_binder(&desk).await? {
            Ok(binder) => {
                let problem = Problem::default();
                form(&desk, StatusCode::OK, (&binder, &mark), &problem).await
            }
            Err(reply) => Ok(*reply),
        }
    })
}

/// Binds the app that shows this code, and shows the backup codes that come with it.
pub(in crate::http) fn confirm_app(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        if let Some(reply) = desk.cancel().await? {
            return Ok(reply);
        }
        let (code, mark) = parse(&mut desk)?;
        let binder = match find_binder(&desk).await? {
            Ok(binder) => binder,
            Err(reply) => return Ok(*reply),
        };
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let demand = demand_of(act, desk.asked.as_ref());
        match app::confirm(flows, act, binder.clone(), (&code, demand)).await {
            Ok(confirmed) => {
                let made = (
                    confirmed.backup_codes.as_slice(),
                    confirmed.progress.as_ref(),
                );
                Ok(show_codes(&desk, made))
            }
            Err(rejection) => {
                let problem = Problem::of_factor(rejection, &desk.frame(), "totp")?;
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                form(&desk, status, (&binder, &mark), &problem).await
            }
        }
    })
}

fn parse(desk: &mut Desk) -> Result<(SecretText, String), Refusal> {
    let mut fields = desk.call.take_fields();
    let code = fields.optional_secret("code").unwrap_or_default();
    let mark = fields.optional_text(SETUP).unwrap_or_default();
    fields.finish((code, mark))
}

/// Shows the secret to the browser that had it made. One that waits since somebody else began, with a password
/// that they know, is not shown: who scanned it would share it with them.
async fn form(
    desk: &Desk,
    status: StatusCode,
    (binder, mark): (&Binder, &str),
    problem: &Problem,
) -> Result<Reply, Rejection> {
    let waiting = app::waiting(desk.call.flows(), &desk.call.act, binder).await?;
    let ours = waiting.filter(|setup| is_marked(desk, binder, setup, mark));
    let Some(Setup { secret, qr_svg, .. }) = ours else {
        return Ok(page::see_other(&desk.place("/bind-factor")));
    };
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = factor::BindApp {
        frame: &frame,
        csrf: &csrf,
        request: &desk.request,
        setup: mark,
        qr_svg: &qr_svg,
        secret: &in_groups(secret.expose()),
        problem: &problem.text,
        details: &problem.details,
    };
    Ok(desk.show(status, &frame, &page))
}

/// Shows backup codes, this once; whoever was in the middle of a sign-in is signed in by now. Where none
/// were made, the person goes on at once.
pub(super) fn show_codes(
    desk: &Desk,
    (made, progress): (&[SecretText], Option<&Progress>),
) -> Reply {
    let frame = desk.frame();
    let codes: Vec<&str> = made.iter().map(SecretText::expose).collect();
    // Whoever came for this alone came from their account.
    let onward = match (desk.request.as_str(), progress) {
        ("", None) => desk.place("/account/factors"),
        _ => desk.onward(),
    };
    let mut reply = if codes.is_empty() {
        page::see_other(&onward)
    } else {
        let page = factor::BackupCodes {
            frame: &frame,
            codes: &codes,
            onward: &onward,
        };
        desk.show(StatusCode::OK, &frame, &page)
    };
    if let Some(Progress::SignedIn(signed_in)) = progress {
        sign_in::remember(desk, signed_in, &mut reply);
    }
    reply
}

/// Signs that this browser had a secret made.
fn mark_of(desk: &Desk, binder: &Binder, setup: &Setup) -> String {
    let signature = desk
        .call
        .flows()
        .secrets
        .sign(Label::Form, &mark_message(desk, binder, setup));
    URL_SAFE_NO_PAD.encode(signature)
}

fn is_marked(desk: &Desk, binder: &Binder, setup: &Setup, mark: &str) -> bool {
    let signature = URL_SAFE_NO_PAD.decode(mark).unwrap_or_default();
    let message = mark_message(desk, binder, setup);
    let secrets = &desk.call.flows().secrets;
    secrets.is_signed(Label::Form, &message, &signature)
}

fn mark_message(desk: &Desk, binder: &Binder, setup: &Setup) -> Vec<u8> {
    let (tenant, user) = (desk.call.act.tenant.id, binder.user.id);
    let (visitor, secret) = (desk.guard.visitor(), setup.secret.expose());
    format!("bind-app\n{tenant}\n{user}\n{visitor}\n{secret}").into_bytes()
}

fn in_groups(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    let groups = letters.chunks(GROUP).map(|group| group.iter().collect());
    groups.collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_in_groups() {
        assert_eq!(in_groups("ABCDEFGHIJ"), "ABCD EFGH IJ");
        assert_eq!(in_groups(""), "");
    }
}
