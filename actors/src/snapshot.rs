//! A snapshot: an immutable value that one owner publishes and anyone reads without queueing.
//!
//! Reading costs one atomic load, never waits and never fails, so what every request needs (the
//! key ring, the tenants, the limits) is read past the owner's mailbox. A reader keeps the version
//! it loaded for as long as it holds it; the next load sees the latest version published. The owner
//! publishes only after the store has committed, so a snapshot never shows what could be lost.
//!
//! Make a pair with [`publish`]: the [`Publisher`] goes to the owner, the [`Snapshot`] to whoever
//! reads. The pair outlives the owner: after a restart the same publisher is used again.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

/// Makes a pair of writer and reader that starts with `first`.
#[must_use]
pub fn publish<T>(first: T) -> (Publisher<T>, Snapshot<T>) {
    let publisher = Publisher::new(first);
    let snapshot = publisher.snapshot();
    (publisher, snapshot)
}

/// The writing end. Cloned only so that a restarted owner can be handed it again.
pub struct Publisher<T>(Arc<ArcSwap<T>>);

/// The reading end.
pub struct Snapshot<T>(Arc<ArcSwap<T>>);

// === impl Publisher ===

impl<T> Publisher<T> {
    /// Makes a writer whose readers see `first` until something else is published.
    #[must_use]
    pub fn new(first: T) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(first)))
    }

    /// Replaces what readers see from their next load on.
    pub fn publish(&self, value: T) {
        self.0.store(Arc::new(value));
    }

    /// Replaces what readers see by a value that is shared already.
    pub fn publish_shared(&self, value: Arc<T>) {
        self.0.store(value);
    }

    /// Gives a reader.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<T> {
        Snapshot(Arc::clone(&self.0))
    }
}

impl<T> Clone for Publisher<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Says only what it is: the value may hold secrets.
impl<T> fmt::Debug for Publisher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").finish_non_exhaustive()
    }
}

// === impl Snapshot ===

impl<T> Snapshot<T> {
    /// Borrows the present version, for reading on the spot. Hold it over no `await`: use
    /// [`Self::load_full`] there.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<T>> {
        self.0.load()
    }

    /// Shares the present version for as long as it is needed.
    #[must_use]
    pub fn load_full(&self) -> Arc<T> {
        self.0.load_full()
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Says only what it is: the value may hold secrets.
impl<T> fmt::Debug for Snapshot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_keeps_its_version_and_the_next_load_sees_the_latest() {
        let (publisher, snapshot) = publish(1);
        let held = snapshot.load_full();
        publisher.publish(2);
        assert_eq!((*held, **snapshot.load()), (1, 2));
    }

    #[test]
    fn every_reader_of_a_publisher_sees_the_same() {
        let (publisher, first) = publish("old");
        let second = first.clone();
        publisher.publish_shared(Arc::new("new"));
        assert_eq!((**first.load(), **second.load()), ("new", "new"));
    }

    #[test]
    fn a_value_is_never_printed_by_accident() {
        let (publisher, snapshot) = publish("secret");
        assert!(!format!("{publisher:?} {snapshot:?}").contains("secret"));
    }
}
