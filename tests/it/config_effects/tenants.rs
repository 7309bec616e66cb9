//! Which tenant a request is for: `TENANT_DEFAULT_ID`, `TENANT_BASE_DOMAIN`, `TENANT_RESOLUTION_MODE`,
//! `TENANT_CACHE_TTL`, `TENANT_DELETION_GRACE`.

use std::time::Duration;

use serde_json::json;

use super::keys::person_at;
use crate::backend::Backend;
use crate::client::{Client, Person};
use crate::house::House;
use crate::scenes;

scenes![
    tenant_base_domain_makes_subdomains_tenants,
    tenant_resolution_mode_decides_what_names_a_tenant,
    tenant_default_id_names_the_tenant_of_who_names_none,
    tenant_cache_ttl_is_no_reason_to_serve_a_disabled_client,
    tenant_deletion_grace_is_how_long_a_tenant_can_be_had_back,
];

const DOMAIN: (&str, &str) = ("TENANT_BASE_DOMAIN", "auth.example.org");

/// Says whether a request is the tenant's whose person this is.
async fn knows(door: &Client, person: &Person) -> bool {
    let body = json!({ "email": person.email, "password": person.password });
    let status = door.post("/auth/login", body).await.status.as_u16();
    assert!(status == 200 || status == 401, "{status}");
    status == 200
}

async fn tenant_base_domain_makes_subdomains_tenants() {
    let house = House::with(Backend::Sqlite, &[DOMAIN]).await;
    house.add_tenant("acme").await;
    let at = |host: &str| house.public().with("host", host);
    let person = Person::register(&at("acme.auth.example.org"), "ada").await;
    assert!(knows(&at("ACME.auth.example.org:4000"), &person).await);
    assert!(knows(&house.public().with("x-tenant-id", "acme"), &person).await);
    assert!(!knows(&at("auth.example.org"), &person).await);
    assert!(!knows(&at("acme.other.example.org"), &person).await);
    at("nobody.auth.example.org")
        .get("/auth/me")
        .await
        .expect(404);
    let issued = person.login().await.access;
    person.me(&issued).await.expect(200);
    house
        .public()
        .bearer(&issued)
        .get("/auth/me")
        .await
        .expect(401);
    let claims = issued.split('.').nth(1).expect("claims");
    let claims = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, claims);
    let claims = String::from_utf8(claims.expect("base64url")).expect("text");
    assert!(
        claims.contains("http://acme.auth.example.org:4000"),
        "{claims}"
    );
    house.stop().await;
}

async fn tenant_resolution_mode_decides_what_names_a_tenant() {
    let mut house = House::with(Backend::Sqlite, &[DOMAIN]).await;
    house.add_tenant("acme").await;
    let person = Person::register(&house.public().with("x-tenant-id", "acme"), "ada").await;
    for (mode, by_host, by_header) in [
        ("both", true, true),
        ("subdomain", true, false),
        ("header", false, true),
    ] {
        house = house.restart(&[("TENANT_RESOLUTION_MODE", mode)]).await;
        let host = house.public().with("host", "acme.auth.example.org");
        let header = house.public().with("x-tenant-id", "acme");
        assert_eq!(knows(&host, &person).await, by_host, "{mode}");
        assert_eq!(knows(&header, &person).await, by_header, "{mode}");
    }
    house.stop().await;
}

async fn tenant_default_id_names_the_tenant_of_who_names_none() {
    let house = House::open(Backend::Sqlite).await;
    house.add_tenant("acme").await;
    let acme = house.public().with("x-tenant-id", "acme");
    let person = Person::register(&acme, "ada").await;
    let usual = Person::register(&house.public(), "bob").await;
    assert!(!knows(&house.public(), &person).await);
    let id = house.tenant_id("acme");
    let mut house = house;
    for name in [id.as_str(), "acme"] {
        house = house.restart(&[("TENANT_DEFAULT_ID", name)]).await;
        assert!(knows(&house.public(), &person).await, "{name}");
        assert!(!knows(&house.public(), &usual).await, "{name}");
        let default = house.public().with("x-tenant-id", "default");
        assert!(knows(&default, &usual).await, "{name}");
    }
    house.stop().await;
}

async fn tenant_cache_ttl_is_no_reason_to_serve_a_disabled_client() {
    for ttl in ["0s", "24h"] {
        let house = House::with(Backend::Sqlite, &[("TENANT_CACHE_TTL", ttl)]).await;
        let (id, secret) = house.add_client(&["read"]).await;
        house.client_token(&id, &secret).await.expect(200);
        house.client_token(&id, &secret).await.expect(200);
        let path = format!("/admin/clients/{id}");
        house.admin().delete(&path).await.expect(204);
        house.client_token(&id, &secret).await.expect(401);
        let person = Person::register(&house.public(), "ada").await;
        person_at(&house, &person).login().await;
        house.stop().await;
    }
}

async fn tenant_deletion_grace_is_how_long_a_tenant_can_be_had_back() {
    let grace = ("TENANT_DELETION_GRACE", "7d");
    let house = House::with(Backend::Sqlite, &[grace]).await;
    house.add_tenant("acme").await;
    let admin = house.admin();
    admin.delete("/admin/tenants/acme").await.expect(204);
    let shown = admin.get("/admin/tenants/acme").await.expect(200).json();
    assert_eq!(shown["erase_at"], "2027-01-22T08:00:00Z");
    house.clock.advance(Duration::from_hours(7 * 24));
    let late = admin.post("/admin/tenants/acme/restore", json!({})).await;
    late.expect_code(409, "CONFLICT");
    house.stop().await;
}
