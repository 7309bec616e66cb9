//! GET, DELETE /admin/users/{id}/mfa: what an account has bound, and taking it all away. Flows: [`status`],
//! [`reset`].

use http::StatusCode;

use super::super::{Answer, Call};
use crate::flow::admin::factors::{reset, status};
use crate::http::endpoint::auth::mfa::view_status;
use crate::http::render;

/// Tells what is bound → 200.
pub(in crate::http) fn show(call: Call) -> Answer {
    Box::pin(async move {
        let status = status(call.flows(), &call.act, call.id()?).await?;
        Ok(render::json(StatusCode::OK, &view_status(status)))
    })
}

/// Takes everything away, and ends every sign-in → 204.
pub(in crate::http) fn remove(call: Call) -> Answer {
    Box::pin(async move {
        reset(call.flows(), &call.act, call.id()?).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}
