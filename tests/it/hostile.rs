//! Malformed requests of every kind: only 4xx, never 5xx, never accepted.

use reqwest::Method;
use serde_json::json;

use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    malformed_bodies_are_refused_with_4xx,
    forged_tokens_of_every_prefix_are_refused,
    oversized_and_odd_requests_are_refused_with_4xx,
    hostile_texts_are_stored_and_shown_as_they_are_or_refused,
];

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Paths that take a JSON body from anyone.
const JSON_PATHS: [&str; 9] = [
    "/auth/register",
    "/auth/login",
    "/auth/token",
    "/auth/token/refresh",
    "/auth/token/revoke",
    "/auth/password/reset",
    "/auth/password/reset/confirm",
    "/auth/verify-email",
    "/auth/verify-email/resend",
];

fn bodies() -> Vec<Vec<u8>> {
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let nested = format!(
        r#"{{"email":{}1{}}}"#,
        "{\"a\":".repeat(200),
        "}".repeat(200)
    );
    [
        "", "{", "null", "[]", "1", "\"text\"", "{]", "{\"email\"}", "{\"email\":}", "nul",
        r#"{"email":1,"password":2,"name":3,"token":4,"refresh_token":5,"new_password":6}"#,
        r#"{"email":null,"password":null,"name":null,"token":null,"refresh_token":null}"#,
        r#"{"email":{},"password":[],"name":{},"token":[],"refresh_token":{},"new_password":[]}"#,
        r#"{"email":true,"password":false,"token":true,"refresh_token":true}"#,
        r#"{"email":"a@b.c","email":"d@e.f","password":"x","token":"a","token":"b","refresh_token":"x","refresh_token":"y"}"#,
        r#"{"email":"a\u0000@b.c","password":"a\u0000b","name":"\u0000","token":"\u0000","refresh_token":"\u0000","new_password":"\u0000"}"#,
        r#"{"email":"\ud800","password":"\udfff","name":"\ud800","token":"\ud800","refresh_token":"\ud800","new_password":"\ud800"}"#,
        r#"{"email":1e999,"token":1e999,"refresh_token":1e999,"password":1e999}"#,
        "{} trailing", "{\"a\":1}{\"b\":2}", "\u{feff}{}", "<xml/>", "a=b&c=d",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([
        deep.into_bytes(),
        nested.into_bytes(),
        b"{\"email\":\"\xff\xfe\",\"token\":\"\xff\",\"refresh_token\":\"\xff\"}".to_vec(),
        vec![0; 64],
        vec![0xff; 64],
    ])
    .collect()
}

async fn malformed_bodies_are_refused_with_4xx(house: House) {
    for path in JSON_PATHS {
        for (n, body) in bodies().into_iter().enumerate() {
            let answer = house.public().raw(Method::POST, path, JSON, body).await;
            assert!(
                answer.status.is_client_error(),
                "{path} #{n}: {} {}",
                answer.status,
                answer.text
            );
        }
    }
    for (n, body) in bodies().into_iter().enumerate() {
        let answer = house
            .public()
            .raw(Method::POST, "/oauth/token", FORM, body)
            .await;
        assert!(
            answer.status.is_client_error(),
            "form #{n}: {}",
            answer.status
        );
    }
    for media in [
        "text/plain",
        "application/xml",
        "multipart/form-data",
        "",
        "application/jsonx",
    ] {
        let answer = house
            .public()
            .raw(Method::POST, "/auth/login", media, b"{}".to_vec())
            .await;
        assert_eq!(answer.status.as_u16(), 415, "{media}: {}", answer.text);
    }
}

async fn forged_tokens_of_every_prefix_are_refused(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let (access, refresh, key) = (&tokens.access, &tokens.refresh, &house.api_key());
    let mut forged: Vec<String> = [
        "qf_at_", "qf_rt_", "qf_ac_", "qf_ak_", "qf_cs_", "qf_ot_", "",
    ]
    .iter()
    .flat_map(|prefix| {
        [
            (*prefix).to_owned(),
            format!("{prefix}AAAA"),
            format!("{prefix}{}", "A".repeat(70)),
            format!("{prefix}{}", "A".repeat(86)),
            format!("{prefix}..."),
            format!("{prefix}eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJzdWIiOiJ4In0."),
            format!(
                "{prefix}{}",
                access.trim_start_matches("qf_at_").replace('.', "-")
            ),
            format!("{prefix}{}", &refresh[6..]),
        ]
    })
    .collect();
    forged.retain(|token| token != access && token != refresh);
    let alter = |text: &str, position: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).expect("ASCII")
    };
    for position in (7..access.len()).step_by(37) {
        forged.push(alter(access, position));
    }
    for token in &forged {
        let me = house
            .public()
            .with("authorization", format!("Bearer {token}"));
        assert_eq!(me.get("/auth/me").await.status.as_u16(), 401, "{token}");
        assert!(
            person.refresh(token).await.status.is_client_error(),
            "{token}"
        );
        let admin = house.stranger().with("x-api-key", token.as_str());
        assert_eq!(
            admin.get("/admin/users").await.status.as_u16(),
            401,
            "{token}"
        );
        let body = json!({ "token": token, "new_password": "a fresh and long passphrase" });
        let reset = house
            .public()
            .post("/auth/password/reset/confirm", body)
            .await;
        assert!(reset.status.is_client_error(), "{token}");
    }
    for position in 6..refresh.len() {
        person.refresh(&alter(refresh, position)).await.expect(401);
    }
    for length in 0..key.len() {
        let admin = house.stranger().with("x-api-key", &key[..length]);
        admin.get("/admin/users").await.expect(401);
    }
    person.refresh(refresh).await.expect(200);
}

