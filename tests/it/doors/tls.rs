//! TLS: which protocol is spoken, who is let in, and certificates that change.

use std::time::{Duration, Instant};

use reqwest::Version;
use rustls::ClientConfig;

use super::certificates::{Authority, Files, Pair, shake_hands, shown_by};
use super::wire::Wire;
use crate::backend::Backend;
use crate::client::Client;
use crate::house::House;
use crate::scenes;

scenes![
    http1_and_http2_are_chosen_by_alpn,
    tls_1_2_and_1_3_are_spoken_and_plain_http_is_not,
    the_grpc_and_admin_doors_speak_tls_too,
    a_renewed_certificate_serves_new_connections_and_leaves_open_ones,
    a_broken_new_certificate_leaves_the_old_one_in_force,
    client_certificates_are_optional_and_need_their_key,
];

async fn open(files: &Files, more: &[(&str, &str)]) -> House {
    let settings = files.settings();
    let mut all: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    all.extend(more);
    House::with(Backend::Sqlite, &all).await
}

fn client(house: &House, config: ClientConfig) -> Client {
    let address = house.public_address();
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(config)
        .resolve("localhost", address)
        .build()
        .expect("a client");
    Client::speaking(http, format!("https://localhost:{}", address.port()))
}

async fn http1_and_http2_are_chosen_by_alpn() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign("localhost"));
    let house = open(&files, &[]).await;
    for (protocols, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1"][..], Version::HTTP_11),
        (&[][..], Version::HTTP_11),
    ] {
        let client = client(&house, authority.client(None, protocols));
        let answer = client.get("/health").await.expect(200);
        assert_eq!(answer.version, version, "{protocols:?}");
        // RFC 6797 §7.2: only over TLS.
        assert!(
            answer
                .header("strict-transport-security")
                .contains("max-age=")
        );
    }
    house.stop().await;
}

async fn tls_1_2_and_1_3_are_spoken_and_plain_http_is_not() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign("localhost"));
    let house = open(&files, &[]).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let config = authority.client_of_version(version);
        let stream = shake_hands(house.public_address(), config).await;
        let stream = stream.expect("a handshake");
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        assert!(
            Wire(stream)
                .get("/health")
                .await
                .starts_with("HTTP/1.1 200")
        );
    }
    let mut plain = super::wire::connect(house.public_address()).await;
    plain
        .say("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    let said = plain.rest(Duration::from_secs(5)).await;
    assert!(!said.contains("HTTP/1.1"), "{said}");
    house.stop().await;
}

async fn the_grpc_and_admin_doors_speak_tls_too() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign("localhost"));
    let house = open(&files, &[]).await;
    for address in [house.admin_address(), house.grpc_address()] {
        let stream = shake_hands(address, authority.client(None, &["h2"])).await;
        let stream = stream.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    }
    house.stop().await;
}

async fn a_renewed_certificate_serves_new_connections_and_leaves_open_ones() {
    let authority = Authority::new();
    let (old, new) = (authority.sign("localhost"), authority.sign("localhost"));
    let files = Files::new(&old);
    let house = open(&files, &[]).await;
    let config = authority.client(None, &[]);
    let stream = shake_hands(house.public_address(), config).await;
    let mut open = Wire(stream.expect("a handshake"));
    assert_eq!(shown_by(&open.0), old.certificate);
    assert!(open.get("/health").await.starts_with("HTTP/1.1 200"));
    files.put(&new);
    wait_for(&house, &authority, &new).await;
    assert!(open.get("/health").await.starts_with("HTTP/1.1 200"));
    house.stop().await;
}

async fn a_broken_new_certificate_leaves_the_old_one_in_force() {
    let authority = Authority::new();
    let (old, new) = (authority.sign("localhost"), authority.sign("localhost"));
    let files = Files::new(&old);
    let house = open(&files, &[]).await;
    files.write("cert.pem", "-----BEGIN nothing");
    // Longer than the files are left unlooked at: every handshake shows the old one.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(2_500) {
        assert_eq!(shown(&house, &authority).await, old.certificate);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    files.put(&new);
    wait_for(&house, &authority, &new).await;
    house.stop().await;
}

/// Waits until new connections are shown a certificate. What is shown meanwhile is always usable.
async fn wait_for(house: &House, authority: &Authority, wanted: &Pair) {
    let begun = Instant::now();
    while shown(house, authority).await != wanted.certificate {
        assert!(begun.elapsed() < Duration::from_secs(10), "never renewed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn shown(house: &House, authority: &Authority) -> rustls::pki_types::CertificateDer<'static> {
    let config = authority.client(None, &[]);
    let stream = shake_hands(house.public_address(), config).await;
    shown_by(&stream.expect("a handshake"))
}

async fn client_certificates_are_optional_and_need_their_key() {
    let (authority, clients, foreign) = (Authority::new(), Authority::new(), Authority::new());
    let files = Files::new(&authority.sign("localhost"));
    let ca = files.write("clients.pem", &clients.pem());
    let house = open(&files, &[("TLS_CLIENT_CA_PATH", &ca)]).await;
    let (known, unknown) = (clients.sign("robot"), foreign.sign("robot"));
    // What a certificate is worth is judged where it is of use; in the handshake it is proved.
    for own in [None, Some(&known), Some(&unknown)] {
        let client = client(&house, authority.client(own, &["h2"]));
        client.get("/health").await.expect(200);
    }
    let config = authority.client_showing(known.with_key_of(&unknown));
    // TLS 1.3: the client's side is done before the server has judged it.
    if let Ok(stream) = shake_hands(house.public_address(), config).await {
        let mut wire = Wire(stream);
        wire.say("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await;
        let said = wire.rest(Duration::from_secs(5)).await;
        assert_eq!(said, "", "a certificate without its key was let in");
    }
    house.stop().await;
}
