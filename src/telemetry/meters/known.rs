//! Meters that were found by their labels before.
//!
//! Every answer is counted twice, and labels are texts, which cost more to look up than to count by. A
//! route's template is one static text: where it stands says which it is. The same text elsewhere is looked
//! up once more and found to be the same meter.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use super::MethodLabel;

/// What is told apart of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    door: Place,
    route: Place,
    method: MethodLabel,
    status: StatusCode,
}

/// Where a static text stands, and how long it is.
type Place = (usize, usize);

/// The counter and the histogram of each kind of answer that there was.
#[derive(Default)]
pub(super) struct Known(RwLock<HashMap<Kind, (Counter, Histogram)>>);

// === impl Kind ===

impl Kind {
    pub(super) fn new(
        door: &'static str,
        route: &'static str,
        method: MethodLabel,
        status: StatusCode,
    ) -> Self {
        Self {
            door: place_of(door),
            route: place_of(route),
            method,
            status,
        }
    }
}

fn place_of(text: &'static str) -> Place {
    (text.as_ptr().addr(), text.len())
}

// === impl Known ===

impl Known {
    /// Counts an answer, by meters that are found the first time.
    pub(super) fn count(
        &self,
        kind: Kind,
        duration: Duration,
        find: impl FnOnce() -> (Counter, Histogram),
    ) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(meters) = known.get(&kind) {
            return note(meters, duration);
        }
        drop(known);
        let meters = find();
        note(&meters, duration);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(kind, meters);
    }
}

fn note((answers, durations): &(Counter, Histogram), duration: Duration) {
    answers.inc();
    durations.observe(duration.as_secs_f64());
}
