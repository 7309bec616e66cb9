//! GET and PATCH /auth/me: one's own profile; GET /auth/me/export: everything that is kept;
//! DELETE /auth/me and POST /auth/me/restore: going, and coming back. Flows: [`load_me`], [`update_me`],
//! [`export`], [`deletion`].

use domain::rejection::Refusal;
use http::StatusCode;
use serde_json::json;

use super::super::{Answer, Call, export as document, user};
use super::mfa::render as render_progress;
use crate::flow::deletion::{self, Restore};
use crate::flow::export::export;
use crate::flow::fresh::Fresh;
use crate::flow::profile::{UpdateMe, load_me, update_me};
use crate::flow::sign_in::demand_of;
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

/// Deletes the account of whoever signed in freshly → 202 `{message,erase_at}`.
pub(in crate::http) fn delete(call: Call) -> Answer {
    Box::pin(async move {
        let flows = call.flows();
        let fresh = Fresh::person(flows, &call.act, call.person()?).await?;
        let erase_at = deletion::delete(flows, &call.act, fresh).await?;
        let body = json!({
            "message": "The account is closed. Until it is erased, a sign-in can restore it.",
            "erase_at": erase_at.to_string(),
        });
        Ok(render::json(StatusCode::ACCEPTED, &body))
    })
}

/// Gives it back to whoever proved all that a sign-in asks: `restore_token` → 200 as for a sign-in.
pub(in crate::http) fn restore(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut fields = call.take_fields();
        let token = fields.secret("restore_token");
        let message = Restore {
            token: fields.finish(token)?,
            visitor: None,
            demand: demand_of(&call.act, None),
        };
        let progress = deletion::restore(call.flows(), &call.act, message).await?;
        Ok(render_progress(&progress))
    })
}

fn parse(mut fields: Fields) -> Result<UpdateMe, Refusal> {
    let message = UpdateMe {
        name: fields.optional_text("name"),
    };
    fields.finish(message)
}
