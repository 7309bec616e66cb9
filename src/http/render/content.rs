//! What a reply carries: bytes that are there, or parts that are made while they are sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use domain::rejection::Fault;
use futures_util::Stream;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};

/// Parts on their way. A part is asked for when the one before it was sent, so a slow reader costs no memory; an
/// error breaks the answer off, so that nobody takes half of it for the whole.
pub(in crate::http) type Parts = Pin<Box<dyn Stream<Item = Result<Bytes, Fault>> + Send>>;

/// The content of a reply.
pub enum Content {
    /// Bytes that are there.
    Whole(Full<Bytes>),
    /// Parts that are made while they are sent.
    Parts(Parts),
}

// === impl Content ===

impl Default for Content {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        match self.get_mut() {
            Self::Whole(bytes) => {
                let frame = Pin::new(bytes).poll_frame(context);
                frame.map(|frame| frame.map(|frame| frame.map_err(|never| match never {})))
            }
            Self::Parts(parts) => {
                let part = parts.as_mut().poll_next(context);
                part.map(|part| part.map(|part| part.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_end_stream(),
            Self::Parts(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => bytes.size_hint(),
            Self::Parts(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn parts_are_sent_in_order_and_an_error_breaks_them_off() {
        let part = |text: &'static str| Ok(Bytes::from(text));
        let whole: Parts = Box::pin(stream::iter([part("a\n"), part("b\n")]));
        let sent = Content::Parts(whole).collect().await.expect("sent");
        assert_eq!(sent.to_bytes(), "a\nb\n");
        let broken: Parts = Box::pin(stream::iter([part("a\n"), Err(Fault::Late)]));
        assert_eq!(
            Content::Parts(broken).collect().await.err(),
            Some(Fault::Late)
        );
    }

    #[test]
    fn bytes_that_are_there_say_how_long_they_are() {
        let content = Content::from(Bytes::from("abc"));
        assert_eq!(content.size_hint().exact(), Some(3));
        assert!(Content::default().is_end_stream());
    }
}
