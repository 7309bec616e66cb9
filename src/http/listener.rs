//! A door: a listener, what answers behind it, and the loop that accepts.
//!
//! The socket is bound by `boot` and lent to [`serve`], so a loop that crashes is started again on
//! the same socket and no connection in the kernel's backlog is lost. Each connection is a task of
//! the door's group (see `connection`). When the loop is stopped, what the kernel has already
//! accepted is still answered, every connection finishes the requests it has, and the loop ends when
//! the last is done or the grace is over. When the process ends, `boot` takes the socket back first,
//! so that the kernel refuses whoever comes after that.
//!
//! Running out of file descriptors is survived by waiting a moment: nobody is refused for it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actors::supervision::TaskGroup;
use futures_util::FutureExt;
use http::{Request, Response};
use hyper::body::{Body, Bytes, Incoming};
use ipnet::IpNet;
use prometheus_client::metrics::gauge::Gauge;
use protocol::client_certificate::ClientCertificate;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::admission::{Admission, Pass};
use super::connection::{self, Protocols};
use super::seldom::Seldom;
use super::tls::Tls;
use crate::telemetry::meters::Meters;
use crate::telemetry::process::descriptor_limit;

/// How long the loop pauses when the system has nothing to give.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers the requests of a door.
pub trait Answers: Send + Sync + 'static {
    /// What the answers' bodies are.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Default
        + Send
        + 'static;

    /// Answers one request.
    fn answer(
        &self,
        peer: Peer,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// What is shared answers as what it shares: each start of an accept loop lends it to a new door.
impl<T: Answers> Answers for Arc<T> {
    type Body = T::Body;

    fn answer(
        &self,
        peer: Peer,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Self::Body>> + Send {
        T::answer(self, peer, request)
    }
}

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its address; a proxy's, where there is one.
    pub address: SocketAddr,
    /// Whether it speaks TLS with us.
    pub is_tls: bool,
    /// The certificate that it proved to hold in the handshake.
    pub certificate: Option<Arc<ClientCertificate>>,
}

/// What a door is made of.
pub struct DoorParts<A> {
    /// What logs and metrics call it.
    pub name: &'static str,
    /// What answers behind it.
    pub answers: A,
    /// Its certificates, if it speaks TLS.
    pub tls: Option<Arc<Tls>>,
    /// Peers that stand for many.
    pub trusted_proxies: Vec<IpNet>,
    /// How long requests in flight may take when the loop is stopped.
    pub grace: Duration,
    /// What counts.
    pub meters: Arc<Meters>,
}

/// A door, for one start of its accept loop: once closing, it stays so.
pub struct Door<A> {
    pub(super) answers: A,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) protocols: Protocols,
    /// Cancelled when connections are to finish what they have.
    pub(super) closing: CancellationToken,
    /// Cancelled when connections are to be cut.
    cut: CancellationToken,
    name: &'static str,
    connections: TaskGroup,
    admission: Arc<Admission>,
    open: Gauge,
    meters: Arc<Meters>,
    grace: Duration,
}

/// A connection just accepted.
pub(super) struct Visitor {
    pub(super) stream: TcpStream,
    pub(super) address: SocketAddr,
    /// Held as long as the connection is open.
    pub(super) pass: Pass,
}

/// Accepts connections until it is stopped, then lets those there are finish.
pub async fn serve<A: Answers>(
    listener: Arc<TcpListener>,
    door: Arc<Door<A>>,
    stop: CancellationToken,
) {
    while let Some(visitor) = stop.run_until_cancelled(door.accept(&listener)).await {
        door.receive(visitor);
    }
    // Who connected before we stopped is owed an answer, also from the kernel's backlog.
    while let Some(visitor) = door.accept(&listener).now_or_never() {
        door.receive(visitor);
    }
    // If nobody else holds the socket, who comes now is refused at once instead of hung up on later.
    drop(listener);
    // However the closing ends, no connection outlives it.
    let _cutting = door.cut.clone().drop_guard();
    door.closing.cancel();
    let cut = door.connections.drain(door.grace).await;
    if cut > 0 {
        tracing::warn!(
            door = door.name,
            cut,
            "connections were cut at the end of the grace"
        );
    }
}

// === impl Door ===

impl<A: Answers> Door<A> {
    /// Makes a door that nobody listens at yet.
    #[must_use]
    pub fn new(parts: DoorParts<A>) -> Self {
        let connections = TaskGroup::new(parts.name);
        Self {
            answers: parts.answers,
            tls: parts.tls,
            protocols: Protocols::new(&connections),
            closing: CancellationToken::new(),
            cut: CancellationToken::new(),
            name: parts.name,
            connections,
            admission: Arc::new(Admission::new(descriptor_limit(), parts.trusted_proxies)),
            open: parts.meters.connections(parts.name),
            meters: parts.meters,
            grace: parts.grace,
        }
    }

    /// Gives what answers behind the door.
    #[must_use]
    pub const fn answers(&self) -> &A {
        &self.answers
    }

    /// Waits for the next connection that may come in.
    ///
    /// # Cancel safety
    /// Dropping the future loses no connection.
    async fn accept(&self, listener: &TcpListener) -> Visitor {
        loop {
            let Some(place) = self.admission.wait_for_place().await else {
                std::future::pending::<()>().await;
                continue;
            };
            match listener.accept().await {
                Ok((stream, address)) => match self.admission.admit(place, address.ip()) {
                    Some(pass) => {
                        return Visitor {
                            stream,
                            address,
                            pass,
                        };
                    }
                    None => self.meters.count_refused_connection(self.name),
                },
                Err(error) => self.bear(&error).await,
            }
        }
    }

    fn receive(self: &Arc<Self>, visitor: Visitor) {
        let door = Arc::clone(self);
        self.connections.spawn(async move {
            door.open.inc();
            let _counted = Counted(&door.open);
            let mut cut = Seldom::new(door.cut.cancelled());
            tokio::select! {
                biased;
                () = connection::attend(&door, visitor) => {}
                () = cut.happens() => {}
            }
        });
    }

    /// Waits a moment if the system, and not the peer, is why nothing was accepted.
    async fn bear(&self, error: &io::Error) {
        let is_the_peers = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionRefused
        );
        if !is_the_peers {
            tracing::warn!(door = self.name, %error, "no connection could be accepted");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Counts down in whichever way the connection ends.
struct Counted<'a>(&'a Gauge);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests;
