//! How long heads, paths and bodies may be.

use reqwest::Method;

use super::wire;
use crate::backend::Backend;
use crate::client::{Client, plain};
use crate::house::House;
use crate::scenes;

scenes![
    too_many_or_too_long_headers_are_431,
    a_path_that_is_too_long_is_refused,
    http2_heads_are_bounded_too,
    a_body_beyond_the_bound_is_413_announced_or_not,
    a_body_of_the_public_door_is_64_kib_whatever_is_configured,
    a_request_that_takes_too_long_is_504,
];

/// Sends a head and gives the status line.
async fn status_of(house: &House, head: &str) -> String {
    let mut wire = wire::connect(house.public_address()).await;
    wire.say(head).await;
    let answer = wire.answer().await;
    answer.lines().next().unwrap_or_default().to_owned()
}

async fn too_many_or_too_long_headers_are_431() {
    let house = House::open(Backend::Sqlite).await;
    let with = |lines: String| format!("GET /health HTTP/1.1\r\nhost: a\r\n{lines}\r\n");
    let many = |count: usize| with((0..count).map(|n| format!("x-{n}: 1\r\n")).collect());
    let long = |length: usize| with(format!("x-long: {}\r\n", "a".repeat(length)));
    for (head, status) in [
        (many(60), "200"),
        (many(80), "431"),
        (many(2_000), "431"),
        (long(8 * 1024), "200"),
        (long(100 * 1024), "431"),
    ] {
        let line = status_of(&house, &head).await;
        assert!(line.contains(status), "{line}, wanted {status}");
    }
    house.stop().await;
}

async fn a_path_that_is_too_long_is_refused() {
    let house = House::open(Backend::Sqlite).await;
    let path = |length| format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(length));
    assert!(status_of(&house, &path(2_000)).await.contains("404"));
    let line = status_of(&house, &path(100_000)).await;
    assert!(line.contains("414") || line.contains("431"), "{line}");
    house.stop().await;
}

async fn http2_heads_are_bounded_too() {
    let house = House::open(Backend::Sqlite).await;
    let http = plain().http2_prior_knowledge().build().expect("a client");
    let url = format!("http://{}/health", house.public_address());
    let long = http
        .get(&url)
        .header("x-long", "a".repeat(60 * 1024))
        .send();
    // Answered with 431, or the stream is refused: never served.
    if let Ok(answer) = long.await {
        assert_eq!(answer.status().as_u16(), 431);
    }
    for (count, status) in [(60, 200), (80, 431)] {
        let lines = (0..count).map(|n| (format!("x-{n}"), "1"));
        let asked = lines.fold(http.get(&url), |asked, (name, value)| {
            asked.header(name, value)
        });
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{count} header lines");
    }
    let client = Client::speaking(http, format!("http://{}", house.public_address()));
    client.get("/health").await.expect(200);
    house.stop().await;
}

async fn a_body_beyond_the_bound_is_413_announced_or_not() {
    let house = House::with(Backend::Sqlite, &[("REQUEST_MAX_BODY_SIZE", "2048")]).await;
    let body = |length: usize| {
        let name = "a".repeat(length - 80);
        let text = format!(r#"{{"email":"nobody@example.org","password":"{name}"}}"#);
        text.into_bytes()
    };
    let login = "/auth/login";
    let public = house.public();
    let json = "application/json";
    let fits = public.raw(Method::POST, login, json, body(2_000)).await;
    assert_ne!(fits.status.as_u16(), 413, "{}", fits.text);
    let announced = public.raw(Method::POST, login, json, body(2_200)).await;
    announced.expect_code(413, "PAYLOAD_TOO_LARGE");
    let mut wire = wire::connect(house.public_address()).await;
    let chunk = "a".repeat(0x800);
    wire.say(&format!(
        "POST {login} HTTP/1.1\r\nhost: a\r\ncontent-type: {json}\r\n\
         transfer-encoding: chunked\r\n\r\n800\r\n{chunk}\r\n800\r\n{chunk}\r\n"
    ))
    .await;
    let answer = wire.answer().await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    house.stop().await;
}

async fn a_body_of_the_public_door_is_64_kib_whatever_is_configured() {
    let house = House::open(Backend::Sqlite).await;
    let public = house.public();
    let json = "application/json";
    let text = format!(r#"{{"email":"{}"}}"#, "a".repeat(64 * 1024)).into_bytes();
    for path in ["/auth/login", "/auth/register", "/auth/token/refresh"] {
        let refused = public.raw(Method::POST, path, json, text.clone()).await;
        refused.expect_code(413, "PAYLOAD_TOO_LARGE");
    }
    let admin = house.admin();
    let answer = admin.raw(Method::POST, "/admin/users", json, text).await;
    assert_eq!(answer.status.as_u16(), 422, "it was read: {}", answer.text);
    house.stop().await;
}

async fn a_request_that_takes_too_long_is_504() {
    let house = House::with(Backend::Sqlite, &[("REQUEST_TIMEOUT", "300ms")]).await;
    let mut wire = wire::connect(house.public_address()).await;
    wire.say(
        "POST /auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: 100\r\n\r\n{",
    )
    .await;
    let answer = wire.answer().await;
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    assert!(answer.contains(r#""code":"TIMEOUT""#), "{answer}");
    house.stop().await;
}
