//! GET and DELETE /auth/me/consents, and DELETE with a client in the path: what one allowed clients. A
//! client that is named by a URL stands in the query, since no path holds one. Flows: [`consents`].

use domain::rejection::Refusal;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::{Answer, Call};
use crate::flow::consents::{self, Allowed, TakeBack};
use crate::http::paging::read_query;
use crate::http::render;

/// Lists what one allowed.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let user = call.person()?.user;
        let all = consents::list(call.flows(), &call.act, user).await?;
        Ok(render::json(StatusCode::OK, &view(&all)))
    })
}

/// Takes it back from one client.
pub(in crate::http) fn take_back(call: Call) -> Answer {
    Box::pin(async move {
        let message = TakeBack {
            user: call.person()?.user,
            client: client_of(&call)?,
        };
        consents::take_back(call.flows(), &call.act, message).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

/// Reads which client is meant: the path names it, or the query.
pub(in crate::http::endpoint) fn client_of(call: &Call) -> Result<String, Refusal> {
    let mut query = read_query(call.query.as_deref())?;
    let client = match &call.client {
        Some(client) => client.clone(),
        None => query.text("client_id"),
    };
    query.finish(client)
}

/// Shows what was allowed.
pub(in crate::http::endpoint) fn view(all: &[Allowed]) -> Value {
    let shown: Vec<Value> = all.iter().map(show).collect();
    json!({ "consents": shown })
}

fn show(allowed: &Allowed) -> Value {
    let consent = &allowed.consent;
    json!({
        "client_id": consent.client,
        "client_name": allowed.client.as_ref().map(|client| &client.name),
        "scopes": consent.scope.iter().collect::<Vec<_>>(),
        "resources": consent.resources,
        "given_at": consent.given_at.to_string(),
        "updated_at": consent.updated_at.to_string(),
    })
}
