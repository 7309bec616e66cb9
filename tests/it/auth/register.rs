//! POST /auth/register.

use serde_json::json;

use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    a_new_account_is_answered_with_201_and_its_profile,
    an_address_is_taken_once_whatever_its_case,
    twenty_at_once_for_one_address_make_one_account,
    a_password_that_is_short_common_or_personal_is_refused_with_the_reason,
    a_long_passphrase_of_any_script_is_accepted,
    all_wrong_fields_are_named_together,
    another_tenants_account_does_not_take_the_address,
];

async fn a_new_account_is_answered_with_201_and_its_profile(house: House) {
    let body = json!({
        "email": "Ada@example.org", "password": "a quiet garden in the rain", "name": "Ada L.",
    });
    let answer = house
        .public()
        .post("/auth/register", body)
        .await
        .expect(201);
    let profile = answer.json();
    assert_eq!(profile["email"], "Ada@example.org");
    assert_eq!(profile["name"], "Ada L.");
    assert_eq!(profile["email_verified"], false);
    assert!(profile["id"].is_string() && profile["created_at"].is_string());
    assert!(!answer.text.contains("password"));
    assert_eq!(answer.header("cache-control"), "no-store");
}

async fn an_address_is_taken_once_whatever_its_case(house: House) {
    Person::register(&house.public(), "ada").await;
    let body = json!({
        "email": "ADA@Example.org", "password": "another good long phrase", "name": "x",
    });
    house
        .public()
        .post("/auth/register", body)
        .await
        .expect_code(409, "CONFLICT");
}

async fn twenty_at_once_for_one_address_make_one_account(house: House) {
    let public = house.public();
    let tries = (0..20).map(|n| {
        let body = json!({
            "email": "ada@example.org", "password": format!("a good long phrase {n}"), "name": "x",
        });
        let public = public.clone();
        async move { public.post("/auth/register", body).await.status.as_u16() }
    });
    let statuses = futures_util::future::join_all(tries).await;
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    assert!(
        statuses.iter().all(|status| [201, 409].contains(status)),
        "{statuses:?}"
    );
}

/// NIST SP 800-63B-4 §3.1.1.2.
async fn a_password_that_is_short_common_or_personal_is_refused_with_the_reason(house: House) {
    let reasons = [
        ("fourteen chars", "at least 15"),
        ("passwordpassword", "common"),
        ("aaaaaaaaaaaaaaaaaaaa", "common"),
        ("ada.lovelace is my name", "e-mail"),
        ("welcome to quantflow studio", "service"),
    ];
    for (password, reason) in reasons {
        let body =
            json!({ "email": "ada.lovelace@example.org", "password": password, "name": "A B" });
        let answer = house.public().post("/auth/register", body).await;
        let answer = answer.expect_code(422, "VALIDATION_ERROR");
        let detail = &answer.json()["details"][0];
        assert_eq!(detail["field"], "password");
        assert!(
            detail["message"].as_str().unwrap_or("").contains(reason),
            "{}",
            answer.text
        );
    }
}

async fn a_long_passphrase_of_any_script_is_accepted(house: House) {
    for (n, password) in ["ещё одна длинная фраза", &"wörter und noch mehr ".repeat(6)]
        .iter()
        .enumerate()
    {
        let email = format!("p{n}@example.org");
        let body = json!({ "email": email, "password": password, "name": "x" });
        house
            .public()
            .post("/auth/register", body)
            .await
            .expect(201);
        let body = json!({ "email": email, "password": password });
        house.public().post("/auth/login", body).await.expect(200);
    }
}

async fn all_wrong_fields_are_named_together(house: House) {
    let body = json!({ "email": "no address", "password": "short", "name": "" });
    let answer = house
        .public()
        .post("/auth/register", body)
        .await
        .expect_code(422, "VALIDATION_ERROR");
    let json = answer.json();
    let fields: Vec<&str> = json["details"]
        .as_array()
        .expect("details")
        .iter()
        .filter_map(|detail| detail["field"].as_str())
        .collect();
    assert_eq!(fields, ["email", "password", "name"]);
}

async fn another_tenants_account_does_not_take_the_address(house: House) {
    house.add_tenant("acme").await;
    Person::register(&house.public(), "ada").await;
    let acme = house.public().with("x-tenant-id", "acme");
    let person = Person::register(&acme, "ada").await;
    let elsewhere = Person {
        public: house.public(),
        ..person.clone()
    };
    let tokens = person.login().await;
    person.me(&tokens.access).await.expect(200);
    elsewhere
        .me(&tokens.access)
        .await
        .expect_code(401, "UNAUTHORIZED");
    elsewhere.refresh(&tokens.refresh).await.expect(401);
}
