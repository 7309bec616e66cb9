//! /admin/apikeys: made, shown once, limited, rotated, revoked; by nobody for more than they may.

use std::time::Duration;

use serde_json::{Value, json};

use super::areas::holder;
use super::rbac::{allow, delegate};
use crate::backend::Backend;
use crate::cases;
use crate::client::{Answer, Client};
use crate::house::House;
use crate::scenes;

scenes![when_a_key_was_used_is_known_and_outlives_a_restart,];

cases![
    a_key_is_shown_once_and_opens_what_it_says,
    wrong_fields_are_named_and_nothing_is_made,
    a_rotated_key_works_for_a_day_and_no_two_before_it,
    an_expired_and_a_revoked_key_open_nothing,
    a_key_is_used_as_often_as_it_may_be_each_minute,
    a_key_dies_with_its_client_and_its_tenant,
    keys_are_listed_by_client_and_liveness_in_signed_pages,
    nobody_makes_or_touches_a_key_that_can_do_more_than_they,
    every_change_of_a_key_is_one_entry_by_who_did_it,
    a_key_stands_for_its_client_at_introspection_and_revocation_alone,
];

async fn make(door: &Client, body: Value) -> Answer {
    door.post("/admin/apikeys", body).await
}

fn for_users() -> Value {
    json!({ "name": "Helpdesk", "scopes": ["admin:users:read"] })
}

/// The admin door, as the holder of a key sees it.
fn with_key(house: &House, key: &str) -> Client {
    house.stranger().with("x-api-key", key)
}

async fn a_key_is_shown_once_and_opens_what_it_says(house: House) {
    let made = make(&house.admin(), for_users()).await.expect(201);
    let (id, key) = (made.field("id"), made.field("key"));
    assert!(key.starts_with(&made.field("begins_with")) && key.len() > 40);
    assert_eq!(made.json()["live"], true);
    let path = format!("/admin/apikeys/{id}");
    let shown = house.admin().get(&path).await.expect(200);
    let listed = house.admin().get("/admin/apikeys").await.expect(200);
    assert!(!shown.text.contains(&key) && !listed.text.contains(&key));
    for door in [with_key(&house, &key), house.stranger().bearer(&key)] {
        door.get("/admin/users").await.expect(200);
        door.get("/admin/clients").await.expect(403);
        door.post("/admin/users", json!({})).await.expect(403);
    }
    with_key(&house, &format!("{key}x"))
        .get("/admin/users")
        .await
        .expect(401);

    let body = json!({ "name": "Desk", "rate_limit": 9, "version": 1 });
    let changed = house.admin().patch(&path, body.clone()).await.expect(200);
    assert_eq!(changed.json()["rate_limit"], 9);
    assert_eq!(changed.json()["version"], 2);
    house.admin().patch(&path, body).await.expect(412);
    let scopes = json!({ "scopes": ["admin:clients:read"] });
    house.admin().patch(&path, scopes).await.expect(200);
    with_key(&house, &key).get("/admin/users").await.expect(403);
    with_key(&house, &key)
        .get("/admin/clients")
        .await
        .expect(200);
}

async fn wrong_fields_are_named_and_nothing_is_made(house: House) {
    for (body, field) in [
        (json!({ "name": "a" }), "scopes"),
        (json!({ "scopes": ["a"] }), "name"),
        (
            json!({ "name": "a", "scopes": ["a"], "rate_limit": 0 }),
            "rate_limit",
        ),
        (
            json!({ "name": "a", "scopes": ["a"], "expires_at": "2020-01-01T00:00:00Z" }),
            "expires_at",
        ),
        (
            json!({ "name": "a", "scopes": ["a"], "client_id": "client_none" }),
            "client_id",
        ),
        (
            json!({ "name": "a", "scopes": ["a"], "scope": "b" }),
            "scope",
        ),
    ] {
        let refused = make(&house.admin(), body).await.expect(422).json();
        assert_eq!(refused["details"][0]["field"], field, "{refused}");
    }
    assert_eq!(
        house.audit_count("api_key.created").await,
        1,
        "the first key"
    );
    let none = "/admin/apikeys/018f2b6e-0000-7000-8000-000000000000";
    house.admin().get(none).await.expect(404);
    house.admin().delete(none).await.expect(404);
    house.admin().patch(none, json!({})).await.expect(404);
}

