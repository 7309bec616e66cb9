//! The way back from an owner to whoever asked.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::credits::Credit;

/// Carries one answer to the caller, and the message's credit.
///
/// An owner may keep it and answer later (a batch): the message counts as in work until then.
/// Dropping it unanswered tells the caller that the owner is restarting.
pub struct Reply<R> {
    caller: oneshot::Sender<R>,
    takes_time: Arc<AtomicBool>,
    credit: Credit,
}

/// What the caller awaits; nothing when the reply was dropped.
pub(super) struct Answer<R> {
    receiver: oneshot::Receiver<R>,
    takes_time: Arc<AtomicBool>,
}

// === impl Reply ===

impl<R> Reply<R> {
    pub(super) fn new(credit: Credit) -> (Self, Answer<R>) {
        let (caller, receiver) = oneshot::channel();
        let takes_time = Arc::new(AtomicBool::new(false));
        let answer = Answer {
            receiver,
            takes_time: Arc::clone(&takes_time),
        };
        let reply = Self {
            caller,
            takes_time,
            credit,
        };
        (reply, answer)
    }

    /// Answers. A caller who left does not hear it; whatever was stored stays stored.
    pub fn send(self, answer: R) {
        // Given back first: a caller who has its answer sees its credit free.
        drop(self.credit);
        let _ = self.caller.send(answer);
    }

    /// Says that the answer takes its time although no store hangs: the caller has to wait its
    /// turn, or ordered work that is long. It then waits until its own deadline.
    pub fn take_time(&self) {
        self.takes_time.store(true, Ordering::Relaxed);
    }

    /// Says whether the caller stopped waiting, so that work without effect may be skipped.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }
}

impl<R> fmt::Debug for Reply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

// === impl Answer ===

impl<R> Answer<R> {
    pub(super) fn takes_time(&self) -> bool {
        self.takes_time.load(Ordering::Relaxed)
    }
}

impl<R> Future for Answer<R> {
    type Output = Option<R>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<R>> {
        Pin::new(&mut self.receiver).poll(context).map(Result::ok)
    }
}
