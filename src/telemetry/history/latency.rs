//! How long answers took, in classes: enough to tell percentiles within a few parts of a hundred.

use std::time::Duration;

/// How many classes there are: from a quarter of a millisecond, each half as long again as the one before,
/// to half a minute.
const CLASSES: usize = 30;
/// The end of the first class, in milliseconds.
const FIRST_MS: f64 = 0.25;
/// By how much each class is longer.
const GROWTH: f64 = 1.5;

/// How often answers of each class were given.
#[derive(Debug, Default, Clone)]
pub(super) struct Spread([u32; CLASSES]);

/// How long answers took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// How many there were.
    pub answers: u64,
    /// Half of them took no longer, in milliseconds.
    pub p50_ms: f64,
    /// 95 in 100 took no longer.
    pub p95_ms: f64,
    /// 99 in 100 took no longer.
    pub p99_ms: f64,
}

// === impl Spread ===

impl Spread {
    pub(super) fn note(&mut self, duration: Duration) {
        let millis = duration.as_secs_f64() * 1000.0;
        let class = ends().position(|end| millis <= end);
        let class = class.unwrap_or(CLASSES - 1);
        if let Some(count) = self.0.get_mut(class) {
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(count);
        }
    }

    pub(super) fn latency(&self) -> Option<Latency> {
        let answers: u64 = self.0.iter().copied().map(u64::from).sum();
        (answers > 0).then(|| Latency {
            answers,
            p50_ms: self.quantile(answers, 50),
            p95_ms: self.quantile(answers, 95),
            p99_ms: self.quantile(answers, 99),
        })
    }

    /// Gives the time that so many in a hundred did not exceed, as if answers lay evenly in their class.
    fn quantile(&self, answers: u64, percent: u64) -> f64 {
        let wanted = (answers * percent).div_ceil(100);
        let (mut before, mut start) = (0, 0.0);
        for (count, end) in self.0.iter().zip(ends()) {
            let count = u64::from(*count);
            if before + count >= wanted {
                let share = ratio(wanted - before, count);
                return start + (end - start) * share;
            }
            before += count;
            start = end;
        }
        start
    }
}

/// Gives the end of each class, in milliseconds.
fn ends() -> impl Iterator<Item = f64> {
    std::iter::successors(Some(FIRST_MS), |end| Some(end * GROWTH)).take(CLASSES)
}

/// Both are counts of one minute's answers or of a few hours'.
fn ratio(part: u64, whole: u64) -> f64 {
    let exact = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    exact(part) / exact(whole.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_took_for_ever_is_in_the_last_class() {
        let mut spread = Spread::default();
        spread.note(Duration::from_hours(1));
        spread.note(Duration::ZERO);
        let latency = spread.latency().expect("answers");
        assert_eq!(latency.answers, 2);
        assert!(latency.p50_ms <= FIRST_MS && latency.p99_ms > 20_000.0);
        assert_eq!(Spread::default().latency(), None);
    }
}