async fn a_rotated_key_works_for_a_day_and_no_two_before_it(house: House) {
    let made = make(&house.admin(), for_users()).await.expect(201);
    let (id, first) = (made.field("id"), made.field("key"));
    let path = format!("/admin/apikeys/{id}/rotate");
    let rotate = async || {
        let rotated = house.admin().post(&path, json!({})).await.expect(200);
        assert_eq!(rotated.field("id"), id);
        rotated.field("key")
    };
    let asks = async |key: &str| {
        let answer = with_key(&house, key).get("/admin/users").await;
        answer.status.as_u16()
    };
    assert_eq!(asks(&first).await, 200);
    let second = rotate().await;
    assert_eq!((asks(&first).await, asks(&second).await), (200, 200));
    let third = rotate().await;
    assert_eq!(asks(&first).await, 401, "two are live");
    assert_eq!((asks(&second).await, asks(&third).await), (200, 200));
    house
        .clock
        .advance(Duration::from_hours(24) - Duration::from_secs(1));
    assert_eq!(asks(&second).await, 200);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!((asks(&second).await, asks(&third).await), (401, 200));
    let fourth = rotate().await;
    let own = format!("/admin/apikeys/{id}");
    house.admin().delete(&own).await.expect(204);
    assert_eq!((asks(&third).await, asks(&fourth).await), (401, 401));
    house.admin().post(&path, json!({})).await.expect(404);
}

async fn an_expired_and_a_revoked_key_open_nothing(house: House) {
    let mut body = for_users();
    body["expires_at"] = json!("2027-01-15T08:10:00Z");
    let made = make(&house.admin(), body).await.expect(201);
    let door = with_key(&house, &made.field("key"));
    door.get("/admin/users").await.expect(200);
    house.clock.advance(Duration::from_mins(10));
    door.get("/admin/users").await.expect(401);
    let path = format!("/admin/apikeys/{}", made.field("id"));
    let longer = json!({ "expires_at": null });
    house.admin().patch(&path, longer).await.expect(404);

    let made = make(&house.admin(), for_users()).await.expect(201);
    let door = with_key(&house, &made.field("key"));
    door.get("/admin/users").await.expect(200);
    let path = format!("/admin/apikeys/{}", made.field("id"));
    house.admin().delete(&path).await.expect(204);
    door.get("/admin/users").await.expect(401);
    house.admin().delete(&path).await.expect(404);
    let shown = house.admin().get(&path).await.expect(200).json();
    assert_eq!(shown["live"], false);
    assert!(shown["revoked_at"].is_string());
}

async fn a_key_is_used_as_often_as_it_may_be_each_minute(house: House) {
    let mut body = for_users();
    body["rate_limit"] = json!(3);
    let made = make(&house.admin(), body).await.expect(201);
    let door = with_key(&house, &made.field("key"));
    for _ in 0..3 {
        door.get("/admin/users").await.expect(200);
    }
    let refused = door.get("/admin/users").await;
    let refused = refused.expect_code(429, "RATE_LIMIT_EXCEEDED");
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    house.admin().get("/admin/users").await.expect(200);
    // Redis counts by its own clock, which is not in our hand.
    if !house.settings.contains_key("REDIS_HOST") {
        house.clock.advance(Duration::from_mins(1));
        door.get("/admin/users").await.expect(200);
    }
}

