//! `grpc.reflection`: the contract, for tools that read it from the service (grpcurl and its like).
//!
//! It asks for no credential, as the OpenAPI documents at the HTTP doors do not: the contract is public.
//! Its stream ends with the request's deadline, so it holds no door open.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::body::Body;
use tonic_reflection::server::{Builder, Error};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use super::wire::DESCRIPTORS;

/// Answers one of the two versions.
type Line = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// Both versions of the service.
pub(super) struct Reflection {
    present: Line,
    older: Line,
}

// === impl Reflection ===

impl Reflection {
    /// Makes it.
    ///
    /// # Errors
    /// If what describes the contract cannot be read.
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self {
            present: BoxCloneSyncService::new(described().build_v1()?),
            older: BoxCloneSyncService::new(described().build_v1alpha()?),
        })
    }

    /// Answers until `end`.
    pub(super) async fn answer(
        &self,
        is_older: bool,
        request: Request<Incoming>,
        end: Instant,
    ) -> Response<Body> {
        let line = if is_older { &self.older } else { &self.present };
        let request = request.map(|asked| Body::new(Until::new(asked, end)));
        match line.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

fn described() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// A body that is over at an instant, whatever is still to come.
struct Until {
    body: Incoming,
    end: Pin<Box<Sleep>>,
}

// === impl Until ===

impl Until {
    fn new(body: Incoming, end: Instant) -> Self {
        Self {
            body,
            end: Box::pin(sleep_until(end)),
        }
    }
}

impl HttpBody for Until {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
