//! Clients that dawdle: each is cut off after ten seconds, and none holds others up.
//!
//! The spans are constants of the door, so these scenes wait them out, all at once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::join;

use super::certificates::{Authority, Files};
use super::wire::{self, Wire};
use crate::backend::Backend;
use crate::house::House;
use crate::scenes;

scenes![clients_that_dawdle_are_cut_off_and_others_are_served];

/// What the longest span of the door is, and some more.
const PATIENCE: Duration = Duration::from_secs(20);

async fn clients_that_dawdle_are_cut_off_and_others_are_served() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign("localhost"));
    let settings = files.settings();
    let settings = settings
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let house = House::open(Backend::Sqlite).await;
    let tls = House::with(Backend::Sqlite, &settings).await;
    let (at, at_tls) = (house.public_address(), tls.public_address());
    let begun = Instant::now();
    join!(
        says_nothing(at),
        says_half_a_head(at),
        drips_a_head(at),
        drips_a_head_after_a_request(at),
        asks_nothing_over_http2(at),
        drips_a_body(at),
        shakes_half_a_hand(at_tls),
        others_are_served(&house),
    );
    assert!(
        begun.elapsed() >= Duration::from_secs(3),
        "nobody was given time"
    );
    house.stop().await;
    tls.stop().await;
}

async fn says_nothing(at: SocketAddr) {
    let said = wire::connect(at).await.rest(PATIENCE).await;
    assert_eq!(said, "");
}

async fn says_half_a_head(at: SocketAddr) {
    let mut wire = wire::connect(at).await;
    wire.say("GET /health HTTP/1.1\r\nhost:").await;
    let said = wire.rest(PATIENCE).await;
    assert!(!said.contains("200"), "{said}");
}

async fn drips_a_head(at: SocketAddr) {
    let mut wire = wire::connect(at).await;
    wire.say("GET /health HTTP/1.1\r\n").await;
    drip(&mut wire, "x: 1\r\n").await;
}

async fn drips_a_head_after_a_request(at: SocketAddr) {
    let mut wire = wire::connect(at).await;
    assert!(wire.get("/health").await.starts_with("HTTP/1.1 200"));
    wire.say("GET /health HTTP/1.1\r\n").await;
    drip(&mut wire, "x: 1\r\n").await;
}

async fn asks_nothing_over_http2(at: SocketAddr) {
    let mut wire = wire::connect(at).await;
    // RFC 9113 §3.4: the preface and an empty SETTINGS frame.
    wire.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0")
        .await;
    let _ = wire.rest(PATIENCE).await;
}

async fn drips_a_body(at: SocketAddr) {
    let mut wire = wire::connect(at).await;
    wire.say(
        "POST /auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: 1000\r\n\r\n{",
    )
    .await;
    drip(&mut wire, " ").await;
}

async fn shakes_half_a_hand(at: SocketAddr) {
    let mut wire = wire::connect(at).await;
    // The beginning of a TLS record that never comes.
    wire.say("\u{16}\u{3}\u{1}").await;
    assert_eq!(wire.rest(PATIENCE).await, "");
}

/// Says a little every half second until the other side has had enough.
async fn drip(wire: &mut Wire<tokio::net::TcpStream>, drop: &str) {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "it may drip for ever");
        wire.say(drop).await;
        let mut chunk = [0; 4096];
        let read = tokio::io::AsyncReadExt::read(&mut wire.0, &mut chunk);
        match tokio::time::timeout(Duration::from_millis(500), read).await {
            Ok(Ok(0) | Err(_)) => return,
            Ok(Ok(read)) => {
                let said = String::from_utf8_lossy(&chunk[..read]);
                assert!(said.starts_with("HTTP/1.1 4"), "{said}");
            }
            Err(_) => {}
        }
    }
}

async fn others_are_served(house: &House) {
    let mut spans = Vec::new();
    for _ in 0..8 {
        let asked = Instant::now();
        house
            .public()
            .get("/.well-known/jwks.json")
            .await
            .expect(200);
        spans.push(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    spans.sort();
    assert!(spans[4] < Duration::from_secs(1), "{spans:?}");
}
