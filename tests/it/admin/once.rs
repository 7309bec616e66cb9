//! `Idempotency-Key` at whatever makes something (`docs/decisions/0024`).

use std::time::Duration;

use actors::failpoint::Action;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::areas::{holder, holder_in};
use crate::cases;
use crate::client::Client;
use crate::house::House;

cases![
    a_repeated_creation_is_answered_the_same_and_made_once,
    a_key_under_which_something_else_is_asked_is_422,
    of_many_who_ask_at_once_one_makes_it,
    an_answer_that_was_lost_is_told_without_its_secret,
    a_refusal_uses_no_key_up,
    a_key_is_one_callers_in_one_tenant,
    whoever_may_no_more_is_answered_nothing_again,
    a_key_that_is_none_is_refused_and_a_day_later_it_is_new,
];

/// The door, with a key on every request.
fn under(door: &Client, key: &str) -> Client {
    door.with("idempotency-key", key)
}

fn client(name: &str) -> Value {
    json!({ "name": name, "client_type": "service", "scopes": ["read"] })
}

async fn count(house: &House, list: &str) -> u64 {
    let page = house.admin().get(&format!("/admin/{list}")).await;
    page.expect(200).json()["total"].as_u64().expect("a total")
}

async fn a_repeated_creation_is_answered_the_same_and_made_once(house: House) {
    let door = under(&house.admin(), "order-1");
    let before = count(&house, "clients").await;
    let first = door.post("/admin/clients", client("A")).await.expect(201);
    assert!(first.headers.get("idempotency-replayed").is_none());
    // Another order of the fields, another node's clock: the same.
    let body = br#"{"scopes":["read"],  "client_type":"service","name":"A"}"#;
    let media = "application/json";
    let again = door.raw(
        reqwest::Method::POST,
        "/admin/clients",
        media,
        body.to_vec(),
    );
    let again = again.await.expect(201);
    assert_eq!(
        again.json(),
        first.json(),
        "the secret too, which is shown once"
    );
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(count(&house, "clients").await, before + 1);
    assert_eq!(house.audit_count("client.created").await, 1);
    let secret = first.field("client_secret");
    let id = first.field("client_id");
    house.client_token(&id, &secret).await.expect(200);
    assert!(!house.has_stored(&secret), "what is kept is sealed");
    // So it is wherever something is made.
    let role = json!({ "name": "clerk" });
    let policy = json!({ "subject": "clerk", "object": "files", "action": "read" });
    let user = json!({ "email": "ada@example.org", "name": "Ada" });
    let tenant = json!({ "name": "Acme", "slug": "acme" });
    for (path, body) in [
        ("/admin/rbac/roles", role),
        ("/admin/rbac/policies", policy),
        ("/admin/users", user),
        ("/admin/tenants", tenant),
    ] {
        let door = under(&house.admin(), path);
        let first = door.post(path, body.clone()).await.expect(201);
        let again = door.post(path, body.clone()).await.expect(201);
        assert_eq!(first.json(), again.json(), "{path}");
    }
}

async fn a_key_under_which_something_else_is_asked_is_422(house: House) {
    let door = under(&house.admin(), "order-1");
    door.post("/admin/clients", client("A")).await.expect(201);
    for (path, body) in [
        ("/admin/clients", client("B")),
        (
            "/admin/users",
            json!({ "email": "a@example.org", "name": "A" }),
        ),
    ] {
        let refused = door.post(path, body).await;
        refused.expect_code(422, "VALIDATION_ERROR");
    }
    assert_eq!(house.audit_count("client.created").await, 1);
    assert_eq!(house.audit_count("user.created").await, 0);
}

