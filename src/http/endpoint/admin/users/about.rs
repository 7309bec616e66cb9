//! /admin/users/{id}/…: what happened to an account, where it is signed in, everything that is kept of it,
//! and erasing that. Flows: `activity`, `sessions`, `export`, `users::erase`.

use domain::id::{SessionId, UserId};
use domain::rejection::Refusal;
use http::StatusCode;
use serde_json::{Value, json};
use store::port::audit::AuditRow;

use super::super::super::auth::activity::{PLURAL, view};
use super::super::super::auth::sessions::view as view_sessions;
use super::super::super::{Answer, Call, export as document, not_found};
use crate::flow::activity::{self, Happened};
use crate::flow::admin::users::erase::{EraseUser, erase as erase_at_once};
use crate::flow::admin::users::{self, sessions};
use crate::flow::export::of_another;
use crate::flow::sessions::OwnSessions;
use crate::http::entity_tag;
use crate::http::fields::Fields;
use crate::http::paging::read_query;
use crate::http::render;

/// Lists what happened to an account, newest first.
pub(in crate::http) fn activity(call: Call) -> Answer {
    Box::pin(async move {
        let user: UserId = call.id()?;
        let bound = user.to_string();
        let list = call.list(PLURAL).bound_to(&bound);
        let mut query = read_query(call.query.as_deref())?;
        let asked = list.take_page(&mut query)?;
        let asked = query.finish(asked)?;
        users::get(call.flows(), &call.act, user).await?;
        let page = activity::rows(call.flows(), &call.act, user, asked).await?;
        let body = list.render(asked, page, |row| view_row(&row, user));
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Lists where an account is signed in.
pub(in crate::http) fn list_sessions(call: Call) -> Answer {
    Box::pin(async move {
        let live = sessions::list(call.flows(), &call.act, call.id()?).await?;
        let own = OwnSessions {
            sessions: live,
            current: None,
        };
        Ok(render::json(StatusCode::OK, &view_sessions(&own)))
    })
}

/// Ends all of them.
pub(in crate::http) fn end_sessions(call: Call) -> Answer {
    Box::pin(async move {
        sessions::end_all(call.flows(), &call.act, call.id()?).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

/// Ends one of them.
pub(in crate::http) fn end_session(call: Call) -> Answer {
    Box::pin(async move {
        let named = call.client.as_deref().unwrap_or_default();
        let session: SessionId = named.parse().map_err(|_| not_found())?;
        sessions::end(call.flows(), &call.act, call.id()?, session).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

/// Gives everything that is kept of a person, as a file.
pub(in crate::http) fn export(call: Call) -> Answer {
    Box::pin(async move {
        let export = of_another(call.flows(), &call.act, call.id()?).await?;
        Ok(document::render(&export, &call.act))
    })
}

/// Erases an account at once: `reason`, `reference`.
pub(in crate::http) fn erase(mut call: Call) -> Answer {
    Box::pin(async move {
        let mut message = parse_erase(call.id()?, call.take_fields())?;
        message.version = entity_tag::expected(&call.headers, None)?;
        erase_at_once(call.flows(), &call.act, message).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

fn parse_erase(user: UserId, mut fields: Fields) -> Result<EraseUser, Refusal> {
    let message = EraseUser {
        user,
        reason: fields.text("reason"),
        reference: fields.optional_text("reference"),
        version: None,
    };
    fields.finish(message)
}

/// Shows what its owner is told of an entry, and which operator it was.
fn view_row(row: &AuditRow, user: UserId) -> Value {
    let mut body = view(&Happened::of(row, user));
    if let Some(members) = body.as_object_mut() {
        for name in ["actor_type", "actor_id"] {
            let value = row.fields.get(name).cloned();
            members.insert(name.to_owned(), value.unwrap_or(Value::Null));
        }
        members.insert("id".to_owned(), json!(row.seq));
    }
    body
}
