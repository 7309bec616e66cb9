//! What an asker speaks through: HTTP/1.1, or one method of a gRPC service over HTTP/2.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Body as _;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::wire::{Answer, Wire};

/// How the service is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1, at the public door.
    Http,
    /// This method, at the gRPC door.
    Grpc(&'static str),
}

/// One connection.
pub(crate) enum Line {
    /// HTTP/1.1.
    Http(Wire),
    /// gRPC.
    Grpc(Call),
}

/// One connection of a gRPC client.
pub(crate) struct Call {
    sender: SendRequest<Full<Bytes>>,
    target: Rc<str>,
    message: Vec<u8>,
}

// === impl Line ===

impl Line {
    /// Opens a connection.
    pub(crate) async fn open(protocol: Protocol, address: &str) -> io::Result<Self> {
        match protocol {
            Protocol::Http => Wire::open(address).await.map(Self::Http),
            Protocol::Grpc(method) => Call::open(address, method).await.map(Self::Grpc),
        }
    }

    /// Sends what an asker wrote and reads the answer. The body of a gRPC answer is its message, and
    /// 200 is its success.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        match self {
            Self::Http(wire) => wire.ask(request).await,
            Self::Grpc(call) => call.ask(request).await,
        }
    }
}

// === impl Call ===

impl Call {
    async fn open(address: &str, method: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let shaken =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = shaken.await.map_err(io::Error::other)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "a load generator has no supervision tree"
        )]
        drop(tokio::spawn(connection));
        Ok(Self {
            sender,
            target: format!("http://{address}{method}").into(),
            message: Vec::new(),
        })
    }

    async fn ask(&mut self, message: &[u8]) -> io::Result<Answer<'_>> {
        self.sender.ready().await.map_err(io::Error::other)?;
        let mut framed = Vec::with_capacity(message.len() + 5);
        framed.push(0);
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        framed.extend_from_slice(&length.to_be_bytes());
        framed.extend_from_slice(message);
        let request = Request::post(&*self.target)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(Bytes::from(framed)))
            .map_err(io::Error::other)?;
        let sent = self.sender.send_request(request).await;
        let (head, mut body) = sent.map_err(io::Error::other)?.into_parts();
        let mut status = head.headers.get("grpc-status").cloned();
        self.message.clear();
        while !body.is_end_stream() {
            let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
            else {
                break;
            };
            let frame = frame.map_err(io::Error::other)?;
            if let Some(trailers) = frame.trailers_ref() {
                status = trailers.get("grpc-status").cloned();
            } else if let Some(data) = frame.data_ref() {
                self.message.extend_from_slice(data);
            }
        }
        let is_fine = status.is_some_and(|status| status == "0");
        Ok(Answer {
            status: if is_fine { 200 } else { 500 },
            head: &[],
            body: self.message.get(5..).unwrap_or_default(),
        })
    }
}