async fn of_many_who_ask_at_once_one_makes_it(house: House) {
    let door = under(&house.admin(), "order-1");
    let body = json!({ "email": "ada@example.org", "name": "Ada" });
    let asked = (0..20).map(|_| door.post("/admin/users", body.clone()));
    let answers = join_all(asked).await;
    let made: Vec<_> = answers.iter().filter(|a| a.status == 201).collect();
    assert!(!made.is_empty());
    assert!(made.iter().all(|answer| answer.text == made[0].text));
    let others = answers.iter().filter(|answer| answer.status != 201);
    for other in others {
        assert_eq!(other.status, 409, "{}", other.text);
        assert_eq!(other.header("retry-after"), "1");
    }
    assert_eq!(house.audit_count("user.created").await, 1);
    let again = door.post("/admin/users", body).await.expect(201);
    assert_eq!(again.text, made[0].text);
}

/// The answer is lost between the commit and its keeping, as by a crash there.
async fn an_answer_that_was_lost_is_told_without_its_secret(house: House) {
    let door = under(&house.admin(), "order-1");
    let flows = house.running().flows();
    flows.vault.failpoint().arm(Action::Fail, 1);
    let first = door.post("/admin/clients", client("A")).await.expect(201);
    // As long as the first may be answering still, it is waited for.
    let again = door.post("/admin/clients", client("A")).await;
    assert_eq!(again.expect(409).header("retry-after"), "1");
    house.clock.advance(Duration::from_mins(2));
    let again = door.post("/admin/clients", client("A")).await;
    let again = again.expect_code(409, "CONFLICT");
    assert!(
        again.text.contains(&first.field("client_id")),
        "{}",
        again.text
    );
    assert!(!again.text.contains(&first.field("client_secret")));
    assert_eq!(house.audit_count("client.created").await, 1);
}

async fn a_refusal_uses_no_key_up(house: House) {
    let door = under(&house.admin(), "order-1");
    let taken = json!({ "email": "ada@example.org", "name": "Ada" });
    let plain = house.admin().post("/admin/users", taken.clone()).await;
    let path = format!("/admin/users/{}", plain.expect(201).field("id"));
    let refused = door.post("/admin/users", taken.clone()).await;
    refused.expect_code(409, "CONFLICT");
    let wrong = door.post("/admin/users", json!({ "name": "Ada" })).await;
    wrong.expect_code(422, "VALIDATION_ERROR");
    house.admin().delete(&path).await.expect(204);
    door.post("/admin/users", taken).await.expect(201);
}

async fn a_key_is_one_callers_in_one_tenant(house: House) {
    house.add_tenant("other").await;
    let first = under(&house.admin(), "order-1");
    let first = first.post("/admin/clients", client("A")).await.expect(201);
    let doors = [
        holder(&house, "admin:*").await,
        holder_in(&house, "other", "admin:*").await,
    ];
    for door in doors {
        let made = under(&door, "order-1");
        let made = made.post("/admin/clients", client("A")).await.expect(201);
        assert_ne!(made.field("client_id"), first.field("client_id"));
        assert_ne!(made.field("client_secret"), first.field("client_secret"));
    }
}

async fn whoever_may_no_more_is_answered_nothing_again(house: House) {
    let reader = holder(&house, "admin:clients:read").await;
    let refused = under(&reader, "order-1")
        .post("/admin/clients", client("A"))
        .await;
    refused.expect_code(403, "FORBIDDEN");
    let stranger = under(&house.stranger(), "order-1");
    let refused = stranger.post("/admin/clients", client("A")).await;
    refused.expect_code(401, "UNAUTHORIZED");
    assert_eq!(house.count_rows("idempotency").await, 0);
}

async fn a_key_that_is_none_is_refused_and_a_day_later_it_is_new(house: House) {
    let long = "k".repeat(256);
    for key in ["", long.as_str()] {
        let refused = under(&house.admin(), key)
            .post("/admin/clients", client("A"))
            .await;
        refused.expect_code(400, "BAD_REQUEST");
    }
    let door = under(&house.admin(), "order-1");
    let first = door.post("/admin/clients", client("A")).await.expect(201);
    house.clock.advance(Duration::from_hours(24));
    let later = door.post("/admin/clients", client("A")).await.expect(201);
    assert_ne!(first.field("client_id"), later.field("client_id"));
}
