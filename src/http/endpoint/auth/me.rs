//! GET and PATCH /auth/me: one's own profile; GET /auth/me/export: everything that is kept. Flows:
//! [`load_me`], [`update_me`], [`export`].

use domain::rejection::Refusal;
use http::StatusCode;

use super::super::{Answer, Call, export as document, user};
use crate::flow::export::export;
use crate::flow::fresh::Fresh;
use crate::flow::profile::{UpdateMe, load_me, update_me};
use crate::http::fields::Fields;
use crate::http::render;

/// Shows the profile.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let me = load_me(call.flows(), &call.act, call.person()?.holder()).await?;
        Ok(render::json(StatusCode::OK, &user::profile(&me)))
    })
}

/// Changes what a person may change of it: `name`.
pub(in crate::http) fn update(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse(call.take_fields())?;
        let me = update_me(call.flows(), &call.act, call.person()?.holder(), message).await?;
        Ok(render::json(StatusCode::OK, &user::profile(&me)))
    })
}

/// Gives whoever signed in freshly everything that is kept of them.
pub(in crate::http) fn take_along(call: Call) -> Answer {
    Box::pin(async move {
        let (flows, person) = (call.flows(), call.person()?);
        let fresh = Fresh::person(flows, &call.act, person).await?;
        let export = export(flows, &call.act, fresh, person.holder()).await?;
        Ok(document::render(&export, &call.act))
    })
}

fn parse(mut fields: Fields) -> Result<UpdateMe, Refusal> {
    let message = UpdateMe {
        name: fields.optional_text("name"),
    };
    fields.finish(message)
}
