//! An owner, and the actor around it.

use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef};
use tokio::task::JoinSet;

use domain::rejection::Fault;

use super::failure::Failure;
use super::grip::Grip;
use crate::deadline::Deadline;
use crate::handle::slot::{Envelope, Slot};

/// An actor that alone writes some live state: a thin shell around a plain struct that decides.
///
/// It handles one message at a time. It is made by its factory at each start, so what it holds in
/// memory is what a crash loses; whatever must survive is stored before the reply.
pub trait Owner: Send + 'static {
    /// Its vocabulary: imperatives, each with the reply it owes.
    type Message: Send + 'static;

    /// How often it does housekeeping; none if there is nothing to keep.
    const TICK: Option<Duration> = None;

    /// Handles one message to the end. Messages whose deadline has passed never get here.
    ///
    /// # Errors
    /// Only if it is broken and must be restarted; what is refused or failed for one caller is
    /// that caller's reply.
    ///
    /// # Cancel safety
    /// It is dropped at any `await` when the owner is killed for being frozen, so what it stores
    /// must be stored in one step.
    fn handle(&mut self, message: Self::Message) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Does housekeeping, between two messages, about every [`Self::TICK`].
    ///
    /// # Errors
    /// As [`Self::handle`].
    fn tick(&mut self) -> impl Future<Output = Result<(), Fault>> + Send {
        async { Ok(()) }
    }

    /// Says goodbye, after the last message of an ordered stop. A crash skips it.
    fn finish(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Makes an owner; may take its time, and is given up if it takes too long.
pub(super) type Prepare = Box<dyn Fn() -> Preparation + Send + Sync>;
/// An owner in the making.
pub(super) type Preparation = BoxFuture<'static, Result<Prepared, Failure>>;
/// An owner that is made: starts its actor under the supervisor at once.
pub(super) type Prepared =
    Box<dyn FnOnce(ActorCell) -> BoxFuture<'static, Result<Box<dyn Grip>, Failure>> + Send>;

/// Forgets which owner the factory makes.
pub(super) fn prepare<O, F>(slot: Arc<Slot<O::Message>>, factory: Arc<F>) -> Prepare
where
    O: Owner,
    F: Fn() -> BoxFuture<'static, Result<O, Fault>> + Send + Sync + 'static,
{
    Box::new(move || {
        let (slot, factory) = (Arc::clone(&slot), Arc::clone(&factory));
        async move {
            let owner = factory().await?;
            let start: Prepared =
                Box::new(move |supervisor| start(owner, slot, supervisor).boxed());
            Ok(start)
        }
        .boxed()
    })
}

/// Starts the actor around an owner and lets messages in.
async fn start<O: Owner>(
    owner: O,
    slot: Arc<Slot<O::Message>>,
    supervisor: ActorCell,
) -> Result<Box<dyn Grip>, Failure> {
    let signs = Arc::new(Signs::default());
    let body = Body {
        owner,
        #[cfg(feature = "failpoints")]
        slot: Arc::clone(&slot),
        signs: Arc::clone(&signs),
        ticker: JoinSet::new(),
    };
    let (address, _) = supervisor
        .spawn_linked(None, Shell::<O>(PhantomData), body)
        .await
        .map_err(|error| Failure::Broken(Fault::Broken(error.to_string())))?;
    slot.fill(address.clone());
    Ok(Box::new(OwnerGrip {
        address,
        slot,
        signs,
        seen: 0,
        misses: 0,
        is_asked: false,
    }))
}

/// The signs of life that the shell gives and the supervisor reads.
#[derive(Debug, Default)]
struct Signs {
    /// How many messages, and verbs on the way, it has finished. An owner that works off its mailbox is alive, however
    /// long a ping must wait in there.
    finished: AtomicU64,
    /// A ping lies in its mailbox; there is never more than one.
    is_pinged: AtomicBool,
    /// A tick lies in its mailbox; there is never more than one.
    is_ticked: AtomicBool,
}

tokio::task_local! {
    /// The signs of the owner whose step runs.
    static SIGNS: Arc<Signs>;
}

/// Counts a part of an owner's step as a sign of life: several awaited verbs may take longer than
/// an owner may be silent. Does nothing outside a step.
pub(crate) fn note_progress() {
    let _ = SIGNS.try_with(|signs| signs.finished.fetch_add(1, Ordering::Relaxed));
}

/// The actor: every owner's shell is the same.
struct Shell<O>(PhantomData<fn() -> O>);

/// What the shell holds.
struct Body<O: Owner> {
    owner: O,
    #[cfg(feature = "failpoints")]
    slot: Arc<Slot<O::Message>>,
    signs: Arc<Signs>,
    /// Holds the task that ticks, which ends with it.
    ticker: JoinSet<()>,
}

/// The supervisor's hold on an owner.
struct OwnerGrip<M> {
    address: ActorRef<Envelope<M>>,
    slot: Arc<Slot<M>>,
    signs: Arc<Signs>,
    seen: u64,
    misses: u32,
    is_asked: bool,
}

// === impl Shell ===

impl<O: Owner> Actor for Shell<O> {
    type Msg = Envelope<O::Message>;
    type State = Body<O>;
    type Arguments = Body<O>;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        mut body: Body<O>,
    ) -> Result<Body<O>, ActorProcessingErr> {
        if let Some(every) = O::TICK {
            let signs = Arc::clone(&body.signs);
            body.ticker.spawn(keep_ticking(myself, signs, every));
        }
        Ok(body)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        envelope: Self::Msg,
        body: &mut Body<O>,
    ) -> Result<(), ActorProcessingErr> {
        let signs = Arc::clone(&body.signs);
        match envelope {
            Envelope::Work { deadline, .. } if deadline.is_some_and(Deadline::has_passed) => {}
            Envelope::Work {
                message, credit, ..
            } => {
                SIGNS.scope(signs, body.work(message)).await?;
                drop(credit);
            }
            Envelope::Ping => body.signs.is_pinged.store(false, Ordering::Relaxed),
            Envelope::Tick => {
                body.signs.is_ticked.store(false, Ordering::Relaxed);
                SIGNS.scope(signs, caught(body.owner.tick())).await?;
            }
        }
        body.signs.finished.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn post_stop(
        &self,
        _myself: ActorRef<Self::Msg>,
        body: &mut Body<O>,
    ) -> Result<(), ActorProcessingErr> {
        body.owner.finish().await;
        Ok(())
    }
}

/// Puts a tick into the mailbox each time one is due and none lies there.
async fn keep_ticking<M: Send + 'static>(
    address: ActorRef<Envelope<M>>,
    signs: Arc<Signs>,
    every: Duration,
) {
    loop {
        tokio::time::sleep(every).await;
        let is_waiting = signs.is_ticked.swap(true, Ordering::Relaxed);
        if !is_waiting && address.send_message(Envelope::Tick).is_err() {
            return;
        }
    }
}

