//! /admin/rbac: roles, policies, grants and checks.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;

cases![
    roles_are_made_changed_and_deleted,
    a_circle_of_roles_and_a_role_that_is_none_are_refused,
    policies_allow_what_they_say_and_nothing_else,
    a_decision_says_why,
    a_role_is_given_and_taken,
    each_change_of_the_rules_leaves_one_row,
];

/// Makes a role that is allowed one thing.
pub async fn allow(house: &House, role: &str, object: &str, action: &str) {
    let admin = house.admin();
    let made = admin
        .post("/admin/rbac/roles", json!({ "name": role }))
        .await;
    assert!([201, 409].contains(&made.status.as_u16()), "{}", made.text);
    let policy = json!({ "subject": role, "object": object, "action": action });
    admin.post("/admin/rbac/policies", policy).await.expect(201);
}

/// Whether somebody may do something, and why.
async fn check(house: &House, subject: &str, object: &str, action: &str) -> Value {
    let asked = format!("subject={subject}&object={object}&action={action}");
    let path = format!("/admin/rbac/check?{asked}");
    house.admin().get(&path).await.expect(200).json()
}

/// A person with a role, and the admin door as they see it.
pub async fn delegate(house: &House, name: &str, role: &str) -> (Person, Client) {
    let person = Person::register(&house.public(), name).await;
    give(house, &person, role).await;
    let access = person.login().await.access;
    (person, house.stranger().bearer(&access))
}

pub async fn give(house: &House, person: &Person, role: &str) {
    let grant = json!({ "user": house.user_id(person).await, "role": role });
    let admin = house.admin();
    admin.post("/admin/rbac/grants", grant).await.expect(200);
}

async fn roles_are_made_changed_and_deleted(house: House) {
    let admin = house.admin();
    let new = json!({ "name": "clerk", "description": "Sees to invoices", "inherits": ["user"] });
    let made = admin
        .post("/admin/rbac/roles", new.clone())
        .await
        .expect(201)
        .json();
    assert_eq!(
        (&made["name"], &made["version"]),
        (&json!("clerk"), &json!(1))
    );
    admin
        .post("/admin/rbac/roles", new)
        .await
        .expect_code(409, "CONFLICT");
    let listed = admin.get("/admin/rbac/roles").await.expect(200).json();
    assert_eq!(
        listed["built_in"],
        json!(["admin", "user", "service", "agent"])
    );
    assert_eq!(listed["roles"], json!([made]));
    let one = "/admin/rbac/roles/clerk";
    assert_eq!(admin.get(one).await.expect(200).json(), made);
    let patch = json!({ "inherits": [], "version": 1 });
    let changed = admin.patch(one, patch.clone()).await.expect(200).json();
    assert_eq!(
        (&changed["inherits"], &changed["version"]),
        (&json!([]), &json!(2))
    );
    admin.patch(one, patch).await.expect(412);
    for name in ["admin", "nobody"] {
        let path = format!("/admin/rbac/roles/{name}");
        admin.get(&path).await.expect(404);
        admin
            .patch(&path, json!({ "description": "x" }))
            .await
            .expect(404);
        admin.delete(&path).await.expect(404);
    }
    let built_in = json!({ "name": "admin" });
    admin
        .post("/admin/rbac/roles", built_in)
        .await
        .expect_code(409, "CONFLICT");
    for name in ["Clerk", "user:7", "client:x", "", "a b"] {
        admin
            .post("/admin/rbac/roles", json!({ "name": name }))
            .await
            .expect(422);
    }
    admin.delete(one).await.expect(204);
    admin.get(one).await.expect(404);
}

async fn a_circle_of_roles_and_a_role_that_is_none_are_refused(house: House) {
    let admin = house.admin();
    for (name, inherits) in [("junior", json!([])), ("senior", json!(["junior"]))] {
        let new = json!({ "name": name, "inherits": inherits });
        admin.post("/admin/rbac/roles", new).await.expect(201);
    }
    for inherits in [json!(["senior"]), json!(["junior"]), json!(["nobody"])] {
        let path = "/admin/rbac/roles/junior";
        let refused = admin.patch(path, json!({ "inherits": inherits })).await;
        refused.expect(422);
    }
    let inherited = admin.delete("/admin/rbac/roles/junior").await;
    inherited.expect_code(409, "CONFLICT");
    admin.delete("/admin/rbac/roles/senior").await.expect(204);
    admin.delete("/admin/rbac/roles/junior").await.expect(204);
}

