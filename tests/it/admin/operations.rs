//! /admin/actors, /admin/keys, /metrics on the admin door.

use serde_json::json;

use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    the_live_tree_shows_every_owner,
    a_rotated_key_signs_and_older_tokens_still_verify,
    a_revoked_key_leaves_at_once_and_another_signs,
    metrics_count_by_route_template_and_hold_no_address,
];

async fn the_live_tree_shows_every_owner(house: House) {
    let tree = house.admin().get("/admin/actors").await.expect(200).text;
    for name in [
        "memory", "owners", "doors", "outflow", "keys", "tenants", "limits", "sessions",
        "attempts", "audit", "mail", "janitor", "public", "admin",
    ] {
        assert!(
            tree.contains(&format!("\"{name}")),
            "{name} is missing: {tree}"
        );
    }
}

async fn a_rotated_key_signs_and_older_tokens_still_verify(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let before = person.login().await;
    house
        .admin()
        .post("/admin/keys/rotate", json!({}))
        .await
        .expect_code(409, "CONFLICT");
    house.clock.advance(std::time::Duration::from_secs(601));
    let published = house
        .public()
        .get("/.well-known/jwks.json")
        .await
        .expect(200)
        .text;
    house
        .admin()
        .post("/admin/keys/rotate", json!({}))
        .await
        .expect(200);
    let after = person.login().await;
    person.me(&before.access).await.expect(200);
    person.me(&after.access).await.expect(200);
    let kid = |token: &str| {
        let header = token
            .trim_start_matches("qf_at_")
            .split('.')
            .next()
            .unwrap_or("");
        let bytes = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, header);
        let header: serde_json::Value =
            serde_json::from_slice(&bytes.expect("base64url")).expect("JSON");
        header["kid"].as_str().expect("kid").to_owned()
    };
    assert_ne!(kid(&before.access), kid(&after.access));
    assert!(
        published.contains(&kid(&after.access)),
        "a key is published before it signs"
    );
    let keys = house.admin().get("/admin/keys").await.expect(200).json();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(3), "{keys}");
    assert!(!keys.to_string().contains("\"d\""));
}

async fn a_revoked_key_leaves_at_once_and_another_signs(house: House) {
    let admin = house.admin();
    let person = Person::register(&house.public(), "ada").await;
    let kids = async || {
        let keys = house.admin().get("/admin/keys").await.expect(200).json();
        let keys = keys["keys"].as_array().expect("keys").clone();
        let kid = |key: &serde_json::Value| key["kid"].as_str().expect("a kid").to_owned();
        keys.iter().map(kid).collect::<Vec<String>>()
    };
    let before = person.login().await;
    person.me(&before.access).await.expect(200);
    let old = kids().await;
    let path = format!("/admin/keys/{}/revoke", old[0]);
    let revoked = admin.post(&path, json!({})).await.expect(200);
    assert_eq!(revoked.field("revoked"), old[0]);
    assert_eq!(
        revoked.field("active"),
        old[1],
        "the next one signs at once"
    );
    person.me(&before.access).await.expect(401);
    let set = house.public().get("/.well-known/jwks.json").await;
    let set = set.expect(200).text;
    assert!(!set.contains(&old[0]) && set.contains(&old[1]), "{set}");
    // Whoever is signed in goes on: a refresh token is none of the key's.
    let after = person.refresh(&before.refresh).await.expect(200);
    person.me(&after.field("access_token")).await.expect(200);

    let new = kids().await;
    assert_eq!((new.len(), &new[0]), (2, &old[1]));
    let next = format!("/admin/keys/{}/revoke", new[1]);
    admin.post(&next, json!({})).await.expect(200);
    person.me(&after.field("access_token")).await.expect(200);
    assert_eq!(kids().await.len(), 2, "another is next");
    admin.post(&path, json!({})).await.expect(404);
    assert_eq!(house.audit_count("key.revoked").await, 2);
}

async fn metrics_count_by_route_template_and_hold_no_address(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    person.login().await;
    house.public().get("/no/such/path/9f8e").await.expect(404);
    let metrics = house.stranger().get("/metrics").await.expect(200).text;
    assert!(metrics.contains("route=\"/auth/login\""), "{metrics}");
    assert!(!metrics.contains("9f8e") && !metrics.contains("example.org"));
    house.public().get("/metrics").await.expect(404);
    let alias = house
        .admin()
        .get("/admin/metrics/prometheus")
        .await
        .expect(200)
        .text;
    assert!(alias.contains("http_requests_total"));
}
