//! Tasks that come and go: one per connection, one per flow that nobody waits for any more.
//!
//! They are no children: nobody restarts them, since whoever caused them is told of their end. But
//! none is lost either: a group can be drained, and a panic is counted and logged. Besides the tree
//! this is the only place that spawns.
//!
//! What must be done to its end is not a task from the start: as long as somebody waits it runs where
//! they wait, and only what is let go of becomes one ([`TaskGroup::finish`]).

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime;
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

/// What is done to its end, whoever waits; see [`TaskGroup::finish`].
#[derive(Debug)]
pub struct Finishing<F> {
    group: TaskGroup,
    /// What is left to do; nothing once it is done, or has panicked.
    rest: Option<F>,
    /// Known where it is made, so that whoever holds it need not show what a task must be.
    let_go: fn(&TaskGroup, F),
}

/// How long aborted tasks may take to be gone.
const LAST_STEP: Duration = Duration::from_millis(250);

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

    /// Gives a future that is done to its end: it runs where it is awaited, without a task of its own,
    /// and becomes a task of the group when it is dropped before its end. A panic reaches whoever awaits
    /// it, or is the task's.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing but its output.
    pub fn finish<F>(&self, future: F) -> Finishing<F>
    where
        F: Future<Output: Send> + Send + Unpin + 'static,
    {
        Finishing {
            group: self.clone(),
            rest: Some(future),
            let_go: |group, rest| drop(group.spawn(rest)),
        }
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
        // What they let go of may go on in another group: it is there when they are gone.
        let _ = timeout(LAST_STEP, self.0.tracker.wait()).await;
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

// === impl Finishing ===

impl<F: Future + Unpin> Future for Finishing<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // Taken out: what panics is not there to be begun again.
        let Some(mut rest) = self.rest.take() else {
            return Poll::Pending;
        };
        let polled = rest.poll_unpin(context);
        if polled.is_pending() {
            self.rest = Some(rest);
        }
        polled
    }
}

impl<F> Drop for Finishing<F> {
    fn drop(&mut self) {
        let Some(rest) = self.rest.take() else {
            return;
        };
        // Without a runtime the process ends, and nothing is done to its end any more.
        if runtime::Handle::try_current().is_ok() {
            (self.let_go)(&self.group, rest);
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

    #[tokio::test]
    async fn what_is_let_go_of_is_done_to_its_end_and_what_ends_before_is_no_task() {
        let group = TaskGroup::new("some");
        assert_eq!(group.finish(Box::pin(async { 7 })).await, 7);
        assert_eq!(group.count(), 0);

        let (begin, begun) = tokio::sync::oneshot::channel();
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let (done, is_done) = tokio::sync::oneshot::channel();
        let mut finishing = group.finish(Box::pin(async {
            begin.send(()).unwrap();
            gone.await.unwrap();
            done.send(()).unwrap();
        }));
        tokio::select! {
            biased;
            () = &mut finishing => panic!("waits"),
            begun = begun => begun.unwrap(),
        }
        assert_eq!(group.count(), 0);
        drop(finishing);
        assert_eq!(group.count(), 1);
        go.send(()).unwrap();
        is_done.await.unwrap();
        assert_eq!(group.drain(Duration::from_secs(5)).await, 0);
    }

    #[tokio::test]
    async fn what_nobody_ever_awaited_is_done_too_and_what_panicked_is_not_begun_again() {
        let group = TaskGroup::new("some");
        let (done, is_done) = tokio::sync::oneshot::channel();
        drop(group.finish(Box::pin(async { done.send(()).unwrap() })));
        is_done.await.unwrap();

        let finishing = group.finish(Box::pin(async { panic!("as asked") }));
        let outcome: Result<(), _> = AssertUnwindSafe(finishing).catch_unwind().await;
        assert!(outcome.is_err());
        assert_eq!(group.drain(Duration::from_secs(5)).await, 0);
        assert_eq!(group.panics(), 0);
    }
}
