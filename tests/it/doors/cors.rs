//! CORS: which web pages may call the public door, and that none may call the admin door.

use reqwest::Method;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::client::{Answer, Client};
use crate::house::House;
use crate::scenes;

scenes![
    without_listed_origins_no_answer_speaks_of_cors,
    a_listed_origin_may_ask_and_read_what_is_exposed,
    another_origin_is_told_nothing,
    every_origin_may_ask_where_the_star_is_listed,
    an_error_is_readable_for_a_listed_origin_too,
    the_admin_door_never_speaks_of_cors,
    rfc_9700_2_6_no_page_speaks_of_cors,
    a_tenants_own_list_takes_the_place_of_the_services,
];

const PAGE: &str = "https://app.example.org";
const OTHER: &str = "https://evil.example.org";

async fn open(more: &[(&str, &str)]) -> House {
    let listed = "https://app.example.org,https://www.example.org";
    let mut settings = vec![("CORS_ALLOWED_ORIGINS", listed)];
    settings.extend(more);
    House::with(Backend::Sqlite, &settings).await
}

async fn preflight(door: &Client, origin: &str) -> Answer {
    let send = |request: reqwest::RequestBuilder| {
        request
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,dpop")
    };
    door.send(Method::OPTIONS, "/auth/login", send).await
}

fn speaks_of_cors(answer: &Answer) -> bool {
    let mut names = answer.headers.keys();
    names.any(|name| name.as_str().starts_with("access-control-allow-origin"))
}

async fn without_listed_origins_no_answer_speaks_of_cors() {
    let house = House::open(Backend::Sqlite).await;
    let asked = preflight(&house.public(), PAGE).await.expect(405);
    let read = house.public().with("origin", PAGE).get("/health").await;
    for answer in [asked, read.expect(200)] {
        let mut names = answer.headers.keys();
        assert!(!names.any(|name| name.as_str().starts_with("access-control")));
    }
    house.stop().await;
}

async fn a_listed_origin_may_ask_and_read_what_is_exposed() {
    let house = open(&[
        ("CORS_ALLOWED_METHODS", "GET,POST"),
        ("CORS_ALLOWED_HEADERS", "Content-Type,DPoP"),
        ("CORS_EXPOSE_HEADERS", "X-Request-ID,Retry-After"),
        ("CORS_ALLOW_CREDENTIALS", "true"),
        ("CORS_MAX_AGE", "1h"),
    ])
    .await;
    for origin in [PAGE, "https://www.example.org"] {
        let answer = preflight(&house.public(), origin).await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-methods"), "GET,POST");
        let allowed = answer.header("access-control-allow-headers");
        assert_eq!(allowed.to_ascii_lowercase(), "content-type,dpop");
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.header("access-control-max-age"), "3600");
        assert_eq!(answer.text, "");
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert!(format!("{vary:?}").to_ascii_lowercase().contains("origin"));
    }
    let read = house.public().with("origin", PAGE).get("/health").await;
    let read = read.expect(200);
    assert_eq!(read.header("access-control-allow-origin"), PAGE);
    let exposed = read.header("access-control-expose-headers");
    assert_eq!(exposed.to_ascii_lowercase(), "x-request-id,retry-after");
    house.stop().await;
}

async fn another_origin_is_told_nothing() {
    let house = open(&[]).await;
    assert!(!speaks_of_cors(&preflight(&house.public(), OTHER).await));
    for origin in [
        OTHER,
        "null",
        "https://app.example.org.evil.example",
        "http://app.example.org",
    ] {
        let answer = house.public().with("origin", origin).get("/health").await;
        assert!(!speaks_of_cors(&answer.expect(200)), "{origin}");
    }
    let allowed = preflight(&house.public(), PAGE).await;
    assert_eq!(allowed.header("access-control-allow-credentials"), "");
    assert_eq!(allowed.header("access-control-max-age"), "43200");
    house.stop().await;
}

async fn every_origin_may_ask_where_the_star_is_listed() {
    let house = open(&[("CORS_ALLOWED_ORIGINS", "*")]).await;
    let answer = preflight(&house.public(), OTHER).await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    house.stop().await;
}

