//! GET /admin/keys: the keys that sign and verify; POST /admin/keys/rotate: the next one signs;
//! POST /admin/keys/{id}/revoke: one is trusted no more.
//! Flows: [`keys`].

use actors::keys::KeyView;
use domain::time::UnixMillis;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::{Answer, Call};
use crate::flow::admin::keys;
use crate::http::render;

/// Lists the keys, without their private parts.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let listed = keys::list(call.flows(), &call.act).await?;
        let keys: Vec<Value> = listed.iter().map(show).collect();
        Ok(render::json(StatusCode::OK, &json!({ "keys": keys })))
    })
}

/// Lets the next key sign; 409 says when it may.
pub(in crate::http) fn rotate(call: Call) -> Answer {
    Box::pin(async move {
        let active = keys::rotate(call.flows(), &call.act).await?;
        Ok(render::json(StatusCode::OK, &json!({ "active": active })))
    })
}

/// Ends a key whose private part others may have.
pub(in crate::http) fn revoke(call: Call) -> Answer {
    Box::pin(async move {
        let kid: String = call.id()?;
        let active = keys::revoke(call.flows(), &call.act, kid.clone()).await?;
        let body = json!({ "revoked": kid, "active": active });
        Ok(render::json(StatusCode::OK, &body))
    })
}

fn show(key: &KeyView) -> Value {
    let text = |instant: Option<UnixMillis>| instant.map(|instant| instant.to_string());
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.as_str(),
        "state": key.state.as_str(),
        "created_at": key.created_at.to_string(),
        "activated_at": text(key.activated_at),
        "retired_at": text(key.retired_at),
    })
}
