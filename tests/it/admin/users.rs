//! /admin/users (CONTRACT §9).

use serde_json::{Value, json};

use super::areas::holder_in;
use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    an_operator_creates_reads_changes_and_deletes_an_account,
    the_door_is_closed_without_an_operators_credential,
    lists_page_filter_and_refuse_forged_cursors,
    a_lock_ends_everything_and_an_unlock_reopens,
    an_unlock_forgets_failed_sign_ins,
    a_typo_in_a_field_is_never_silence,
    a_person_with_the_role_admin_is_an_operator,
    another_tenants_account_is_not_found,
];

async fn an_operator_creates_reads_changes_and_deletes_an_account(house: House) {
    let admin = house.admin();
    let body = json!({
        "email": "ada@example.org", "password": "a quiet garden in the rain", "name": "Ada",
        "roles": ["user"],
    });
    let created = admin.post("/admin/users", body.clone()).await.expect(201);
    let path = format!("/admin/users/{}", created.field("id"));
    assert_eq!(
        admin.get(&path).await.expect(200).json()["status"],
        "active"
    );
    admin
        .post("/admin/users", body)
        .await
        .expect_code(409, "CONFLICT");
    let answer = admin
        .patch(&path, json!({ "name": "Countess" }))
        .await
        .expect(200);
    assert_eq!(answer.field("name"), "Countess");
    let person = Person {
        email: "ada@example.org".to_owned(),
        password: "a quiet garden in the rain".to_owned(),
        public: house.public(),
    };
    let tokens = person.login().await;
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.expect_code(404, "NOT_FOUND");
    admin.delete(&path).await.expect_code(404, "NOT_FOUND");
    person.me(&tokens.access).await.expect(401);
    person.refresh(&tokens.refresh).await.expect(401);
    person.try_login(&person.password).await.expect(401);
}

async fn the_door_is_closed_without_an_operators_credential(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let stranger = house.stranger();
    stranger
        .get("/admin/users")
        .await
        .expect_code(401, "UNAUTHORIZED");
    stranger
        .bearer(&tokens.access)
        .get("/admin/users")
        .await
        .expect_code(403, "FORBIDDEN");
    stranger
        .bearer("qf_ak_nonsense")
        .get("/admin/users")
        .await
        .expect(401);
    let key = house.api_key();
    for length in [0, 6, 7, 40, key.len() - 1] {
        stranger
            .with("x-api-key", &key[..length])
            .get("/admin/users")
            .await
            .expect(401);
    }
    stranger
        .with("x-api-key", key.as_str())
        .get("/admin/users")
        .await
        .expect(200);
    stranger.bearer(&key).get("/admin/users").await.expect(200);
    house
        .public()
        .bearer(&key)
        .get("/admin/users")
        .await
        .expect(404);
}

async fn lists_page_filter_and_refuse_forged_cursors(house: House) {
    for n in 0..7 {
        Person::register(&house.public(), &format!("person{n}")).await;
    }
    let admin = house.admin();
    let first = admin
        .get("/admin/users?per_page=3")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&first["total"], &first["per_page"]),
        (&json!(7), &json!(3))
    );
    let mut seen = emails(&first);
    let mut cursor = first["next_cursor"].as_str().map(str::to_owned);
    while let Some(next) = cursor {
        let path = format!("/admin/users?per_page=3&cursor={next}");
        let page = admin.get(&path).await.expect(200).json();
        seen.extend(emails(&page));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
    seen.dedup();
    assert_eq!(seen.len(), 7, "no account twice");
    let found = admin
        .get("/admin/users?search=person3")
        .await
        .expect(200)
        .json();
    assert_eq!(emails(&found), ["person3@example.org"]);
    for query in [
        "cursor=forged",
        "cursor=' OR 1=1 --",
        "per_page=101",
        "per_page=0",
        "page=x",
    ] {
        let path = format!("/admin/users?{}", query.replace(' ', "%20"));
        let status = admin.get(&path).await.status.as_u16();
        assert!([400, 422].contains(&status), "{query}: {status}");
    }
}

fn emails(page: &Value) -> Vec<String> {
    let users = page["users"].as_array().expect("users");
    users
        .iter()
        .filter_map(|user| user["email"].as_str().map(str::to_owned))
        .collect()
}

async fn a_lock_ends_everything_and_an_unlock_reopens(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let path = format!("/admin/users/{}", house.user_id(&person).await);
    let lock = format!("{path}/lock");
    house
        .admin()
        .post(&lock, json!({ "reason": "lost device" }))
        .await
        .expect(200);
    let locked = house.admin().get(&path).await.expect(200).json();
    assert_eq!(
        (&locked["status"], &locked["locked_reason"]),
        (&json!("locked"), &json!("lost device"))
    );
    person.me(&tokens.access).await.expect(401);
    person.refresh(&tokens.refresh).await.expect(401);
    person.try_login(&person.password).await.expect(401);
    house
        .admin()
        .post(&format!("{path}/unlock"), json!({}))
        .await
        .expect(200);
    person.login().await;
    person.refresh(&tokens.refresh).await.expect(401);
}

async fn an_unlock_forgets_failed_sign_ins(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    for _ in 0..5 {
        person
            .try_login("wrong wrong wrong wrong")
            .await
            .expect(401);
    }
    person.try_login(&person.password).await.expect(429);
    let path = format!("/admin/users/{}/unlock", house.user_id(&person).await);
    house.admin().post(&path, json!({})).await.expect(200);
    person.login().await;
}

async fn a_typo_in_a_field_is_never_silence(house: House) {
    let body = json!({ "email": "a@example.org", "name": "x", "rolse": ["admin"] });
    let answer = house.admin().post("/admin/users", body).await;
    let answer = answer.expect_code(422, "VALIDATION_ERROR");
    assert!(answer.text.contains("rolse"), "{}", answer.text);
}

async fn a_person_with_the_role_admin_is_an_operator(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let path = format!("/admin/users/{}", house.user_id(&person).await);
    house
        .admin()
        .patch(&path, json!({ "roles": ["user", "admin"] }))
        .await
        .expect(200);
    let operator = house.stranger().bearer(&person.login().await.access);
    operator.get("/admin/users").await.expect(200);
    house
        .admin()
        .patch(&path, json!({ "roles": ["user"] }))
        .await
        .expect(200);
    let person = house.stranger().bearer(&person.login().await.access);
    person.get("/admin/users").await.expect(403);
}

async fn another_tenants_account_is_not_found(house: House) {
    house.add_tenant("acme").await;
    let acme = house.public().with("x-tenant-id", "acme");
    let answer = acme
        .post(
            "/auth/register",
            json!({ "email": "a@b.example", "password": "a quiet garden in the rain", "name": "A" }),
        )
        .await
        .expect(201);
    let path = format!("/admin/users/{}", answer.field("id"));
    house.admin().get(&path).await.expect(404);
    house.admin().delete(&path).await.expect(404);
    house.add_tenant("globex").await;
    let theirs = holder_in(&house, "globex", "admin:*").await;
    theirs.get(&path).await.expect(404);
    let within = theirs.with("x-tenant-id", "acme");
    within.get(&path).await.expect(401);
}
