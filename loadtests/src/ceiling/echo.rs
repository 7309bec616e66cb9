//! A bare tonic server: answers a unary call with the message it was sent.

use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _, Bytes};
use futures_util::future::{Ready, ready};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::Grpc;
use tonic::{Request, Response, Status};
use tower::service_fn;

use super::server::{accept, listen};

/// Messages as they are.
#[derive(Debug, Clone, Copy, Default)]
struct Verbatim;

/// Gives back what it was given.
#[derive(Debug, Clone, Copy)]
struct Echo;

/// Serves until it is killed.
pub(super) async fn serve() -> Result<(), String> {
    let listener = listen().await?;
    loop {
        let stream = accept(&listener).await?;
        let service = service_fn(async |request: http::Request<hyper::body::Incoming>| {
            let mut grpc = Grpc::new(Verbatim);
            Ok::<_, std::convert::Infallible>(grpc.unary(Echo, request).await)
        });
        let service = TowerToHyperService::new(service);
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service);
        #[expect(
            clippy::disallowed_methods,
            reason = "a load generator has no supervision tree"
        )]
        drop(tokio::spawn(connection));
    }
}

impl tower::Service<Request<Bytes>> for Echo {
    type Response = Response<Bytes>;
    type Error = Status;
    type Future = Ready<Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        ready(Ok(Response::new(request.into_inner())))
    }
}

impl Codec for Verbatim {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Verbatim {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for Verbatim {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length)))
    }
}
