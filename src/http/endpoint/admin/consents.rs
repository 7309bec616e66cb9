//! /admin/users/{id}/consents: what a person allowed clients, as operators see it and take it back.
//! Flows: [`consents`].

use http::StatusCode;

use super::super::auth::consents::{client_of, view};
use super::super::{Answer, Call};
use crate::flow::admin::users;
use crate::flow::consents::{self, TakeBack};
use crate::http::render;

/// Lists what a person allowed.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let user = users::get(call.flows(), &call.act, call.id()?).await?;
        let all = consents::list(call.flows(), &call.act, user.id).await?;
        Ok(render::json(StatusCode::OK, &view(&all)))
    })
}

/// Takes it back from one client.
pub(in crate::http) fn take_back(call: Call) -> Answer {
    Box::pin(async move {
        let message = TakeBack {
            user: call.id()?,
            client: client_of(&call)?,
        };
        users::require_in_reach(call.flows(), &call.act, message.user).await?;
        consents::take_back(call.flows(), &call.act, message).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}
