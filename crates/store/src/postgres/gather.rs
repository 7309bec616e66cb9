//! Group commit: orders of one kind that wait at the same moment share one transaction.
//!
//! What every request of a hot path writes would cost a round trip and a flush of the server's log
//! each, and what it reads a round trip. Here one task takes whatever waits (256 at most), carries all of
//! it out in one transaction and answers after the commit; meanwhile the next ones gather. Nobody waits
//! longer than for two commits, and nothing is answered before it is durable.
//!
//! An order that fails must not harm its neighbours: when the server finds fault with a batch, which is
//! then rolled back, each order is carried out in a transaction of its own. When the server is away all of
//! the batch is told so. An order whose caller left before it was taken is dropped undone.
//!
//! The queue outlives the task: a restart serves what waits. Callers whose batch was in work when the
//! task ended are told that the store failed; whether it was done they do not know.

use std::slice;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::rejection::Fault;
use tokio::sync::{mpsc, oneshot};

use super::pool::Pool;
use crate::port::Pending;

/// How many orders share one commit at most.
const BATCH: usize = 256;
/// How many orders may wait before callers are told to come back.
const WAITING: usize = 4_096;

/// A kind of order that can be carried out together with others of its kind.
pub(super) trait Gathered: Sized + Send + Sync + 'static {
    /// What its caller is told.
    type Done: Send + 'static;

    /// What is full when too many wait.
    const NAME: &'static str;

    /// Carries out all of a batch in one transaction, or nothing of it, and gives what became of each, in
    /// order.
    fn fulfil<'a>(pool: &'a Pool, batch: &'a [Self]) -> Pending<'a, Vec<Self::Done>>;
}

/// Orders that wait for a task to carry them out.
pub(super) struct Gather<O: Gathered> {
    queue: mpsc::Sender<Order<O>>,
    /// Absent while the task has it.
    waiting: Mutex<Option<mpsc::Receiver<Order<O>>>>,
}

struct Order<O: Gathered> {
    what: O,
    reply: oneshot::Sender<Result<O::Done, Fault>>,
}

/// The right to take orders; given back when it is dropped.
struct Turn<'g, O: Gathered> {
    gather: &'g Gather<O>,
    waiting: Option<mpsc::Receiver<Order<O>>>,
}

// === impl Gather ===

impl<O: Gathered> Gather<O> {
    /// Nothing waits yet.
    pub(super) fn new() -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        let waiting = Mutex::new(Some(waiting));
        Self { queue, waiting }
    }

    /// Has something done, and waits for its commit.
    ///
    /// # Errors
    /// [`Fault::Busy`] when too many wait; else what became of it.
    ///
    /// # Cancel safety
    /// It is done unless the task had not taken it yet.
    pub(super) async fn order(&self, what: O) -> Result<O::Done, Fault> {
        let (reply, answer) = oneshot::channel();
        self.queue
            .try_send(Order { what, reply })
            .map_err(|_| Fault::Busy(O::NAME))?;
        let lost = |_| Err(Fault::Store(format!("{} was cut short", O::NAME)));
        answer.await.unwrap_or_else(lost)
    }

    /// Carries out what waits, for ever. To be run under a supervisor, once at a time: it ends at once while
    /// another runs.
    ///
    /// # Cancel safety
    /// Whether the batch in work is done is then unknown; what waits is kept.
    pub(super) async fn serve(&self, pool: &Pool) {
        let Some(mut turn) = self.begin() else {
            tracing::error!(queue = O::NAME, "two tasks were to serve the same queue");
            return;
        };
        let mut batch = Vec::with_capacity(BATCH);
        while turn.take(&mut batch).await {
            batch.retain(|order| !order.reply.is_closed());
            if !batch.is_empty() {
                fulfil(pool, batch.drain(..)).await;
            }
        }
    }

    /// Says whether a task serves what is ordered.
    pub(super) fn is_served(&self) -> bool {
        self.lock().is_none()
    }

    fn begin(&self) -> Option<Turn<'_, O>> {
        let waiting = Some(self.lock().take()?);
        Some(Turn {
            gather: self,
            waiting,
        })
    }
}

impl<O: Gathered> Gather<O> {
    fn lock(&self) -> MutexGuard<'_, Option<mpsc::Receiver<Order<O>>>> {
        // Nothing but a move happens under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Turn ===

impl<O: Gathered> Turn<'_, O> {
    /// Waits until something is there and moves up to a batch of it into `batch`.
    async fn take(&mut self, batch: &mut Vec<Order<O>>) -> bool {
        match &mut self.waiting {
            Some(waiting) => waiting.recv_many(batch, BATCH).await > 0,
            None => false,
        }
    }
}

impl<O: Gathered> Drop for Turn<'_, O> {
    fn drop(&mut self) {
        *self.gather.lock() = self.waiting.take();
    }
}

/// Carries out a batch and answers all of it.
async fn fulfil<O: Gathered>(pool: &Pool, batch: impl Iterator<Item = Order<O>>) {
    let (whats, replies): (Vec<O>, Vec<_>) = batch.map(|order| (order.what, order.reply)).unzip();
    match O::fulfil(pool, &whats).await {
        Ok(done) => {
            for (reply, done) in replies.into_iter().zip(done) {
                // The caller may have left.
                let _ = reply.send(Ok(done));
            }
        }
        // One of them is at fault, and it is not known which.
        Err(Fault::Broken(_)) if whats.len() > 1 => {
            fulfil_each(pool, replies.into_iter().zip(&whats)).await;
        }
        Err(fault) => {
            for reply in replies {
                let _ = reply.send(Err(fault.clone()));
            }
        }
    }
}

/// Carries out one after the other, for as long as the server answers, what somebody still waits for.
async fn fulfil_each<'b, O: Gathered + 'b>(
    pool: &Pool,
    orders: impl Iterator<Item = (oneshot::Sender<Result<O::Done, Fault>>, &'b O)>,
) {
    let mut away = None;
    for (reply, what) in orders.filter(|(reply, _)| !reply.is_closed()) {
        let outcome = match &away {
            Some(fault) => Err(Fault::clone(fault)),
            None => fulfil_alone(pool, what).await,
        };
        if let Err(fault @ (Fault::Store(_) | Fault::Busy(_))) = &outcome {
            away = Some(fault.clone());
        }
        let _ = reply.send(outcome);
    }
}

async fn fulfil_alone<O: Gathered>(pool: &Pool, what: &O) -> Result<O::Done, Fault> {
    let done = O::fulfil(pool, slice::from_ref(what)).await?.pop();
    done.ok_or_else(|| Fault::Broken(format!("{} answers nothing", O::NAME)))
}
