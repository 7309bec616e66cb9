//! GET /metrics and GET /admin/metrics/prometheus.

use bytes::Bytes;
use domain::rejection::Fault;
use http::{HeaderValue, StatusCode};

use super::super::{Answer, Visit};
use crate::http::render;

static OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Writes every meter.
pub(in crate::http) fn answer(visit: Visit) -> Answer {
    Box::pin(async move {
        let hall = &visit.hall;
        let observer = hall.probes().observer();
        let tree = observer.ok_or(Fault::Restarting("the supervision tree"))?;
        let (flows, meters) = (&hall.flows, &hall.flows.meters);
        meters.set_hashing_queued(flows.hashing.depth());
        meters.set_mail_waiting(flows.mail.waiting());
        meters.set_notices_waiting(flows.notices.waiting());
        let text = meters.render(tree);
        Ok(render::with_body(
            StatusCode::OK,
            &OPEN_METRICS,
            Bytes::from(text),
        ))
    })
}
