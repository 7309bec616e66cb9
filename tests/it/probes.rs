//! What monitoring and people's browsers ask: /health, /liveness, /ready, /readiness, /openapi.json,
//! /docs; and what every answer carries.

use std::time::Duration;

use crate::cases;
use crate::house::House;

cases![
    a_service_that_was_waited_for_says_that_it_is_ready,
    health_and_readiness_answer_on_both_http_doors,
    the_contract_is_served_and_readable_without_a_foreign_host,
    wrong_methods_and_paths_are_said_so,
    every_answer_carries_its_request_id_and_security_headers,
    an_unknown_or_contradictory_tenant_is_refused,
    the_path_names_a_tenant_too,
];

/// A house is handed over as soon as its start was waited for.
async fn a_service_that_was_waited_for_says_that_it_is_ready(house: House) {
    house.stranger().get("/ready").await.expect(200);
    let waited = house.running().ready(Duration::from_secs(10)).await;
    assert_eq!(waited, Ok(()));
    house.stranger().get("/ready").await.expect(200);
}

async fn health_and_readiness_answer_on_both_http_doors(house: House) {
    for door in [house.public(), house.stranger()] {
        for path in ["/health", "/liveness", "/ready", "/readiness"] {
            let body = door.get(path).await.expect(200).json();
            assert!(
                body["status"].is_string() && body["uptime"].is_number(),
                "{path}: {body}"
            );
        }
        let ready = door.get("/ready").await.expect(200).json();
        for check in ["database", "keys", "actors"] {
            assert!(!ready["checks"][check].is_null(), "{check}: {ready}");
        }
    }
}

async fn the_contract_is_served_and_readable_without_a_foreign_host(house: House) {
    for door in [house.public(), house.stranger()] {
        let document = door.get("/openapi.json").await.expect(200).json();
        assert!(document["openapi"].as_str().unwrap_or("").starts_with("3."));
        let page = door.get("/docs").await.expect(200);
        assert!(page.header("content-type").starts_with("text/html"));
        let foreign = page.text.match_indices("src=\"http").count()
            + page
                .text
                .match_indices("<link rel=\"stylesheet\" href=\"http")
                .count();
        assert_eq!(foreign, 0);
        assert!(
            page.header("content-security-policy")
                .contains("default-src 'none'")
        );
    }
}

async fn wrong_methods_and_paths_are_said_so(house: House) {
    let public = house.public();
    assert!(
        public
            .get("/auth/login")
            .await
            .expect(405)
            .header("allow")
            .contains("POST")
    );
    public
        .get("/nothing/here")
        .await
        .expect_code(404, "NOT_FOUND");
    for path in [
        "//auth/me",
        "/auth//me",
        "/auth/../admin/users",
        "/auth/me;x=1",
        "/auth%2fme",
    ] {
        let status = public.get(path).await.status.as_u16();
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
}

async fn every_answer_carries_its_request_id_and_security_headers(house: House) {
    for path in ["/health", "/auth/me", "/nothing"] {
        let answer = house.public().get(path).await;
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let answer = house.public().get("/nothing").await;
    assert_eq!(answer.header("x-request-id"), answer.field("request_id"));
}

async fn an_unknown_or_contradictory_tenant_is_refused(house: House) {
    house.add_tenant("acme").await;
    let unknown = house.public().with("x-tenant-id", "nobody");
    unknown.get("/auth/me").await.expect_code(404, "NOT_FOUND");
    house.suspend_tenant("acme").await;
    let suspended = house.public().with("x-tenant-id", "acme");
    suspended
        .get("/auth/me")
        .await
        .expect_code(403, "FORBIDDEN");
}

async fn the_path_names_a_tenant_too(house: House) {
    house.add_tenant("acme").await;
    let body = serde_json::json!({
        "email": "a@b.example", "password": "a quiet garden in the rain", "name": "A",
    });
    house
        .public()
        .post("/t/acme/auth/register", body.clone())
        .await
        .expect(201);
    let acme = house.public().with("x-tenant-id", "acme");
    acme.post("/auth/login", body.clone()).await.expect(200);
    house.public().post("/auth/login", body).await.expect(401);
}
