//! POST /oauth/revoke (RFC 7009). Flow: [`revoke`].

use domain::rejection::Refusal;
use http::{HeaderMap, StatusCode};

use super::super::{Answer, Call};
use crate::flow::revoke::{Revoke, revoke};
use crate::http::client_authentication;
use crate::http::fields::Fields;
use crate::http::render;

/// Revokes a token. RFC 7009 §2.2: an unknown one is answered alike, and the content is ignored.
pub(in crate::http) fn answer(mut call: Call) -> Answer {
    Box::pin(async move {
        let fields = call.take_fields();
        let message = parse(&call.headers, fields)?;
        revoke(call.flows(), &call.act, message).await?;
        Ok(render::empty(StatusCode::OK))
    })
}

/// Takes the fields. RFC 7009 §2.1: a hint at the token's kind may be ignored; its prefix says it.
pub(in crate::http::endpoint) fn parse(
    headers: &HeaderMap,
    mut fields: Fields,
) -> Result<Revoke, Refusal> {
    let client = client_authentication::take(headers, &mut fields)?;
    let token = fields.secret("token");
    if token.expose().is_empty() {
        fields.refuse("token", "must not be empty");
    }
    fields.finish(Revoke { token, client })
}
