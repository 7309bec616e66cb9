//! Lines: how an event is written, as JSON or as text.
//!
//! Fields and their order are those that `tracing-subscriber` writes, so that whoever reads the lines of one
//! reads those of the other: the instant, the level, the event's own fields, where in the code it is from,
//! and, as the span `request`, the request that it belongs to. What is written costs each request its line,
//! so it goes straight into a buffer that the thread keeps, each field once.

use std::cell::RefCell;
use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::time::UnixMillis;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::logs::Queue;
use crate::config::LogFormat;

mod json;
mod text;

/// What the longest line but a few needs.
const USUAL: usize = 1_024;

/// The layer that writes lines.
pub(super) struct Lines {
    format: LogFormat,
    queue: Queue,
}

/// What a thread keeps for its next line.
struct Desk {
    line: Vec<u8>,
    /// The second that was written last, and its text without the `Z`.
    second: (u64, String),
}

thread_local! {
    static DESK: RefCell<Desk> = const { RefCell::new(Desk::new()) };
}

// === impl Lines ===

impl Lines {
    pub(super) const fn new(format: LogFormat, queue: Queue) -> Self {
        Self { format, queue }
    }

    fn write(&self, desk: &mut Desk, event: &Event<'_>) {
        desk.line.clear();
        let second = present_second(&mut desk.second);
        match self.format {
            LogFormat::Json => json::write(&mut desk.line, second, event),
            LogFormat::Text => text::write(&mut desk.line, second, event),
        }
        desk.line.push(b'\n');
        self.queue.push(&desk.line);
        desk.line.shrink_to(USUAL);
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        DESK.with(|desk| match desk.try_borrow_mut() {
            Ok(mut desk) => self.write(&mut desk, event),
            // What is logged while a field of another line is written.
            Err(_) => self.write(&mut Desk::new(), event),
        });
    }
}

// === impl Desk ===

impl Desk {
    const fn new() -> Self {
        Self {
            line: Vec::new(),
            second: (0, String::new()),
        }
    }
}

/// An instant as lines tell it.
#[derive(Clone, Copy)]
struct Stamp<'a> {
    /// RFC 3339 to the second, without the `Z`.
    second: &'a str,
    micros: u32,
}

// === impl Stamp ===

impl Stamp<'_> {
    /// Writes it to the microsecond.
    fn write(self, line: &mut Vec<u8>) {
        let mut fraction = *b".000000Z";
        let (mut rest, digits) = (self.micros, fraction.get_mut(1..7));
        for digit in digits.into_iter().flatten().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        line.extend_from_slice(self.second.as_bytes());
        line.extend_from_slice(&fraction);
    }
}

/// Reads the clock. The day is worked out once a second.
#[expect(
    clippy::disallowed_methods,
    reason = "a line tells when it was written, whatever instant it tells of"
)]
fn present_second((known, text): &mut (u64, String)) -> Stamp<'_> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default();
    if *known != now.as_secs() || text.is_empty() {
        *known = now.as_secs();
        let instant = UnixMillis::default() + Duration::from_secs(now.as_secs());
        text.clear();
        let _ = write!(text, "{instant}");
        text.truncate(text.trim_end_matches('Z').len());
    }
    Stamp {
        second: text,
        micros: now.subsec_micros(),
    }
}

const fn word_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARN",
        Level::INFO => "INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
    }
}

#[cfg(test)]
mod tests;