async fn oversized_and_odd_requests_are_refused_with_4xx(house: House) {
    let public = house.public();
    let huge = format!(r#"{{"email":"{}"}}"#, "a".repeat(2 << 20));
    let answer = public
        .raw(Method::POST, "/auth/login", JSON, huge.into_bytes())
        .await;
    answer.expect_code(413, "PAYLOAD_TOO_LARGE");
    let long = json!({ "email": "a@b.example", "password": "x".repeat(60_000) });
    public.post("/auth/login", long).await.expect(401);
    let long = json!({ "email": format!("{}@b.example", "a".repeat(60_000)), "password": "x" });
    public.post("/auth/login", long).await.expect(401);
    let wide = public
        .with("x-wide", "a".repeat(100_000))
        .get("/health")
        .await;
    assert!(wide.status.is_client_error(), "{}", wide.status);
    let long_path = format!("/{}", "a".repeat(60_000));
    let answer = public.get(&long_path).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    for method in ["TRACE", "BREW", "CONNECT2", "PROPFIND"] {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let answer = public
            .send(method.clone(), "/auth/login", |request| request)
            .await;
        assert!(
            answer.status.is_client_error(),
            "{method}: {}",
            answer.status
        );
    }
    for tenant in [
        "'; DROP TABLE users; --",
        "../default",
        "%00",
        "*",
        &"a".repeat(5_000),
    ] {
        let answer = public.with("x-tenant-id", tenant).get("/auth/me").await;
        assert!(
            [400, 404].contains(&answer.status.as_u16()),
            "{tenant}: {}",
            answer.status
        );
    }
}

async fn hostile_texts_are_stored_and_shown_as_they_are_or_refused(house: House) {
    let names = [
        "'; DROP TABLE users; --",
        "<script>alert(1)</script>",
        "Robert\"); --",
        "🦀 ü ß",
        "${jndi:ldap://x}",
        "%s%n",
        "{{7*7}}",
    ];
    for (n, name) in names.iter().enumerate() {
        let body = json!({
            "email": format!("h{n}@example.org"), "password": "a quiet garden in the rain",
            "name": name,
        });
        let answer = house
            .public()
            .post("/auth/register", body)
            .await
            .expect(201);
        assert_eq!(answer.field("name"), *name);
        assert!(
            answer
                .header("content-type")
                .starts_with("application/json")
        );
    }
}