async fn a_key_dies_with_its_client_and_its_tenant(house: House) {
    let (client, _) = house.add_client(&["reports"]).await;
    let mut body = for_users();
    body["client_id"] = json!(client);
    let made = make(&house.admin(), body).await.expect(201);
    let door = with_key(&house, &made.field("key"));
    door.get("/admin/users").await.expect(200);
    let path = format!("/admin/clients/{client}");
    let disabled = |flag: bool| json!({ "disabled": flag });
    house.admin().patch(&path, disabled(true)).await.expect(200);
    door.get("/admin/users").await.expect(401);
    house
        .admin()
        .patch(&path, disabled(false))
        .await
        .expect(200);
    door.get("/admin/users").await.expect(200);
    house.admin().delete(&path).await.expect(204);
    door.get("/admin/users").await.expect(401);

    house.add_tenant("acme").await;
    let theirs = super::areas::holder_in(&house, "acme", "admin:users").await;
    theirs.get("/admin/users").await.expect(200);
    theirs
        .with("x-tenant-id", "default")
        .get("/admin/users")
        .await
        .expect(401);
    let path = format!("/admin/apikeys/{}", made.field("id"));
    let all = super::areas::holder_in(&house, "acme", "admin:*").await;
    all.get(&path).await.expect(404);
    all.delete(&path).await.expect(404);
    house.suspend_tenant("acme").await;
    theirs.get("/admin/users").await.expect(403);
}

async fn keys_are_listed_by_client_and_liveness_in_signed_pages(house: House) {
    let (client, _) = house.add_client(&["reports"]).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        house.clock.advance(Duration::from_secs(1));
        let mut body = for_users();
        if number > 0 {
            body["client_id"] = json!(client);
        }
        ids.insert(0, make(&house.admin(), body).await.expect(201).field("id"));
    }
    let path = format!("/admin/apikeys/{}", ids[0]);
    house.admin().delete(&path).await.expect(204);
    let list = async |query: String| {
        let path = format!("/admin/apikeys?{query}");
        house.admin().get(&path).await.expect(200).json()
    };
    let named = |page: &Value| -> Vec<String> {
        let keys = page["apikeys"].as_array().expect("keys");
        let id = |key: &Value| key["id"].as_str().expect("an id").to_owned();
        keys.iter().map(id).collect()
    };
    assert_eq!(named(&list(format!("client_id={client}")).await), ids[..2]);
    let live = list(format!("client_id={client}&live=true")).await;
    assert_eq!(
        (named(&live), &live["total"]),
        (ids[1..2].to_vec(), &json!(1))
    );
    let dead = list("live=false".to_owned()).await;
    assert_eq!(named(&dead), ids[..1]);
    let first = list("per_page=2".to_owned()).await;
    assert_eq!(
        (named(&first), &first["total"]),
        (ids[..2].to_vec(), &json!(4))
    );
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = list(format!("per_page=2&cursor={cursor}")).await;
    assert_eq!(named(&second)[0], ids[2]);
    assert!(second["next_cursor"].is_null());
    let forged = "/admin/apikeys?cursor=AAAAAAAAAAAAAAAAAAAAAA";
    house.admin().get(forged).await.expect(400);
    house
        .admin()
        .get("/admin/apikeys?live=yes")
        .await
        .expect(422);
}

async fn nobody_makes_or_touches_a_key_that_can_do_more_than_they(house: House) {
    let strong = make(&house.admin(), for_users()).await.expect(201);
    let path = format!("/admin/apikeys/{}", strong.field("id"));
    allow(&house, "keeper", "admin:apikeys", "*").await;
    let (_, person) = delegate(&house, "ada", "keeper").await;
    let by_key = holder(&house, "admin:apikeys").await;
    for door in [&person, &by_key] {
        for scope in [
            "admin:*",
            "admin:users:read",
            "users:read",
            "tokens:introspect",
        ] {
            let body = json!({ "name": "more", "scopes": ["admin:apikeys", scope] });
            make(door, body).await.expect_code(403, "FORBIDDEN");
        }
        let body = json!({ "name": "less", "scopes": ["admin:apikeys:read"] });
        let weak = make(door, body).await.expect(201);
        let own = format!("/admin/apikeys/{}", weak.field("id"));
        let more = json!({ "scopes": ["admin:*"] });
        door.patch(&own, more).await.expect_code(403, "FORBIDDEN");
        door.post(&format!("{own}/rotate"), json!({}))
            .await
            .expect(200);
        door.delete(&own).await.expect(204);

        door.get(&path).await.expect(200);
        door.patch(&path, json!({ "name": "x" })).await.expect(403);
        door.post(&format!("{path}/rotate"), json!({}))
            .await
            .expect(403);
        door.delete(&path).await.expect(403);
    }
    let reader = holder(&house, "admin:apikeys:read").await;
    make(&reader, for_users()).await.expect(403);
    with_key(&house, &strong.field("key"))
        .get("/admin/users")
        .await
        .expect(200);
}

