//! Log lines, written by a thread of their own.
//!
//! Whoever logs formats a line and puts it into a bounded queue; one thread writes what is queued to
//! standard error, many lines at a time: after each write it rests for a moment in which lines gather, so
//! that whoever logs under load finds nobody to wake. A full queue drops the line and counts it: a slow disk or
//! terminal costs lines, never requests. Standard output is left to what a person asked for.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::registry::LookupSpan;

use crate::config::{LogFormat, LogSettings};

/// How many lines may wait.
const QUEUED: usize = 8_192;
/// How much is gathered into one write, in bytes.
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
    queue: SyncSender<Message>,
    ended: Receiver<()>,
}

/// The way into the queue.
#[derive(Clone)]
pub(super) struct Queue(SyncSender<Message>);

enum Message {
    Line(Vec<u8>),
    End,
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
    let queue = Queue(writer.queue.clone());
    let lines = tracing_subscriber::fmt::layer().with_writer(queue);
    let filter = filter(settings);
    match settings.format {
        LogFormat::Text => lines.with_ansi(false).with_filter(filter).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .with_filter(filter)
            .boxed(),
    }
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
        let (queue, lines) = sync_channel(QUEUED);
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
        if self.queue.try_send(Message::End).is_ok() {
            let _: Result<(), RecvTimeoutError> = self.ended.recv_timeout(LAST_WORDS);
        }
    }
}

// === impl Queue ===

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.try_send(Message::Line(line.to_vec())).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what comes until the end is announced, gathering what is queued into one write.
fn write_all(lines: &Receiver<Message>, out: &mut impl Write) {
    let mut buffer = Vec::with_capacity(GATHERED);
    while let Ok(Message::Line(line)) = lines.recv() {
        buffer.extend_from_slice(&line);
        let is_last = gather(lines, &mut buffer);
        let is_behind = buffer.len() >= GATHERED;
        // Nobody could be told that the log itself cannot be written.
        let _ = out.write_all(&buffer).and_then(|()| out.flush());
        buffer.clear();
        if is_last {
            return;
        }
        if !is_behind {
            thread::sleep(REST);
        }
    }
}

/// Takes what is queued already; says whether the end was announced.
fn gather(lines: &Receiver<Message>, buffer: &mut Vec<u8>) -> bool {
    while buffer.len() < GATHERED {
        match lines.try_recv() {
            Ok(Message::Line(line)) => buffer.extend_from_slice(&line),
            Ok(Message::End) => return true,
            Err(_) => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn lines_are_written_in_order_up_to_the_announced_end() {
        let (queue, lines) = sync_channel(8);
        for text in ["one\n", "two\n"] {
            queue.send(Message::Line(text.into())).expect("room");
        }
        queue.send(Message::End).expect("room");
        queue.send(Message::Line(b"late\n".to_vec())).expect("room");
        let mut out = Vec::new();
        write_all(&lines, &mut out);
        assert_eq!(out, b"one\ntwo\n");
    }

    #[test]
    fn a_full_queue_drops_the_line_and_counts_it() {
        let (queue, _lines) = sync_channel(1);
        let mut queue = Queue(queue);
        let before = lost_lines();
        assert_eq!(queue.write(b"kept").ok(), Some(4));
        assert_eq!(queue.write(b"lost").ok(), Some(4));
        assert_eq!(lost_lines(), before + 1);
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
