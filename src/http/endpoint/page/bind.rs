//! Binding a second factor: GET, POST /bind-factor to choose which, GET, POST /bind-app for an app that
//! shows codes. For whoever is signed in freshly, or in the middle of a sign-in that owes one. Flow:
//! [`app`].

use domain::rejection::{Refusal, Rejection};
use domain::secret::SecretText;
use http::StatusCode;

use super::station::find_binder;
use super::{Desk, Posted, Problem, sign_in};
use crate::flow::mfa::Binder;
use crate::flow::mfa::app::{self, Setup};
use crate::flow::sign_in::{Progress, demand_of};
use crate::http::endpoint::{Answer, Call};
use crate::http::page;
use crate::http::page::views::factor;
use crate::http::render::Reply;

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
        app::set_up(desk.call.flows(), &desk.call.act, &binder).await?;
        Ok(page::see_other(&desk.place("/bind-app")))
    })
}

/// Shows what the app is set up with.
pub(in crate::http) fn show_app(call: Call) -> Answer {
    Box::pin(async move {
        let desk = Desk::open(call, Posted::No).await?;
        match find_binder(&desk).await? {
            Ok(binder) => form(&desk, StatusCode::OK, &binder, &Problem::default()).await,
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
        let code = parse(&mut desk)?;
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
                form(&desk, StatusCode::UNPROCESSABLE_ENTITY, &binder, &problem).await
            }
        }
    })
}

fn parse(desk: &mut Desk) -> Result<SecretText, Refusal> {
    let mut fields = desk.call.take_fields();
    let code = fields.optional_secret("code").unwrap_or_default();
    fields.finish(code)
}

async fn form(
    desk: &Desk,
    status: StatusCode,
    binder: &Binder,
    problem: &Problem,
) -> Result<Reply, Rejection> {
    let waiting = app::waiting(desk.call.flows(), &desk.call.act, binder).await?;
    let Some(Setup { secret, qr_svg, .. }) = waiting else {
        return Ok(page::see_other(&desk.place("/bind-factor")));
    };
    let (frame, csrf) = (desk.frame(), desk.token());
    let page = factor::BindApp {
        frame: &frame,
        csrf: &csrf,
        request: &desk.request,
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
