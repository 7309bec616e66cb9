//! What one node does to a key, of either kind, holds on the other within a second.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;
use crate::patience::{PATIENCE, best_of_three};

use super::A_SECOND;

cases![
    an_api_key_revoked_on_one_node_opens_nothing_on_the_other,
    a_signing_key_revoked_on_one_node_verifies_nothing_on_the_other,
    a_tenants_keys_are_the_same_on_every_node_from_the_first_on,
];

/// Asks until the credential is refused; says how long that took.
async fn until_refused(door: &Client, path: &str) -> Duration {
    let begun = Instant::now();
    while door.get(path).await.status.as_u16() != 401 {
        assert!(begun.elapsed() < PATIENCE, "still accepted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

async fn an_api_key_revoked_on_one_node_opens_nothing_on_the_other(house: House) {
    let other = house.second_node().await;
    best_of_three(A_SECOND, async |_| {
        let body = json!({ "name": "k", "scopes": ["admin:users"] });
        let made = house.admin().post("/admin/apikeys", body).await.expect(201);
        let door = other.stranger().with("x-api-key", made.field("key"));
        door.get("/admin/users").await.expect(200);
        let path = format!("/admin/apikeys/{}", made.field("id"));
        house.admin().delete(&path).await.expect(204);
        until_refused(&door, "/admin/users").await
    })
    .await;
    best_of_three(A_SECOND, async |_| {
        let body = json!({ "name": "k", "scopes": ["admin:users"] });
        let made = house.admin().post("/admin/apikeys", body).await.expect(201);
        let door = other.stranger().with("x-api-key", made.field("key"));
        door.get("/admin/users").await.expect(200);
        let rotate = format!("/admin/apikeys/{}/rotate", made.field("id"));
        for _ in 0..2 {
            let rotated = house.admin().post(&rotate, json!({})).await.expect(200);
            let next = other.stranger().with("x-api-key", rotated.field("key"));
            next.get("/admin/users").await.expect(200);
        }
        until_refused(&door, "/admin/users").await
    })
    .await;
    other.stop().await;
}

async fn a_signing_key_revoked_on_one_node_verifies_nothing_on_the_other(house: House) {
    let other = house.second_node().await;
    let person = Person::register(&house.public(), "ada").await;
    best_of_three(A_SECOND, async |_| {
        let tokens = person.login().await;
        let there = other.public().bearer(&tokens.access);
        there.get("/auth/me").await.expect(200);
        let keys = house.admin().get("/admin/keys").await.expect(200).json();
        let kid = keys["keys"][0]["kid"].as_str().expect("a kid").to_owned();
        let path = format!("/admin/keys/{kid}/revoke");
        house.admin().post(&path, json!({})).await.expect(200);
        let took = until_refused(&there, "/auth/me").await;
        let published = other.public().get("/.well-known/jwks.json").await;
        assert!(!published.expect(200).text.contains(&kid));
        took
    })
    .await;
    other.stop().await;
}

async fn a_tenants_keys_are_the_same_on_every_node_from_the_first_on(house: House) {
    let other = house.second_node().await;
    let path = "/.well-known/jwks.json";
    best_of_three(A_SECOND, async |round| {
        let slug = format!("acme-{round}");
        house.add_tenant(&slug).await;
        let at = |house: &House| house.public().with("x-tenant-id", slug.as_str());
        let (here, there) = (at(&house), at(&other));
        let admin = house.admin().with("x-tenant-id", slug.as_str());
        until_known(&there).await;
        // Both need the first ring at once.
        let first = tokio::join!(here.get(path), there.get(path));
        let first = (first.0.expect(200).text, first.1.expect(200).text);
        assert_eq!(first.0, first.1);
        let person = Person::register(&here, "ada").await;
        let tokens = person.login().await;
        let me = there.bearer(&tokens.access);
        me.get("/auth/me").await.expect(200);

        house.clock.advance(Duration::from_secs(601));
        let fresh = person.login().await;
        let me = there.bearer(&fresh.access);
        me.get("/auth/me").await.expect(200);
        let rotated = admin.post("/admin/keys/rotate", json!({})).await;
        rotated.expect(200);
        let kid = admin.get("/admin/keys").await.expect(200).json();
        let retired = kid["keys"][2]["kid"].as_str().expect("a kid").to_owned();
        let revoke = format!("/admin/keys/{retired}/revoke");
        admin.post(&revoke, json!({})).await.expect(200);
        let took = until_refused(&me, "/auth/me").await;
        let set = |answer: crate::client::Answer| answer.expect(200).text;
        assert_eq!(set(here.get(path).await), set(there.get(path).await));
        took
    })
    .await;
    other.stop().await;
}

/// Waits until a node has heard of a tenant.
async fn until_known(door: &Client) {
    let begun = Instant::now();
    let path = "/.well-known/openid-configuration";
    while door.get(path).await.status.as_u16() != 200 {
        assert!(begun.elapsed() < PATIENCE, "still unknown");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
