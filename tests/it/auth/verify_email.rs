//! POST /auth/verify-email and POST /auth/verify-email/resend.

use std::time::Duration;

use serde_json::json;

use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    the_mailed_token_verifies_the_address_once,
    a_verification_token_expires_after_a_day,
    a_resent_token_replaces_the_older_one,
    resending_is_answered_alike_for_everybody,
];

async fn the_mailed_token_verifies_the_address_once(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let token = house
        .letter(&person, "verify_email")
        .await
        .expect("a letter");
    let body = json!({ "token": token });
    house
        .public()
        .post("/auth/verify-email", body.clone())
        .await
        .expect(200);
    let me = person.me(&person.login().await.access).await.expect(200);
    assert_eq!(me.json()["email_verified"], true);
    let again = house.public().post("/auth/verify-email", body).await;
    assert!(again.status.is_client_error(), "{}", again.text);
}

async fn a_verification_token_expires_after_a_day(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let token = house
        .letter(&person, "verify_email")
        .await
        .expect("a letter");
    house.clock.advance(Duration::from_hours(24));
    let answer = house
        .public()
        .post("/auth/verify-email", json!({ "token": token }))
        .await;
    assert!(answer.status.is_client_error(), "{}", answer.text);
}

async fn a_resent_token_replaces_the_older_one(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let first = house
        .letter(&person, "verify_email")
        .await
        .expect("a letter");
    let body = json!({ "email": person.email });
    house
        .public()
        .post("/auth/verify-email/resend", body)
        .await
        .expect(202);
    let second = house
        .letter(&person, "verify_email")
        .await
        .expect("another letter");
    let verify = |token: String| {
        let public = house.public();
        async move {
            public
                .post("/auth/verify-email", json!({ "token": token }))
                .await
                .status
        }
    };
    assert!(verify(first).await.is_client_error());
    assert!(verify(second).await.is_success());
}

async fn resending_is_answered_alike_for_everybody(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let path = "/auth/verify-email/resend";
    let known = house
        .public()
        .post(path, json!({ "email": person.email }))
        .await
        .expect(202);
    let unknown = house
        .public()
        .post(path, json!({ "email": "no@example.org" }))
        .await
        .expect(202);
    assert_eq!(known.text, unknown.text);
}
