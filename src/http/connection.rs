//! One connection, from its first byte to its end.
//!
//! Each stage has its time: the first byte, the TLS handshake, the first whole request, the gap
//! between requests. hyper bounds pings on HTTP/2, but waits for no first byte, no first request and no
//! next one with a clock in its hand that tells them apart, so this does.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actors::supervision::TaskGroup;
use futures_util::future::{self, Either};
use http::{HeaderValue, Response, StatusCode, header};
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::client_certificate::of_handshake;
use super::listener::{Answers, Door, Peer, Visitor};
use super::seldom::Seldom;

mod heard;
mod vitals;

use heard::Heard;
use vitals::{Finding, Visit, Vitals};

/// How long the first byte may take.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// How long the first byte may take when the door is closing.
const FIRST_BYTE_WHEN_CLOSING: Duration = Duration::from_millis(250);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How often a connection is looked at; the head of the first request must be there at the first look.
const LOOK: Duration = Duration::from_secs(10);
/// How long an idle connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);
/// The most header lines of a request. hyper's own bound for HTTP/1, which is 100, costs nothing; another
/// has it fill two lists for each request.
const MAX_HEADERS: usize = 64;
/// The longest head of an HTTP/1 request, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// The longest list of headers on HTTP/2, in bytes.
const MAX_HEADER_LIST: u32 = 16 * 1024;
/// The most requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// How much of a body an HTTP/2 peer may send before it is read, in bytes: for one request, and for
/// all requests of the connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// How many streams a peer may reset before it is answered and is hung up on (CVE-2023-44487).
const MAX_RESETS: usize = 20;
/// How often an HTTP/2 peer is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

type HttpBuilder = Builder<InGroup>;

/// How each protocol is spoken.
pub(super) struct Protocols {
    either: HttpBuilder,
    http1: HttpBuilder,
    http2: HttpBuilder,
}

/// Runs what hyper spawns as tasks of the door's group.
#[derive(Clone)]
pub(super) struct InGroup(TaskGroup);

/// How far the end of a connection is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    /// Any number of requests may come.
    Open,
    /// The door is closing: one more may come.
    Lingering,
    /// The protocol says goodbye.
    Leaving,
}

/// Serves a connection until its end.
pub(super) async fn attend<A: Answers>(door: &Arc<Door<A>>, visitor: Visitor) {
    let Visitor {
        stream,
        address,
        pass: _pass,
    } = visitor;
    // A delayed acknowledgement costs 40 ms; a door answers in one write.
    let _ = stream.set_nodelay(true);
    if !has_first_byte(door, &stream).await {
        return;
    }
    let Some(tls) = &door.tls else {
        let peer = Peer {
            address,
            is_tls: false,
            certificate: None,
        };
        return speak(door, &door.protocols.either, peer, stream).await;
    };
    let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.acceptor().accept(stream)).await else {
        return;
    };
    let session = stream.get_ref().1;
    let is_http2 = session.alpn_protocol() == Some(b"h2");
    let builder = if is_http2 {
        &door.protocols.http2
    } else {
        &door.protocols.http1
    };
    let peer = Peer {
        address,
        is_tls: true,
        certificate: of_handshake(session.peer_certificates()),
    };
    Box::pin(speak(door, builder, peer, stream)).await;
}

/// Waits for the first byte and leaves it unread.
async fn has_first_byte<A: Answers>(door: &Door<A>, stream: &TcpStream) -> bool {
    let patience = async {
        let waited = door.closing.run_until_cancelled(sleep(FIRST_BYTE)).await;
        if waited.is_none() {
            sleep(FIRST_BYTE_WHEN_CLOSING).await;
        }
    };
    let mut byte = [0];
    let arrival = stream.peek(&mut byte);
    match future::select(pin!(arrival), pin!(patience)).await {
        Either::Left((read, _)) => matches!(read, Ok(1..)),
        Either::Right(_) => false,
    }
}

/// Speaks HTTP.
async fn speak<A: Answers>(
    door: &Arc<Door<A>>,
    builder: &HttpBuilder,
    peer: Peer,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let vitals = Arc::new(Vitals::new());
    let watched = Arc::clone(&vitals);
    let service = service_fn(move |request| {
        let request: hyper::Request<_> = request;
        let visit = Visit::begin(&vitals, request.version());
        let door = Arc::clone(door);
        let peer = peer.clone();
        async move {
            let mut response = if request.headers().len() > MAX_HEADERS {
                too_many_headers()
            } else {
                door.answers.answer(peer, request).await
            };
            if visit.is_last() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            drop(visit);
            Ok::<_, Infallible>(response)
        }
    });
    let vitals = Arc::clone(&watched);
    let stream = TokioIo::new(Heard { stream, vitals });
    let mut connection = pin!(builder.serve_connection(stream, service));
    let mut look = pin!(sleep(LOOK));
    let mut closing = Seldom::new(door.closing.cancelled());
    let mut course = Course::Open;
    loop {
        tokio::select! {
            biased;
            // Whoever broke it is gone; there is nobody to tell.
            _ = connection.as_mut() => return,
            () = closing.happens(), if course == Course::Open => {
                course = Course::Lingering;
                look.as_mut().reset(Instant::now() + watched.leave());
            }
            () = look.as_mut() => {
                let next = match (course, watched.judge(Instant::now())) {
                    (Course::Lingering, _) | (Course::Open, Finding::Idle) => {
                        course = Course::Leaving;
                        connection.as_mut().graceful_shutdown();
                        GOODBYE
                    }
                    (_, Finding::Mute) | (Course::Leaving, Finding::Idle) => return,
                    (_, Finding::Alive) => LOOK,
                };
                look.as_mut().reset(Instant::now() + next);
            }
        }
    }
}

/// RFC 6585 §5.
fn too_many_headers<B: Default>() -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    response
}

// === impl Protocols ===

impl Protocols {
    pub(super) fn new(group: &TaskGroup) -> Self {
        let mut either = Builder::new(InGroup(group.clone()));
        either
            .http1()
            .timer(TokioTimer::new())
            // Its clock runs while a connection is idle, too. The looks see to slow heads.
            .header_read_timeout(None)
            // Head and body are copied together: most are short, and one piece costs the system less to send.
            .writev(false)
            .max_buf_size(MAX_HEAD);
        either
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEADER_LIST)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_pending_accept_reset_streams(MAX_RESETS)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG);
        Self {
            http1: either.clone().http1_only(),
            http2: either.clone().http2_only(),
            either,
        }
    }
}

// === impl InGroup ===

impl<F> Executor<F> for InGroup
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        drop(self.0.spawn(future));
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_kept_for_the_next_request() {
        let protocols = Protocols::new(&TaskGroup::new("test"));
        let (mut client, server) = tokio::io::duplex(1024);
        let service =
            service_fn(|_| async { Ok::<_, Infallible>(hyper::Response::new(String::new())) });
        let connection = protocols
            .http1
            .serve_connection(TokioIo::new(server), service);
        let asking = async {
            for _ in 0..3 {
                let head = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
                client.write_all(head).await.unwrap();
                let mut answer = [0; 512];
                let length = client.read(&mut answer).await.unwrap();
                assert!(answer[..length].starts_with(b"HTTP/1.1 200 "));
                sleep(Duration::from_mins(1)).await;
            }
        };
        tokio::select! {
            biased;
            end = connection => panic!("it was hung up on: {end:?}"),
            () = asking => {}
        }
    }
}
