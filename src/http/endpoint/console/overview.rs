//! GET /console: how much there is, and what happened lately, drawn. Flow: [`dashboard`].

use http::StatusCode;
use time::OffsetDateTime;

use super::{Later, Seat, Shown, look};
use crate::flow::admin::dashboard::{self, COUNTED_TO, Lately};
use crate::http::endpoint::admin::dashboard::{FAILURES, LOCKOUTS, sum};
use crate::http::endpoint::{Answer, Call};
use crate::http::page::sheet::Part;
use crate::http::page::sheet::chart::{Chart, Series, short};
use crate::http::render::Reply;
use crate::telemetry::history::{Happening, Latency, Point};
use domain::time::UnixMillis;

/// Shows the dashboard.
pub(in crate::http) fn show(call: Call) -> Answer {
    look(call, "dashboard", page)
}

fn page(seat: &Seat) -> Later<'_, Reply> {
    Box::pin(async move {
        let hours = seat.given("hours").and_then(|text| text.parse().ok());
        let lately = dashboard::lately(seat.flows(), seat.act(), hours)?;
        let tally = dashboard::tally(seat.flows(), seat.act()).await?;
        let figures = [
            ("Users", tally.users),
            ("Sessions", tally.sessions),
            ("Clients", tally.clients),
            ("API keys", tally.api_keys),
        ];
        let figures = figures.map(|(label, count)| (label, said(count)));
        let thresholds = dashboard::thresholds(seat.flows());
        let borne = format!(
            "An account waits from {} failed sign-ins in a row on, and is locked for {} minutes after {}.",
            thresholds.delay_after,
            thresholds.lockout.as_secs() / 60,
            thresholds.lock_after,
        );
        let parts = vec![
            Part::Figures(figures.to_vec()),
            Part::Heading("Lately, at this node".to_owned()),
            Part::Acts(spans()),
            Part::Charts(charts(&lately)),
            Part::Note(borne),
            Part::Note(NODE.to_owned()),
        ];
        let shown = Shown {
            heading: "Overview",
            parts,
            ..Shown::default()
        };
        Ok(seat.show(StatusCode::OK, &shown))
    })
}

const NODE: &str = "The counts above hold for all nodes. The charts show what this node saw of the \
tenant since it began, and how long its public door took to answer anybody; Prometheus has the whole.";

/// Offers the stretches of time that are kept.
fn spans() -> Vec<(String, String)> {
    let spans = [
        (1, "The last hour"),
        (3, "The last 3 hours"),
        (6, "The last 6 hours"),
    ];
    let link = |(hours, label): (u8, &str)| (format!("/console?hours={hours}"), label.to_owned());
    spans.map(link).to_vec()
}

fn said(count: u64) -> String {
    if count >= u64::from(COUNTED_TO) {
        return format!("{COUNTED_TO} or more");
    }
    count.to_string()
}

fn charts(lately: &Lately) -> Vec<Chart> {
    let count = |label: &'static str, kinds: &[Happening]| {
        let values: Vec<u64> = lately
            .points
            .iter()
            .map(|point| sum(point, kinds))
            .collect();
        Series {
            label,
            said: values.iter().sum::<u64>().to_string(),
            values: values.into_iter().map(exact).map(Some).collect(),
        }
    };
    let latency = |label: &'static str, read: fn(&Latency) -> f64| {
        let values = lately.points.iter();
        let values: Vec<Option<f64>> = values.map(|point| told(point, read)).collect();
        let most = values.iter().flatten().copied().fold(0.0, f64::max);
        Series {
            label,
            said: format!("{} ms at most", short(most)),
            values,
        }
    };
    let span = || span_of(lately);
    let draw = |title, series| Chart::draw(title, "", span(), series);
    vec![
        draw("Sign-ins", vec![count("signed in", &[Happening::SignedIn])]),
        draw("Failed sign-ins", vec![count("failed", &FAILURES)]),
        draw("Lockouts", vec![count("turned away", &LOCKOUTS)]),
        draw("Access tokens", vec![count("issued", &[Happening::Issued])]),
        Chart::draw(
            "Latency",
            " ms",
            span(),
            vec![
                latency("50 in 100", |one| one.p50_ms),
                latency("95 in 100", |one| one.p95_ms),
                latency("99 in 100", |one| one.p99_ms),
            ],
        ),
    ]
}

fn told(point: &Point, read: fn(&Latency) -> f64) -> Option<f64> {
    point.latency.as_ref().map(read)
}

fn exact(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Says when the first stretch begins and the last one, in hours and minutes of UTC.
fn span_of(lately: &Lately) -> (String, String) {
    let clock = |point: Option<&Point>| {
        let at = point.map_or(UnixMillis::default(), |point| point.at);
        let at = OffsetDateTime::from_unix_timestamp(at.as_seconds());
        at.map_or_else(
            |_| String::new(),
            |at| format!("{:02}:{:02} UTC", at.hour(), at.minute()),
        )
    };
    (clock(lately.points.first()), clock(lately.points.last()))
}
