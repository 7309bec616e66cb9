//! The table that is printed, a line as soon as it is known.

use super::{Row, Side};
use crate::numbers::median;
use crate::thresholds::Goal;

/// The heads of the columns.
pub(super) fn head() -> String {
    format!(
        "{:<20}{:<16}{:>11}{:>11}{:>9}{:>15}{:>8}{:>9}{:>8}{:>9}{:>9}   {}",
        "what",
        "store",
        "ceiling/s",
        "service/s",
        "figure",
        "least–most",
        "by CPU",
        "goal",
        "",
        "p50 ms",
        "p99 ms",
        "µs each: service + store, generator | ceiling, its p50 and p99"
    )
}

/// One row.
pub(super) fn line(row: &Row) -> String {
    let rate = |side: &Option<Side>| {
        side.as_ref()
            .map_or(String::new(), |side| format!("{:.0}", middle(side)))
    };
    let millis = |percent: f64| {
        let found = row.service.as_ref().and_then(|side| side.millis(percent));
        found.map_or(String::new(), |millis| format!("{millis:.2}"))
    };
    format!(
        "{:<20}{:<16}{:>11}{:>11}{:>9}{:>15}{:>8}{:>9}{:>8}{:>9}{:>9}   {}",
        row.name,
        row.store,
        rate(&row.ceiling),
        rate(&row.service),
        figure(row.figure),
        format!("{}–{}", figure(row.spread[0]), figure(row.spread[1])),
        row.by_time.map_or(String::new(), figure),
        row.goal.map_or(String::new(), goal),
        verdict(row.is_met),
        millis(50.0),
        millis(99.0),
        costs(row)
    )
}

/// Writes a goal.
pub(super) fn goal(goal: Goal) -> String {
    match goal {
        Goal::AtLeast(least) => format!("≥ {}", figure(least)),
        Goal::AtMost(most) => format!("≤ {}", figure(most)),
    }
}

/// Writes a verdict.
pub(super) const fn verdict(is_met: Option<bool>) -> &'static str {
    match is_met {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "",
    }
}

/// Writes a figure with as many digits as it needs.
pub(super) fn figure(figure: f64) -> String {
    if figure.abs() >= 100.0 {
        format!("{figure:.0}")
    } else if figure.abs() >= 10.0 {
        format!("{figure:.1}")
    } else {
        format!("{figure:.2}")
    }
}

/// Gives the middle rate of a side.
pub(super) fn middle(side: &Side) -> f64 {
    median(side.per_second.iter().copied())
}

fn costs(row: &Row) -> String {
    let Some(service) = &row.service else {
        return row.unit.clone();
    };
    let [server, store, generator] = service.micros;
    let parts = [
        Some(format!("{server:.1} + {store:.1}, {generator:.1}")),
        row.ceiling.as_ref().map(above).unwrap_or_default(),
        (generator > server + store)
            .then(|| "  (the generator took more than the service)".to_owned()),
        (service.failures > 0).then(|| format!("  {} FAILURES", service.failures)),
    ];
    parts.into_iter().flatten().collect()
}

/// Writes what the ceiling costs, and how long its answers take.
fn above(side: &Side) -> Option<String> {
    let [server, store, generator] = side.micros;
    let (middle, most) = (side.millis(50.0)?, side.millis(99.0)?);
    let times = format!("{middle:.2} and {most:.2} ms");
    (server > 0.0).then(|| format!(" | {server:.1} + {store:.1}, {generator:.1}, {times}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_as_many_digits_as_it_needs() {
        assert_eq!([0.123, 12.34, 1234.5].map(figure), ["0.12", "12.3", "1234"]);
        assert_eq!(goal(Goal::AtMost(20.0)), "≤ 20.0");
    }
}
