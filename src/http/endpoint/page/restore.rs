//! GET, POST /account/restore: a deleted account, offered to whoever just proved to be its owner. Flow:
//! [`restore`].

use domain::rejection::{Refusal, Rejection};
use domain::secret::SecretText;
use domain::user::{User, UserStatus};
use http::StatusCode;

use super::station::sign_in_of;
use super::{Desk, Posted, sign_in};
use crate::flow::deletion::{Restore, restore};
use crate::flow::sign_in::demand_of;
use crate::http::endpoint::{Answer, Call};
use crate::http::page::cookies::{self, Kind};
use crate::http::page::when::When;
use crate::http::page::{see_other, views};
use crate::http::render::Reply;

/// Asks whether the account is wanted back.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let desk = Desk::open(call, Posted::No).await?;
        match find(&desk).await? {
            Some((_, user)) => Ok(form(&desk, &user)),
            None => Ok(see_other(&desk.place("/sign-in"))),
        }
    })
}

/// Gives it back, and goes on with the sign-in.
pub(in crate::http) fn submit(call: Call) -> Answer {
    Box::pin(async move {
        let mut desk = Desk::open(call, Posted::Form).await?;
        if let Some(reply) = desk.cancel().await? {
            return Ok(reply);
        }
        let Some((token, _)) = find(&desk).await? else {
            return Ok(see_other(&desk.place("/sign-in")));
        };
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let message = Restore {
            token,
            visitor: Some(desk.guard.visitor().to_owned()),
            demand: demand_of(act, desk.asked.as_ref()),
        };
        match restore(flows, act, message).await {
            Ok(progress) => Ok(sign_in::go_on(&desk, &progress)),
            Err(Rejection::Refused(_)) => Ok(see_other(&desk.place("/sign-in"))),
            Err(failed @ Rejection::Failed(_)) => Err(failed),
        }
    })
}

/// Sends whoever proved to be the owner of a deleted account here; nothing for any other refusal.
pub(super) fn offer(desk: &Desk, rejection: &Rejection) -> Option<Reply> {
    let Rejection::Refused(Refusal {
        leaving: Some(leaving),
        ..
    }) = rejection
    else {
        return None;
    };
    let mut reply = see_other(&desk.place("/account/restore"));
    let token = leaving.token.expose().to_owned();
    cookies::set(&mut reply, &desk.call.act.tenant, Kind::SignIn, token);
    Some(reply)
}

/// Finds the deleted account of whoever is in the middle of a sign-in here.
async fn find(desk: &Desk) -> Result<Option<(SecretText, User)>, Rejection> {
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let Some((token, sign_in)) = sign_in_of(desk) else {
        return Ok(None);
    };
    match sign_in.load(flows, act).await {
        Ok((user, _)) => {
            Ok(Some((token, user)).filter(|(_, user)| user.status == UserStatus::Deleted))
        }
        Err(Rejection::Refused(_)) => Ok(None),
        Err(failed @ Rejection::Failed(_)) => Err(failed),
    }
}

fn form(desk: &Desk, user: &User) -> Reply {
    let (frame, csrf) = (desk.frame(), desk.token());
    let erase_at = When::new(user.erase_at.unwrap_or_default(), frame.texts);
    let page = views::Restore {
        frame: &frame,
        csrf: &csrf,
        request: &desk.request,
        text: &frame.texts.restore_until(erase_at.words()),
    };
    desk.show(StatusCode::OK, &frame, &page)
}
