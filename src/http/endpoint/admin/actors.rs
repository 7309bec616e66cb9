//! GET /admin/actors: the live supervision tree.

use domain::rejection::Fault;
use http::StatusCode;

use super::super::{Answer, Call};
use crate::http::render;

/// Shows every supervisor, owner and task: its state, its restarts, the depth of its mailbox.
pub(in crate::http) fn answer(call: Call) -> Answer {
    Box::pin(async move {
        let observer = call.hall.probes().observer();
        let tree = observer.ok_or(Fault::Restarting("the supervision tree"))?;
        Ok(render::json(StatusCode::OK, &tree.observe()))
    })
}
