//! /admin/users/bulk: many accounts at once, each by itself.

use serde_json::{Value, json};

use super::areas::holder;
use super::rbac::{allow, delegate};
use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    many_accounts_are_closed_each_by_itself,
    nobody_locks_themselves_out_among_many,
    a_delegate_gives_no_role_that_opens_the_door,
];

fn results(answer: &Value) -> Vec<(&str, &str)> {
    let rows = answer["results"].as_array().expect("results");
    rows.iter()
        .map(|row| {
            (
                row["id"].as_str().unwrap_or(""),
                row["status"].as_str().unwrap_or(""),
            )
        })
        .collect()
}

async fn many_accounts_are_closed_each_by_itself(house: House) {
    let admin = house.admin();
    let mut people = Vec::new();
    for name in ["ada", "bob", "cy"] {
        people.push(Person::register(&house.public(), name).await);
    }
    let mut ids = Vec::new();
    for person in &people {
        ids.push(house.user_id(person).await);
    }
    let tokens = people[0].login().await;
    let nobody = "018f2b6e-0000-7000-8000-000000000000";
    let named = json!([ids[0], ids[1], nobody, ids[0]]);
    let body = json!({ "user_ids": named, "reason": "a leak" });
    let locked = admin
        .post("/admin/users/bulk/lock", body)
        .await
        .expect(200)
        .json();
    assert_eq!(locked["affected"], 2);
    let mut expected = vec![
        (ids[0].as_str(), "changed"),
        (ids[1].as_str(), "changed"),
        (nobody, "refused"),
    ];
    expected.sort_unstable();
    let mut told = results(&locked);
    told.sort_unstable();
    assert_eq!(told, expected);
    people[0].me(&tokens.access).await.expect(401);
    people[0].try_login(&people[0].password).await.expect(401);
    assert_eq!(house.audit_count("user.locked").await, 2);
    people[2].login().await;

    let all = json!({ "user_ids": ids });
    let opened = admin.post("/admin/users/bulk/unlock", all.clone()).await;
    assert_eq!(opened.expect(200).json()["affected"], 3);
    people[0].login().await;
    let mut suspend = all.clone();
    suspend["reason"] = json!("moved away");
    admin
        .post("/admin/users/bulk/suspend", suspend)
        .await
        .expect(200);
    let shown = admin.get(&format!("/admin/users/{}", ids[2])).await.json();
    assert_eq!(
        (&shown["status"], &shown["locked_reason"]),
        (&json!("suspended"), &json!("moved away"))
    );

    admin
        .post("/admin/rbac/roles", json!({ "name": "clerk" }))
        .await
        .expect(201);
    let mut give = all.clone();
    give["role"] = json!("clerk");
    for affected in [3, 0] {
        let given = admin
            .post("/admin/users/bulk/assign-role", give.clone())
            .await;
        assert_eq!(given.expect(200).json()["affected"], affected);
    }
    let list = admin
        .get("/admin/users?role=clerk")
        .await
        .expect(200)
        .json();
    assert_eq!(list["total"], 3);
    for (path, body) in [
        ("/admin/users/bulk/lock", all.clone()),
        ("/admin/users/bulk/unlock", json!({ "user_ids": [] })),
        (
            "/admin/users/bulk/unlock",
            json!({ "user_ids": vec![&ids[0]; 101] }),
        ),
        (
            "/admin/users/bulk/assign-role",
            json!({ "user_ids": ids, "role": "nothing" }),
        ),
        ("/admin/users/bulk/unlock", json!({ "user_ids": ["ada"] })),
    ] {
        let refused = admin.post(path, body).await;
        refused.expect_code(422, "VALIDATION_ERROR");
    }
}

async fn nobody_locks_themselves_out_among_many(house: House) {
    allow(&house, "chief", "admin:*", "*").await;
    let (person, door) = delegate(&house, "ada", "chief").await;
    let other = Person::register(&house.public(), "bob").await;
    let (own, theirs) = (house.user_id(&person).await, house.user_id(&other).await);
    for (path, more) in [("lock", "reason"), ("suspend", "reason")] {
        let body = json!({ "user_ids": [own, theirs], more: "x" });
        let path = format!("/admin/users/bulk/{path}");
        let done = door.post(&path, body).await.expect(200).json();
        assert_eq!(done["affected"], 1, "{path}");
    }
    let erase = format!("/admin/users/{own}/erase");
    let refused = door.post(&erase, json!({ "reason": "request" })).await;
    refused.expect_code(409, "CONFLICT");
    door.get("/admin/users").await.expect(200);
}

async fn a_delegate_gives_no_role_that_opens_the_door(house: House) {
    allow(&house, "support", "admin:users", "*").await;
    allow(&house, "keeper", "admin:keys", "read").await;
    let (_, door) = delegate(&house, "ada", "support").await;
    let other = Person::register(&house.public(), "bob").await;
    let id = house.user_id(&other).await;
    for role in ["admin", "keeper", "support"] {
        let body = json!({ "user_ids": [id], "role": role });
        let done = door.post("/admin/users/bulk/assign-role", body).await;
        let done = done.expect(200).json();
        assert_eq!(
            (&done["affected"], &done["results"][0]["code"]),
            (&json!(0), &json!("FORBIDDEN"))
        );
    }
    super::rbac::give(&house, &other, "keeper").await;
    let path = format!("/admin/users/{id}");
    door.delete(&format!("{path}/sessions")).await.expect(403);
    let erase = door
        .post(&format!("{path}/erase"), json!({ "reason": "request" }))
        .await;
    erase.expect(403);
    let body = json!({ "user_ids": [id], "reason": "x" });
    let done = door
        .post("/admin/users/bulk/lock", body)
        .await
        .expect(200)
        .json();
    assert_eq!(done["results"][0]["code"], "FORBIDDEN");
    let reader = holder(&house, "admin:users:read").await;
    reader.get(&format!("{path}/sessions")).await.expect(200);
    reader.delete(&format!("{path}/sessions")).await.expect(403);
}
