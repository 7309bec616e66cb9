//! The admin door as operators see it who may do a part, by a role or by a key.

use serde_json::json;

use super::areas::{holder, holder_in};
use super::rbac::{allow, delegate, give};
use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    a_delegate_who_reads_changes_nothing,
    a_delegate_of_one_area_makes_no_operator_and_touches_none,
    only_who_has_all_of_the_admin_door_changes_the_rules,
    rules_of_one_tenant_are_worth_nothing_in_another,
];

async fn a_delegate_who_reads_changes_nothing(house: House) {
    allow(&house, "auditor", "admin:users", "read").await;
    let (person, door) = delegate(&house, "ada", "auditor").await;
    let own = format!("/admin/users/{}", house.user_id(&person).await);
    door.get("/admin/users").await.expect(200);
    door.get(&own).await.expect(200);
    let renamed = json!({ "name": "Countess" });
    door.patch(&own, renamed.clone())
        .await
        .expect_code(403, "FORBIDDEN");
    door.delete(&own).await.expect(403);
    for path in [
        "/admin/clients",
        "/admin/keys",
        "/admin/actors",
        "/admin/rbac/roles",
    ] {
        door.get(path).await.expect_code(403, "FORBIDDEN");
    }
    let key = holder(&house, "admin:users:read").await;
    key.get(&own).await.expect(200);
    key.patch(&own, renamed).await.expect_code(403, "FORBIDDEN");
    // What was taken away is gone before it is answered.
    let role = "/admin/rbac/roles/auditor";
    house.admin().delete(role).await.expect(204);
    door.get("/admin/users").await.expect(403);
}

async fn a_delegate_of_one_area_makes_no_operator_and_touches_none(house: House) {
    allow(&house, "support", "admin:users", "*").await;
    allow(&house, "keeper", "admin:keys", "read").await;
    let (_, door) = delegate(&house, "ada", "support").await;
    let other = Person::register(&house.public(), "bob").await;
    let path = format!("/admin/users/{}", house.user_id(&other).await);
    door.patch(&path, json!({ "name": "Robert" }))
        .await
        .expect(200);
    for roles in [json!(["admin"]), json!(["keeper"]), json!(["support"])] {
        let promoted = json!({ "roles": roles });
        door.patch(&path, promoted)
            .await
            .expect_code(403, "FORBIDDEN");
    }
    let eve = json!({
        "email": "eve@example.org", "password": "a quiet garden in the rain", "name": "Eve",
        "roles": ["keeper"],
    });
    door.post("/admin/users", eve).await.expect(403);
    give(&house, &other, "keeper").await;
    // A new address and a reset, and what the other may see would be the delegate's to see.
    let moved = json!({ "email": "eve@example.org" });
    door.patch(&path, moved).await.expect(403);
    door.delete(&path).await.expect(403);
    door.delete(&format!("{path}/mfa")).await.expect(403);
    // Somebody who is allowed it alone, without a role, is no less an operator.
    let third = Person::register(&house.public(), "cy").await;
    let user = house.user_id(&third).await;
    let policy = json!({ "subject": format!("user:{user}"), "object": "*", "action": "read" });
    house
        .admin()
        .post("/admin/rbac/policies", policy)
        .await
        .expect(201);
    door.delete(&format!("/admin/users/{user}"))
        .await
        .expect(403);
}

async fn only_who_has_all_of_the_admin_door_changes_the_rules(house: House) {
    allow(&house, "support", "admin:users", "*").await;
    let (_, door) = delegate(&house, "ada", "support").await;
    let key = holder(&house, "admin:rbac").await;
    let policy = json!({ "subject": "support", "object": "*", "action": "*" });
    door.post("/admin/rbac/policies", policy.clone())
        .await
        .expect(403);
    key.get("/admin/rbac/roles").await.expect(200);
    key.post("/admin/rbac/policies", policy)
        .await
        .expect_code(403, "FORBIDDEN");
    key.post(
        "/admin/rbac/roles",
        json!({ "name": "x", "inherits": ["admin"] }),
    )
    .await
    .expect(403);
    key.patch(
        "/admin/rbac/roles/support",
        json!({ "inherits": ["admin"] }),
    )
    .await
    .expect(403);
    allow(&house, "steward", "admin:rbac", "write").await;
    let (_, steward) = delegate(&house, "bob", "steward").await;
    steward
        .post("/admin/rbac/roles", json!({ "name": "clerk" }))
        .await
        .expect(201);
    steward.get("/admin/users").await.expect(403);
}

async fn rules_of_one_tenant_are_worth_nothing_in_another(house: House) {
    house.add_tenant("acme").await;
    allow(&house, "support", "admin:users", "*").await;
    let theirs = holder_in(&house, "acme", "admin:*").await;
    let listed = theirs.get("/admin/rbac/roles").await.expect(200).json();
    assert_eq!(listed["roles"], json!([]));
    theirs.get("/admin/rbac/roles/support").await.expect(404);
    theirs.delete("/admin/rbac/roles/support").await.expect(404);
    let policy = house
        .admin()
        .get("/admin/rbac/policies")
        .await
        .expect(200)
        .json();
    let id = policy["policies"][0]["id"].as_str().expect("an id");
    theirs
        .delete(&format!("/admin/rbac/policies/{id}"))
        .await
        .expect(404);
    let bob = json!({
        "email": "bob@example.org", "password": "a quiet garden in the rain", "name": "Bob",
        "roles": ["support"],
    });
    theirs.post("/admin/users", bob).await.expect(201);
    let public = house.public().with("x-tenant-id", "acme");
    let login = json!({ "email": "bob@example.org", "password": "a quiet garden in the rain" });
    let tokens = public.post("/auth/login", login).await.expect(200);
    let access = tokens.field("access_token");
    let door = house.stranger().with("x-tenant-id", "acme").bearer(&access);
    door.get("/admin/users").await.expect_code(403, "FORBIDDEN");
    let door = house.stranger().bearer(&access);
    door.get("/admin/users").await.expect(401);
}
