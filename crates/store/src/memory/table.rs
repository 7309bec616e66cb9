//! A bounded table of counts, each of which ends at an instant of its own. Plain and synchronous:
//! `now` is an argument.
//!
//! Invariant: `order` holds exactly one entry for each key of `counts`, under the instant at which
//! that count ends. So the first entry of `order` is what ends soonest, which is both what has
//! ended and what is given up when room is needed.
//!
//! Counting, looking and forgetting cost one look-up in each; every new key also buries up to
//! [`BURIED_PER_KEY`] that have ended, so a table shrinks as fast as it grew without a sweeper.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use domain::time::UnixMillis;

/// How many ended keys a new key buries. More than one, so that the dead never pile up.
const BURIED_PER_KEY: usize = 2;

/// Counts by key, at most `capacity` of them.
pub(super) struct Table {
    counts: HashMap<Arc<str>, Count>,
    order: BTreeSet<(UnixMillis, Arc<str>)>,
    capacity: usize,
}

/// One count and its window.
struct Count {
    seen: u64,
    window: Duration,
    ends: UnixMillis,
}

impl Table {
    /// Makes an empty table for `capacity` keys, at least one.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            counts: HashMap::new(),
            order: BTreeSet::new(),
            capacity: capacity.max(1),
        }
    }

    /// Counts one event under `key`, opening a window if none is open. Gives the count, this event
    /// included, and what is left of the window.
    pub(super) fn count(
        &mut self,
        key: &str,
        window: Duration,
        now: UnixMillis,
    ) -> (u64, Duration) {
        self.settle(key, now);
        if let Some(count) = self.counts.get_mut(key) {
            count.seen = count.seen.saturating_add(1);
            return (count.seen, count.ends.since(now));
        }
        self.make_room(now);
        self.open(key, window, now);
        (1, window)
    }

    /// Gives the count under `key` and what is left of its window; zeroes if none is open.
    pub(super) fn peek(&mut self, key: &str, now: UnixMillis) -> (u64, Duration) {
        self.settle(key, now);
        self.counts.get(key).map_or((0, Duration::ZERO), |count| {
            (count.seen, count.ends.since(now))
        })
    }

    /// Drops the count under `key`, if there is one.
    pub(super) fn forget(&mut self, key: &str) {
        if let Some((key, count)) = self.counts.remove_entry(key) {
            self.order.remove(&(count.ends, key));
        }
    }

    fn open(&mut self, key: &str, window: Duration, now: UnixMillis) {
        let key: Arc<str> = key.into();
        let ends = now + window;
        self.order.insert((ends, Arc::clone(&key)));
        self.counts.insert(
            key,
            Count {
                seen: 1,
                window,
                ends,
            },
        );
    }

    /// Makes the entry under `key` true at `now`: gone if its window has ended, and never with more
    /// left than its whole window, which happens when the clock was set back. Without the latter,
    /// an hour's correction would freeze every lockout for an hour.
    fn settle(&mut self, key: &str, now: UnixMillis) {
        let Some(count) = self.counts.get(key) else {
            return;
        };
        if count.ends <= now {
            self.forget(key);
        } else if count.ends.since(now) > count.window {
            self.shorten(key, now);
        }
    }

    fn shorten(&mut self, key: &str, now: UnixMillis) {
        if let Some((key, count)) = self.counts.remove_entry(key) {
            self.order.remove(&(count.ends, Arc::clone(&key)));
            let ends = now + count.window;
            self.order.insert((ends, Arc::clone(&key)));
            self.counts.insert(key, Count { ends, ..count });
        }
    }

    /// Buries some of what has ended and, if the table is still full, what ends soonest.
    fn make_room(&mut self, now: UnixMillis) {
        for _ in 0..BURIED_PER_KEY {
            let ended = self.order.first().is_some_and(|(ends, _)| *ends <= now);
            let full = self.counts.len() >= self.capacity;
            if !ended && !full {
                return;
            }
            if let Some((_, key)) = self.order.pop_first() {
                self.counts.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    /// Counts once under each of `keys`, a window of a minute from each.
    fn fill(table: &mut Table, keys: impl Iterator<Item = u64>, now: UnixMillis) {
        for key in keys {
            table.count(&key.to_string(), MINUTE, now);
        }
    }

    #[test]
    fn a_full_table_gives_up_what_ends_soonest() {
        let mut table = Table::new(2);
        table.count("long", MINUTE * 2, at(0));
        table.count("short", MINUTE, at(0));
        table.count("new", MINUTE, at(1));
        assert_eq!(table.peek("short", at(1)).0, 0);
        assert_eq!(table.peek("long", at(1)).0, 1);
        assert_eq!(table.peek("new", at(1)).0, 1);
    }

    #[test]
    fn what_has_ended_goes_before_anything_live() {
        let mut table = Table::new(2);
        table.count("live", MINUTE, at(0));
        table.count("ended", Duration::from_secs(1), at(0));
        table.count("new", MINUTE, at(2));
        assert_eq!(table.peek("live", at(2)).0, 1);
    }

    #[test]
    fn a_table_never_holds_more_than_its_capacity() {
        let mut table = Table::new(100);
        fill(&mut table, 0..10_000, at(0));
        assert_eq!(table.counts.len(), 100);
        assert_eq!(table.order.len(), 100);
    }

    #[test]
    fn the_dead_are_buried_by_the_living() {
        let mut table = Table::new(1_000_000);
        fill(&mut table, 0..1_000, at(0));
        fill(&mut table, 1_000..2_000, at(120));
        assert_eq!(table.counts.len(), 1_000);
        assert_eq!(table.order.len(), 1_000);
    }

    #[test]
    fn counting_again_does_not_lengthen_the_window() {
        let mut table = Table::new(10);
        table.count("key", MINUTE, at(0));
        assert_eq!(
            table.count("key", MINUTE, at(59)),
            (2, Duration::from_secs(1))
        );
        assert_eq!(table.count("key", MINUTE, at(60)), (1, MINUTE));
    }

    #[test]
    fn a_clock_set_back_an_hour_freezes_no_window() {
        let mut table = Table::new(10);
        table.count("key", MINUTE, at(7_200));
        assert_eq!(table.peek("key", at(3_600)), (1, MINUTE));
        assert_eq!(table.peek("key", at(3_660)), (0, Duration::ZERO));
    }

    #[test]
    fn an_endless_window_ends_at_the_end_of_time() {
        let mut table = Table::new(10);
        assert_eq!(table.count("key", Duration::MAX, at(0)).0, 1);
        assert_eq!(table.count("key", Duration::MAX, at(1)).0, 2);
    }
}
