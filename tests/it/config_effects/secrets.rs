//! Replacing secrets: `SYSTEM_SECRETS` and `PASSWORD_PEPPER`, newest first.

use std::time::Duration;

use serde_json::json;

use super::keys::person_at;
use crate::backend::Backend;
use crate::client::{Person, Tokens};
use crate::house::House;
use crate::scenes;

scenes![
    a_new_system_secret_in_front_leaves_everything_valid,
    a_dropped_system_secret_ends_what_it_signed,
    a_new_system_secret_forgets_no_failed_sign_in,
    a_new_pepper_in_front_rehashes_at_the_next_sign_in,
    a_dropped_pepper_leaves_no_password_right,
];

const OLD: &str = "an old secret of at least thirty-two bytes";
const NEW: &str = "the new secret of at least thirty-two bytes";
const BOTH: &str =
    "the new secret of at least thirty-two bytes,an old secret of at least thirty-two bytes";

async fn a_new_system_secret_in_front_leaves_everything_valid() {
    let house = House::with(Backend::Sqlite, &[("SYSTEM_SECRETS", OLD)]).await;
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let reset = house.reset_token(&person).await;
    let (client, secret) = house.add_client(&["read"]).await;

    let house = house.restart(&[("SYSTEM_SECRETS", BOTH)]).await;
    let person = person_at(&house, &person);
    person.me(&tokens.access).await.expect(200);
    let refreshed = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    house.admin().get("/admin/users").await.expect(200);
    house.client_token(&client, &secret).await.expect(200);
    person.login().await;
    let body = json!({ "token": reset, "new_password": "another garden in the rain 8" });
    let confirm = "/auth/password/reset/confirm";
    house.public().post(confirm, body).await.expect(200);
    // A reset ends every session: the one below is signed by the new secret.
    person.refresh(&refreshed.refresh).await.expect(401);
    let person = Person {
        password: "another garden in the rain 8".to_owned(),
        ..person
    };
    let tokens = person.login().await;

    let house = house.restart(&[("SYSTEM_SECRETS", NEW)]).await;
    let person = person_at(&house, &person);
    person.me(&tokens.access).await.expect(200);
    person.refresh(&tokens.refresh).await.expect(200);
    house.stop().await;
}

async fn a_dropped_system_secret_ends_what_it_signed() {
    let house = House::with(Backend::Sqlite, &[("SYSTEM_SECRETS", OLD)]).await;
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let (client, secret) = house.add_client(&["read"]).await;
    // The keys are sealed anew under the first secret before the old one is dropped.
    let house = house.restart(&[("SYSTEM_SECRETS", BOTH)]).await;
    let house = house.restart(&[("SYSTEM_SECRETS", NEW)]).await;
    let person = person_at(&house, &person);
    person.refresh(&tokens.refresh).await.expect(401);
    house.client_token(&client, &secret).await.expect(401);
    house.admin().get("/admin/users").await.expect(401);
    person.login().await;
    house.stop().await;
}

/// NIST SP 800-63B-4 §3.2.2: the count of consecutive failures is the account's, not the secret's.
async fn a_new_system_secret_forgets_no_failed_sign_in() {
    let house = House::with(Backend::Sqlite, &[("SYSTEM_SECRETS", OLD)]).await;
    let person = Person::register(&house.public(), "ada").await;
    for delay in [0, 0, 0, 0, 0, 1, 2, 4, 8, 16] {
        house.clock.advance(Duration::from_secs(delay));
        person.try_login("a wrong password").await.expect(401);
    }
    let mut house = house;
    for secrets in [BOTH, NEW] {
        house = house.restart(&[("SYSTEM_SECRETS", secrets)]).await;
        let person = person_at(&house, &person);
        person.try_login(&person.password).await.expect(429);
    }
    house.stop().await;

    let house = House::with(Backend::Sqlite, &[("SYSTEM_SECRETS", OLD)]).await;
    let person = Person::register(&house.public(), "ada").await;
    for _ in 0..4 {
        person.try_login("a wrong password").await.expect(401);
    }
    let house = house.restart(&[("SYSTEM_SECRETS", BOTH)]).await;
    let person = person_at(&house, &person);
    person.login().await;
    for _ in 0..4 {
        person.try_login("a wrong password").await.expect(401);
    }
    person.login().await;
    house.stop().await;
}

async fn a_new_pepper_in_front_rehashes_at_the_next_sign_in() {
    let house = House::with(Backend::Sqlite, &[("PASSWORD_PEPPER", OLD)]).await;
    let person = Person::register(&house.public(), "ada").await;
    person.login().await;
    assert_eq!(house.audit_count("password.rehashed").await, 0);

    let house = house.restart(&[("PASSWORD_PEPPER", BOTH)]).await;
    let person = person_at(&house, &person);
    person.login().await;
    person.login().await;
    assert_eq!(house.audit_count("password.rehashed").await, 1, "once");

    let house = house.restart(&[("PASSWORD_PEPPER", NEW)]).await;
    person_at(&house, &person).login().await;
    house.stop().await;
}

async fn a_dropped_pepper_leaves_no_password_right() {
    let house = House::with(Backend::Sqlite, &[("PASSWORD_PEPPER", OLD)]).await;
    let person = Person::register(&house.public(), "ada").await;
    let house = house.restart(&[("PASSWORD_PEPPER", NEW)]).await;
    let person = person_at(&house, &person);
    person.try_login(&person.password).await.expect(401);
    house.stop().await;
}
