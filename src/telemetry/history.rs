//! What was counted lately, minute by minute, for the console's charts.
//!
//! It is this node's alone, lives in memory and begins anew with the process: Prometheus keeps the long
//! story, this the last [`MINUTES`]. What happens in a tenant is kept by tenant, so that no operator sees
//! another tenant's; how long answers take is the node's. Both are bounded: tenants that were not heard of
//! for longest are forgotten first, and a minute in which nothing happened costs nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::id::TenantId;
use domain::time::UnixMillis;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

mod latency;

pub use latency::Latency;
use latency::Spread;

/// How many minutes are kept.
pub const MINUTES: i64 = 6 * 60;
/// How many tenants are remembered.
const TENANTS: u64 = 256;
/// How many kinds there are.
const KINDS: usize = Happening::ALL.len();

/// What is counted of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Somebody signed in.
    SignedIn,
    /// A first factor was right, and another is owed.
    Owing,
    /// A sign-in failed.
    Refused,
    /// A sign-in was turned away unlooked at: the account or its network has to wait.
    TurnedAway,
    /// A sign-in failed because the password is disabled until it is reset.
    Disabled,
    /// We failed to judge a sign-in.
    Failed,
    /// An access token was issued.
    Issued,
    /// A spent refresh token came back, which ended its family.
    Reused,
}

/// Where and when something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// In which tenant.
    pub tenant: TenantId,
    /// When.
    pub at: UnixMillis,
}

/// What happened in a stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When it began.
    pub at: UnixMillis,
    counts: [u64; KINDS],
    /// How long answers took; none: nothing was answered.
    pub latency: Option<Latency>,
}

/// Everything that is kept.
pub struct History {
    tenants: Cache<TenantId, Arc<Track<[u32; KINDS]>>>,
    answers: Track<Spread>,
}

/// Minutes in which something happened, oldest first.
struct Track<T>(Mutex<VecDeque<(i64, T)>>);

// === impl Happening ===

impl Happening {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::SignedIn,
        Self::Owing,
        Self::Refused,
        Self::TurnedAway,
        Self::Disabled,
        Self::Failed,
        Self::Issued,
        Self::Reused,
    ];

    fn position(self) -> usize {
        let found = Self::ALL.iter().position(|kind| *kind == self);
        found.unwrap_or_default()
    }
}

// === impl Point ===

impl Point {
    /// Says how often something happened.
    #[must_use]
    pub fn count(&self, kind: Happening) -> u64 {
        self.counts
            .get(kind.position())
            .copied()
            .unwrap_or_default()
    }
}

// === impl History ===

impl History {
    /// Counts something that happened.
    pub fn count(&self, spot: Spot, kind: Happening) {
        let track = self.tenants.get_with(spot.tenant, Arc::default);
        track.note(minute_of(spot.at), |counts| {
            if let Some(count) = counts.get_mut(kind.position()) {
                *count = count.saturating_add(1);
            }
        });
    }

    /// Notes how long an answer took.
    pub fn note_answer(&self, at: UnixMillis, duration: Duration) {
        self.answers
            .note(minute_of(at), |spread| spread.note(duration));
    }

    /// Gives what happened in a tenant: `points` stretches of `step` minutes, the last of which holds the
    /// instant that is asked at.
    #[must_use]
    pub fn read(&self, spot: Spot, points: u16, step: u16) -> Vec<Point> {
        let step = i64::from(step.max(1));
        let last = minute_of(spot.at).div_euclid(step);
        let first = last - i64::from(points) + 1;
        let track = self.tenants.get(&spot.tenant);
        let stretches = (first..=last).map(|stretch| {
            let minutes = stretch * step..(stretch + 1) * step;
            let counts = track.as_ref().map_or([0; KINDS], |track| {
                track.fold(&minutes, [0; KINDS], |sums, counts| {
                    for (sum, count) in sums.iter_mut().zip(counts) {
                        *sum += u64::from(*count);
                    }
                })
            });
            let spread = self.answers.fold(&minutes, Spread::default(), Spread::add);
            Point {
                at: UnixMillis::from_seconds(minutes.start * 60),
                counts,
                latency: spread.latency(),
            }
        });
        stretches.collect()
    }
}

impl Default for History {
    fn default() -> Self {
        let cache = Cache::builder()
            .max_capacity(TENANTS)
            .eviction_policy(EvictionPolicy::lru());
        Self {
            tenants: cache.build(),
            answers: Track::default(),
        }
    }
}

// === impl Track ===

