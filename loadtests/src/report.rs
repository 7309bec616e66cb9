//! The table: medians of the rounds, and the ratio that counts.

use std::fmt;
use std::time::Duration;

use crate::drive::Measured;

/// One line of the table.
pub(crate) struct Report<'a> {
    name: &'a str,
    ceiling: f64,
    service: f64,
    ratio: f64,
    p50: Duration,
    p99: Duration,
    failures: usize,
}

// === impl Report ===

impl<'a> Report<'a> {
    /// The heads of the columns.
    pub(crate) const HEAD: &'static str =
        "scenario    ceiling/s    service/s    ratio    p50 ms    p99 ms    failures";

    /// Takes the medians over rounds of (ceiling, service).
    pub(crate) fn new(name: &'a str, rounds: &[(Measured, Measured)]) -> Self {
        let over = |value: fn(&(Measured, Measured)) -> f64| median(rounds.iter().map(value));
        let last = rounds
            .last()
            .map(|(_, service)| service.latencies.as_slice());
        Self {
            name,
            ceiling: over(|(ceiling, _)| ceiling.per_second),
            service: over(|(_, service)| service.per_second),
            ratio: over(|(ceiling, service)| service.per_second / ceiling.per_second),
            p50: percentile(last.unwrap_or_default(), 50),
            p99: percentile(last.unwrap_or_default(), 99),
            failures: rounds.iter().map(|(_, service)| service.failures).sum(),
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<10}{:>11.0}{:>13.0}{:>9.2}{:>10.2}{:>10.2}{:>12}",
            self.name,
            self.ceiling,
            self.service,
            self.ratio,
            self.p50.as_secs_f64() * 1e3,
            self.p99.as_secs_f64() * 1e3,
            self.failures
        )
    }
}

/// Gives the middle one; 0 of none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Gives the one that so many of a hundred are below.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_medians_pick_what_was_measured() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 99), Duration::from_millis(100));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < f64::EPSILON);
    }
}
