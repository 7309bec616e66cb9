//! A small TCP proxy between the service and a server, which does to the link what networks do.
//!
//! It runs on a thread of its own until it is dropped, when every connection through it ends. What it does
//! to the link is changed while connections are open.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What is done to the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Nothing.
    Clear,
    /// Everything arrives so much later, both ways.
    Slow(Duration),
    /// Everything arrives a few bytes at a time.
    Sliced,
    /// Nothing arrives, and nobody is told.
    Swallowed,
    /// Questions arrive and answers do not.
    Mute,
    /// Every connection is cut, and none is taken.
    Cut,
}

/// A link to a server on this machine; cut when dropped.
pub struct Proxy {
    port: u16,
    weather: watch::Sender<Weather>,
}

/// Which way something goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

/// The bytes that are sent at once where they come in slices.
const SLICE: usize = 7;

// === impl Proxy ===

impl Proxy {
    /// Listens for connections to a server's port, on a thread of its own.
    pub fn to(port: u16) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let own = listener.local_addr().expect("its address").port();
        let (weather, seen) = watch::channel(Weather::Clear);
        let server = SocketAddr::from(([127, 0, 0, 1], port));
        let thread = std::thread::Builder::new().name("proxy".to_owned());
        let thread = thread.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(async {
                let mut over = seen.clone();
                tokio::select! {
                    () = run(listener, server, &seen) => {}
                    // Whoever held the proxy has dropped it.
                    _ = over.wait_for(|_| false) => {}
                }
            });
        });
        thread.expect("a thread");
        Self { port: own, weather }
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Changes what is done to the link.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

/// Carries connections for as long as it is polled.
async fn run(
    listener: std::net::TcpListener,
    server: SocketAddr,
    weather: &watch::Receiver<Weather>,
) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    let mut links = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    links.push(carry(stream, server, weather.clone()));
                }
            }
            Some(()) = links.next(), if !links.is_empty() => {}
        }
    }
}

/// Carries one connection until an end of it closes, or it is cut.
async fn carry(client: TcpStream, server: SocketAddr, mut weather: watch::Receiver<Weather>) {
    if *weather.borrow() == Weather::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    let there = pump(from_client, to_server, (Way::There, weather.clone()));
    let back = pump(from_server, to_client, (Way::Back, weather.clone()));
    let cut = weather.wait_for(|weather| *weather == Weather::Cut);
    tokio::select! {
        ((), ()) = async { tokio::join!(there, back) } => {}
        _ = cut => {}
    }
}

/// Carries what goes one way.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    (way, mut weather): (Way, watch::Receiver<Weather>),
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else {
            let _ = to.shutdown().await;
            return;
        };
        let passes = |weather: &Weather| match weather {
            Weather::Swallowed => false,
            Weather::Mute => way == Way::There,
            _ => true,
        };
        let now = *weather.borrow();
        if !passes(&now) && weather.wait_for(passes).await.is_err() {
            return;
        }
        let now = *weather.borrow();
        if let Weather::Slow(span) = now {
            tokio::time::sleep(span).await;
        }
        let bytes = buffer.get(..count).unwrap_or_default();
        let slice = if now == Weather::Sliced { SLICE } else { count };
        for part in bytes.chunks(slice) {
            if to.write_all(part).await.is_err() {
                return;
            }
            if now == Weather::Sliced {
                tokio::task::yield_now().await;
            }
        }
    }
}
