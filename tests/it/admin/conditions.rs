//! `ETag` and `If-Match` (RFC 9110 §8.8.3, §13.1): no operator undoes what another did unseen.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::cases;
use crate::client::Client;
use crate::house::House;

cases![
    a_tag_names_the_version_and_a_change_needs_it,
    of_many_who_change_the_same_version_one_does,
    a_deletion_heeds_the_version_too,
    a_role_that_was_made_again_is_another,
    who_has_what_stands_is_told_so,
];

/// One of each kind: where it is, and what changes it.
async fn things(house: &House) -> Vec<(String, Value, Value)> {
    let admin = house.admin();
    let user = json!({ "email": "ada@example.org", "name": "Ada" });
    let user = admin.post("/admin/users", user).await.expect(201);
    let client = json!({ "name": "A", "client_type": "service" });
    let client = admin.post("/admin/clients", client).await.expect(201);
    let role = json!({ "name": "clerk" });
    admin.post("/admin/rbac/roles", role).await.expect(201);
    let tenant = json!({ "name": "Acme", "slug": "acme" });
    admin.post("/admin/tenants", tenant).await.expect(201);
    let rename = |name: &str| json!({ "name": name });
    let describe = |text: &str| json!({ "description": text });
    vec![
        (
            format!("/admin/users/{}", user.field("id")),
            rename("one"),
            rename("two"),
        ),
        (
            format!("/admin/clients/{}", client.field("client_id")),
            rename("one"),
            rename("two"),
        ),
        (
            "/admin/rbac/roles/clerk".to_owned(),
            describe("one"),
            describe("two"),
        ),
        (
            "/admin/tenants/acme".to_owned(),
            rename("one"),
            rename("two"),
        ),
    ]
}

/// The door, with a condition on every request.
fn matching(door: &Client, tag: &str) -> Client {
    door.with("if-match", tag)
}

async fn a_tag_names_the_version_and_a_change_needs_it(house: House) {
    let admin = house.admin();
    for (path, one, two) in things(&house).await {
        let seen = admin.get(&path).await.expect(200).header("etag").to_owned();
        assert!(seen.starts_with('"') && seen.ends_with('"'), "a strong tag");
        let changed = matching(&admin, &seen).patch(&path, one.clone()).await;
        let next = changed.expect(200).header("etag").to_owned();
        assert_ne!(seen, next);
        assert_eq!(admin.get(&path).await.header("etag"), next);
        // RFC 9110 §13.1.1: "the origin server MUST NOT perform the requested method"
        for stale in [seen.as_str(), &format!("W/{next}"), "\"nonsense\"", "1"] {
            for body in [two.clone(), json!({})] {
                let refused = matching(&admin, stale).patch(&path, body).await;
                refused.expect_code(412, "PRECONDITION_FAILED");
            }
            let refused = matching(&admin, stale).delete(&path).await;
            refused.expect_code(412, "PRECONDITION_FAILED");
        }
        assert_eq!(admin.get(&path).await.header("etag"), next, "untouched");
        let several = matching(&admin, &format!("{seen}, {next}"));
        let several = several.patch(&path, two.clone()).await;
        several.expect_code(400, "BAD_REQUEST");
        matching(&admin, "*")
            .patch(&path, two.clone())
            .await
            .expect(200);
        // Without a condition everything is as ever.
        admin.patch(&path, one).await.expect(200);
    }
}

async fn of_many_who_change_the_same_version_one_does(house: House) {
    let admin = house.admin();
    for (path, one, _) in things(&house).await {
        let seen = admin.get(&path).await.expect(200).header("etag").to_owned();
        let door = matching(&admin, &seen);
        let changes = (0..12).map(|_| door.patch(&path, one.clone()));
        let answers = join_all(changes).await;
        let count = |status| answers.iter().filter(|a| a.status == status).count();
        assert_eq!((count(200), count(412)), (1, 11), "{path}");
    }
}

async fn a_deletion_heeds_the_version_too(house: House) {
    let admin = house.admin();
    for (path, one, _) in things(&house).await {
        let seen = admin.get(&path).await.expect(200).header("etag").to_owned();
        let next = admin.patch(&path, one).await.expect(200);
        let stale = matching(&admin, &seen).delete(&path).await;
        stale.expect_code(412, "PRECONDITION_FAILED");
        let gone = matching(&admin, next.header("etag")).delete(&path).await;
        gone.expect(204);
        let gone = matching(&admin, next.header("etag")).delete(&path).await;
        // A deleted tenant is there until it is erased, and another version.
        let status = if path.contains("tenants") { 412 } else { 404 };
        gone.expect(status);
    }
}

async fn a_role_that_was_made_again_is_another(house: House) {
    let (admin, path) = (house.admin(), "/admin/rbac/roles/clerk");
    let role = json!({ "name": "clerk" });
    let first = admin.post("/admin/rbac/roles", role.clone()).await;
    let first = first.expect(201).header("etag").to_owned();
    admin.delete(path).await.expect(204);
    house.clock.advance(std::time::Duration::from_secs(1));
    admin.post("/admin/rbac/roles", role).await.expect(201);
    let door = matching(&admin, &first);
    door.delete(path).await.expect(412);
    let changed = door.patch(path, json!({ "description": "x" })).await;
    changed.expect(412);
}

async fn who_has_what_stands_is_told_so(house: House) {
    let admin = house.admin();
    for (path, one, _) in things(&house).await {
        let seen = admin.get(&path).await.expect(200).header("etag").to_owned();
        let door = admin.with("if-none-match", seen.as_str());
        let answer = door.get(&path).await.expect(304);
        assert_eq!((answer.text.as_str(), answer.header("etag")), ("", &*seen));
        admin.patch(&path, one).await.expect(200);
        door.get(&path).await.expect(200);
    }
}
