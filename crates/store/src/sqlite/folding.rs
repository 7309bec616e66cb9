//! Folding the log back into the file, beside the writer.
//!
//! What was committed is in the log. From time to time its pages are copied to their places in the file, after
//! which the log begins anew: rarely enough that a page which many commits changed is copied once, and often
//! enough that reading the log again after a crash takes a tenth of a second.
//!
//! To copy a whole log takes the disk some ten milliseconds, which a writer that does it itself keeps its callers
//! waiting. So another thread copies, over a connection of its own, while the writer goes on; then it copies
//! what came meanwhile, until that is little. The writer folds the rest between two commits, for the log
//! begins anew only with a commit that finds all of it folded. It also folds a log that has grown to several times
//! its size, whatever became of that thread.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, DEFAULT_NAME, ErrorCode};

use super::schema;

/// From how many pages of 4 KiB on the log is folded: 64 MiB.
pub(super) const FULL: i32 = 16_000;
/// How many pages of the log the writer folds itself without being missed.
const SHORT: i32 = 500;
/// How often what came meanwhile is folded before the writer has to do the rest, however much it is.
const PASSES: usize = 8;
/// How many times its size the log may grow to before the writer folds all of it.
const TIMES: i32 = 4;

/// The writer's part of it. Ends the thread when it is dropped.
pub(super) struct Folding {
    full: i32,
    /// How many pages the log had after the last commit.
    pages: Arc<AtomicI32>,
    /// From how many on something is done: a reader may keep the log from beginning anew.
    next: i32,
    is_told: bool,
    is_rest_due: Arc<AtomicBool>,
    due: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

// === impl Folding ===

impl Folding {
    /// Starts the thread, and has a connection count the pages of the log, which it folds by itself no more.
    pub(super) fn begin(path: PathBuf, writer: &mut Connection, full: i32) -> io::Result<Self> {
        let pages = Arc::new(AtomicI32::new(0));
        let counted = Arc::clone(&pages);
        let count = move |_: &mut _, pages| {
            counted.store(pages, Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(count)).map_err(io::Error::other)?;
        let is_rest_due = Arc::new(AtomicBool::new(false));
        let (due, told) = sync_channel(1);
        let is_done = Arc::clone(&is_rest_due);
        let thread = Builder::new()
            .name("sqlite-fold".to_owned())
            .spawn(move || serve(&path, &told, &is_done))?;
        Ok(Self {
            full,
            pages,
            next: full,
            is_told: false,
            is_rest_due,
            due: Some(due),
            thread: Some(thread),
        })
    }

    /// Ends the thread, after the pass it is in.
    pub(super) fn stop(&mut self) {
        self.due = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread that folds the log of SQLite panicked");
        }
    }

    /// Looks at the log after a commit.
    pub(super) fn look(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        let is_rest_due = self.is_rest_due.swap(false, Ordering::Acquire);
        if pages < self.full {
            // It began anew.
            (self.next, self.is_told) = (self.full, false);
            return;
        }
        let is_overgrown = pages >= self.full.saturating_mul(TIMES) && pages >= self.next;
        if is_rest_due || is_overgrown {
            if let Err(error) = fold(writer) {
                tracing::warn!(%error, "the log of SQLite could not be folded back");
            }
            (self.next, self.is_told) = (pages.saturating_add(SHORT), false);
        } else if !self.is_told && pages >= self.next {
            let told = self.due.as_ref().map(|due| due.try_send(()));
            self.is_told = matches!(told, Some(Ok(())));
        }
    }
}

impl Drop for Folding {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Folds whenever it is told to, until nobody can tell it any more.
fn serve(path: &Path, told: &Receiver<()>, is_rest_due: &AtomicBool) {
    let mut connection = None;
    while told.recv().is_ok() {
        if connection.is_none() {
            connection = schema::connect_folder(path)
                .inspect_err(|error| tracing::warn!(%error, "SQLite cannot open its file"))
                .ok();
        }
        for _ in 0..PASSES {
            match connection.as_ref().map(fold) {
                Some(Ok(left)) if left > SHORT => {}
                Some(Err(error)) => {
                    tracing::warn!(%error, "the log of SQLite could not be folded back");
                    break;
                }
                Some(Ok(_)) | None => break,
            }
        }
        // Whatever is left: with a connection that fails, the writer is to find out for itself.
        is_rest_due.store(true, Ordering::Release);
    }
}

/// Folds what nobody reads from the log any more, and gives how many pages are left in it; none while another
/// connection folds.
fn fold(connection: &Connection) -> rusqlite::Result<i32> {
    match connection.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::PASSIVE) {
        Ok((all, folded)) => Ok(all.saturating_sub(folded)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(0),
        Err(error) => Err(error),
    }
}
