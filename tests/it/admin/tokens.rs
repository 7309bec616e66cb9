//! /admin/tokens: what a token of any client comes to, and its end.

use std::time::Duration;

use serde_json::{Value, json};

use super::areas::{holder, holder_in};
use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;

cases![
    an_operator_is_told_what_a_token_says_and_why_it_does_not_count,
    an_operator_is_told_that_a_client_or_an_account_was_closed,
    an_operator_revokes_a_token_of_any_client,
    another_tenants_token_shows_nothing_and_is_not_revoked,
    who_reads_tokens_revokes_none_and_an_area_ends_no_operators_session,
];

async fn judge(door: &Client, token: &str) -> Value {
    let body = json!({ "token": token });
    let answer = door.post("/admin/tokens/introspect", body).await;
    answer.expect(200).json()
}

async fn revoke(door: &Client, token: &str) -> Value {
    let body = json!({ "token": token });
    let answer = door.post("/admin/tokens/revoke", body).await;
    answer.expect(200).json()["revoked"].clone()
}

async fn an_operator_is_told_what_a_token_says_and_why_it_does_not_count(house: House) {
    let admin = house.admin();
    let person = Person::register(&house.public(), "ada").await;
    let id = house.user_id(&person).await;
    let tokens = person.login().await;
    let access = judge(&admin, &tokens.access).await;
    assert_eq!(access["active"], true, "{access}");
    assert_eq!(
        (&access["kind"], &access["token"]["sub"]),
        (&json!("access_token"), &json!(id))
    );
    let refresh = judge(&admin, &tokens.refresh).await;
    assert_eq!(
        (&refresh["active"], &refresh["kind"]),
        (&json!(true), &json!("refresh_token"))
    );
    let next = person.refresh_when_told(&tokens.refresh).await;
    assert_eq!(judge(&admin, &tokens.refresh).await["reason"], "spent");
    assert_eq!(judge(&admin, "qf_at_nonsense").await["reason"], "unknown");
    assert_eq!(judge(&admin, "qf_rt_nonsense").await["reason"], "unknown");
    house.clock.advance(Duration::from_hours(2));
    let late = judge(&admin, &tokens.access).await;
    assert_eq!(
        (&late["reason"], &late["token"]["sub"]),
        (&json!("expired"), &json!(id))
    );
    assert_eq!(judge(&admin, &next).await["active"], true);
    let empty = admin.post("/admin/tokens/introspect", json!({ "token": "" }));
    empty.await.expect_code(422, "VALIDATION_ERROR");
}

async fn an_operator_is_told_that_a_client_or_an_account_was_closed(house: House) {
    let admin = house.admin();
    let (id, secret) = house.add_client(&["reports"]).await;
    let token = house.client_token(&id, &secret).await.field("access_token");
    assert_eq!(judge(&admin, &token).await["active"], true);
    let path = format!("/admin/clients/{id}");
    admin
        .patch(&path, json!({ "disabled": true }))
        .await
        .expect(200);
    assert_eq!(judge(&admin, &token).await["reason"], "closed");
    let person = Person::register(&house.public(), "ada").await;
    let access = person.login().await.access;
    let lock = format!("/admin/users/{}/lock", house.user_id(&person).await);
    admin
        .post(&lock, json!({ "reason": "x" }))
        .await
        .expect(200);
    assert_eq!(judge(&admin, &access).await["reason"], "revoked");
}

async fn an_operator_revokes_a_token_of_any_client(house: House) {
    let admin = house.admin();
    let (id, secret) = house.add_client(&["reports"]).await;
    let token = house.client_token(&id, &secret).await.field("access_token");
    assert_eq!(revoke(&admin, &token).await, true);
    assert_eq!(judge(&admin, &token).await["reason"], "revoked");
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    assert_eq!(revoke(&admin, &tokens.refresh).await, true);
    person.me(&tokens.access).await.expect(401);
    person.refresh(&tokens.refresh).await.expect(401);
    assert_eq!(judge(&admin, &tokens.refresh).await["active"], false);
    assert_eq!(revoke(&admin, &tokens.refresh).await, false);
    assert_eq!(revoke(&admin, "nonsense").await, false);
    let rows = house.audit_rows("token.revoked").await;
    assert_eq!(rows.len(), 2);
    for row in rows {
        let text = row.fields.to_string();
        assert!(
            !text.contains(&token) && !text.contains(&tokens.refresh),
            "{text}"
        );
    }
}

async fn another_tenants_token_shows_nothing_and_is_not_revoked(house: House) {
    house.add_tenant("acme").await;
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let foreign = holder_in(&house, "acme", "admin:*").await;
    for token in [&tokens.access, &tokens.refresh] {
        let judged = judge(&foreign, token).await;
        let expected = json!({ "active": false, "reason": "unknown", "kind": null, "token": null });
        assert_eq!(judged, expected);
        assert_eq!(revoke(&foreign, token).await, false);
    }
    person.me(&tokens.access).await.expect(200);
}

async fn who_reads_tokens_revokes_none_and_an_area_ends_no_operators_session(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let reader = holder(&house, "admin:tokens:read").await;
    assert_eq!(judge(&reader, &tokens.access).await["active"], true);
    let body = json!({ "token": tokens.access });
    reader
        .post("/admin/tokens/revoke", body.clone())
        .await
        .expect_code(403, "FORBIDDEN");
    let users = holder(&house, "admin:users").await;
    users
        .post("/admin/tokens/introspect", body)
        .await
        .expect_code(403, "FORBIDDEN");
    let own = format!("/admin/users/{}", house.user_id(&person).await);
    let promoted = json!({ "roles": ["user", "admin"] });
    house.admin().patch(&own, promoted).await.expect(200);
    let tokens = person.login().await;
    let keeper = holder(&house, "admin:tokens").await;
    for token in [tokens.access, tokens.refresh] {
        let refused = keeper.post("/admin/tokens/revoke", json!({ "token": token }));
        refused.await.expect_code(403, "FORBIDDEN");
    }
}
