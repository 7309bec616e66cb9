//! Numbers between the kinds that counters, clocks and figures have.

use std::time::Duration;

/// Gives a count as a figure. What is lost beyond 2^53 nobody counts to.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a figure is rounded anyway"
)]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}

/// Gives a length as a figure.
pub(crate) fn size(length: usize) -> f64 {
    float(u64::try_from(length).unwrap_or(u64::MAX))
}

/// Gives a figure as a count; nothing below zero.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion saturates"
)]
pub(crate) const fn count(figure: f64) -> u64 {
    figure as u64
}

/// Gives a duration in nanoseconds.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
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

    #[test]
    fn figures_saturate() {
        assert_eq!((count(-1.0), count(2.9)), (0, 2));
        assert!((float(3) - 3.0).abs() < f64::EPSILON);
    }
}
