//! A line as one JSON object (RFC 8259).

use std::fmt::{self, Write};

use tracing::Event;
use tracing::field::{Field, Visit};

use super::{Stamp, word_of};
use crate::telemetry::request;

/// Writes the fields of an event into an object that is open.
struct Fields<'a>(&'a mut Vec<u8>);

/// Writes text into a string that is open.
struct Escaped<'a>(&'a mut Vec<u8>);

/// Writes what needs no escape.
struct Plain<'a>(&'a mut Vec<u8>);

/// Writes an event.
pub(super) fn write(line: &mut Vec<u8>, stamp: Stamp<'_>, event: &Event<'_>) {
    let metadata = event.metadata();
    line.extend_from_slice(b"{\"timestamp\":\"");
    stamp.write(line);
    line.extend_from_slice(b"\",\"level\":\"");
    line.extend_from_slice(word_of(*metadata.level()).as_bytes());
    line.push(b'"');
    event.record(&mut Fields(line));
    line.extend_from_slice(b",\"target\":");
    string(line, metadata.target());
    request::with_id(|id| {
        line.extend_from_slice(b",\"span\":{\"id\":");
        string(line, id);
        line.extend_from_slice(b",\"name\":\"request\"}");
    });
    line.push(b'}');
}

fn string(line: &mut Vec<u8>, text: &str) {
    line.push(b'"');
    escape(line, text);
    line.push(b'"');
}

/// RFC 8259 §7: quotes, backslashes and control characters.
fn escape(line: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes();
    // Hardly any text has one. All of it is looked at, and not only up to the first, so that many bytes
    // are looked at together.
    if text.iter().fold(false, |odd, byte| odd | is_odd(*byte)) {
        escape_each(line, text);
    } else {
        line.extend_from_slice(text);
    }
}

const fn is_odd(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\')
}

fn escape_each(line: &mut Vec<u8>, mut rest: &[u8]) {
    while let Some(at) = rest.iter().position(|byte| is_odd(*byte)) {
        let (before, from) = rest.split_at(at);
        line.extend_from_slice(before);
        let Some((odd, after)) = from.split_first() else {
            return;
        };
        match odd {
            b'"' => line.extend_from_slice(b"\\\""),
            b'\\' => line.extend_from_slice(b"\\\\"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\t' => line.extend_from_slice(b"\\t"),
            0x08 => line.extend_from_slice(b"\\b"),
            0x0c => line.extend_from_slice(b"\\f"),
            other => {
                let _ = write!(Plain(line), "\\u{other:04x}");
            }
        }
        rest = after;
    }
    line.extend_from_slice(rest);
}

// === impl Fields ===

impl Fields<'_> {
    fn name(&mut self, field: &Field) {
        // It is a word of the code, and needs no escape.
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(field.name().as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn number(&mut self, field: &Field, value: impl serde::Serialize) {
        self.name(field);
        // A number is always written; one that is none is null.
        let _ = serde_json::to_writer(&mut *self.0, &value);
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        string(self.0, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.number(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.name(field);
        self.0.push(b'"');
        // What cannot be shown is left as far as it could.
        let _ = write!(Escaped(self.0), "{value:?}");
        self.0.push(b'"');
    }
}

// === impl Escaped ===

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

// === impl Plain ===

impl Write for Plain<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
