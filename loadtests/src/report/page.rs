//! The page: one file that needs nothing else.

use std::fmt::Write as _;

use super::charts::{Bar, Line, bars, escaped, lines, numbered};
use super::table::{figure, goal, middle, verdict};
use super::{Report, Row, Side};
use crate::thresholds::Goal;

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
td,th{padding:.25rem .5rem;border-bottom:1px solid #d8dee4;text-align:right}\
td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}\
.met{color:#116329}.MISSED{color:#a40e26;font-weight:600}\
svg{width:100%;height:auto;font:12px system-ui,sans-serif;fill:#1b1f24}.end{text-anchor:end}\
rect.good{fill:#2da44e}rect.bad{fill:#cf222e}rect.plain{fill:#57606a}rect.own{fill:#0969da}\
.mark{stroke:#1b1f24;stroke-width:2}.axis{stroke:#8c959f}polyline{fill:none;stroke-width:1.6}\
polyline.c0{stroke:#0969da}polyline.c1{stroke:#cf222e}polyline.c2{stroke:#2da44e}\
polyline.c3{stroke:#8250df}polyline.c4{stroke:#bf8700}polyline.c5{stroke:#1b7c83}\
rect.c0{fill:#0969da}rect.c1{fill:#cf222e}rect.c2{fill:#2da44e}rect.c3{fill:#8250df}\
rect.c4{fill:#bf8700}rect.c5{fill:#1b7c83}";

/// Writes the page.
pub(super) fn render(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Load tests</title>\
         <style>{STYLE}</style><h1>Load tests</h1><p>{}</p>",
        escaped(&report.machine.line())
    );
    page.push_str(&rows(report));
    page.push_str("<h2>Ratio to the ceiling</h2><p>The mark is the goal.</p>");
    page.push_str(&ratios(report));
    page.push_str("<h2>Answers a second</h2><p>Grey: the ceiling. Blue: the service.</p>");
    page.push_str(&throughput(report));
    page.push_str("<h2>Latency by percentile</h2>");
    page.push_str(&in_groups(
        report,
        |side| side.percentiles.clone(),
        ("ms", true),
    ));
    page.push_str("<h2>Memory of the service</h2>");
    let memory = |side: &Side| numbered(&side.memory, 0.25, 1_048_576.0);
    page.push_str(&in_groups(report, memory, ("MiB", false)));
    page.push_str("</html>\n");
    page
}

fn rows(report: &Report) -> String {
    let mut table =
        "<table><tr><th>what<th>store<th>ceiling/s<th>service/s<th>figure<th>least–most\
                     <th>by CPU<th>goal<th><th>p50 ms<th>p99 ms<th>µs service<th>µs store<th>µs generator"
            .to_owned();
    for row in &report.rows {
        let rate = |side: &Option<Side>| side.as_ref().map(middle).map_or(String::new(), figure);
        let of_service = |what: &dyn Fn(&Side) -> Option<f64>| {
            let found = row.service.as_ref().and_then(what);
            found.map_or(String::new(), figure)
        };
        let micros = |place: usize| of_service(&|side| side.micros.get(place).copied());
        let verdict = verdict(row.is_met);
        let _ = write!(
            table,
            "<tr><td title=\"{}\">{}<td>{}<td>{}<td>{}<td>{}<td>{}–{}<td>{}<td>{}<td class=\"{verdict}\">{verdict}\
             <td>{}<td>{}<td>{}<td>{}<td>{}",
            escaped(&row.about),
            escaped(&row.name),
            escaped(&row.store),
            rate(&row.ceiling),
            rate(&row.service),
            figure(row.figure),
            figure(row.spread[0]),
            figure(row.spread[1]),
            row.by_time.map_or(String::new(), figure),
            row.goal.map_or(String::new(), goal),
            of_service(&|side| side.millis(50.0)),
            of_service(&|side| side.millis(99.0)),
            micros(0),
            micros(1),
            micros(2)
        );
    }
    table.push_str("</table>");
    table
}

fn ratios(report: &Report) -> String {
    let compared = report.rows.iter().filter(|row| row.ceiling.is_some());
    let drawn: Vec<Bar> = compared
        .map(|row| Bar {
            name: titled(row),
            value: row.figure,
            label: figure(row.figure),
            class: match row.is_met {
                Some(true) => "good",
                Some(false) => "bad",
                None => "plain",
            },
            mark: row.goal.map(|goal| match goal {
                Goal::AtLeast(at) | Goal::AtMost(at) => at,
            }),
        })
        .collect();
    bars(&drawn)
}

fn throughput(report: &Report) -> String {
    let mut drawn = Vec::new();
    for row in &report.rows {
        for (side, class) in [(&row.ceiling, "plain"), (&row.service, "own")] {
            let Some(side) = side else { continue };
            let name = if class == "own" {
                titled(row)
            } else {
                side.name.clone()
            };
            drawn.push(Bar {
                name,
                value: middle(side),
                label: figure(middle(side)),
                class,
                mark: None,
            });
        }
    }
    bars(&drawn)
}

/// Draws six rows to a chart, so that lines can be told apart.
fn in_groups(
    report: &Report,
    points: impl Fn(&Side) -> Vec<[f64; 2]>,
    (unit, is_logarithmic): (&str, bool),
) -> String {
    let with_points = report.rows.iter().filter_map(|row| {
        let points = points(row.service.as_ref()?);
        (points.len() > 1).then(|| Line {
            name: titled(row),
            points,
        })
    });
    let all: Vec<Line> = with_points.collect();
    all.chunks(6)
        .map(|group| lines(group, unit, is_logarithmic))
        .collect()
}

fn titled(row: &Row) -> String {
    format!("{} · {}", row.name, row.store)
}
