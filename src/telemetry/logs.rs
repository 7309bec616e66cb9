//! Log lines, written by a thread of their own.
//!
//! Whoever logs formats a line and adds it to a bounded pile; one thread writes what lies there to
//! standard error, many lines at a time: after each write it rests for a moment in which lines gather, so
//! that whoever logs under load finds nobody to wake. A full pile drops the line and counts it: a slow disk or
//! terminal costs lines, never requests. Standard output is left to what a person asked for.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use super::lines::Lines;
use crate::config::LogSettings;

/// How many lines may wait.
const QUEUED: usize = 8_192;
/// From how many bytes on nothing more is waited for.
const GATHERED: usize = 64 * 1024;
/// How long lines gather after a write. To wake the thread for each line costs a system call of whoever
/// logs and two of the thread: a third of what a short answer takes.
const REST: Duration = Duration::from_millis(5);
/// How long the end of the process waits for the last lines.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Crates that tell a lot at `debug` and `trace`, and nothing about us.
const TALKATIVE: [&str; 7] = [
    "h2",
    "hyper",
    "hyper_util",
    "rustls",
    "reqwest",
    "ractor",
    "tokio",
];

/// Crates that call an error what a stranger sent. What comes of it, they tell their caller.
const EASILY_ALARMED: [&str; 1] = ["webauthn_rs_core"];

static LOST: AtomicU64 = AtomicU64::new(0);

/// The writing thread, seen from outside. Dropping it waits a moment for what is queued.
pub(super) struct Writer {
    queue: Queue,
    ended: Receiver<()>,
}

/// The way to the pile.
#[derive(Clone, Default)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    pile: Mutex<Pile>,
    arrived: Condvar,
}

/// The lines that wait, one behind the other: a buffer for each would be made by one thread and freed by
/// another, which costs more than to copy the line.
#[derive(Default)]
struct Pile {
    bytes: Vec<u8>,
    lines: usize,
    /// Whether the writing thread sleeps until there is a line.
    is_awaited: bool,
    is_ended: bool,
}

/// Gives how many lines were dropped since the process began.
pub(super) fn lost_lines() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Makes the layer that formats lines.
pub(super) fn layer<S>(settings: &LogSettings, writer: &Writer) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let lines = Lines::new(settings.format, writer.queue.clone());
    // Lines name their request themselves: a span that nobody else listens to is none.
    let events = filter_fn(is_event).with_max_level_hint(LevelFilter::TRACE);
    let events = FilterExt::<S>::and(filter(settings), events);
    Box::new(Layer::<S>::with_filter(lines, events))
}

fn is_event(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
}

/// Says what is written: our own events from the configured level on, others' from `info` on at
/// most, and nothing of what strangers can have them say.
fn filter(settings: &LogSettings) -> Targets {
    let quiet = settings.level.min(LevelFilter::INFO);
    Targets::new()
        .with_default(settings.level)
        .with_targets(TALKATIVE.map(|target| (target, quiet)))
        .with_targets(EASILY_ALARMED.map(|target| (target, LevelFilter::OFF)))
}

// === impl Writer ===

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn start() -> io::Result<Self> {
        let queue = Queue::default();
        let lines = queue.clone();
        let (end, ended) = sync_channel(1);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                write_all(&lines, &mut io::stderr().lock());
                let _ = end.send(());
            })?;
        Ok(Self { queue, ended })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.end();
        let _: Result<(), RecvTimeoutError> = self.ended.recv_timeout(LAST_WORDS);
    }
}

// === impl Queue ===

impl Queue {
    /// Adds a line to the pile, or drops it. Whoever waits for the pile waits while a line is copied, at most.
    pub(super) fn push(&self, line: &[u8]) {
        let mut pile = self.pile();
        if pile.is_ended {
            return;
        }
        if pile.lines >= QUEUED {
            LOST.fetch_add(1, Ordering::Relaxed);
            return;
        }
        pile.bytes.extend_from_slice(line);
        pile.lines = pile.lines.saturating_add(1);
        let is_awaited = std::mem::take(&mut pile.is_awaited);
        drop(pile);
        if is_awaited {
            self.0.arrived.notify_one();
        }
    }