async fn every_change_of_a_key_is_one_entry_by_who_did_it(house: House) {
    let made = make(&house.admin(), for_users()).await.expect(201);
    let (id, key) = (made.field("id"), made.field("key"));
    let path = format!("/admin/apikeys/{id}");
    let renamed = json!({ "name": "y" });
    house.admin().patch(&path, renamed).await.expect(200);
    let rotate = format!("{path}/rotate");
    let rotated = house.admin().post(&rotate, json!({})).await.expect(200);
    house.admin().delete(&path).await.expect(204);
    for event in [
        "api_key.created",
        "api_key.updated",
        "api_key.rotated",
        "api_key.revoked",
    ] {
        let rows = house.audit_rows(event).await;
        let about: Vec<_> = rows
            .iter()
            .filter(|row| row.fields["subject"] == id.as_str())
            .collect();
        assert_eq!(about.len(), 1, "{event}");
        assert_eq!(about[0].fields["actor_type"], "api_key", "{event}");
        let text = about[0].fields.to_string();
        assert!(!text.contains(&key) && !text.contains(&rotated.field("key")));
    }
}

async fn when_a_key_was_used_is_known_and_outlives_a_restart() {
    let house = House::open(Backend::Sqlite).await;
    let made = make(&house.admin(), for_users()).await.expect(201);
    assert!(made.json()["last_used_at"].is_null());
    let path = format!("/admin/apikeys/{}", made.field("id"));
    house.clock.advance(Duration::from_secs(5));
    let door = with_key(&house, &made.field("key"));
    door.get("/admin/users").await.expect(200);
    let used = "2027-01-15T08:00:05Z";
    let shown = house.admin().get(&path).await.expect(200);
    assert_eq!(shown.field("last_used_at"), used);
    let house = house.restart(&[]).await;
    let shown = house.admin().get(&path).await.expect(200);
    assert_eq!(shown.field("last_used_at"), used);
    house.stop().await;
}

async fn a_key_stands_for_its_client_at_introspection_and_revocation_alone(house: House) {
    let (client, secret) = house.add_client(&["reports"]).await;
    let token = house.client_token(&client, &secret).await.expect(200);
    let token = token.field("access_token");
    let key_for = async |scope: &str| {
        let body = json!({ "client_id": client, "name": "r", "scopes": [scope] });
        make(&house.admin(), body).await.expect(201).field("key")
    };
    let asks = house.public().bearer(&key_for("tokens:introspect").await);
    let ends = house
        .public()
        .with("x-api-key", key_for("tokens:revoke").await);
    let shown = [("token", token.as_str())];
    let told = asks.form("/oauth/introspect", &shown).await.expect(200);
    assert_eq!(told.json()["active"], true);
    ends.form("/oauth/introspect", &shown)
        .await
        .expect_oauth(403, "insufficient_scope");
    asks.form("/oauth/revoke", &shown)
        .await
        .expect_oauth(403, "insufficient_scope");
    let other = [("token", token.as_str()), ("client_id", "client_other")];
    ends.form("/oauth/revoke", &other)
        .await
        .expect_oauth(401, "invalid_client");
    ends.form("/oauth/token", &[("grant_type", "client_credentials")])
        .await
        .expect_oauth(401, "invalid_client");
    let body = json!({ "name": "o", "scopes": ["tokens:revoke"] });
    let own = make(&house.admin(), body).await.expect(201).field("key");
    house
        .public()
        .bearer(&own)
        .form("/oauth/revoke", &shown)
        .await
        .expect_oauth(401, "invalid_client");
    ends.form("/oauth/revoke", &shown).await.expect(200);
    let told = asks.form("/oauth/introspect", &shown).await.expect(200);
    assert_eq!(told.json(), json!({ "active": false }));
}
