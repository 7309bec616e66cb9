//! POST /auth/token/revoke and POST /auth/revoke: `token` → 200 `{message}`. Flow: [`revoke`].

use http::StatusCode;

use super::super::{Answer, Call, oauth};
use crate::flow::revoke::revoke;
use crate::http::render;

/// Revokes a token. RFC 7009 §2.2: an unknown one is answered alike.
pub(in crate::http) fn answer(mut call: Call) -> Answer {
    Box::pin(async move {
        let fields = call.take_fields();
        let message = oauth::revoke::parse(&call.headers, fields)?;
        revoke(call.flows(), &call.act, message).await?;
        Ok(render::message(StatusCode::OK, "The token is revoked."))
    })
}