    /// Announces the end: what comes later is not written.
    fn end(&self) {
        self.pile().is_ended = true;
        self.0.arrived.notify_one();
    }

    /// Waits for lines and takes all of them, for an empty buffer. Says whether the end was announced.
    pub(super) fn take(&self, bytes: &mut Vec<u8>) -> bool {
        let mut pile = self.pile();
        while pile.lines == 0 && !pile.is_ended {
            pile.is_awaited = true;
            let woken = self.0.arrived.wait(pile);
            pile = woken.unwrap_or_else(PoisonError::into_inner);
        }
        pile.lines = 0;
        std::mem::swap(bytes, &mut pile.bytes);
        pile.is_ended
    }

    fn pile(&self) -> MutexGuard<'_, Pile> {
        let pile = self.0.pile.lock();
        pile.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what comes until the end is announced.
fn write_all(lines: &Queue, out: &mut impl Write) {
    let mut buffer = Vec::with_capacity(GATHERED);
    loop {
        let is_last = lines.take(&mut buffer);
        // Nobody could be told that the log itself cannot be written.
        let _ = out.write_all(&buffer).and_then(|()| out.flush());
        let is_behind = buffer.len() >= GATHERED;
        buffer.clear();
        buffer.shrink_to(GATHERED);
        if is_last {
            return;
        }
        if !is_behind {
            thread::sleep(REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;
    use crate::config::LogFormat;

    #[test]
    fn lines_are_written_in_order_up_to_the_announced_end() {
        let queue = Queue::default();
        for text in ["one\n", "two\n"] {
            queue.push(text.as_bytes());
        }
        queue.end();
        queue.push(b"late\n");
        let mut out = Vec::new();
        write_all(&queue, &mut out);
        assert_eq!(out, b"one\ntwo\n");
    }

    #[test]
    fn whoever_waits_for_a_line_is_woken_by_it() {
        let queue = Queue::default();
        let lines = queue.clone();
        let writing = thread::Builder::new().name("log".to_owned());
        let writing = writing.spawn(move || {
            let mut out = Vec::new();
            write_all(&lines, &mut out);
            out
        });
        let writing = writing.expect("a thread");
        while !queue.pile().is_awaited {
            thread::yield_now();
        }
        queue.push(b"one\n");
        while queue.pile().lines > 0 {
            thread::yield_now();
        }
        queue.push(b"two\n");
        queue.end();
        assert_eq!(writing.join().expect("ends"), b"one\ntwo\n");
    }

    #[test]
    fn a_full_pile_drops_the_line_and_counts_it() {
        let queue = Queue::default();
        let before = lost_lines();
        for _ in 0..QUEUED {
            queue.push(b"kept");
        }
        queue.push(b"lost");
        assert_eq!(lost_lines(), before + 1);
        let mut bytes = Vec::new();
        queue.take(&mut bytes);
        assert_eq!(bytes.len(), 4 * QUEUED);
    }

    #[test]
    fn a_talkative_crate_is_heard_from_info_on_only() {
        let settings = |level| LogSettings {
            level,
            format: LogFormat::Text,
        };
        let debug = filter(&settings(LevelFilter::DEBUG));
        assert!(debug.would_enable("auth_service::http", &tracing::Level::DEBUG));
        assert!(!debug.would_enable("h2::proto", &tracing::Level::DEBUG));
        let error = filter(&settings(LevelFilter::ERROR));
        assert!(!error.would_enable("h2::proto", &tracing::Level::WARN));
    }

    #[test]
    fn a_stranger_has_no_library_call_something_an_error() {
        let (level, format) = (LevelFilter::TRACE, LogFormat::Text);
        let filter = filter(&LogSettings { level, format });
        assert!(!filter.would_enable("webauthn_rs_core::core", &Level::ERROR));
        assert!(filter.would_enable("auth_service::http", &Level::TRACE));
        assert!(!filter.would_enable("hyper::proto", &Level::DEBUG));
    }
}
