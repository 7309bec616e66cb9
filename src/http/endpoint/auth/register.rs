//! POST /auth/register: `email,password,name` → 201 with the profile, or 202 where a tenant does not
//! tell which addresses are taken. Flow: [`register`].

use domain::rejection::Refusal;
use http::StatusCode;

use super::super::{Answer, Call, user};
use crate::flow::register::{Register, RegisterReply, register};
use crate::http::fields::Fields;
use crate::http::render::{self, Reply};

/// Registers a person.
pub(in crate::http) fn answer(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse(call.take_fields())?;
        let reply = register(call.flows(), &call.act, message).await?;
        Ok(render(&reply))
    })
}

fn parse(mut fields: Fields) -> Result<Register, Refusal> {
    let message = Register {
        email: fields.text("email"),
        password: fields.secret("password"),
        name: fields.text("name"),
    };
    fields.finish(message)
}

fn render(reply: &RegisterReply) -> Reply {
    match reply {
        RegisterReply::Created(user) => render::json(StatusCode::CREATED, &user::profile(user)),
        RegisterReply::Accepted => render::message(
            StatusCode::ACCEPTED,
            "If the address is free, a letter is on its way to it.",
        ),
    }
}
