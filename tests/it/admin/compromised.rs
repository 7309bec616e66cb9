//! A password that others know (NIST SP 800-63B-4 §3.1.1.2): an operator says so, and another must be set.

use std::time::Duration;

use serde_json::{Value, json};

use crate::auth::mfa::Owner;
use crate::auth::webauthn::{bind, sign_in};
use crate::browser::Browser;
use crate::cases;
use crate::client::{Answer, Person, Tokens};
use crate::house::House;

cases![
    nist_sp_800_63b_4_3_1_1_2_a_compromised_password_is_reset_by_mail_before_anybody_gets_in,
    nobody_learns_of_a_compromised_password_who_does_not_know_it,
    a_compromised_password_begins_and_finishes_no_sign_in,
    whoever_knows_a_compromised_password_does_not_replace_it,
    the_sign_in_page_says_that_a_password_is_compromised,
    only_that_a_password_is_compromised_can_be_said,
];

const NEW: &str = "a fresh and long passphrase";
const CODE: &str = "PASSWORD_COMPROMISED";

/// Says of somebody's password that others know it.
async fn compromise(house: &House, person: &Person) -> Value {
    let path = format!("/admin/users/{}", house.user_id(person).await);
    let body = json!({ "password_compromised": true });
    house.admin().patch(&path, body).await.expect(200).json()
}

/// Sets a new password by mail.
async fn reset(house: &House, person: &Person) {
    house.clock.advance(Duration::from_secs(1));
    let body = json!({ "token": house.reset_token(person).await, "new_password": NEW });
    let path = "/auth/password/reset/confirm";
    house.public().post(path, body).await.expect(200);
}

/// Tries to bind an app in a sign-in in progress.
async fn set_up(house: &House, mfa_token: &str) -> Answer {
    let body = json!({ "mfa_token": mfa_token });
    house.public().post("/auth/mfa/setup", body).await
}

async fn nist_sp_800_63b_4_3_1_1_2_a_compromised_password_is_reset_by_mail_before_anybody_gets_in(
    house: House,
) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    assert_eq!(
        compromise(&house, &person).await["password_compromised"],
        true
    );
    person.me(&tokens.access).await.expect(401);
    person.refresh(&tokens.refresh).await.expect(401);
    assert!(
        house
            .letter(&person, "password_compromised")
            .await
            .is_some()
    );
    let told = house.audit_rows("user.updated").await;
    assert_eq!(
        told[0].fields["detail"]["changed"],
        json!(["password_compromised"])
    );
    let refused = person.try_login(&person.password).await;
    let refused = refused.expect_code(403, CODE);
    assert!(refused.field("error").contains("Reset it by mail"));
    reset(&house, &person).await;
    person.try_login(NEW).await.expect(200);
    person.try_login(&person.password).await.expect(401);
    let path = format!("/admin/users/{}", house.user_id(&person).await);
    let now = house.admin().get(&path).await.expect(200).json();
    assert_eq!(now["password_compromised"], false);
}

async fn nobody_learns_of_a_compromised_password_who_does_not_know_it(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    compromise(&house, &person).await;
    let wrong = person.try_login("wrong wrong wrong wrong").await;
    let wrong = wrong.expect_code(401, "UNAUTHORIZED").json();
    let stranger = Person {
        email: "nobody@example.org".to_owned(),
        ..person.clone()
    };
    let nobody = stranger.try_login(&person.password).await;
    let nobody = nobody.expect_code(401, "UNAUTHORIZED").json();
    assert_eq!(wrong["error"], nobody["error"]);
    let path = format!("/admin/users/{}/lock", house.user_id(&person).await);
    let body = json!({ "reason": "a test" });
    house.admin().post(&path, body).await.expect(200);
    let locked = person.try_login(&person.password).await;
    let locked = locked.expect_code(401, "UNAUTHORIZED").json();
    assert_eq!(locked["error"], nobody["error"]);
}

async fn a_compromised_password_begins_and_finishes_no_sign_in(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let stale = owner.begin().await;
    compromise(&house, &owner.person).await;
    let refused = owner.person.try_login(&owner.person.password).await;
    let refused = refused.expect_code(403, CODE).json();
    assert!(refused.get("mfa_token").is_none());
    owner
        .verify(&stale, &owner.app.next_code())
        .await
        .expect(401);
    // Nor does one that was begun with it bind a factor of a thief's, then or when it was replaced.
    let person = Person::register(&house.public(), "eve").await;
    let policy = json!({ "config": { "mfa": "require" } });
    let admin = house.admin();
    admin
        .patch("/admin/tenants/default", policy)
        .await
        .expect(200);
    let begun = person.try_login(&person.password).await.expect(200);
    let stale = begun.field("mfa_token");
    set_up(&house, &stale).await.expect(200);
    compromise(&house, &person).await;
    set_up(&house, &stale).await.expect(401);
    reset(&house, &person).await;
    set_up(&house, &stale).await.expect(401);
}

async fn whoever_knows_a_compromised_password_does_not_replace_it(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let me = house.public().bearer(&person.login().await.access);
    let (mut authenticator, _) = bind(&me, "Key").await;
    compromise(&house, &person).await;
    let public = house.public();
    let tokens = Tokens::of(&sign_in(&public, &mut authenticator).await.expect(200));
    let me = public.bearer(&tokens.access);
    let body = json!({ "old_password": person.password, "new_password": NEW });
    let refused = me.put("/auth/me/password", body.clone()).await;
    refused.expect_code(403, CODE);
    let refused = person.try_login(&person.password).await;
    refused.expect_code(403, CODE);
    reset(&house, &person).await;
    person.try_login(NEW).await.expect(200);
}

async fn the_sign_in_page_says_that_a_password_is_compromised(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    compromise(&house, &person).await;
    let mut browser = Browser::new(&house.public());
    let page = browser.open("/sign-in").await;
    let filled = [
        ("email", person.email.as_str()),
        ("password", person.password.as_str()),
    ];
    let page = browser.submit(&page, &filled).await;
    page.expect(422);
    let text = &page.answer.text;
    assert!(text.contains("Others may know this password"), "{text}");
    assert!(text.contains("href=\"/forgotten-password\""));
    assert!(browser.cookie("__Host-session").is_none());
    assert!(browser.cookie("__Host-sign-in").is_none());
}

async fn only_that_a_password_is_compromised_can_be_said(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let path = format!("/admin/users/{}", house.user_id(&person).await);
    let body = json!({ "password_compromised": false });
    let refused = house.admin().patch(&path, body).await;
    let refused = refused.expect_code(422, "VALIDATION_ERROR").json();
    assert_eq!(refused["details"][0]["field"], "password_compromised");
    person.login().await;
}