async fn an_error_is_readable_for_a_listed_origin_too() {
    let house = open(&[]).await;
    let page = house.public().with("origin", PAGE);
    for (path, status) in [("/auth/me", 401), ("/nothing", 404), ("/auth/login", 405)] {
        let answer = page.get(path).await.expect(status);
        assert_eq!(answer.header("access-control-allow-origin"), PAGE, "{path}");
        assert!(!answer.header("x-request-id").is_empty());
    }
    house.stop().await;
}

async fn the_admin_door_never_speaks_of_cors() {
    let house = open(&[("CORS_ALLOWED_ORIGINS", "*")]).await;
    for door in [house.stranger(), house.admin()] {
        let asked = preflight(&door, PAGE).await;
        let read = door.with("origin", PAGE).get("/admin/users").await;
        let probe = door.with("origin", PAGE).get("/health").await;
        for answer in [asked, read, probe] {
            let mut names = answer.headers.keys();
            assert!(!names.any(|name| name.as_str().starts_with("access-control")));
        }
    }
    house.stop().await;
}

async fn rfc_9700_2_6_no_page_speaks_of_cors() {
    let house = open(&[("CORS_ALLOWED_ORIGINS", "*")]).await;
    house.add_tenant("acme").await;
    let page = house.public().with("origin", PAGE);
    for path in ["/oauth/authorize", "/t/acme/oauth/authorize", "/sign-in"] {
        for answer in [page.get(path).await, page.form(path, &[]).await] {
            let mut names = answer.headers.keys();
            assert!(!names.any(|name| name.as_str().starts_with("access-control")));
        }
        let send = |request: reqwest::RequestBuilder| {
            request.header("access-control-request-method", "POST")
        };
        let asked = page.send(Method::OPTIONS, path, send).await;
        assert!(!speaks_of_cors(&asked), "{path}");
    }
    let token = page.form("/oauth/token", &[]).await;
    assert!(speaks_of_cors(&token), "programs in a browser may ask here");
    house.stop().await;
}

async fn a_tenants_own_list_takes_the_place_of_the_services() {
    let house = open(&[("TENANT_BASE_DOMAIN", "auth.example.org")]).await;
    house.add_tenant("acme").await;
    house.add_tenant("globex").await;
    let operator = crate::admin::areas::holder_in(&house, "acme", "admin:tenants").await;
    let choose = async |origins: Value| {
        let body = json!({ "config": { "cors_allowed_origins": origins } });
        let patched = operator.patch("/admin/tenants/acme", body).await;
        let config = patched.expect(200).json()["config"].clone();
        assert_eq!(config["cors_allowed_origins"], origins);
    };
    let told = async |door: &Client, path: &str, origin: &str| {
        let send = |request: reqwest::RequestBuilder| {
            let request = request.header("origin", origin);
            request.header("access-control-request-method", "POST")
        };
        let asked = door.send(Method::OPTIONS, path, send).await;
        let read = door.with("origin", origin).get(path).await;
        assert_eq!(speaks_of_cors(&asked), speaks_of_cors(&read), "{path}");
        speaks_of_cors(&read)
    };
    let (bare, host) = (house.public(), "acme.auth.example.org");
    let by_host = house.public().with("host", host);
    let own = "https://app.acme.example";
    choose(json!([own])).await;
    for (door, path) in [(&bare, "/t/acme/auth/me"), (&by_host, "/auth/me")] {
        assert!(told(door, path, own).await, "{path}");
        assert!(!told(door, path, PAGE).await, "{path}: the service's");
    }
    for path in ["/auth/me", "/t/globex/auth/me", "/t/nobody/auth/me"] {
        assert!(told(&bare, path, PAGE).await, "{path}");
        assert!(!told(&bare, path, own).await, "{path}: another tenant's");
    }
    for path in ["/t/acme/oauth/authorize", "/t/acme/sign-in"] {
        assert!(!told(&bare, path, own).await, "{path} is a page");
    }
    let named = house.public().with("x-tenant-id", "acme");
    let read = named.with("origin", own).get("/auth/me").await;
    assert_eq!(read.header("access-control-allow-origin"), own);
    choose(json!([])).await;
    assert!(!told(&bare, "/t/acme/auth/me", own).await);
    assert!(!told(&bare, "/t/acme/auth/me", PAGE).await);
    choose(Value::Null).await;
    assert!(told(&bare, "/t/acme/auth/me", PAGE).await);
    house.stop().await;
}
