//! HTTP/1.1 as a load generator speaks it: prepared bytes out, status and body in.
//!
//! A full client costs more than many an answer does, and shares the machine with what it measures.
//! This one writes a request in one call, reads until the answer is whole, and understands of it what
//! hyper's answers have: a status and `content-length`. Anything else is an error, never a guess.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, read to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// Its status.
    pub(crate) status: u16,
    /// Its head, with the status line.
    pub(crate) head: &'a [u8],
    /// Its body.
    pub(crate) body: &'a [u8],
}

/// Where the parts of an answer end.
struct Shape {
    status: u16,
    head: usize,
    whole: usize,
}

/// Longer answers than this are a mistake.
const LONGEST: usize = 1 << 20;

// === impl Wire ===

impl Wire {
    /// Opens a connection.
    pub(crate) async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(8 * 1024),
        })
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut shape = None;
        loop {
            if shape.is_none() {
                shape = Shape::read(&self.buffer)?;
            }
            if let Some(shape) = &shape
                && shape.whole <= self.buffer.len()
            {
                break;
            }
            if self.buffer.len() > LONGEST {
                return Err(malformed("an answer without end"));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let shape = shape.ok_or_else(|| malformed("no answer"))?;
        let (head, rest) = self.buffer.split_at(shape.head);
        let body = rest.get(..shape.whole - shape.head);
        Ok(Answer {
            status: shape.status,
            head,
            body: body.unwrap_or_default(),
        })
    }
}

// === impl Answer ===

impl<'a> Answer<'a> {
    /// Says whether it is a success.
    pub(crate) const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// Finds a header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        find_header(self.head, name)
    }

    /// Finds a member of a JSON object that is a text without escapes, as every token is.
    pub(crate) fn member(&self, name: &str) -> Option<&'a str> {
        let body = std::str::from_utf8(self.body).ok()?;
        let mut rest = body;
        while let Some(place) = rest.find(name) {
            let (before, after) = rest.split_at(place);
            rest = after.get(name.len()..)?;
            let value = rest.strip_prefix("\":\"");
            if let (true, Some(value)) = (before.ends_with('"'), value) {
                return value.split_once('"').map(|(value, _)| value);
            }
        }
        None
    }
}

// === impl Shape ===

impl Shape {
    /// Reads the head, once it is whole.
    fn read(bytes: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = end + 4;
        let bytes = bytes.get(..head).unwrap_or_default();
        let status = bytes
            .strip_prefix(b"HTTP/1.1 ")
            .and_then(|rest| rest.get(..3))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| malformed("no status line"))?;
        let length = match find_header(bytes, "content-length") {
            Some(length) => length
                .parse::<usize>()
                .map_err(|_| malformed("no length"))?,
            None if matches!(status, 204 | 304) => 0,
            None => return Err(malformed("an answer without content-length")),
        };
        Ok(Some(Self {
            status,
            head,
            whole: head.saturating_add(length),
        }))
    }
}

fn find_header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(head).ok()?;
    text.split("\r\n").skip(1).find_map(|line| {
        let (known, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn malformed(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &str) -> io::Result<Option<(u16, usize)>> {
        Shape::read(bytes.as_bytes()).map(|shape| shape.map(|shape| (shape.status, shape.whole)))
    }

    #[test]
    fn an_answer_is_as_long_as_it_says() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(read(text).expect("fine"), Some((200, text.len())));
        assert_eq!(read(&text[..30]).expect("fine"), None);
        let empty = "HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(read(empty).expect("fine"), Some((204, empty.len())));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for text in [
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            "SSH-2.0\r\n\r\n",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn headers_and_members_are_found() {
        let answer = Answer {
            status: 200,
            head: b"HTTP/1.1 200 OK\r\nLocation: /x\r\n\r\n",
            body: br#"{"refresh_token_x":"no","refresh_token":"yes"}"#,
        };
        assert_eq!(answer.header("location"), Some("/x"));
        assert_eq!(answer.header("loc"), None);
        assert_eq!(answer.member("refresh_token"), Some("yes"));
        assert_eq!(answer.member("token"), None);
        assert!(answer.is_success());
    }
}