/// Runs an owner's step; a panic becomes a failure whose text is safe to show.
async fn caught(step: impl Future<Output = Result<(), Fault>>) -> Result<(), Failure> {
    match AssertUnwindSafe(step).catch_unwind().await {
        Ok(outcome) => outcome.map_err(Failure::Broken),
        Err(payload) => Err(Failure::from_panic(&*payload)),
    }
}

// === impl Body ===

impl<O: Owner> Body<O> {
    async fn work(&mut self, message: O::Message) -> Result<(), Failure> {
        #[cfg(feature = "failpoints")]
        caught(self.slot.failpoint().hit()).await?;
        caught(self.owner.handle(message)).await
    }
}

// === impl OwnerGrip ===

impl<M: Send + 'static> Grip for OwnerGrip<M> {
    fn actor(&self) -> Option<ActorId> {
        Some(self.address.get_id())
    }

    fn stop(&mut self, _within: Duration) {
        // No new messages; those in the mailbox are still handled.
        self.slot.vacate();
        let _ = self.address.drain();
    }

    fn kill(&mut self) {
        self.slot.vacate();
        self.address.kill();
    }

    fn ping(&mut self) -> u32 {
        let finished = self.signs.finished.load(Ordering::Relaxed);
        if finished == self.seen && self.is_asked {
            self.misses = self.misses.saturating_add(1);
        } else {
            self.misses = 0;
        }
        self.seen = finished;
        self.is_asked = true;
        if !self.signs.is_pinged.swap(true, Ordering::Relaxed) {
            let _ = self.address.send_message(Envelope::Ping);
        }
        self.misses
    }
}

impl<M> Drop for OwnerGrip<M> {
    fn drop(&mut self) {
        self.slot.vacate();
    }
}
