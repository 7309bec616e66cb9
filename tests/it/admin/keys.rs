//! /admin/keys of a tenant: its operators see and move its own keys, and nobody else's.

use std::time::Duration;

use serde_json::{Value, json};

use super::areas::holder_in;
use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;

cases![
    operators_of_a_tenant_move_its_keys_and_no_others,
    a_tenant_that_was_closed_comes_back_with_its_keys,
];

/// The keys that a door shows, each as its name and how far it has come.
async fn keys(door: &Client) -> Vec<(String, String)> {
    let listed = door.get("/admin/keys").await.expect(200).json();
    let text = |key: &Value, name: &str| key[name].as_str().expect("text").to_owned();
    let listed = listed["keys"].as_array().expect("keys").clone();
    let pair = |key: &Value| (text(key, "kid"), text(key, "state"));
    listed.iter().map(pair).collect()
}

async fn operators_of_a_tenant_move_its_keys_and_no_others(house: House) {
    house.add_tenant("acme").await;
    house.add_tenant("globex").await;
    let acme = holder_in(&house, "acme", "admin:keys").await;
    let keeper = house.admin().with("x-tenant-id", "acme");
    let public = house.public().with("x-tenant-id", "acme");
    let (before, default) = (keys(&acme).await, keys(&house.admin()).await);
    assert_eq!(keys(&keeper).await, before);
    assert_eq!(before.len(), 2);
    assert!(before.iter().all(|key| !default.contains(key)));

    let rotate = "/admin/keys/rotate";
    acme.post(rotate, json!({}))
        .await
        .expect_code(409, "CONFLICT");
    house.clock.advance(Duration::from_secs(601));
    let person = Person::register(&public, "ada").await;
    let tokens = person.login().await;
    let rotated = acme.post(rotate, json!({})).await.expect(200);
    assert_eq!(rotated.field("active"), before[1].0);
    let after = keys(&acme).await;
    assert_eq!(after.len(), 3);
    assert_eq!(keys(&house.admin()).await, default, "they did not move");
    person.me(&tokens.access).await.expect(200);

    let old = format!("/admin/keys/{}/revoke", before[0].0);
    let theirs = format!("/admin/keys/{}/revoke", default[0].0);
    let globex = holder_in(&house, "globex", "admin:keys").await;
    globex.post(&old, json!({})).await.expect(404);
    acme.post(&theirs, json!({})).await.expect(404);
    house.admin().post(&old, json!({})).await.expect(404);
    person.me(&tokens.access).await.expect(200);
    acme.post(&old, json!({})).await.expect(200);
    person.me(&tokens.access).await.expect(401);
    let set = public.get("/.well-known/jwks.json").await.expect(200).text;
    assert!(!set.contains(&before[0].0) && set.contains(&before[1].0));
    let reader = holder_in(&house, "acme", "admin:keys:read").await;
    reader.post(rotate, json!({})).await.expect(403);
}

async fn a_tenant_that_was_closed_comes_back_with_its_keys(house: House) {
    house.add_tenant("acme").await;
    let admin = house.admin();
    let door = admin.with("x-tenant-id", "acme");
    let public = house.public().with("x-tenant-id", "acme");
    let (person, before) = (Person::register(&public, "ada").await, keys(&door).await);
    let tokens = person.login().await;
    let reason = json!({ "reason": "unpaid" });
    let closed = admin.post("/admin/tenants/acme/suspend", reason).await;
    closed.expect(200);
    public.get("/.well-known/jwks.json").await.expect(403);
    let open = admin.post("/admin/tenants/acme/activate", json!({})).await;
    open.expect(200);
    assert_eq!(keys(&door).await, before);
    person.me(&tokens.access).await.expect(200);
}
