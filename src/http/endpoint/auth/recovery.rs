//! Lost second factors: POST /auth/mfa/recovery and …/confirm. Flows: [`ask`], [`recover`].

use domain::rejection::Refusal;
use http::StatusCode;

use super::super::{Answer, Call};
use super::mfa;
use crate::flow::Act;
use crate::flow::mfa::recovery::{Recover, ask, recover};
use crate::flow::sign_in::demand_of;
use crate::http::fields::Fields;
use crate::http::render;

/// Mails a code to whoever owes a second factor and lost every one: `mfa_token` → 202.
pub(in crate::http) fn send(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut fields = call.take_fields();
        let token = fields.secret("mfa_token");
        let token = fields.finish(token)?;
        let demand = demand_of(&call.act, None);
        ask(call.flows(), &call.act, (&token, None), demand).await?;
        let text = "A code is on its way to the address of the account.";
        Ok(render::message(StatusCode::ACCEPTED, text))
    })
}

/// Lets go of every second factor: `mfa_token,code` → 200 with a token pair, or with what is owed now.
pub(in crate::http) fn confirm(mut call: Call) -> Answer {
    Box::pin(async move {
        let fields = call.take_fields();
        let message = parse(&call.act, fields)?;
        let progress = recover(call.flows(), &call.act, message).await?;
        Ok(mfa::render(&progress))
    })
}

fn parse(act: &Act, mut fields: Fields) -> Result<Recover, Refusal> {
    let message = Recover {
        token: fields.secret("mfa_token"),
        visitor: None,
        demand: demand_of(act, None),
        code: fields.secret("code"),
    };
    fields.finish(message)
}
