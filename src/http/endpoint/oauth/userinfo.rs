//! GET, POST /userinfo (OpenID Connect Core §5.3). Flow: [`userinfo`].

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::super::{Answer, Call};
use crate::flow::userinfo::{Userinfo, userinfo};
use crate::http::render;

static JWT: HeaderValue = HeaderValue::from_static("application/jwt");

/// Tells about the person whose token it is.
pub(in crate::http) fn answer(call: Call) -> Answer {
    Box::pin(async move {
        let person = call.person()?;
        Ok(match userinfo(call.flows(), &call.act, person).await? {
            Userinfo::Plain(claims) => render::json(StatusCode::OK, &claims),
            Userinfo::Signed(jwt) => render::with_body(StatusCode::OK, &JWT, Bytes::from(jwt)),
        })
    })
}
