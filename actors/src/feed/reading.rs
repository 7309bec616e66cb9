//! What was read of the feed, and what is new in the next reading: the plain struct that decides.

use std::collections::HashSet;
use std::time::Duration;

use domain::change::Change;
use domain::time::UnixMillis;

/// A transaction may commit so long after it was stamped and still not be missed.
const OVERLAP: Duration = Duration::from_secs(10);

/// How far the feed was read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    since: UnixMillis,
    /// What was read at or after `since`.
    seen: HashSet<Change>,
}

// === impl Reading ===

impl Reading {
    /// Gives the instant, by the store's clock, that the next reading begins at: zero at first.
    pub(super) const fn since(&self) -> UnixMillis {
        self.since
    }

    /// Takes a reading made when the store's clock stood at `read_at`, and gives what is new in it,
    /// oldest first.
    pub(super) fn take(&mut self, changes: Vec<Change>, read_at: UnixMillis) -> Vec<Change> {
        let mut new: Vec<Change> = changes
            .into_iter()
            .filter(|change| !self.seen.contains(change))
            .collect();
        new.sort_by_key(|change| change.at);
        // Never backwards: a store's clock that was set back must not make us forget.
        self.since = self.since.max(read_at - OVERLAP);
        self.seen.extend(new.iter().cloned());
        self.seen.retain(|change| change.at >= self.since);
        new
    }
}

#[cfg(test)]
mod tests {
    use domain::change::ChangeKind;
    use domain::id::TenantId;
    use domain::random::Counting;

    use super::*;

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    fn change(jti: &str, seconds: i64) -> Change {
        Change {
            tenant: TenantId::generate(at(0), &Counting::default()),
            what: ChangeKind::AccessRevoked(jti.to_owned()),
            at: at(seconds),
            expires_at: at(9_999),
        }
    }

    #[test]
    fn the_first_reading_begins_at_the_beginning() {
        assert_eq!(Reading::default().since(), at(0));
    }

    #[test]
    fn each_change_is_new_once_however_often_it_is_read() {
        let mut reading = Reading::default();
        let (one, two) = (change("one", 100), change("two", 99));
        let first = reading.take(vec![one.clone(), two.clone()], at(101));
        assert_eq!(first, [two.clone(), one.clone()]);
        assert_eq!(reading.since(), at(91));
        assert!(reading.take(vec![two, one], at(102)).is_empty());
    }

    #[test]
    fn a_change_that_was_committed_late_is_not_missed() {
        let mut reading = Reading::default();
        reading.take(vec![change("early", 100)], at(105));
        let late = change("late", 98);
        assert!(late.at >= reading.since());
        assert_eq!(reading.take(vec![late.clone()], at(106)), [late]);
    }

    #[test]
    fn what_is_before_the_next_reading_is_forgotten() {
        let mut reading = Reading::default();
        reading.take(vec![change("a", 100)], at(100));
        reading.take(Vec::new(), at(200));
        assert!(reading.seen.is_empty());
    }

    #[test]
    fn a_store_clock_that_was_set_back_moves_nothing_back() {
        let mut reading = Reading::default();
        reading.take(Vec::new(), at(1_000));
        reading.take(Vec::new(), at(500));
        assert_eq!(reading.since(), at(990));
    }
}
