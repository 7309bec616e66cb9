//! Passwords: PUT /auth/me/password, POST /auth/password/reset and …/confirm. Flows:
//! [`change_password`], [`request_reset`], [`confirm_reset`].

use domain::rejection::Refusal;
use http::StatusCode;

use super::super::{Answer, Call};
use crate::flow::password::{ChangePassword, change_password};
use crate::flow::reset::{ConfirmReset, RequestReset, confirm_reset, request_reset};
use crate::http::fields::Fields;
use crate::http::render;

/// Changes one's own password: `old_password,new_password` → 200.
pub(in crate::http) fn change(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_change(call.take_fields())?;
        change_password(call.flows(), &call.act, call.person()?.holder(), message).await?;
        let text = "The password is changed. Other sessions have ended.";
        Ok(render::message(StatusCode::OK, text))
    })
}

/// Mails a link to choose a new password: `email` → 202, whether or not there is such an account.
pub(in crate::http) fn reset(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_reset(call.take_fields())?;
        request_reset(call.flows(), &call.act, message).await?;
        let text = "If there is an account with this address, a letter is on its way to it.";
        Ok(render::message(StatusCode::ACCEPTED, text))
    })
}

/// Sets a new password with a mailed token: `token,new_password` → 200.
pub(in crate::http) fn confirm(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_confirm(call.take_fields())?;
        confirm_reset(call.flows(), &call.act, message).await?;
        let text = "The password is set. Every session has ended; sign in again.";
        Ok(render::message(StatusCode::OK, text))
    })
}

fn parse_change(mut fields: Fields) -> Result<ChangePassword, Refusal> {
    let message = ChangePassword {
        old: fields.secret("old_password"),
        new: fields.secret("new_password"),
    };
    fields.finish(message)
}

fn parse_reset(mut fields: Fields) -> Result<RequestReset, Refusal> {
    let message = RequestReset {
        email: fields.text("email"),
    };
    fields.finish(message)
}

fn parse_confirm(mut fields: Fields) -> Result<ConfirmReset, Refusal> {
    let message = ConfirmReset {
        token: fields.secret("token"),
        password: fields.secret("new_password"),
    };
    fields.finish(message)
}
