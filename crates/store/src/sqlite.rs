//! The embedded store: one SQLite file, no server.
//!
//! One thread, the [`writer`], owns the only connection that writes. It takes whatever orders wait,
//! runs them in one transaction and answers them all after its `COMMIT` (`synchronous=FULL`: the
//! answer means that the disk has it). Sixty-four callers so share one flush of the disk. Reads go
//! to two [`readers`], each with a connection of its own; in write-ahead mode neither waits for the
//! other. What was committed is in a log first; [`folding`] takes it back into the file.
//!
//! The writer is a supervised child: [`Sqlite::serve_writes`] is its future. While nobody runs it,
//! orders wait in a bounded queue; when it panics, the orders it had taken answer
//! [`Fault::Store`], those that still wait are served by the next one. The readers begin with
//! [`Sqlite::open`] and end with the last handle.
//!
//! A file belongs to one process: [`Sqlite::open`] takes a lock on `<file>.lock` and refuses a file
//! that is taken. Therefore [`is_shared`](crate::port::changes::Changes::is_shared) is false.
//!
//! Each port has the file of its name; [`row`] reads what they all store, [`schema`] makes the
//! tables.

use std::fs::{File, OpenOptions, TryLockError};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use domain::rejection::Fault;
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use crate::port::{Health, Pending, Ports};

mod api_keys;
mod attempts;
mod audit;
mod authorizations;
mod changes;
mod checkpoints;
mod clients;
mod data_keys;
mod devices;
mod erasure;
mod factors;
mod folding;
mod idempotency;
mod identities;
mod janitor;
mod keys;
mod notices;
mod one_time;
mod outbox;
mod queue;
mod readers;
mod roles;
mod row;
mod salts;
mod schema;
mod sessions;
mod spent;
mod tallies;
mod tenants;
mod users;
mod writer;

use queue::Queue;
use readers::Readers;
pub use writer::Written;
use writer::{Job, Order, Step, Tally};

/// How many orders may wait for the writer before callers are told to come back.
const WRITES_WAITING: usize = 4096;

/// A handle to one SQLite file. Clones are cheap and speak to the same writer and readers.
#[derive(Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    /// Ended before the lock is given back.
    readers: Readers,
    core: Arc<Core>,
}

/// What the writer's thread shares with the handles.
struct Core {
    path: PathBuf,
    jobs: Queue<Box<dyn Job>>,
    notices: watch::Sender<u64>,
    tally: Tally,
    /// Held by the thread that writes.
    turn: Mutex<()>,
    /// Held for as long as this process uses the file.
    _lock: File,
}

// === impl Sqlite ===

