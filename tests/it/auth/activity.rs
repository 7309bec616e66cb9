//! GET /auth/me/activity: what happened to one's own account.

use serde_json::{Value, json};

use super::mfa::Owner;
use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;

cases![
    what_happened_is_told_newest_first_with_where_it_came_from,
    an_operator_is_told_of_as_one_and_no_more,
    activity_is_paged_by_cursors_that_nobody_makes,
    activity_is_ones_own_in_ones_own_tenant,
];

async fn told(me: &Client) -> Vec<Value> {
    let path = "/auth/me/activity?per_page=100";
    let listed = me.get(path).await.expect(200).json();
    listed["activity"].as_array().expect("a list").clone()
}

fn events(told: &[Value]) -> Vec<&str> {
    told.iter()
        .filter_map(|one| one["event"].as_str())
        .collect()
}

async fn what_happened_is_told_newest_first_with_where_it_came_from(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let phone = Person {
        public: house.public().with("user-agent", "Phone/1.0"),
        ..owner.person.clone()
    };
    phone
        .try_login("a wrong password, as it is")
        .await
        .expect(401);
    let tokens = owner.login().await;
    owner.person.refresh(&tokens.refresh).await.expect(200);
    let me = house.public().bearer(&tokens.access);
    let told = told(&me).await;
    let expected = [
        "login.succeeded",
        "login.factor_owed",
        "login.failed",
        "factor.added",
        "login.succeeded",
        "user.registered",
    ];
    assert_eq!(
        events(&told),
        expected,
        "no refresh, nothing that was only begun"
    );
    assert_eq!(
        (&told[0]["by"], &told[0]["success"]),
        (&json!("owner"), &json!(true))
    );
    let failed = &told[2];
    assert_eq!(
        (&failed["by"], &failed["success"]),
        (&json!("somebody"), &json!(false))
    );
    assert_eq!(failed["device"], "Phone/1.0");
    assert!(failed["address"].is_string() && failed["at"].is_string());
    assert_eq!(told[3]["factor"], "totp");
}

async fn an_operator_is_told_of_as_one_and_no_more(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let id = house.user_id(&person).await;
    let operator = house.admin().with("user-agent", "Console/9");
    let path = format!("/admin/users/{id}");
    operator
        .patch(&path, json!({ "name": "Countess" }))
        .await
        .expect(200);
    let me = house.public().bearer(&person.login().await.access);
    let told = told(&me).await;
    let changed = told
        .iter()
        .find(|one| one["event"] == "user.updated")
        .expect("told");
    assert_eq!(changed["by"], "administrator");
    assert_eq!(
        (&changed["address"], &changed["device"]),
        (&Value::Null, &Value::Null)
    );
    let all = json!(told).to_string();
    assert!(!all.contains("Console/9"), "{all}");
    let rows = house.audit_rows("user.updated").await;
    let operator = rows[0].fields["actor_id"].as_str().expect("an operator");
    assert!(!all.contains(operator), "{all}");
}

async fn activity_is_paged_by_cursors_that_nobody_makes(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    for _ in 0..3 {
        person.login().await;
    }
    let me = house.public().bearer(&person.login().await.access);
    let first = me
        .get("/auth/me/activity?per_page=3")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&first["total"], &first["page"], &first["per_page"]),
        (&json!(5), &json!(1), &json!(3))
    );
    let cursor = first["next_cursor"].as_str().expect("more");
    let path = format!("/auth/me/activity?per_page=3&cursor={cursor}");
    let second = me.get(&path).await.expect(200).json();
    let rest = second["activity"].as_array().expect("a list");
    assert_eq!(events(rest), ["login.succeeded", "user.registered"]);
    assert_eq!(second["next_cursor"], Value::Null);
    let forged = me.get("/auth/me/activity?cursor=AAAA").await;
    forged.expect_code(400, "BAD_REQUEST");
    me.get("/auth/me/activity?per_page=101").await.expect(422);
}

async fn activity_is_ones_own_in_ones_own_tenant(house: House) {
    house.add_tenant("acme").await;
    let ada = Person::register(&house.public(), "ada").await;
    let acme = house.public().with("x-tenant-id", "acme");
    let namesake = Person::register(&acme, "ada").await;
    ada.login().await;
    let me = acme.bearer(&namesake.login().await.access);
    assert_eq!(
        events(&told(&me).await),
        ["login.succeeded", "user.registered"]
    );
    house.public().get("/auth/me/activity").await.expect(401);
    let elsewhere = house.public().bearer(&namesake.login().await.access);
    elsewhere.get("/auth/me/activity").await.expect(401);
}
