//! A request as bytes, written into a buffer that is used again.

use form_urlencoded::Serializer;

/// A request without its body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    start: String,
}

/// The media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

// === impl Message ===

impl Message {
    /// Begins a request.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            start: format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n"),
        }
    }

    /// Adds a header that is the same in every request.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        for part in [name, ": ", value, "\r\n"] {
            self.start.push_str(part);
        }
        self
    }

    /// Says that the body is JSON.
    pub(crate) fn json(self) -> Self {
        self.with("content-type", "application/json")
    }

    /// Says that the body is a form.
    pub(crate) fn form(self) -> Self {
        self.with("content-type", FORM)
    }

    /// Writes the whole request, with headers of this one request.
    pub(crate) fn write(&self, out: &mut Vec<u8>, own: &[(&str, &str)], body: Option<&str>) {
        out.clear();
        out.extend_from_slice(self.start.as_bytes());
        for (name, value) in own {
            for part in [name, ": ", value, "\r\n"] {
                out.extend_from_slice(part.as_bytes());
            }
        }
        if let Some(body) = body {
            out.extend_from_slice(b"content-length: ");
            out.extend_from_slice(body.len().to_string().as_bytes());
            out.extend_from_slice(b"\r\n\r\n");
            out.extend_from_slice(body.as_bytes());
        } else {
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Writes a form.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_whole() {
        let mut out = b"left over".to_vec();
        let message = Message::new("POST", "/x").form();
        message.write(&mut out, &[("dpop", "p")], Some(&form(&[("a", "b c")])));
        let text = String::from_utf8(out).expect("text");
        assert_eq!(
            text,
            "POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             dpop: p\r\ncontent-length: 5\r\n\r\na=b+c"
        );
    }
}
