//! The guard against servers on this machine.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::config::EgressRule;

fn egress(allow: Vec<EgressRule>) -> Egress {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Egress::new(&EgressSettings { allow, ca: None }).expect("a guard")
}

async fn server() -> (TcpListener, Url, EgressRule) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("bound");
    let url = Url::parse(&format!("http://{address}/keys")).expect("a URL");
    let rule = EgressRule::Endpoint {
        host: address.ip().to_string(),
        port: address.port(),
    };
    (listener, url, rule)
}

/// Takes one request and answers it.
async fn answer(listener: &TcpListener, answer: &[u8]) -> TcpStream {
    let (mut stream, _) = listener.accept().await.expect("a caller");
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await.expect("reads");
    // Who refuses a long answer hangs up in the middle of it.
    let _ = stream.write_all(answer).await;
    stream
}

#[tokio::test]
async fn a_private_server_is_refused_without_and_reached_with_an_exception() {
    let (listener, url, rule) = server().await;
    let secure = Url::parse(&url.as_str().replace("http:", "https:")).expect("a URL");
    let named = Url::parse(&secure.as_str().replace("127.0.0.1", "localhost")).expect("a URL");
    for url in [&url, &secure, &named] {
        let refused = egress(Vec::new()).fetch(url).await;
        assert_eq!(refused, Err(NotFetched::Forbidden), "{url}");
    }
    let egress = egress(vec![rule]);
    let text = b"HTTP/1.1 200 OK\r\ncache-control: max-age=90\r\ncontent-length: 2\r\n\r\n{}";
    let (fetched, _) = tokio::join!(egress.fetch(&url), answer(&listener, text));
    let expected = Fetched {
        body: b"{}".to_vec(),
        fresh_for: Some(Duration::from_secs(90)),
    };
    assert_eq!(fetched, Ok(expected));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (listener, url, rule) = server().await;
    let egress = egress(vec![rule]);
    for status in [301, 302, 303, 307, 308] {
        let text = format!("HTTP/1.1 {status} X\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n");
        let (fetched, _) = tokio::join!(egress.fetch(&url), answer(&listener, text.as_bytes()));
        assert_eq!(fetched, Err(NotFetched::Status(status)));
    }
}

#[tokio::test]
async fn only_200_is_an_answer() {
    let (listener, url, rule) = server().await;
    let egress = egress(vec![rule]);
    for status in [201, 204, 206, 400, 404, 500, 503] {
        let text = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        let (fetched, _) = tokio::join!(egress.fetch(&url), answer(&listener, text.as_bytes()));
        assert_eq!(fetched, Err(NotFetched::Status(status)));
    }
}

#[tokio::test]
async fn contract_6_64_kib_whether_announced_or_not() {
    let (listener, url, rule) = server().await;
    let egress = egress(vec![rule]);
    let long = "x".repeat(MAX_BYTES + 1);
    let announced = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
        MAX_BYTES + 1
    );
    let unannounced = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{long}");
    for text in [announced, unannounced] {
        let (fetched, _) = tokio::join!(egress.fetch(&url), answer(&listener, text.as_bytes()));
        assert_eq!(fetched, Err(NotFetched::TooLong));
    }
    let most = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {MAX_BYTES}\r\n\r\n{}",
        &long[1..]
    );
    let (fetched, _) = tokio::join!(egress.fetch(&url), answer(&listener, most.as_bytes()));
    assert_eq!(fetched.map(|fetched| fetched.body.len()), Ok(MAX_BYTES));
}

#[tokio::test]
async fn contract_6_5_s_in_all_however_slowly_it_drips() {
    let (listener, url, rule) = server().await;
    let egress = egress(vec![rule]);
    let drip = async {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
        let mut stream = answer(&listener, head).await;
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if stream.write_all(b"x").await.is_err() {
                break;
            }
        }
    };
    let began = std::time::Instant::now();
    let fetched = tokio::select! {
        fetched = egress.fetch(&url) => fetched,
        () = drip => panic!("it waited for all of it"),
    };
    assert_eq!(fetched, Err(NotFetched::Late));
    assert!(began.elapsed() < PATIENCE * 2);
}

#[test]
fn authorities_that_are_none_stop_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("ca.pem");
    let read = || {
        Egress::new(&EgressSettings {
            allow: Vec::new(),
            ca: Some(path.clone()),
        })
    };
    assert!(matches!(read(), Err(BadAuthorities::Unreadable(_))));
    std::fs::write(&path, "no certificate").expect("written");
    assert!(matches!(read(), Err(BadAuthorities::Malformed)));
}
