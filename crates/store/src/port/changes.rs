//! Port: the feed of changes. Read by one task of each node; written by the verbs that change
//! something.
//!
//! The feed is read in pages, in the order of the store's own instants and of the numbers that it
//! gives its entries, so that no reading is longer than a store can answer in time.

use std::time::Duration;

use domain::change::Change;
use domain::time::UnixMillis;
use tokio::sync::watch;

use super::Pending;

/// How long a change is kept that only says "read this again". A reader who was away for longer must
/// forget what it remembers instead.
pub const HINT_KEPT: Duration = Duration::from_mins(15);

/// How long a revocation is kept after nothing it could matter for is alive: a node whose clock ran
/// ahead by less must not purge what the others still need.
pub const REVOCATION_KEPT: Duration = Duration::from_hours(1);

/// A place in the feed: right after the entry with this instant and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bookmark {
    /// When the entry was written, by the store's own clock.
    pub at: UnixMillis,
    /// Its number; positive.
    pub number: i64,
}

/// Which changes a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Revoked tokens and ended sessions. Who remembers nothing yet needs no more.
    Revocations,
    /// All.
    Everything,
}

/// A question to the feed.
#[derive(Debug, Clone, Copy)]
pub struct ChangesAsked {
    /// Where to begin.
    pub from: Bookmark,
    /// Which changes are wanted.
    pub interest: Interest,
    /// How many entries are read at most.
    pub limit: u32,
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesPage {
    /// The changes of the page that this version knows, in order.
    pub changes: Vec<Change>,
    /// The store's instant before it was read.
    pub read_at: UnixMillis,
    /// Where to go on; nothing after the last page.
    pub next: Option<Bookmark>,
}

/// Reads the feed of changes.
pub trait Changes: Send + Sync + 'static {
    /// Loads a page of the changes of every tenant, oldest first.
    ///
    /// A transaction may commit after one that was stamped later, so a reader asks again from a few
    /// seconds before its last reading and takes repeats in its stride.
    fn load_changes(&self, asked: ChangesAsked) -> Pending<'_, ChangesPage>;

    /// Gives a counter that moves whenever there may be something new. A hint only: notices can be
    /// lost, so readers also ask at intervals.
    fn notices(&self) -> watch::Receiver<u64>;

    /// Says whether other processes may write to the same store.
    fn is_shared(&self) -> bool;
}

// === impl Bookmark ===

impl Bookmark {
    /// Gives the place before everything that was written at or after an instant.
    #[must_use]
    pub const fn at(at: UnixMillis) -> Self {
        Self { at, number: 0 }
    }
}

// === impl ChangesPage ===

impl ChangesPage {
    /// Makes a page of as many entries as were asked for, or fewer. `None` stands for a change that
    /// a newer version wrote, for newer ones.
    pub(crate) fn of(
        entries: Vec<(Bookmark, Option<Change>)>,
        read_at: UnixMillis,
        limit: u32,
    ) -> Self {
        let is_full = u32::try_from(entries.len()).is_ok_and(|count| count == limit);
        let next = entries.last().map(|(bookmark, _)| *bookmark);
        Self {
            next: next.filter(|_| is_full),
            changes: entries
                .into_iter()
                .filter_map(|(_, change)| change)
                .collect(),
            read_at,
        }
    }
}
