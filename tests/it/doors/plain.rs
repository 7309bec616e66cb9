//! HTTP without TLS: HTTP/2 with prior knowledge, HEAD, OPTIONS.

use reqwest::{Method, Version};

use super::wire;
use crate::backend::Backend;
use crate::client::{Client, plain};
use crate::house::House;
use crate::scenes;

scenes![
    http2_is_spoken_with_prior_knowledge_at_both_http_doors,
    one_connection_serves_request_after_request,
    rfc_9110_9_3_2_head_answers_as_get_without_content,
    rfc_9110_9_3_7_options_without_cors_names_the_methods,
];

async fn http2_is_spoken_with_prior_knowledge_at_both_http_doors() {
    let house = House::open(Backend::Sqlite).await;
    for address in [house.public_address(), house.admin_address()] {
        let http = plain().http2_prior_knowledge().build().expect("a client");
        let client = Client::speaking(http, format!("http://{address}"));
        let answers = futures_util::future::join_all((0..50).map(|_| client.get("/health"))).await;
        for answer in answers {
            assert_eq!(answer.expect(200).version, Version::HTTP_2);
        }
    }
    house.stop().await;
}

async fn one_connection_serves_request_after_request() {
    let house = House::open(Backend::Sqlite).await;
    let mut wire = wire::connect(house.public_address()).await;
    for _ in 0..5 {
        assert!(wire.get("/health").await.starts_with("HTTP/1.1 200"));
        assert!(wire.get("/nothing").await.starts_with("HTTP/1.1 404"));
    }
    house.stop().await;
}

async fn rfc_9110_9_3_2_head_answers_as_get_without_content() {
    let house = House::open(Backend::Sqlite).await;
    let public = house.public();
    for path in [
        "/health",
        "/.well-known/jwks.json",
        "/openapi.json",
        "/auth/me",
    ] {
        let get = public.get(path).await;
        let head = public.send(Method::HEAD, path, |request| request).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.text, "", "{path}");
        for name in ["content-type", "cache-control", "etag", "www-authenticate"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
    let jwks = "/.well-known/jwks.json";
    let (get, head) = (
        public.get(jwks).await,
        public.send(Method::HEAD, jwks, |request| request).await,
    );
    assert_eq!(head.header("content-length"), get.text.len().to_string());
    let login = public
        .send(Method::HEAD, "/auth/login", |request| request)
        .await;
    assert_eq!(login.expect(405).header("allow"), "POST");
    house.stop().await;
}

async fn rfc_9110_9_3_7_options_without_cors_names_the_methods() {
    let house = House::open(Backend::Sqlite).await;
    let public = house.public();
    for (path, methods) in [
        ("/auth/login", &["POST"][..]),
        ("/auth/me", &["DELETE", "GET", "HEAD", "PATCH"][..]),
    ] {
        let answer = public.send(Method::OPTIONS, path, |request| request).await;
        let allow = answer.expect(405).header("allow").to_owned();
        let mut named: Vec<&str> = allow.split(", ").collect();
        named.sort_unstable();
        assert_eq!(named, methods, "{path}");
    }
    house.stop().await;
}
