//! Tasks that come and go: one per connection, one per detached flow.
//!
//! They are no children: nobody restarts them, since whoever caused them is told of their end. But
//! none is lost either: a group can be drained, and a panic is counted and logged. Besides the tree
//! this is the only place that spawns.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::{AbortHandle, Id, JoinHandle};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::failure::Failure;

/// A group of tasks. Clones are the same group.
#[derive(Debug, Clone)]
pub struct TaskGroup(Arc<Group>);

#[derive(Debug)]
struct Group {
    name: &'static str,
    tracker: TaskTracker,
    /// How to end those that do not end by themselves.
    live: Mutex<HashMap<Id, AbortHandle>>,
    panics: AtomicU64,
}

/// Takes a task off the list, in whichever way it ends.
struct Membership(Arc<Group>);

// === impl TaskGroup ===

impl TaskGroup {
    /// Makes an empty group; `name` is what logs call it.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self(Arc::new(Group {
            name,
            tracker: TaskTracker::new(),
            live: Mutex::default(),
            panics: AtomicU64::new(0),
        }))
    }

    /// Runs a future as a task of the group. Dropping the handle leaves the task running; a panic
    /// is counted, logged once, and reaches whoever awaits the handle.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let group = Arc::clone(&self.0);
        // Held until the task is on the list, which it may leave only afterwards.
        let mut live = self.0.live();
        let handle = self.0.tracker.spawn(async move {
            let membership = Membership(group);
            match AssertUnwindSafe(future).catch_unwind().await {
                Ok(output) => output,
                Err(payload) => {
                    membership.0.note_panic(&Failure::from_panic(&*payload));
                    std::panic::resume_unwind(payload)
                }
            }
        });
        live.insert(handle.id(), handle.abort_handle());
        handle
    }

    /// Gives how many tasks run.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.tracker.len()
    }

    /// Gives how many tasks have panicked since the group was made.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.0.panics.load(Ordering::Relaxed)
    }

    /// Waits until no task runs, at most `grace`; aborts those that run still and gives how many
    /// they were.
    ///
    /// # Cancel safety
    /// Dropping the future aborts nothing.
    pub async fn drain(&self, grace: Duration) -> usize {
        self.0.tracker.close();
        if timeout(grace, self.0.tracker.wait()).await.is_ok() {
            return 0;
        }
        let live = std::mem::take(&mut *self.0.live());
        live.values().for_each(AbortHandle::abort);
        live.len()
    }
}

// === impl Group ===

impl Group {
    fn live(&self) -> MutexGuard<'_, HashMap<Id, AbortHandle>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_panic(&self, failure: &Failure) {
        self.panics.fetch_add(1, Ordering::Relaxed);
        tracing::error!(group = self.name, failure = %failure, "A task of a group panicked");
    }
}

// === impl Membership ===

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(id) = tokio::task::try_id() {
            self.0.live().remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_drained_group_has_waited_for_its_tasks() {
        let group = TaskGroup::new("some");
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let task = group.spawn(async { gone.await.is_ok() });
        assert_eq!(group.count(), 1);
        go.send(()).unwrap();
        assert_eq!(group.drain(Duration::from_secs(5)).await, 0);
        assert!(task.await.unwrap());
        assert!(group.0.live().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_outlives_the_grace_is_aborted() {
        let group = TaskGroup::new("some");
        let task = group.spawn(std::future::pending::<()>());
        assert_eq!(group.drain(Duration::from_secs(1)).await, 1);
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(group.count(), 0);
    }

    #[tokio::test]
    async fn a_panic_is_counted_and_reaches_whoever_waits() {
        let group = TaskGroup::new("some");
        let task = group.spawn(async { panic!("as asked") });
        let outcome: Result<(), _> = task.await;
        assert!(outcome.unwrap_err().is_panic());
        assert_eq!((group.panics(), group.count()), (1, 0));
        assert!(group.0.live().is_empty());
    }
}
