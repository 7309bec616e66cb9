//! Port: the feed of changes. Read by one task of each node; written by the verbs that change
//! something.

use domain::change::Change;
use domain::time::UnixMillis;
use tokio::sync::watch;

use super::Pending;

/// Reads the feed of changes.
pub trait Changes: Send + Sync + 'static {
    /// Loads every change of every tenant that was written at or after `since` by the store's own
    /// clock, in any order, and the store's present instant.
    ///
    /// A transaction may commit after one that was stamped later, so a reader asks again from a few
    /// seconds before its last reading and takes repeats in its stride.
    fn load_changes(&self, since: UnixMillis) -> Pending<'_, (Vec<Change>, UnixMillis)>;

    /// Gives a counter that moves whenever there may be something new. A hint only: notices can be
    /// lost, so readers also ask at intervals.
    fn notices(&self) -> watch::Receiver<u64>;

    /// Says whether other processes may write to the same store.
    fn is_shared(&self) -> bool;
}
