//! POST /oauth/introspect (RFC 7662). Flow: [`introspect`].

use domain::rejection::Refusal;
use http::{HeaderMap, StatusCode};
use protocol::introspection::{ActiveToken, Introspection};

use super::super::{Answer, Call};
use crate::flow::introspect::{Introspect, introspect};
use crate::http::client_authentication;
use crate::http::fields::Fields;
use crate::http::render;

/// Says what a token is worth.
pub(in crate::http) fn answer(mut call: Call) -> Answer {
    Box::pin(async move {
        let fields = call.take_fields();
        let message = parse(&call.headers, fields)?;
        let claims = introspect(call.flows(), &call.act, message).await?;
        let active = claims.map(|claims| Introspection::active(ActiveToken::from(claims)));
        let response = active.unwrap_or_else(Introspection::inactive);
        Ok(render::json(StatusCode::OK, &response))
    })
}

/// Takes the fields. RFC 7662 §2.1: a hint at the token's kind may be ignored; its prefix says it.
fn parse(headers: &HeaderMap, mut fields: Fields) -> Result<Introspect, Refusal> {
    let client = client_authentication::take(headers, &mut fields)?;
    let token = fields.secret("token");
    fields.finish(Introspect { token, client })
}
