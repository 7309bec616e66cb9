//! A door with something simple behind it, spoken to over real sockets.

use std::time::Instant;

use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::config::TlsSettings;

/// Answers `hello` at once, and `late` when it is told to.
struct Greeter {
    arrived: Notify,
    may_answer: Notify,
}

impl Answers for Greeter {
    type Body = Full<Bytes>;

    async fn answer(&self, peer: Peer, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.uri().path() == "/late" {
            self.arrived.notify_one();
            self.may_answer.notified().await;
        }
        let text = format!("hello {:?} tls={}", request.version(), peer.is_tls);
        Response::new(Full::new(Bytes::from(text)))
    }
}

struct House {
    address: SocketAddr,
    door: Arc<Door<Greeter>>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl House {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test is the supervisor of its accept loop"
    )]
    async fn open(tls: Option<Arc<Tls>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let address = listener.local_addr().expect("an address");
        let greeter = Greeter {
            arrived: Notify::new(),
            may_answer: Notify::new(),
        };
        let door = Arc::new(Door::new(DoorParts {
            name: "test",
            answers: greeter,
            tls,
            trusted_proxies: Vec::new(),
            grace: Duration::from_secs(5),
            meters: Arc::new(Meters::new()),
        }));
        let stop = CancellationToken::new();
        let serving = serve(Arc::new(listener), Arc::clone(&door), stop.clone());
        Self {
            address,
            stop: stop.clone(),
            serving: tokio::spawn(serving),
            door,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address)
            .await
            .expect("a connection")
    }
}

fn client() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}

async fn read_all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream
        .read_to_string(&mut text)
        .await
        .expect("an answer in text");
    text
}

async fn get(client: reqwest::Client, url: String) -> String {
    let answer = client.get(url).send().await.expect("an answer");
    answer.text().await.expect("a text")
}

#[tokio::test]
async fn http1_and_http2_are_spoken_on_one_plain_port() {
    let house = House::open(None).await;
    let url = format!("http://{}/", house.address);
    let old = client().http1_only().build().expect("a client");
    assert_eq!(get(old, url.clone()).await, "hello HTTP/1.1 tls=false");
    let new = client().http2_prior_knowledge().build().expect("a client");
    assert_eq!(get(new, url).await, "hello HTTP/2.0 tls=false");
}

#[tokio::test]
async fn tls_offers_http2_and_http1() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let (certificate, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&certificate, made.cert.pem()).expect("a file");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    let settings = TlsSettings { certificate, key };
    let tls = Tls::load(settings, false).await.expect("fine files");
    let house = House::open(Some(Arc::new(tls))).await;
    let url = format!("https://localhost:{}/", house.address.port());
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).expect("a root");
    let trusting = || {
        client()
            .tls_certs_only([root.clone()])
            .resolve("localhost", house.address)
    };
    let new = trusting().build().expect("a client");
    assert_eq!(get(new, url.clone()).await, "hello HTTP/2.0 tls=true");
    let old = trusting().http1_only().build().expect("a client");
    assert_eq!(get(old, url).await, "hello HTTP/1.1 tls=true");
}

#[tokio::test]
async fn a_stop_lets_the_requests_in_flight_finish_and_answers_the_backlog() {
    let house = House::open(None).await;
    let mut slow = house.connect().await;
    slow.write_all(b"GET /late HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .expect("sent");
    house.door.answers().arrived.notified().await;
    let mut waiting = house.connect().await;
    waiting
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .expect("sent");
    house.stop.cancel();
    house.door.answers().may_answer.notify_one();
    assert!(read_all(slow).await.contains("hello"));
    assert!(read_all(waiting).await.contains("hello"));
    house.serving.await.expect("the loop ended by itself");
}

#[tokio::test]
async fn a_kept_connection_may_ask_once_more_when_the_door_closes() {
    let house = House::open(None).await;
    let mut kept = house.connect().await;
    let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    kept.write_all(request).await.expect("sent");
    let mut first = [0; 512];
    let length = kept.read(&mut first).await.expect("an answer");
    let first = String::from_utf8_lossy(&first[..length]).to_lowercase();
    assert!(first.contains("hello") && !first.contains("connection: close"));
    house.stop.cancel();
    house.door.closing.cancelled().await;
    kept.write_all(request).await.expect("sent");
    let last = read_all(kept).await.to_lowercase();
    assert!(last.contains("hello") && last.contains("connection: close"));
    house.serving.await.expect("the loop ended by itself");
}

#[tokio::test]
async fn a_silent_connection_does_not_hold_up_a_stop() {
    let house = House::open(None).await;
    let silent = house.connect().await;
    let begun = Instant::now();
    house.stop.cancel();
    house.serving.await.expect("the loop ended by itself");
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "not the whole grace"
    );
    drop(silent);
}

#[tokio::test]
async fn an_oversized_head_is_refused() {
    let house = House::open(None).await;
    let mut stream = house.connect().await;
    let head = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nwide: {}\r\n\r\n",
        "a".repeat(70_000)
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    assert!(read_all(stream).await.starts_with("HTTP/1.1 431"));
    let mut stream = house.connect().await;
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(65));
    stream.write_all(head.as_bytes()).await.expect("sent");
    assert!(read_all(stream).await.starts_with("HTTP/1.1 431"));
}
