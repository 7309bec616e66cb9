//! The writer: the one thread that writes, and how many callers share its commits.
//!
//! It blocks for the first order, takes whatever else waits (256 at most), runs all of it in one
//! transaction and answers after the commit. An order that fails must not harm its neighbours: the
//! batch is rolled back and each order is run again in a transaction of its own. When the commit
//! itself fails (a full disk), every order of the batch answers [`Fault::Store`], nothing is half
//! written, and the writer lives on.
//!
//! An order whose caller left before it was taken is dropped unwritten.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::{io, panic};

use domain::rejection::Fault;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::folding::{self, Folding};
use super::{Core, fault, schema};

/// How many orders share one commit at most.
const BATCH: usize = 256;

/// What the writer did since the file was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Transactions that were committed.
    pub commits: u64,
    /// Orders that were committed in them.
    pub orders: u64,
}

/// The transaction an order runs in.
pub(super) struct Step<'a> {
    transaction: &'a Transaction<'a>,
    announced: &'a Cell<bool>,
}

/// A piece of work with someone waiting for it.
pub(super) trait Job: Send {
    /// Says whether anyone still waits.
    fn is_wanted(&self) -> bool;
    /// Runs the work, not yet durably.
    fn run(&mut self, step: &Step<'_>) -> rusqlite::Result<()>;
    /// Answers, after the commit or instead of it.
    fn settle(self: Box<Self>, outcome: Result<(), Fault>);
}

/// A [`Job`] made of a closure.
pub(super) struct Order<T, F> {
    work: F,
    made: Option<T>,
    reply: oneshot::Sender<Result<T, Fault>>,
}

/// Counts for [`Written`].
#[derive(Default)]
pub(super) struct Tally {
    commits: AtomicU64,
    orders: AtomicU64,
}

/// Why a batch came to nothing.
enum Setback {
    /// One of its orders failed.
    Order(rusqlite::Error),
    /// The transaction could not begin or be committed.
    Commit(rusqlite::Error),
}

/// A writer at work; stops it in order when dropped.
struct Running {
    core: Arc<Core>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

type Batch = Vec<Box<dyn Job>>;

/// Runs the writer until it ends; see [`Sqlite::serve_writes`](super::Sqlite::serve_writes).
pub(super) async fn serve(core: Arc<Core>) {
    let (alive, ended) = oneshot::channel::<()>();
    match Running::start(core, alive) {
        Ok(running) => {
            // The sender is never used: it is dropped when the thread ends, however it ends.
            let _ = ended.await;
            running.finish();
        }
        Err(error) => tracing::error!(%error, "the SQLite writer's thread could not be started"),
    }
}

fn run(core: &Core, stop: &AtomicBool) {
    let _turn = core.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut connection, mut folding) = match open(core) {
        Ok(opened) => opened,
        Err(error) => {
            tracing::error!(%error, "the SQLite writer cannot open its file");
            settle(&mut core.jobs.drain(), &Err(error));
            return;
        }
    };
    let mut batch = Batch::with_capacity(BATCH);
    while core.jobs.take(&mut batch, BATCH, stop) {
        batch.retain(|job| job.is_wanted());
        if !batch.is_empty() {
            write(core, &mut connection, &mut batch);
            folding.look(&connection);
        }
    }
}

/// Opens a fresh connection each time: whatever a panic left behind in the old one is gone.
fn open(core: &Core) -> Result<(Connection, Folding), Fault> {
    let mut connection = schema::connect_writer(&core.path).map_err(|error| fault(&error))?;
    let folding = Folding::begin(core.path.clone(), &mut connection, folding::FULL)
        .map_err(|error| Fault::Store(error.to_string()))?;
    Ok((connection, folding))
}

/// Commits a batch and answers all of it.
fn write(core: &Core, connection: &mut Connection, batch: &mut Batch) {
    match commit(core, connection, batch) {
        Ok(()) => settle(batch, &Ok(())),
        Err(Setback::Order(_)) if batch.len() > 1 => {
            for job in batch.drain(..) {
                write(core, connection, &mut vec![job]);
            }
        }
        Err(Setback::Order(error) | Setback::Commit(error)) => {
            settle(batch, &Err(fault(&error)));
        }
    }
}

fn commit(core: &Core, connection: &mut Connection, batch: &mut Batch) -> Result<(), Setback> {
    let announced = Cell::new(false);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(Setback::Commit)?;
    let step = Step {
        transaction: &transaction,
        announced: &announced,
    };
    for job in batch.iter_mut() {
        job.run(&step).map_err(Setback::Order)?;
    }
    transaction.commit().map_err(Setback::Commit)?;
    core.tally.count(batch.len());
    if announced.get() {
        core.notices.send_modify(|count| *count += 1);
    }
    Ok(())
}

fn settle(batch: &mut Batch, outcome: &Result<(), Fault>) {
    for job in batch.drain(..) {
        job.settle(outcome.clone());
    }
}

// === impl Step ===

impl Step<'_> {
    /// Notes that the change feed was written, so that its readers are woken after the commit.
    pub(super) fn announce(&self) {
        self.announced.set(true);
    }
}

impl Deref for Step<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.transaction
    }
}

// === impl Order ===

impl<T, F> Order<T, F> {
    /// Makes an order of some work, and the place where its answer will be.
    pub(super) fn new(work: F) -> (Self, oneshot::Receiver<Result<T, Fault>>) {
        let (reply, answer) = oneshot::channel();
        let order = Self {
            work,
            made: None,
            reply,
        };
        (order, answer)
    }
}

impl<T, F> Job for Order<T, F>
where
    T: Send,
    F: FnMut(&Step<'_>) -> rusqlite::Result<T> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, step: &Step<'_>) -> rusqlite::Result<()> {
        self.made = Some((self.work)(step)?);
        Ok(())
    }

    fn settle(self: Box<Self>, outcome: Result<(), Fault>) {
        let never_ran = || Fault::Broken("an order was committed without being run".to_owned());
        let Self { made, reply, .. } = *self;
        let answer = outcome.and_then(|()| made.ok_or_else(never_ran));
        // The caller may have left; then nobody learns of it, as documented.
        let _ = reply.send(answer);
    }
}

// === impl Tally ===

impl Tally {
    fn count(&self, orders: usize) {
        let orders = u64::try_from(orders).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.orders.fetch_add(orders, Ordering::Relaxed);
    }

    /// Reads the counts.
    pub(super) fn read(&self) -> Written {
        Written {
            commits: self.commits.load(Ordering::Relaxed),
            orders: self.orders.load(Ordering::Relaxed),
        }
    }
}

// === impl Running ===

impl Running {
    fn start(core: Arc<Core>, alive: oneshot::Sender<()>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (its_core, its_stop) = (Arc::clone(&core), Arc::clone(&stop));
        let body = move || {
            let _alive = alive;
            run(&its_core, &its_stop);
        };
        let thread = Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(body)?;
        Ok(Self {
            core,
            stop,
            thread: Some(thread),
        })
    }

    /// Takes leave of a thread that has ended, passing its panic on.
    fn finish(mut self) {
        if let Some(Err(payload)) = self.thread.take().map(JoinHandle::join) {
            panic::resume_unwind(payload);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        self.core.jobs.stop(&self.stop);
        if thread.join().is_err() {
            tracing::error!("the SQLite writer panicked while it was being stopped");
        }
    }
}
