//! What an asker speaks through: HTTP/1.1, or one method of a gRPC service over HTTP/2.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;
use http::HeaderValue;
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

/// Where lines lead, and how what answers there is spoken to.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// What is spoken.
    pub(crate) protocol: Protocol,
    /// The address.
    pub(crate) address: String,
    /// The API key that gRPC calls are made with. HTTP requests say who asks themselves.
    pub(crate) key: String,
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
    key: HeaderValue,
    message: Vec<u8>,
}

// === impl Line ===

impl Line {
    /// Opens a connection.
    pub(crate) async fn open(door: &Door) -> io::Result<Self> {
        match door.protocol {
            Protocol::Http => Wire::open(&door.address).await.map(Self::Http),
            Protocol::Grpc(method) => Call::open(door, method).await.map(Self::Grpc),
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
    async fn open(door: &Door, method: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(&door.address).await?;
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
            target: format!("http://{}{method}", door.address).into(),
            key: door.key.parse().map_err(io::Error::other)?,
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
            .header("x-api-key", &self.key)
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
