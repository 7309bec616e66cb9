//! Credits: how many messages may be on their way to one owner at once.
//!
//! The mailbox itself is unbounded, so this count is what bounds it. Nobody ever waits for a credit;
//! hence a counter, not a semaphore.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The credits of one owner.
#[derive(Debug)]
pub(super) struct Credits {
    in_use: Arc<AtomicUsize>,
    limit: usize,
}

/// One credit; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Credit(Arc<AtomicUsize>);

impl Credits {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            in_use: Arc::default(),
            limit,
        }
    }

    /// Takes a credit if one is left.
    pub(super) fn take(&self) -> Option<Credit> {
        // Only the count matters; what a message carries is ordered by the mailbox.
        if self.in_use.fetch_add(1, Ordering::Relaxed) < self.limit {
            return Some(Credit(Arc::clone(&self.in_use)));
        }
        self.in_use.fetch_sub(1, Ordering::Relaxed);
        None
    }

    pub(super) fn in_use(&self) -> usize {
        // A refused caller counts itself for an instant; it is not in the mailbox.
        self.in_use.load(Ordering::Relaxed).min(self.limit)
    }
}

impl Drop for Credit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_credits_are_taken_than_there_are() {
        let credits = Credits::new(2);
        let held = (credits.take(), credits.take());
        assert!(credits.take().is_none());
        assert_eq!(credits.in_use(), 2);
        drop(held);
        assert_eq!(credits.in_use(), 0);
        assert!(credits.take().is_some());
    }
}