async fn policies_allow_what_they_say_and_nothing_else(house: House) {
    let admin = house.admin();
    allow(&house, "clerk", "invoices/*", "read").await;
    let policy = json!({ "subject": "clerk", "object": "invoices/*", "action": "read" });
    admin
        .post("/admin/rbac/policies", policy)
        .await
        .expect_code(409, "CONFLICT");
    for (object, action, may) in [
        ("invoices/7", "read", true),
        ("invoices/7", "write", false),
        ("invoices", "read", false),
        ("Invoices/7", "read", false),
    ] {
        let decision = check(&house, "clerk", object, action).await;
        assert_eq!(decision["allowed"], may, "{object} {action}");
    }
    for wrong in [
        json!({ "subject": "nobody", "object": "a", "action": "b" }),
        json!({ "subject": "user:7", "object": "a", "action": "b" }),
        json!({ "subject": "client:x", "object": "a", "action": "b" }),
        json!({ "subject": "clerk", "object": "a*b", "action": "b" }),
        json!({ "subject": "clerk", "object": "a", "action": "" }),
    ] {
        admin.post("/admin/rbac/policies", wrong).await.expect(422);
    }
    // Within one millisecond their order is chance.
    house.clock.advance(Duration::from_millis(1));
    allow(&house, "clerk", "orders", "*").await;
    let path = "/admin/rbac/policies?subject=clerk&per_page=1";
    let first = admin.get(path).await.expect(200).json();
    assert_eq!(
        (&first["total"], &first["policies"][0]["object"]),
        (&json!(2), &json!("invoices/*"))
    );
    let cursor = first["next_cursor"].as_str().expect("more");
    let rest = admin
        .get(&format!("{path}&cursor={cursor}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&rest["policies"][0]["object"], &rest["next_cursor"]),
        (&json!("orders"), &Value::Null)
    );
    admin
        .get("/admin/rbac/policies?cursor=forged")
        .await
        .expect(400);
    let one = format!(
        "/admin/rbac/policies/{}",
        first["policies"][0]["id"].as_str().expect("an id")
    );
    admin.delete(&one).await.expect(204);
    admin.delete(&one).await.expect(404);
    assert_eq!(
        check(&house, "clerk", "invoices/7", "read").await["allowed"],
        false
    );
}

async fn a_decision_says_why(house: House) {
    let admin = house.admin();
    allow(&house, "clerk", "invoices/*", "read").await;
    let senior = json!({ "name": "senior", "inherits": ["clerk"] });
    admin.post("/admin/rbac/roles", senior).await.expect(201);
    let (person, _) = delegate(&house, "ada", "senior").await;
    let subject = format!("user:{}", house.user_id(&person).await);
    let decision = check(&house, &subject, "invoices/7", "read").await;
    assert_eq!(decision["why"]["subject"], "senior");
    assert_eq!(decision["why"]["distance"], 1);
    assert_eq!(decision["why"]["policy"]["subject"], "clerk");
    let own = json!({ "subject": subject, "object": "vault", "action": "open" });
    admin.post("/admin/rbac/policies", own).await.expect(201);
    let decision = check(&house, &subject, "vault", "open").await;
    assert_eq!(decision["why"]["subject"], subject);
    let refused = check(&house, &subject, "vault", "close").await;
    assert_eq!(refused, json!({ "allowed": false, "why": null }));
    let (robot, _) = house.add_client(&["read"]).await;
    let robot = format!("client:{robot}");
    assert_eq!(
        check(&house, &robot, "vault", "open").await["allowed"],
        false
    );
    let own = json!({ "subject": robot, "object": "vault", "action": "open" });
    admin.post("/admin/rbac/policies", own).await.expect(201);
    assert_eq!(
        check(&house, &robot, "vault", "open").await["allowed"],
        true
    );
    let admin_role = check(&house, "admin", "anything", "at-all").await;
    assert_eq!(
        admin_role["why"],
        json!({ "subject": "admin", "distance": 0, "policy": null })
    );
    house
        .admin()
        .get("/admin/rbac/check?subject=clerk")
        .await
        .expect(422);
}

async fn a_role_is_given_and_taken(house: House) {
    let admin = house.admin();
    let person = Person::register(&house.public(), "ada").await;
    let user = house.user_id(&person).await;
    admin
        .post("/admin/rbac/roles", json!({ "name": "clerk" }))
        .await
        .expect(201);
    let grant = json!({ "user": user, "role": "clerk" });
    for _ in 0..2 {
        let given = admin.post("/admin/rbac/grants", grant.clone()).await;
        assert_eq!(given.expect(200).json()["roles"], json!(["user", "clerk"]));
    }
    let nothing = json!({ "user": user, "role": "nobody" });
    admin.post("/admin/rbac/grants", nothing).await.expect(422);
    let nobody = json!({ "user": "018f2b6e-0000-7000-8000-000000000000", "role": "clerk" });
    admin.post("/admin/rbac/grants", nobody).await.expect(404);
    for _ in 0..2 {
        let taken = admin.post("/admin/rbac/grants/revoke", grant.clone()).await;
        assert_eq!(taken.expect(200).json()["roles"], json!(["user"]));
    }
}

async fn each_change_of_the_rules_leaves_one_row(house: House) {
    let admin = house.admin();
    allow(&house, "clerk", "invoices/*", "read").await;
    let path = "/admin/rbac/roles/clerk";
    let described = json!({ "description": "Sees to invoices" });
    admin.patch(path, described).await.expect(200);
    let policies = admin.get("/admin/rbac/policies").await.expect(200).json();
    let id = policies["policies"][0]["id"].as_str().expect("an id");
    admin
        .delete(&format!("/admin/rbac/policies/{id}"))
        .await
        .expect(204);
    admin.delete(path).await.expect(204);
    for event in [
        "role.created",
        "role.updated",
        "role.deleted",
        "policy.created",
        "policy.deleted",
    ] {
        assert_eq!(house.audit_count(event).await, 1, "{event}");
    }
}
