//! Ports for servers that are processes of their own and are told where to listen.
//!
//! They lie below those that the kernel gives to whoever asks for any port, so that no connection of
//! another test takes one between its choice and its use. No port is given twice in one process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::net::TcpSocket;

/// The first port that may be given.
const FIRST: u32 = 20_000;
/// How many there are.
const COUNT: u32 = 12_000;

/// A port at which nobody listens and nobody else can: held, and refused to whoever connects.
pub struct Gone {
    pub address: SocketAddr,
    _held: TcpSocket,
}

/// Gives a port that nobody listens at.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Runs that go on at the same time begin far from each other.
    let start = std::process::id().wrapping_mul(7_919);
    for _ in 0..COUNT {
        let place = start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + place).expect("below 32,000");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("every port is taken");
}

// === impl Gone ===

impl Gone {
    pub fn new() -> Self {
        let held = TcpSocket::new_v4().expect("a socket");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        held.bind(any).expect("a free port");
        Self {
            address: held.local_addr().expect("its address"),
            _held: held,
        }
    }
}