impl Sqlite {
    /// Opens a file, creating it (readable by its owner alone) if there is none, and takes it for
    /// this process. Applies no migration; see [`Sqlite::migrate`].
    ///
    /// # Errors
    /// [`Fault::Store`] when another process has the file, when it cannot be created or is no
    /// database, or when no thread can be started.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let lock = take_lock(path)?;
        create_private(path).map_err(|error| unusable(path, &error))?;
        schema::connect_writer(path).map_err(|error| unusable(path, &error))?;
        let readers = Readers::start(path).map_err(|error| unusable(path, &error))?;
        let core = Core {
            path: path.to_owned(),
            jobs: Queue::new(WRITES_WAITING),
            notices: watch::Sender::new(0),
            tally: Tally::default(),
            turn: Mutex::new(()),
            _lock: lock,
        };
        let inner = Inner {
            readers,
            core: Arc::new(core),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Applies the migrations that are missing and names them. Blocks on the disk; meant for the
    /// start, before anything is served.
    pub fn migrate(&self) -> Result<Vec<String>, Fault> {
        schema::migrate(&self.inner.core.path)
    }

    /// Names the migrations that are missing. Blocks on the disk, shortly.
    pub fn pending_migrations(&self) -> Result<Vec<String>, Fault> {
        schema::pending(&self.inner.core.path)
    }

    /// Runs the writer: the store's own task, to be run as a supervised child. Completes when the
    /// writer could not go on (its log line says why), and panics if the writer did; in both cases
    /// it is to be run again, and the orders that wait are served then. Run twice at once, the two
    /// take turns at the file.
    ///
    /// # Cancel safety
    /// Dropping it stops the writer in order: what is queued is committed and answered first, and
    /// the drop waits for that.
    pub fn serve_writes(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        writer::serve(Arc::clone(&self.inner.core))
    }

    /// Bundles the ports.
    #[must_use]
    pub fn ports(&self) -> Ports {
        let this = Arc::new(self.clone());
        Ports {
            tenants: this.clone(),
            users: this.clone(),
            factors: this.clone(),
            identities: this.clone(),
            one_time: this.clone(),
            sessions: this.clone(),
            authorizations: this.clone(),
            devices: this.clone(),
            salts: this.clone(),
            data_keys: this.clone(),
            idempotency: this.clone(),
            spent: this.clone(),
            attempts: this.clone(),
            clients: this.clone(),
            roles: this.clone(),
            api_keys: this.clone(),
            keys: this.clone(),
            outbox: this.clone(),
            notices: this.clone(),
            audit: this.clone(),
            checkpoints: this.clone(),
            changes: this.clone(),
            janitor: this.clone(),
            tallies: this.clone(),
            health: this,
        }
    }

    /// Counts what the writer did since the file was opened.
    #[must_use]
    pub fn written(&self) -> Written {
        self.inner.core.tally.read()
    }

    /// Orders a piece of work from the writer and waits for its commit. The work may be run again
    /// when another piece of its batch failed, so it takes nothing out of itself.
    fn write<T, F>(&self, work: F) -> Pending<'_, T>
    where
        T: Send + 'static,
        F: FnMut(&Step<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        Box::pin(async move {
            let (order, answer) = Order::new(work);
            if !self.inner.core.jobs.push(Box::new(order)) {
                return Err(Fault::Busy("sqlite writer"));
            }
            settled(answer.await, "the writer stopped before it committed")
        })
    }

    /// Has a reader run a query.
    fn read<T, F>(&self, query: F) -> Pending<'_, T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let asked = self.inner.readers.ask(Box::new(move |connection| {
                // Nobody waits for it any more: those behind it are not to wait in vain too.
                if reply.is_closed() {
                    return;
                }
                let found = connection.and_then(|c| query(c).map_err(|error| fault(&error)));
                // The caller may have left.
                let _ = reply.send(found);
            }));
            if !asked {
                return Err(Fault::Busy("sqlite readers"));
            }
            settled(answer.await, "the reader stopped before it answered")
        })
    }
}

impl Health for Sqlite {
    fn check(&self) -> Pending<'_, ()> {
        self.write(|step| {
            step.prepare_cached("SELECT 1")?
                .query_row([], |row| row.get::<_, i64>(0))?;
            Ok(())
        })
    }

    fn name(&self) -> &'static str {
        "sqlite"
    }
}

// === free functions ===

fn settled<T>(
    answer: Result<Result<T, Fault>, oneshot::error::RecvError>,
    lost: &str,
) -> Result<T, Fault> {
    answer.unwrap_or_else(|_| Err(Fault::Store(lost.to_owned())))
}

/// Turns the driver's error into our fault; its text is for our log only.
fn fault(error: &rusqlite::Error) -> Fault {
    match error {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::InvalidColumnIndex(..)
        | rusqlite::Error::InvalidParameterCount(..) => Fault::Broken(error.to_string()),
        _ => Fault::Store(error.to_string()),
    }
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    Fault::Store(format!("cannot use {}: {error}", path.display()))
}

/// Takes the lock beside the file: SQLite itself would let a second process in.
fn take_lock(path: &Path) -> Result<File, Fault> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = create_private(Path::new(&name)).map_err(|error| unusable(path, &error))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => unusable(path, &"another process is using it"),
        TryLockError::Error(error) => unusable(path, &error),
    })?;
    Ok(lock)
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests;
