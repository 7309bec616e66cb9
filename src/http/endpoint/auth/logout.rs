//! POST /auth/logout: this session ends; POST /auth/logout/all: all of them. Flows: [`logout`],
//! [`logout_all`].

use http::StatusCode;

use super::super::{Answer, Call};
use crate::flow::logout::{logout, logout_all};
use crate::http::render;

/// Ends this session with its tokens.
pub(in crate::http) fn this(call: Call) -> Answer {
    Box::pin(async move {
        logout(call.flows(), &call.act, call.person()?).await?;
        Ok(render::message(StatusCode::OK, "You are signed out."))
    })
}

/// Ends every session of the person.
pub(in crate::http) fn all(call: Call) -> Answer {
    Box::pin(async move {
        logout_all(call.flows(), &call.act, call.person()?).await?;
        Ok(render::message(
            StatusCode::OK,
            "You are signed out everywhere.",
        ))
    })
}
