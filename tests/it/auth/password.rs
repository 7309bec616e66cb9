//! PUT /auth/me/password, POST /auth/password/reset and POST /auth/password/reset/confirm.

use std::time::Duration;

use serde_json::json;

use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    a_changed_password_ends_the_other_sessions,
    the_old_password_must_be_right_and_guesses_are_counted,
    a_reset_ends_every_session_and_works_once,
    only_the_newest_reset_token_works_and_it_expires,
    a_rejected_new_password_does_not_burn_the_token,
    a_reset_is_answered_alike_for_everybody,
    a_reset_token_of_one_tenant_is_nothing_in_another,
    the_link_is_built_from_the_issuer_whatever_host_is_named,
];

const NEW: &str = "a fresh and long passphrase";

async fn a_changed_password_ends_the_other_sessions(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let (mine, other) = (person.login().await, person.login().await);
    let body = json!({ "old_password": person.password, "new_password": NEW });
    house
        .public()
        .bearer(&mine.access)
        .put("/auth/me/password", body)
        .await
        .expect(200);
    person.me(&mine.access).await.expect(200);
    person.refresh(&mine.refresh).await.expect(200);
    person.me(&other.access).await.expect(401);
    person.refresh(&other.refresh).await.expect(401);
    person.try_login(&person.password).await.expect(401);
    person.try_login(NEW).await.expect(200);
    assert!(house.letter(&person, "password_changed").await.is_some());
}

async fn the_old_password_must_be_right_and_guesses_are_counted(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let me = house.public().bearer(&person.login().await.access);
    let body = json!({ "old_password": "wrong wrong wrong wrong", "new_password": NEW });
    for _ in 0..5 {
        let status = me
            .put("/auth/me/password", body.clone())
            .await
            .status
            .as_u16();
        assert!([400, 401, 403, 422].contains(&status), "{status}");
    }
    let refused = me
        .put("/auth/me/password", body)
        .await
        .expect_code(429, "RATE_LIMIT_EXCEEDED");
    assert!(!refused.header("retry-after").is_empty());
}

async fn a_reset_ends_every_session_and_works_once(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let token = house.reset_token(&person).await;
    let body = json!({ "token": token, "new_password": NEW });
    house
        .public()
        .post("/auth/password/reset/confirm", body.clone())
        .await
        .expect(200);
    person.me(&tokens.access).await.expect(401);
    person.refresh(&tokens.refresh).await.expect(401);
    person.try_login(NEW).await.expect(200);
    let again = house
        .public()
        .post("/auth/password/reset/confirm", body)
        .await;
    assert!(
        [400, 401, 422].contains(&again.status.as_u16()),
        "{}",
        again.text
    );
}

async fn only_the_newest_reset_token_works_and_it_expires(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let confirm = |token: String| {
        let body = json!({ "token": token, "new_password": NEW });
        let public = house.public();
        async move {
            public
                .post("/auth/password/reset/confirm", body)
                .await
                .status
                .as_u16()
        }
    };
    let first = house.reset_token(&person).await;
    let second = house.reset_token(&person).await;
    assert_ne!(confirm(first).await, 200);
    house.clock.advance(Duration::from_mins(30));
    assert_ne!(confirm(second).await, 200);
    let third = house.reset_token(&person).await;
    house.clock.advance(Duration::from_mins(29));
    assert_eq!(confirm(third).await, 200);
}

async fn a_rejected_new_password_does_not_burn_the_token(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let token = house.reset_token(&person).await;
    let path = "/auth/password/reset/confirm";
    let short = json!({ "token": token, "new_password": "short" });
    house
        .public()
        .post(path, short)
        .await
        .expect_code(422, "VALIDATION_ERROR");
    let body = json!({ "token": token, "new_password": NEW });
    house.public().post(path, body).await.expect(200);
}

/// OWASP ASVS 5.0 §6.3.8.
async fn a_reset_is_answered_alike_for_everybody(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let ask = |email: &str| {
        let body = json!({ "email": email });
        let public = house.public();
        async move {
            public
                .post("/auth/password/reset", body)
                .await
                .expect(202)
                .text
        }
    };
    let known = ask(&person.email).await;
    assert_eq!(known, ask("nobody@example.org").await);
    assert_eq!(known, ask("no address").await);
}

async fn a_reset_token_of_one_tenant_is_nothing_in_another(house: House) {
    house.add_tenant("acme").await;
    let person = Person::register(&house.public(), "ada").await;
    let acme = house.public().with("x-tenant-id", "acme");
    Person::register(&acme, "ada").await;
    let token = house.reset_token(&person).await;
    let body = json!({ "token": token, "new_password": NEW });
    let answer = acme
        .post("/auth/password/reset/confirm", body.clone())
        .await;
    assert!(answer.status.is_client_error(), "{}", answer.text);
    house
        .public()
        .post("/auth/password/reset/confirm", body)
        .await
        .expect(200);
}

async fn the_link_is_built_from_the_issuer_whatever_host_is_named(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let poisoned = house
        .public()
        .with("x-forwarded-host", "evil.example")
        .with("forwarded", "host=evil.example");
    poisoned
        .post("/auth/password/reset", json!({ "email": person.email }))
        .await
        .expect(202);
    let text = house.printed_mail(&person, "reset_password").await;
    assert!(!text.contains("evil.example"), "{text}");
    assert!(text.contains("http://localhost:4000/"), "{text}");
}
