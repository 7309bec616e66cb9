//! The readers: threads with a connection each that cannot write.
//!
//! A query that panics costs its own answer and the connection it had; the thread lives on. A
//! connection that cannot be opened is tried again for the next query.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{Builder, JoinHandle};

use domain::rejection::Fault;
use rusqlite::Connection;

use super::queue::Queue;
use super::{fault, schema};

/// How many queries may wait before callers are told to come back.
const QUERIES_WAITING: usize = 1024;

/// A query that answers its caller itself; it is told why when there is no connection.
pub(super) type Query = Box<dyn FnOnce(Result<&Connection, Fault>) + Send>;

/// The threads; they end when this is dropped.
pub(super) struct Readers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    path: PathBuf,
    queries: Queue<Query>,
    stop: AtomicBool,
}

// === impl Readers ===

impl Readers {
    /// Starts the threads.
    pub(super) fn start(path: &Path) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            queries: Queue::new(QUERIES_WAITING),
            stop: AtomicBool::new(false),
        });
        let mut readers = Self {
            shared,
            threads: Vec::new(),
        };
        for name in ["sqlite-reader-0", "sqlite-reader-1"] {
            let shared = Arc::clone(&readers.shared);
            let thread = Builder::new().name(name.to_owned());
            readers.threads.push(thread.spawn(move || shared.run())?);
        }
        Ok(readers)
    }

    /// Queues a query; false when too many wait.
    pub(super) fn ask(&self, query: Query) -> bool {
        self.shared.queries.push(query)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.shared.queries.stop(&self.shared.stop);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a SQLite reader panicked outside a query");
            }
        }
    }
}

// === impl Shared ===

impl Shared {
    fn run(&self) {
        let mut connection = None;
        let mut taken = Vec::with_capacity(1);
        while self.queries.take(&mut taken, 1, &self.stop) {
            for query in taken.drain(..) {
                connection = self.answer(connection, query);
            }
        }
    }

    /// Runs a query and gives back the connection if it is still good.
    fn answer(&self, connection: Option<Connection>, query: Query) -> Option<Connection> {
        let opened = match connection {
            Some(connection) => Ok(connection),
            None => schema::connect_reader(&self.path).map_err(|error| fault(&error)),
        };
        let asked = catch_unwind(AssertUnwindSafe(|| {
            query(opened.as_ref().map_err(Fault::clone));
        }));
        if asked.is_err() {
            tracing::error!("a SQLite query panicked");
            return None;
        }
        opened.ok()
    }
}
