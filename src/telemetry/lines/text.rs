//! A line as text for people, with nothing in it that a terminal obeys.

use std::fmt::{self, Write};

use tracing::Event;
use tracing::field::{Field, Visit};

use super::{Stamp, word_of};
use crate::telemetry::request;

/// Writes the fields of an event, and the first of them without a space before it.
struct Fields<'a, 'l> {
    line: &'a mut Shown<'l>,
    is_first: bool,
}

/// Writes text, its control characters escaped: a line stays one line.
struct Shown<'a>(&'a mut Vec<u8>);

/// Writes an event.
pub(super) fn write(line: &mut Vec<u8>, stamp: Stamp<'_>, event: &Event<'_>) {
    let metadata = event.metadata();
    stamp.write(line);
    let mut line = Shown(line);
    let level = word_of(*metadata.level());
    let _ = write!(line, " {level:>5} ");
    request::with_id(|id| {
        let _ = write!(line, "request{{id={id:?}}}: ");
    });
    let _ = write!(line, "{}: ", metadata.target());
    event.record(&mut Fields {
        line: &mut line,
        is_first: true,
    });
}

// === impl Fields ===

impl Visit for Fields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.record_debug(field, &format_args!("{value}"));
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let pad = if self.is_first { "" } else { " " };
        self.is_first = false;
        // What cannot be shown is left as far as it could.
        let _ = match field.name() {
            "message" => write!(self.line, "{pad}{value:?}"),
            name => write!(self.line, "{pad}{name}={value:?}"),
        };
    }
}

// === impl Shown ===

impl Write for Shown<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !text.contains(char::is_control) {
            self.0.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        for character in text.chars() {
            if character.is_control() {
                let escaped = character.escape_default();
                escaped.for_each(|plain| self.put(plain));
            } else {
                self.put(character);
            }
        }
        Ok(())
    }
}

impl Shown<'_> {
    fn put(&mut self, character: char) {
        let mut room = [0; 4];
        let text = character.encode_utf8(&mut room);
        self.0.extend_from_slice(text.as_bytes());
    }
}
