//! The lines of events, beside those that `tracing-subscriber` writes of the same events.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::telemetry::request;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What theirs is laid on.
type Both = tracing_subscriber::layer::Layered<Lines, tracing_subscriber::Registry>;

/// Gives the lines that are written of what is logged, ours and theirs, each without its instant.
fn lines(format: LogFormat, log: impl FnOnce()) -> (Vec<String>, Vec<String>) {
    let ours = Queue::default();
    let theirs = Kept::default();
    let usual = tracing_subscriber::fmt::layer().with_writer(theirs.clone());
    let usual = match format {
        LogFormat::Text => Layer::<Both>::boxed(usual.with_ansi(false)),
        LogFormat::Json => {
            let json = usual.json().flatten_event(true);
            Layer::<Both>::boxed(json.with_span_list(false))
        }
    };
    let both = tracing_subscriber::registry()
        .with(Lines::new(format, ours.clone()))
        .with(usual);
    tracing::subscriber::with_default(both, log);
    let theirs = theirs.0.lock().expect("a lock").clone();
    let theirs = String::from_utf8(theirs).expect("a text");
    (told(&ours), theirs.lines().map(without_instant).collect())
}

/// Gives our lines alone: theirs may break in two.
fn own_lines(format: LogFormat, log: impl FnOnce()) -> Vec<String> {
    let ours = Queue::default();
    let layer = tracing_subscriber::registry().with(Lines::new(format, ours.clone()));
    tracing::subscriber::with_default(layer, log);
    told(&ours)
}

fn told(queue: &Queue) -> Vec<String> {
    let mut bytes = Vec::new();
    queue.take(&mut bytes);
    let text = String::from_utf8(bytes).expect("a text");
    assert!(text.ends_with('\n'), "{text}");
    text.lines().map(without_instant).collect()
}

/// Takes `2027-01-15T08:00:00.123456Z` out of a line, which must be there.
fn without_instant(line: &str) -> String {
    let start = line.find("20").expect("a year");
    let (before, from) = line.split_at(start);
    let (instant, after) = from.split_at(27);
    let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
    let shape: String = instant.chars().map(shape).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000Z", "{line}");
    format!("{before}{after}")
}

fn log_everything() {
    let error = std::io::Error::other("no \"such\" thing");
    tracing::info!(
        door = "public",
        status = 200_u16,
        duration_ms = 0.037_521,
        tenant = Some("acme"),
        nobody = None::<&str>,
        client = %std::net::Ipv4Addr::LOCALHOST,
        "answered"
    );
    tracing::warn!(%error, failed = true, at = -3_i64, "a request {} not be served", "could");
    tracing::error!(what = ?["a", "b\\"], whole = 1.0, none = f64::NAN, "quoted \"é\"");
    tracing::debug!(big = u128::MAX, tab = "a\tb\u{1}", "");
    tracing::trace!(target: "else::where", only = "a field");
}

fn log_within_a_request() {
    let span = tracing::info_span!("request", id = "an-id");
    request::named_here("an-id", || span.in_scope(log_everything));
}

#[test]
fn json_lines_have_the_fields_that_they_always_had() {
    for log in [log_everything, log_within_a_request] {
        let (ours, theirs) = lines(LogFormat::Json, log);
        assert_eq!(ours, theirs);
        assert_eq!(ours.len(), 5);
    }
}

#[test]
fn text_lines_have_the_fields_that_they_always_had() {
    for log in [log_everything, log_within_a_request] {
        let (ours, theirs) = lines(LogFormat::Text, log);
        assert_eq!(ours, theirs);
        assert_eq!(ours.len(), 5);
    }
}

#[test]
fn whatever_is_logged_a_line_is_one_line() {
    let log = || tracing::warn!(fault = %"a\nb\u{1b}[31m", "one\ntwo\u{9b}1m");
    let text = own_lines(LogFormat::Text, log);
    let [text] = &text[..] else {
        panic!("{text:?}")
    };
    assert!(
        text.ends_with("one\\ntwo\\u{9b}1m fault=a\\nb\\u{1b}[31m"),
        "{text}"
    );
    let json = own_lines(LogFormat::Json, log);
    let [json] = &json[..] else {
        panic!("{json:?}")
    };
    let read: serde_json::Value = serde_json::from_str(json).expect("an object");
    assert_eq!(read["fault"], "a\nb\u{1b}[31m");
}

#[test]
fn what_is_logged_while_a_line_is_written_is_a_line_too() {
    struct Chatty;
    impl fmt::Debug for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            tracing::info!("aside");
            f.write_str("said")
        }
    }
    let ours = Queue::default();
    let lines = tracing_subscriber::registry().with(Lines::new(LogFormat::Text, ours.clone()));
    tracing::subscriber::with_default(lines, || tracing::info!(chatty = ?Chatty, "main"));
    let last = told(&ours).pop().expect("a line");
    assert!(last.ends_with("main chatty=said"), "{last}");
}

#[test]
fn the_second_is_worked_out_once_and_told_right() {
    let mut known = (0, String::new());
    let first = told_instant(&mut known);
    let again = told_instant(&mut known);
    assert!(first <= again && first.len() == 27, "{first} {again}");
    let mut stale = (1, "1970-01-01T00:00:01".to_owned());
    assert!(told_instant(&mut stale) >= again);
}

#[test]
fn an_instant_is_written_to_the_microsecond() {
    for (micros, fraction) in [
        (0, "000000"),
        (7, "000007"),
        (120_300, "120300"),
        (999_999, "999999"),
    ] {
        let second = "2027-01-15T08:00:00";
        let mut line = Vec::new();
        Stamp { second, micros }.write(&mut line);
        assert_eq!(line, format!("{second}.{fraction}Z").into_bytes());
    }
}

fn told_instant(known: &mut (u64, String)) -> String {
    let mut line = Vec::new();
    present_second(known).write(&mut line);
    String::from_utf8(line).expect("a text")
}
