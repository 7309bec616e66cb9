//! The way back from an owner to whoever asked.

use std::fmt;

use tokio::sync::oneshot;

use super::credits::Credit;

/// Carries one answer to the caller, and the message's credit.
///
/// An owner may keep it and answer later (a batch): the message counts as in work until then.
/// Dropping it unanswered tells the caller that the owner is restarting.
pub struct Reply<R> {
    caller: oneshot::Sender<R>,
    credit: Credit,
}

// === impl Reply ===

impl<R> Reply<R> {
    pub(super) fn new(credit: Credit) -> (Self, oneshot::Receiver<R>) {
        let (caller, answer) = oneshot::channel();
        (Self { caller, credit }, answer)
    }

    /// Answers. A caller who left does not hear it; whatever was stored stays stored.
    pub fn send(self, answer: R) {
        // Given back first: a caller who has its answer sees its credit free.
        drop(self.credit);
        let _ = self.caller.send(answer);
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
