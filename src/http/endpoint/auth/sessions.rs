//! GET and DELETE /auth/sessions, DELETE /auth/sessions/{id}: where one is signed in. Flows:
//! [`sessions`].

use domain::session::Session;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::{Answer, Call};
use crate::flow::sessions::{self, EndSession, OwnSessions};
use crate::http::render::{self, Reply};

/// Lists one's own sessions.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let own = sessions::list(call.flows(), &call.act, call.person()?.holder()).await?;
        Ok(render(&own))
    })
}

/// Ends all of them but this one.
pub(in crate::http) fn end_others(call: Call) -> Answer {
    Box::pin(async move {
        sessions::end_others(call.flows(), &call.act, call.person()?.holder()).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

/// Ends one of them.
pub(in crate::http) fn end(call: Call) -> Answer {
    Box::pin(async move {
        let message = EndSession {
            session: call.id()?,
        };
        sessions::end_session(call.flows(), &call.act, call.person()?.holder(), message).await?;
        Ok(render::empty(StatusCode::NO_CONTENT))
    })
}

fn render(own: &OwnSessions) -> Reply {
    render::json(StatusCode::OK, &view(own))
}

/// Shows where one is signed in.
pub(in crate::http::endpoint) fn view(own: &OwnSessions) -> Value {
    let show = |session: &Session| show(session, own.current == Some(session.id));
    let sessions: Vec<Value> = own.sessions.iter().map(show).collect();
    json!({ "sessions": sessions })
}

fn show(session: &Session, is_current: bool) -> Value {
    json!({
        "id": session.id,
        "device": session.user_agent,
        "address": session.address,
        "created_at": session.created_at.to_string(),
        "last_active_at": session.last_active_at.to_string(),
        "expires_at": session.expires_at.to_string(),
        "current": is_current,
    })
}
