//! GET /admin/dashboard/overview and /admin/dashboard/security: how much there is and what happened
//! lately. Flow: [`dashboard`].

use domain::rejection::Refusal;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::{Answer, Call};
use crate::flow::admin::dashboard::{self, COUNTED_TO, Lately};
use crate::http::paging::read_query;
use crate::http::render;
use crate::telemetry::history::{Happening, Point};

/// What the overview tells of a stretch of time.
const OVERVIEW: [(&str, &[Happening]); 4] = [
    ("sign_ins", &[Happening::SignedIn]),
    ("failures", &FAILURES),
    ("lockouts", &LOCKOUTS),
    ("tokens_issued", &[Happening::Issued]),
];

/// What the security page tells of it.
const SECURITY: [(&str, &[Happening]); 6] = [
    ("refused", &[Happening::Refused]),
    ("turned_away", &[Happening::TurnedAway]),
    ("password_disabled", &[Happening::Disabled]),
    ("factor_owed", &[Happening::Owing]),
    ("tokens_reused", &[Happening::Reused]),
    ("not_judged", &[Happening::Failed]),
];

/// What counts as a failed sign-in.
pub(in crate::http) const FAILURES: [Happening; 3] =
    [Happening::Refused, Happening::Disabled, Happening::Failed];
/// What counts as somebody locked out.
pub(in crate::http) const LOCKOUTS: [Happening; 2] = [Happening::TurnedAway, Happening::Disabled];

/// Shows how much there is, and sign-ins, failures, lockouts, tokens and latencies lately.
pub(in crate::http) fn overview(call: Call) -> Answer {
    Box::pin(async move {
        let lately = take_lately(&call)?;
        let tally = dashboard::tally(call.flows(), &call.act).await?;
        let body = json!({
            "counts": {
                "users": tally.users,
                "sessions": tally.sessions,
                "clients": tally.clients,
                "api_keys": tally.api_keys,
                "counted_to": COUNTED_TO,
            },
            "this_node": show(&lately, &OVERVIEW, true),
        });
        Ok(render::json(StatusCode::OK, &body))
    })
}

/// Shows what went wrong at sign-ins lately, and how much of it is borne with.
pub(in crate::http) fn security(call: Call) -> Answer {
    Box::pin(async move {
        let lately = take_lately(&call)?;
        let thresholds = dashboard::thresholds(call.flows());
        let body = json!({
            "thresholds": {
                "delay_after": thresholds.delay_after,
                "lock_after": thresholds.lock_after,
                "lockout_seconds": thresholds.lockout.as_secs(),
            },
            "this_node": show(&lately, &SECURITY, false),
        });
        Ok(render::json(StatusCode::OK, &body))
    })
}

fn take_lately(call: &Call) -> Result<Lately, Refusal> {
    let mut fields = read_query(call.query.as_deref())?;
    let hours = fields.optional_number("hours");
    let hours = fields.finish(hours)?;
    dashboard::lately(call.flows(), &call.act, hours)
}

/// Adds up how often something of these kinds happened.
pub(in crate::http) fn sum(point: &Point, kinds: &[Happening]) -> u64 {
    kinds.iter().map(|kind| point.count(*kind)).sum()
}

fn show(lately: &Lately, told: &[(&str, &[Happening])], tells_latency: bool) -> Value {
    let points = lately.points.iter().map(|point| {
        let mut shown = Map::new();
        shown.insert("at".to_owned(), point.at.to_string().into());
        for (name, kinds) in told {
            shown.insert((*name).to_owned(), sum(point, kinds).into());
        }
        if tells_latency {
            let latency = point.latency.as_ref();
            let of = |read: fn(&crate::telemetry::history::Latency) -> f64| {
                latency.map(|latency| (read(latency) * 100.0).round() / 100.0)
            };
            let told = json!({
                "p50": of(|one| one.p50_ms), "p95": of(|one| one.p95_ms), "p99": of(|one| one.p99_ms),
            });
            shown.insert("latency_ms".to_owned(), told);
        }
        Value::Object(shown)
    });
    let total = |(name, kinds): &(&str, &[Happening])| {
        let all: u64 = lately.points.iter().map(|point| sum(point, kinds)).sum();
        ((*name).to_owned(), Value::from(all))
    };
    json!({
        "step_minutes": lately.step_minutes,
        "totals": told.iter().map(total).collect::<Map<_, _>>(),
        "points": points.collect::<Vec<_>>(),
    })
}
