//! GET /console/tree: the live supervision tree, as /admin/actors gives it.

use actors::supervision::{State, TreeView};
use domain::rejection::Fault;
use http::StatusCode;
use http::header::REFRESH;

use super::{Later, Seat, Shown, look};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::sheet::{Cell, Part};
use crate::http::render::Reply;

/// Shows the tree.
pub(in crate::http) fn show(call: Call) -> Answer {
    look(call, "actors", page)
}

fn page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let observer = seat.call.hall.probes().observer();
        let tree = observer.ok_or(Fault::Restarting("the supervision tree"))?;
        let mut lines = Vec::new();
        write(&tree.observe(), 0, &mut lines);
        let is_live = seat.given("live").is_some();
        let (to, label) = if is_live {
            ("/console/tree", "Stop looking again")
        } else {
            ("/console/tree?live=1", "Look again every five seconds")
        };
        let parts = vec![
            Part::Acts(vec![
                ("/console/tree".to_owned(), "Look again".to_owned()),
                (to.to_owned(), label.to_owned()),
            ]),
            Part::Tree(lines),
        ];
        let shown = Shown {
            heading: "Supervision",
            lead: "What runs at this node: how it is, how often it was started again, how many messages \
                   wait for it.",
            parts,
            ..Shown::default()
        };
        let mut reply = seat.show(StatusCode::OK, &shown);
        if is_live {
            reply.headers_mut().insert(REFRESH, FIVE_SECONDS);
        }
        Ok(reply)
    })
}

const FIVE_SECONDS: http::HeaderValue = http::HeaderValue::from_static("5");

fn write(node: &TreeView, depth: usize, lines: &mut Vec<(usize, Vec<Cell>)>) {
    let state = word_of(node.state);
    let mut cells = vec![Cell::code(&node.name)];
    cells.push(match node.state {
        State::Running => Cell::Mark(state.to_owned()),
        _ => Cell::Bad(state.to_owned()),
    });
    if node.restarts > 0 {
        cells.push(Cell::Bad(format!("{} restarts", node.restarts)));
    }
    if let Some(waiting) = node.mailbox_depth {
        cells.push(Cell::text(format!("{waiting} waiting")));
    }
    if let Some(failure) = &node.last_failure {
        cells.push(Cell::text(format!("last failure: {failure}")));
    }
    lines.push((depth, cells));
    for child in &node.children {
        write(child, depth.saturating_add(1), lines);
    }
}

const fn word_of(state: State) -> &'static str {
    match state {
        State::Starting => "starting",
        State::Running => "running",
        State::Restarting => "restarting",
        State::Degraded => "degraded",
        State::Stopped => "stopped",
        State::Failed => "failed",
    }
}
