//! GET and PATCH /auth/me.

use std::time::Duration;

use serde_json::json;

use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    a_profile_is_read_and_renamed,
    without_a_valid_token_there_is_no_profile,
    a_profile_keeps_what_a_person_may_not_change,
    a_token_expires,
];

async fn a_profile_is_read_and_renamed(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let me = house.public().bearer(&person.login().await.access);
    assert_eq!(
        me.get("/auth/me").await.expect(200).field("email"),
        person.email
    );
    let answer = me
        .patch("/auth/me", json!({ "name": "  Countess " }))
        .await
        .expect(200);
    assert_eq!(answer.field("name"), "Countess");
    assert_eq!(
        me.get("/auth/me").await.expect(200).field("name"),
        "Countess"
    );
    me.patch("/auth/me", json!({ "name": "" }))
        .await
        .expect_code(422, "VALIDATION_ERROR");
}

/// RFC 6750 §3.
async fn without_a_valid_token_there_is_no_profile(house: House) {
    let public = house.public();
    let answer = public
        .get("/auth/me")
        .await
        .expect_code(401, "UNAUTHORIZED");
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
    for header in [
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer qf_at_x.y.z",
        "bearer\tx",
        "qf_at_x",
    ] {
        public
            .with("authorization", header)
            .get("/auth/me")
            .await
            .expect(401);
    }
    let person = Person::register(&public, "ada").await;
    let tokens = person.login().await;
    public
        .bearer(&tokens.refresh)
        .get("/auth/me")
        .await
        .expect(401);
    let query = format!("/auth/me?access_token={}", tokens.access);
    public.get(&query).await.expect(401);
}

async fn a_profile_keeps_what_a_person_may_not_change(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let me = house.public().bearer(&person.login().await.access);
    let body = json!({ "name": "x", "email": "root@example.org", "roles": ["admin"], "id": "1" });
    me.patch("/auth/me", body).await.expect(200);
    let profile = me.get("/auth/me").await.expect(200);
    assert_eq!(profile.field("email"), person.email);
    assert!(!profile.text.contains("admin"));
}

async fn a_token_expires(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    house.clock.advance(Duration::from_secs(899));
    person.me(&tokens.access).await.expect(200);
    house.clock.advance(Duration::from_secs(1));
    person.me(&tokens.access).await.expect(401);
}
