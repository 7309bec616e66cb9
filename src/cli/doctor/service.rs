//! Asking the running service whether it is ready.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::redirect::Policy;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Finding;

/// How long a connection may take on one machine.
const CONNECTED_WITHIN: Duration = Duration::from_secs(1);
/// How long the service may take to answer; it asks its own dependencies meanwhile.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);
/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Gives the address under which a door on every address can be reached from here.
pub(super) fn reachable(door: SocketAddr) -> SocketAddr {
    let ip = match door.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, door.port())
}

/// Says whether anybody listens there.
pub(super) async fn is_listening(address: SocketAddr) -> bool {
    let connected = timeout(CONNECTED_WITHIN, TcpStream::connect(address)).await;
    matches!(connected, Ok(Ok(_)))
}

/// Asks `/ready`.
pub(super) async fn ask(door: SocketAddr, is_tls: bool) -> Finding {
    let scheme = if is_tls { "https" } else { "http" };
    let url = format!("{scheme}://{door}/ready");
    let answered = timeout(ANSWERED_WITHIN, fetch(&url)).await;
    match answered {
        Ok(Ok((200, _))) => Ok(format!("ready at {url}")),
        Ok(Ok((status, body))) => Err(format!("{url} answered {status}{}", failing(&body))),
        Ok(Err(error)) => Err(format!("{url}: {error}")),
        Err(_) => {
            let limit = ANSWERED_WITHIN.as_secs();
            Err(format!("{url} did not answer within {limit} s"))
        }
    }
}

async fn fetch(url: &str) -> Result<(u16, Vec<u8>), reqwest::Error> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        // The certificate names the public host, not this machine's address; nothing secret is
        // said to whoever answers.
        .tls_danger_accept_invalid_certs(true)
        .build()?;
    let mut response = http.get(url).send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len().saturating_add(chunk.len()) > MAX_ANSWER_BYTES {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status().as_u16(), body))
}

/// Names the checks that the answer calls failing, if it is one of ours.
fn failing(body: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let checks = answer.get("checks").and_then(Value::as_object);
    let is_failing = |check: &Value| check.get("status").is_some_and(|word| word != "ok");
    let names: Vec<&str> = checks
        .into_iter()
        .flatten()
        .filter(|(_, check)| is_failing(check))
        .map(|(name, _)| name.as_str())
        .collect();
    if names.is_empty() {
        return String::new();
    }
    format!(": {} failing", names.join(", "))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    /// Answers one request with what it is given, while it is asked.
    async fn ask_one(answer: &str) -> Finding {
        // The client needs a provider even where it speaks no TLS.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let door = listener.local_addr().expect("its address");
        let serve = async {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut request = [0; 1024];
            let read = stream.read(&mut request).await.expect("a request");
            assert!(request[..read].starts_with(b"GET /ready "));
            stream.write_all(answer.as_bytes()).await.expect("answered");
        };
        tokio::join!(ask(door, false), serve).0
    }

    fn http(status: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
    }

    #[test]
    fn a_door_on_every_address_is_asked_on_this_machine() {
        assert_eq!(
            reachable(address("0.0.0.0:4000")),
            address("127.0.0.1:4000")
        );
        assert_eq!(reachable(address("[::]:4000")), address("[::1]:4000"));
        assert_eq!(
            reachable(address("192.0.2.1:4000")),
            address("192.0.2.1:4000")
        );
    }

    #[tokio::test]
    async fn a_ready_service_is_fine() {
        let finding = ask_one(&http("200 OK", r#"{"status":"ok","checks":{}}"#)).await;
        assert!(finding.is_ok(), "{finding:?}");
    }

    #[tokio::test]
    async fn a_service_that_is_not_ready_is_told_with_what_fails() {
        let body = r#"{"status":"failing","checks":{"database":{"status":"failing"},
            "keys":{"status":"ok"}}}"#;
        let finding = ask_one(&http("503 Service Unavailable", body)).await;
        let told = finding.expect_err("not ready");
        assert!(told.ends_with("answered 503: database failing"), "{told}");
    }

    #[tokio::test]
    async fn whatever_else_listens_there_is_not_ready() {
        for answer in [
            http("404 Not Found", "<html>"),
            "nonsense\r\n\r\n".to_owned(),
        ] {
            let finding = ask_one(&answer).await;
            assert!(finding.is_err(), "{finding:?}");
        }
    }

    #[tokio::test]
    async fn nobody_listens_where_nobody_does() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let door = listener.local_addr().expect("its address");
        assert!(is_listening(door).await);
        drop(listener);
        assert!(!is_listening(door).await);
    }
}
