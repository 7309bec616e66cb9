//! GET, POST /userinfo (OpenID Connect Core §5.3). Flow: [`userinfo`].

use http::StatusCode;

use super::super::{Answer, Call};
use crate::flow::userinfo::userinfo;
use crate::http::render;

/// Tells about the person whose token it is.
pub(in crate::http) fn answer(call: Call) -> Answer {
    Box::pin(async move {
        let person = call.person()?;
        let claims = userinfo(call.flows(), &call.act, person).await?;
        Ok(render::json(StatusCode::OK, &claims))
    })
}
