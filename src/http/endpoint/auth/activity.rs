//! GET /auth/me/activity: what happened to one's own account, newest first. Flow: [`list`].

use domain::time::UnixMillis;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::{Answer, Call};
use crate::flow::activity::{self, Happened};
use crate::http::paging::read_query;
use crate::http::render;

/// What the entries of the list are called.
pub(in crate::http::endpoint) const PLURAL: &str = "activity";

/// Lists what happened.
pub(in crate::http) fn list(call: Call) -> Answer {
    Box::pin(async move {
        let list = call.list(PLURAL);
        let mut query = read_query(call.query.as_deref())?;
        let asked = list.take_page(&mut query)?;
        let asked = query.finish(asked)?;
        let person = call.person()?.holder();
        let page = activity::list(call.flows(), &call.act, person, asked).await?;
        let body = list.render(asked, page, |one| view(&one));
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Shows what happened.
pub(in crate::http::endpoint) fn view(one: &Happened) -> Value {
    json!({
        "at": UnixMillis::to_string(&one.at),
        "event": one.event,
        "by": one.by.as_str(),
        "success": one.is_success,
        "address": one.address,
        "device": one.user_agent,
        "client_id": one.client,
        "factor": one.factor,
    })
}
