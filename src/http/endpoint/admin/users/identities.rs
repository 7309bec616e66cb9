//! /admin/users/{id}/identities: what other issuers call a person. Flows: [`identities`].

use domain::id::UserId;
use domain::identity::ExternalIdentity;
use domain::rejection::Refusal;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::super::{Answer, Call};
use crate::flow::admin::users::identities::{self, LinkIdentity, id_of};
use crate::http::fields::Fields;
use crate::http::render;

/// Lists them.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let all = identities::list(call.flows(), &call.act, call.id()?).await?;
        let all: Vec<Value> = all.iter().map(show).collect();
        Ok(render::json(StatusCode::OK, &json!({ "identities": all })))
    })
}

/// Links one → 201; 200 if it was linked to this account before.
pub(in crate::http) fn link(mut call: Call) -> Answer {
    Box::pin(async move {
        let message = parse_link(call.id()?, call.take_fields())?;
        let (identity, is_new) = identities::link(call.flows(), &call.act, message).await?;
        let status = if is_new {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        Ok(render::json(status, &show(&identity)))
    })
}

/// Takes one away.
pub(in crate::http) fn unlink(call: Call) -> Answer {
    Box::pin(async move {
        let id = call.client.as_deref().unwrap_or_default();
        identities::unlink(call.flows(), &call.act, call.id()?, id).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

fn parse_link(user: UserId, mut fields: Fields) -> Result<LinkIdentity, Refusal> {
    let message = LinkIdentity {
        user,
        issuer: fields.text("issuer"),
        subject: fields.text("subject"),
    };
    fields.finish(message)
}

/// Shows one.
pub(in crate::http::endpoint) fn show(identity: &ExternalIdentity) -> Value {
    json!({
        "id": id_of(identity),
        "issuer": identity.issuer,
        "subject": identity.subject,
        "linked_at": identity.created_at.to_string(),
    })
}
