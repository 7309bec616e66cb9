//! A connection whose every byte is the test's.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long an answer may take that nothing delays.
const SOON: Duration = Duration::from_secs(5);

/// One open connection.
pub struct Wire<S>(pub S);

/// Connects from the usual address.
pub async fn connect(to: SocketAddr) -> Wire<TcpStream> {
    let stream = TcpStream::connect(to).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    Wire(stream)
}

/// Connects from an address of this machine.
pub async fn connect_from(from: &str, to: SocketAddr) -> Wire<TcpStream> {
    let socket = TcpSocket::new_v4().expect("a socket");
    let from = SocketAddr::new(from.parse().expect("an address"), 0);
    socket.bind(from).expect("an address of this machine");
    Wire(socket.connect(to).await.expect("a connection"))
}

// === impl Wire ===

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Writes a text. A peer that has hung up is noticed by whoever reads.
    pub async fn say(&mut self, text: &str) {
        let _ = self.0.write_all(text.as_bytes()).await;
        let _ = self.0.flush().await;
    }

    /// Asks for a path on a connection that stays open, and gives the whole answer.
    pub async fn get(&mut self, path: &str) -> String {
        self.say(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"))
            .await;
        self.answer().await
    }

    /// Reads one answer with its `content-length`.
    pub async fn answer(&mut self) -> String {
        timeout(SOON, self.read_answer()).await.expect("in time")
    }

    /// Reads until the other side closes; gives what it said.
    pub async fn rest(&mut self, within: Duration) -> String {
        let mut said = Vec::new();
        // A reset is an end too.
        let _ = timeout(within, self.0.read_to_end(&mut said))
            .await
            .unwrap_or_else(|_| panic!("still open after {within:?}"));
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Says whether the other side hangs up within a span.
    pub async fn is_closed(&mut self, within: Duration) -> bool {
        let mut byte = [0];
        matches!(
            timeout(within, self.0.read(&mut byte)).await,
            Ok(Ok(0) | Err(_))
        )
    }

    async fn read_answer(&mut self) -> String {
        let mut said = String::new();
        while !is_whole(&said) {
            let mut chunk = [0; 4096];
            let read = self.0.read(&mut chunk).await.expect("an answer");
            assert!(read > 0, "it broke off: {said}");
            said.push_str(&String::from_utf8_lossy(&chunk[..read]));
        }
        said
    }
}

fn is_whole(said: &str) -> bool {
    let Some((head, body)) = said.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    body.len() >= length.unwrap_or(0)
}
