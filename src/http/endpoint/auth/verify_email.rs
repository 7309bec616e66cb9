//! POST /auth/verify-email: `token` → 200; POST /auth/verify-email/resend: `email` → 202. Flows:
//! [`verify_email`], [`resend_verification`].

use domain::rejection::Refusal;
use http::StatusCode;

use super::super::{Answer, Call};
use crate::flow::verify_email::{
    ResendVerification, VerifyEmail, resend_verification, verify_email,
};
use crate::http::fields::Fields;
use crate::http::render;

/// Proves an address with a mailed token.
pub(in crate::http) fn answer(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse(call.take_fields())?;
        verify_email(call.flows(), &call.act, message).await?;
        Ok(render::message(StatusCode::OK, "The address is verified."))
    })
}

/// Mails another token, whether or not there is such an account.
pub(in crate::http) fn resend(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_resend(call.take_fields())?;
        resend_verification(call.flows(), &call.act, message).await?;
        let text = "If the address awaits verification, a letter is on its way to it.";
        Ok(render::message(StatusCode::ACCEPTED, text))
    })
}

fn parse(mut fields: Fields) -> Result<VerifyEmail, Refusal> {
    let message = VerifyEmail {
        token: fields.secret("token"),
    };
    fields.finish(message)
}

fn parse_resend(mut fields: Fields) -> Result<ResendVerification, Refusal> {
    let message = ResendVerification {
        email: fields.text("email"),
    };
    fields.finish(message)
}
