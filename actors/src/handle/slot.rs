//! The slot behind a handle: where the present incarnation's address is kept.
//!
//! The supervisor fills it when the owner is up and empties it when the owner is gone; callers load
//! it without a lock. A post that finds the slot empty, or the actor in it dead already, hands the
//! envelope back unposted, and so it is safe to post it to the next incarnation.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use ractor::{ActorRef, MessagingErr};
use tokio::sync::Notify;

use domain::rejection::Fault;

use super::credits::{Credit, Credits};
use crate::deadline::Deadline;

/// How long an unposted message waits for the owner's next incarnation: a restart takes
/// milliseconds, and what takes longer than this is an outage that the caller should hear of.
const REFILL: Duration = Duration::from_millis(250);

/// What lies in an owner's mailbox.
pub(crate) enum Envelope<M> {
    /// A message for the owner.
    Work {
        message: M,
        /// When nobody waits for the answer any more; none if nobody ever did.
        deadline: Option<Deadline>,
        /// Given back when the message is done with. A message with a [`Reply`](super::Reply)
        /// carries its credit there.
        credit: Option<Credit>,
    },
    /// The supervisor asks whether the owner is alive.
    Ping,
    /// It is time for housekeeping.
    Tick,
}

/// What all clones of one handle share.
pub(crate) struct Slot<M> {
    name: &'static str,
    credits: Credits,
    address: ArcSwapOption<ActorRef<Envelope<M>>>,
    refilled: Notify,
    #[cfg(feature = "failpoints")]
    failpoint: crate::failpoint::FailPoint,
}

// === impl Slot ===

impl<M> Slot<M> {
    pub(super) fn new(name: &'static str, credits: usize) -> Self {
        Self {
            name,
            credits: Credits::new(credits),
            address: ArcSwapOption::empty(),
            refilled: Notify::new(),
            #[cfg(feature = "failpoints")]
            failpoint: crate::failpoint::FailPoint::default(),
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) const fn credits(&self) -> &Credits {
        &self.credits
    }

    #[cfg(feature = "failpoints")]
    pub(crate) const fn failpoint(&self) -> &crate::failpoint::FailPoint {
        &self.failpoint
    }

    /// Lets messages in to a new incarnation.
    pub(crate) fn fill(&self, address: ActorRef<Envelope<M>>) {
        self.address.store(Some(Arc::new(address)));
        self.refilled.notify_waiters();
    }

    /// Lets no more messages in.
    pub(crate) fn vacate(&self) {
        self.address.store(None);
    }

    /// Gives how many credits are in use.
    pub(crate) fn depth(&self) -> usize {
        self.credits.in_use()
    }
}

impl<M: Send + 'static> Slot<M> {
    /// Posts to the present incarnation, or hands the envelope back.
    pub(super) fn post(&self, envelope: Envelope<M>) -> Result<(), Envelope<M>> {
        let Some(address) = &*self.address.load() else {
            return Err(envelope);
        };
        match address.send_message(envelope) {
            Err(MessagingErr::SendErr(unposted)) => Err(unposted),
            // The two other errors are about actors of another message type or node; there the
            // envelope is gone and its caller hears that it was dropped.
            _ => Ok(()),
        }
    }

    /// Waits a moment for the next incarnation and posts to it.
    pub(super) async fn post_after_refill(
        &self,
        envelope: Envelope<M>,
        deadline: Deadline,
    ) -> Result<(), Fault> {
        let patience = deadline.at_most(REFILL);
        let mut unposted = envelope;
        loop {
            // Registered before the second look, so a refill between the two is not missed.
            let refilled = self.refilled.notified();
            unposted = match self.post(unposted) {
                Ok(()) => return Ok(()),
                Err(unposted) => unposted,
            };
            if patience.bound(refilled).await.is_err() {
                return Err(if deadline.has_passed() {
                    Fault::Late
                } else {
                    Fault::Restarting(self.name)
                });
            }
        }
    }
}
