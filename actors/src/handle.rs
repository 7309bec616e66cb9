//! A handle: the typed way to speak to an owner.
//!
//! A handle is made before its owner and outlives it: the supervisor puts each new incarnation's
//! address into the handle's slot, so nobody holds an address that goes stale. It promises:
//!
//! - **Bounded.** Each message takes one of a fixed number of credits and gives it back when the
//!   owner has replied to it, finished with it or dropped it, not when the caller stops waiting. No
//!   credit left is [`Fault::Busy`] at once: an overloaded owner says so instead of queueing.
//! - **At most once.** A message whose reply was lost (the owner died over it) is
//!   [`Fault::Restarting`] and is never sent again: the owner may have acted on it. Only while
//!   nothing is posted yet does [`Handle::ask`] wait a moment for the owner's next incarnation.
//! - **On time.** A deadline travels with the message, and the owner drops the message unread if it
//!   has passed by then. It is the request's own, or the end of one wait for the store if that is
//!   sooner: the caller gets [`Fault::Late`] or [`Fault::Store`]. An owner that keeps a message
//!   because it must, not because the store hangs, says so ([`Reply::take_time`]); its caller then
//!   waits for as long as the request may.
//!
//! [`Shards`] is a handle for each of several owners of one kind, chosen by the key's random bits.
//! The owner's side is [`supervision::Owner`](crate::supervision::Owner).

use std::fmt;
use std::sync::Arc;

use domain::rejection::Fault;

use crate::deadline::Deadline;
use crate::patience::{given_up, patience_of};

mod credits;
mod reply;
mod shards;
pub(crate) mod slot;

pub use reply::Reply;
pub use shards::Shards;

use credits::Credit;
use slot::{Envelope, Slot};

/// Speaks to the owner of messages `M`. Clones speak to the same owner.
pub struct Handle<M>(Arc<Slot<M>>);

// === impl Handle ===

impl<M: Send + 'static> Handle<M> {
    /// Makes a handle with an empty slot, to be given to the owner's child spec and to its callers.
    ///
    /// `credits` is how many messages may be on their way or in work at once; `name` is what
    /// faults and logs call the owner.
    #[must_use]
    pub fn new(name: &'static str, credits: usize) -> Self {
        Self(Arc::new(Slot::new(name, credits)))
    }

    /// Posts the message that `make` builds around the reply and awaits the answer.
    ///
    /// # Errors
    /// [`Fault::Busy`] at once if no credit is left; [`Fault::Restarting`] if the owner is down for
    /// longer than a moment, or died before it answered; [`Fault::Late`] if the deadline passed;
    /// [`Fault::Store`] if it did not answer for as long as one may wait for the store.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the answer, not the message: once posted, the owner handles it.
    pub async fn ask<R>(
        &self,
        deadline: Deadline,
        make: impl FnOnce(Reply<R>) -> M,
    ) -> Result<R, Fault> {
        let (reply, mut answer) = Reply::new(self.take_credit()?);
        let patience = patience_of(deadline);
        let envelope = Envelope::Work {
            message: make(reply),
            deadline: Some(patience),
            credit: None,
        };
        if let Err(unposted) = self.0.post(envelope) {
            self.0.post_after_refill(unposted, deadline).await?;
        }
        let answered = match patience.bound(&mut answer).await {
            Err(_) if answer.takes_time() => deadline.bound(answer).await?,
            Err(_) => return Err(given_up(deadline)),
            Ok(answered) => answered,
        };
        match answered {
            Some(answer) => Ok(answer),
            // Dropped unread: it lay there for too long.
            None if patience.has_passed() => Err(given_up(deadline)),
            None => Err(self.restarting()),
        }
    }

    /// Posts a message that nobody awaits an answer to.
    ///
    /// # Errors
    /// [`Fault::Busy`] if no credit is left, [`Fault::Restarting`] if the owner is down; the
    /// message was not posted then.
    pub fn tell(&self, message: M) -> Result<(), Fault> {
        self.leave(message, None)
    }

    /// Posts a message that nobody awaits an answer to and that is worth nothing after the
    /// deadline.
    ///
    /// # Errors
    /// As [`tell`](Self::tell).
    pub fn tell_until(&self, deadline: Deadline, message: M) -> Result<(), Fault> {
        self.leave(message, Some(patience_of(deadline)))
    }

    /// Gives how many credits are in use: the messages that are queued or in work.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.credits().in_use()
    }

    /// Gives what faults and logs call the owner.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Gives the owner's failpoint, for a test to arm.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn failpoint(&self) -> &crate::failpoint::FailPoint {
        self.0.failpoint()
    }

    /// Gives the slot, for the supervisor to fill.
    pub(crate) fn into_slot(self) -> Arc<Slot<M>> {
        self.0
    }

    fn leave(&self, message: M, deadline: Option<Deadline>) -> Result<(), Fault> {
        let envelope = Envelope::Work {
            message,
            deadline,
            credit: Some(self.take_credit()?),
        };
        self.0.post(envelope).map_err(|_| self.restarting())
    }

    fn take_credit(&self) -> Result<Credit, Fault> {
        self.0.credits().take().ok_or(Fault::Busy(self.0.name()))
    }

    fn restarting(&self) -> Fault {
        Fault::Restarting(self.0.name())
    }
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.0.name()).finish()
    }
}