impl<T: Default> Track<T> {
    /// Changes a minute, and forgets those that are too old beside it. The clock may be set back: then an
    /// earlier minute is found again, or put in its place.
    fn note(&self, minute: i64, change: impl FnOnce(&mut T)) {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = minutes.partition_point(|(known, _)| *known < minute);
        if minutes.get(place).is_none_or(|(known, _)| *known != minute) {
            minutes.insert(place, (minute, T::default()));
        }
        if let Some((_, kept)) = minutes.get_mut(place) {
            change(kept);
        }
        while minutes.len() > usize::try_from(MINUTES).unwrap_or(usize::MAX)
            || minutes
                .front()
                .is_some_and(|(known, _)| *known <= minute - MINUTES)
        {
            minutes.pop_front();
        }
    }

    fn fold<S>(&self, wanted: &std::ops::Range<i64>, mut sum: S, add: impl Fn(&mut S, &T)) -> S {
        let minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = minutes.partition_point(|(known, _)| *known < wanted.start);
        for (_, kept) in minutes
            .range(from..)
            .take_while(|(known, _)| *known < wanted.end)
        {
            add(&mut sum, kept);
        }
        sum
    }
}

impl<T> Default for Track<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

fn minute_of(at: UnixMillis) -> i64 {
    at.as_seconds().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;

    use super::*;

    const NOON: i64 = 1_800_000_000;

    fn spot(seconds: i64) -> Spot {
        Spot {
            tenant: tenant(1),
            at: UnixMillis::from_seconds(NOON + seconds),
        }
    }

    fn tenant(at: i64) -> TenantId {
        TenantId::generate(UnixMillis::from_millis(at), &Counting::default())
    }

    fn counts(history: &History, at: i64, (points, step): (u16, u16)) -> Vec<u64> {
        let read = history.read(spot(at), points, step);
        read.iter()
            .map(|point| point.count(Happening::Refused))
            .collect()
    }

    #[test]
    fn what_happens_is_counted_in_its_minute() {
        let history = History::default();
        for at in [0, 59, 60, 180] {
            history.count(spot(at), Happening::Refused);
        }
        history.count(spot(180), Happening::SignedIn);
        assert_eq!(counts(&history, 200, (4, 1)), [2, 1, 0, 1]);
        assert_eq!(counts(&history, 200, (2, 2)), [3, 1]);
        let [.., last] = &history.read(spot(200), 4, 1)[..] else {
            panic!("no point");
        };
        assert_eq!(last.at, UnixMillis::from_seconds(NOON + 180));
        assert_eq!(last.count(Happening::SignedIn), 1);
    }

    #[test]
    fn a_tenant_sees_nothing_of_another() {
        let history = History::default();
        let other = Spot {
            tenant: tenant(2),
            ..spot(0)
        };
        history.count(other, Happening::Refused);
        assert_eq!(counts(&history, 0, (1, 1)), [0]);
    }

    #[test]
    fn old_minutes_and_forgotten_tenants_are_dropped() {
        let history = History::default();
        for minute in 0..2 * MINUTES {
            history.count(spot(minute * 60), Happening::Refused);
        }
        let track = history.tenants.get(&tenant(1)).expect("a track");
        assert_eq!(track.0.lock().expect("a lock").len(), 360);
        for at in 2..1_000 {
            let other = Spot {
                tenant: tenant(at),
                ..spot(0)
            };
            history.count(other, Happening::Refused);
        }
        history.tenants.run_pending_tasks();
        assert_eq!(history.tenants.entry_count(), TENANTS);
    }

    #[test]
    fn a_clock_that_is_set_back_loses_nothing() {
        let history = History::default();
        for at in [120, 0, 60, 0] {
            history.count(spot(at), Happening::Refused);
        }
        assert_eq!(counts(&history, 120, (3, 1)), [2, 1, 1]);
    }

    #[test]
    fn answers_of_a_minute_are_told_by_how_long_they_took() {
        let history = History::default();
        for millis in 1..=100 {
            history.note_answer(spot(0).at, Duration::from_millis(millis));
        }
        let [before, point] = &history.read(spot(0), 2, 1)[..] else {
            panic!("no point");
        };
        assert_eq!(before.latency, None);
        let latency = point.latency.as_ref().expect("answers");
        assert_eq!(latency.answers, 100);
        assert!((40.0..60.0).contains(&latency.p50_ms), "{latency:?}");
        assert!((85.0..120.0).contains(&latency.p95_ms), "{latency:?}");
        assert!(latency.p99_ms >= latency.p95_ms, "{latency:?}");
    }
}
