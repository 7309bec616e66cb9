//! POST /auth/login: `email,password` → 200 with a token pair. Flow: [`login`].

use domain::rejection::Refusal;

use super::super::{Answer, Call, tokens};
use crate::flow::login::{Login, login};
use crate::http::fields::Fields;

/// Signs a person in.
pub(in crate::http) fn answer(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse(call.take_fields())?;
        let signed_in = login(call.flows(), &call.act, message).await?;
        Ok(tokens::render(&signed_in.tokens))
    })
}

fn parse(mut fields: Fields) -> Result<Login, Refusal> {
    let message = Login {
        email: fields.text("email"),
        password: fields.secret("password"),
    };
    fields.finish(message)
}
