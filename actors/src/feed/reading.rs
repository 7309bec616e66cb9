//! What was read of the feed, and what is new in the next page: the plain struct that decides.
//!
//! A reading is one page or several. The first takes revocations only, because nothing is remembered
//! yet that a hint could be about. Each later one begins a little before the one before it did.

use std::collections::HashSet;
use std::time::Duration;

use domain::change::Change;
use domain::time::UnixMillis;
use store::port::changes::{Bookmark, ChangesAsked, ChangesPage, Interest};

/// A transaction may commit so long after it was stamped and still not be missed.
const OVERLAP: Duration = Duration::from_secs(10);
/// How many entries one page holds: a fraction of what a store can answer in time.
const PAGE: u32 = 5_000;

/// How far the feed was read.
#[derive(Debug)]
pub(super) struct Reading {
    from: Bookmark,
    interest: Interest,
    /// The earliest that the store's clock stood at in the reading that goes on.
    earliest: Option<UnixMillis>,
    /// Where it stood at the last whole reading.
    last: Option<UnixMillis>,
    /// What was read that the next reading will find again.
    seen: HashSet<Change>,
}

/// What a page brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// What is new, oldest first.
    pub(super) new: Vec<Change>,
    /// Whether everything that was written before the reading began is known now.
    pub(super) is_whole: bool,
}

// === impl Reading ===

impl Default for Reading {
    /// Begins at the beginning.
    fn default() -> Self {
        Self {
            from: Bookmark::default(),
            interest: Interest::Revocations,
            earliest: None,
            last: None,
            seen: HashSet::new(),
        }
    }
}

impl Reading {
    /// Gives the question for the next page.
    pub(super) const fn asks(&self) -> ChangesAsked {
        ChangesAsked {
            from: self.from,
            interest: self.interest,
            limit: PAGE,
        }
    }

    /// Takes the page that was asked for.
    pub(super) fn take(&mut self, page: ChangesPage) -> Taken {
        let earliest = self
            .earliest
            .map_or(page.read_at, |at| at.min(page.read_at));
        self.earliest = Some(earliest);
        let since = earliest - OVERLAP;
        let mut new = page.changes;
        new.retain(|change| !self.seen.contains(change));
        let again = new.iter().filter(|change| change.at >= since);
        self.seen.extend(again.cloned());
        let is_whole = match page.next {
            Some(next) => {
                self.from = next;
                false
            }
            None => self.finish(earliest),
        };
        Taken { new, is_whole }
    }

    /// Ends a reading at its last page. A store's clock that was set back (another server took over)
    /// is followed back, and what it stamped meanwhile is still to be read.
    fn finish(&mut self, earliest: UnixMillis) -> bool {
        let went_back = self.last.is_some_and(|last| earliest < last);
        let since = earliest - OVERLAP;
        self.from = Bookmark::at(since);
        self.interest = Interest::Everything;
        self.earliest = None;
        self.last = Some(earliest);
        self.seen.retain(|change| change.at >= since);
        !went_back
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

    fn page(changes: &[&Change], read_at: i64) -> ChangesPage {
        ChangesPage {
            changes: changes.iter().copied().cloned().collect(),
            read_at: at(read_at),
            next: None,
        }
    }

    /// Takes a last page and gives what was new.
    fn read(reading: &mut Reading, changes: &[&Change], read_at: i64) -> Vec<Change> {
        reading.take(page(changes, read_at)).new
    }

    #[test]
    fn the_first_reading_begins_at_the_beginning_and_takes_no_hints() {
        let mut reading = Reading::default();
        let first = reading.asks();
        assert_eq!(
            (first.from, first.interest),
            (Bookmark::at(at(0)), Interest::Revocations)
        );
        assert!(reading.take(page(&[], 100)).is_whole);
        assert_eq!(reading.asks().interest, Interest::Everything);
    }

    #[test]
    fn each_change_is_new_once_however_often_it_is_read() {
        let mut reading = Reading::default();
        let (one, two) = (change("one", 99), change("two", 100));
        let first = read(&mut reading, &[&one, &two], 101);
        assert_eq!(first, [one.clone(), two.clone()]);
        assert_eq!(reading.asks().from, Bookmark::at(at(91)));
        assert!(read(&mut reading, &[&one, &two], 102).is_empty());
    }

    #[test]
    fn a_change_that_was_committed_late_is_not_missed() {
        let mut reading = Reading::default();
        read(&mut reading, &[&change("early", 100)], 105);
        let late = change("late", 98);
        assert!(late.at >= reading.asks().from.at);
        assert_eq!(read(&mut reading, &[&late], 106), [late]);
    }

    #[test]
    fn what_is_before_the_next_reading_is_forgotten() {
        let mut reading = Reading::default();
        read(&mut reading, &[&change("a", 100)], 100);
        read(&mut reading, &[], 200);
        assert!(reading.seen.is_empty());
    }

    #[test]
    fn a_reading_of_many_pages_is_whole_at_the_last_and_begins_again_before_the_first() {
        let mut reading = Reading::default();
        let next = Bookmark {
            at: at(50),
            number: 7,
        };
        let full = ChangesPage {
            next: Some(next),
            ..page(&[&change("old", 50)], 100)
        };
        assert!(!reading.take(full).is_whole);
        let asked = reading.asks();
        assert_eq!((asked.from, asked.interest), (next, Interest::Revocations));
        assert!(
            reading.seen.is_empty(),
            "what is not read again is not kept"
        );
        assert!(reading.take(page(&[&change("new", 129)], 130)).is_whole);
        assert_eq!(reading.asks().from, Bookmark::at(at(90)));
    }

    #[test]
    fn a_store_clock_that_was_set_back_is_followed_back() {
        let mut reading = Reading::default();
        assert!(reading.take(page(&[], 1_000)).is_whole);
        let unheard = reading.take(page(&[], 970));
        assert!(
            !unheard.is_whole,
            "what it stamped from 970 on was not read"
        );
        let revoked = change("stolen", 970);
        assert!(revoked.at >= reading.asks().from.at);
        let heard = reading.take(page(&[&revoked], 971));
        assert_eq!((heard.new, heard.is_whole), (vec![revoked], true));
    }
}
