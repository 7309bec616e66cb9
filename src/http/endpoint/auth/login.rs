//! POST /auth/login: `email,password` → 200 with a token pair, or with what is still owed. Flow:
//! [`login`].

use domain::rejection::Refusal;

use super::super::{Answer, Call};
use super::mfa::render;
use crate::flow::Act;
use crate::flow::login::{Login, login};
use crate::flow::sign_in::demand_of;
use crate::http::fields::Fields;

/// Signs a person in.
pub(in crate::http) fn answer(mut call: Call) -> Answer {
    Box::pin(async move {
        let fields = call.take_fields();
        let message = parse(&call.act, fields)?;
        let progress = login(call.flows(), &call.act, message).await?;
        Ok(render(&progress))
    })
}

fn parse(act: &Act, mut fields: Fields) -> Result<Login, Refusal> {
    let message = Login {
        email: fields.text("email"),
        password: fields.secret("password"),
        demand: demand_of(act, None),
        at: None,
    };
    fields.finish(message)
}
