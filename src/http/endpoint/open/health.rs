//! GET /health, /liveness: alive. GET /ready, /readiness: ready to serve.

use http::StatusCode;

use super::super::{Answer, Visit};
use crate::http::probes::Verdict;
use crate::http::render::{self, Reply};

/// Asks nothing and nobody.
pub(in crate::http) fn alive(visit: Visit) -> Answer {
    Box::pin(async move { Ok(render(&visit.hall.probes().check_alive())) })
}

/// Asks everything a request may need.
pub(in crate::http) fn ready(visit: Visit) -> Answer {
    Box::pin(async move {
        let hall = &visit.hall;
        let verdict = hall.probes().check_ready(&hall.flows).await;
        Ok(render(&verdict))
    })
}

fn render(verdict: &Verdict) -> Reply {
    let status = if verdict.is_fine() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    render::json(status, verdict)
}
