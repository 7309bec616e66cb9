//! /auth/mfa: backup codes, what a tenant requires, and what people are told of.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::{App, Owner, texts, verify};
use crate::authenticator::Authenticator;
use crate::cases;
use crate::client::{Person, Tokens};
use crate::house::House;

cases![
    where_it_is_required_a_sign_in_binds_a_factor_first,
    nist_sp_800_63b_4_3_1_2_a_backup_code_passes_once_and_is_told_of,
    new_backup_codes_replace_the_old,
    a_factor_is_removed_by_whoever_shows_one_alone,
    the_last_factor_stays_where_it_is_required,
    guesses_are_counted_for_each_way_and_the_owner_gets_in_by_another,
    codes_that_come_with_a_new_app_are_open_whatever_was_guessed_before,
    a_reset_password_asks_for_the_factor_all_the_same,
    whoever_had_the_old_password_binds_nothing_with_it,
    a_sign_in_that_is_done_binds_nothing_more,
    a_sign_in_with_another_device_is_told_of,
];

async fn where_it_is_required_a_sign_in_binds_a_factor_first(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let policy = json!({ "config": { "mfa": "require" } });
    house
        .admin()
        .patch("/admin/tenants/default", policy)
        .await
        .expect(200);
    let begun = person.try_login(&person.password).await.expect(200).json();
    assert_eq!(begun["binding_required"], true);
    assert_eq!(begun["methods"], json!([]));
    let token = begun["mfa_token"].as_str().expect("a token");
    verify(&house.public(), token, ("totp", "000000"))
        .await
        .expect(401);
    let body = json!({ "mfa_token": token });
    let setup = house
        .public()
        .post("/auth/mfa/setup", body)
        .await
        .expect(200);
    let app = App::new(&house, &setup.field("secret"));
    let body = json!({ "mfa_token": token, "code": app.code() });
    let confirmed = house
        .public()
        .post("/auth/mfa/confirm", body)
        .await
        .expect(200);
    assert_eq!(texts(&confirmed.json()["backup_codes"]).len(), 10);
    person.me(&Tokens::of(&confirmed).access).await.expect(200);
    let begun = person.try_login(&person.password).await.expect(200).json();
    assert_eq!(begun["binding_required"], false);
}

async fn nist_sp_800_63b_4_3_1_2_a_backup_code_passes_once_and_is_told_of(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let code = owner.codes[0].to_uppercase().replace('-', " ");
    let tokens = join_all((0..4).map(|_| owner.begin())).await;
    let public = &owner.person.public;
    let shown = tokens
        .iter()
        .map(|token| verify(public, token, ("backup", &code)));
    let answers = join_all(shown).await;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(passed, 1);
    assert!(
        house
            .letter(&owner.person, "backup_code_used")
            .await
            .is_some()
    );
    let tokens = owner.login().await;
    let me = house.public().bearer(&tokens.access);
    let status = me.get("/auth/mfa/status").await.expect(200).json();
    assert_eq!(status["backup_codes_remaining"], 9);
    assert!(!house.has_stored(&owner.codes[1]));
}

async fn new_backup_codes_replace_the_old(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let me = house.public().bearer(&owner.login().await.access);
    let wrong = json!({ "code": "000000" });
    me.post("/auth/mfa/backup-codes", wrong).await.expect(401);
    let body = json!({ "code": owner.app.next_code() });
    let made = me
        .post("/auth/mfa/backup-codes", body)
        .await
        .expect(200)
        .json();
    let made = texts(&made["backup_codes"]);
    assert!(
        house
            .letter(&owner.person, "backup_codes_made")
            .await
            .is_some()
    );
    let token = owner.begin().await;
    let public = &owner.person.public;
    let old = ("backup", owner.codes[0].as_str());
    verify(public, &token, old).await.expect(401);
    let new = ("backup", made[0].as_str());
    verify(public, &token, new).await.expect(200);
}

async fn a_factor_is_removed_by_whoever_shows_one_alone(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let me = house.public().bearer(&owner.login().await.access);
    me.post("/auth/mfa/disable", json!({})).await.expect(422);
    let wrong = json!({ "code": "123456" });
    me.post("/auth/mfa/disable", wrong).await.expect(401);
    let body = json!({ "code": owner.codes[3], "code_type": "backup" });
    me.post("/auth/mfa/disable", body).await.expect(200);
    assert!(
        house
            .letter(&owner.person, "factor_removed")
            .await
            .is_some()
    );
    owner.person.login().await;
    let body = json!({ "code": owner.codes[4], "code_type": "backup" });
    me.post("/auth/mfa/disable", body)
        .await
        .expect_code(404, "NOT_FOUND");
}

async fn the_last_factor_stays_where_it_is_required(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let policy = json!({ "config": { "mfa": "require" } });
    house
        .admin()
        .patch("/admin/tenants/default", policy)
        .await
        .expect(200);
    let me = house.public().bearer(&owner.login().await.access);
    let body = json!({ "code": owner.app.next_code() });
    me.post("/auth/mfa/disable", body)
        .await
        .expect_code(409, "CONFLICT");
}

async fn guesses_are_counted_for_each_way_and_the_owner_gets_in_by_another(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let token = owner.begin().await;
    let mut refused = 0;
    for guess in 0..12 {
        let answer = owner.verify(&token, &format!("{guess:06}")).await;
        assert!(
            [401, 429].contains(&answer.status.as_u16()),
            "{}",
            answer.text
        );
        refused += usize::from(answer.status == 429);
    }
    assert!(refused >= 6, "after five, one has to wait");
    let backup = ("backup", owner.codes[0].as_str());
    let token = owner.begin().await;
    verify(&owner.person.public, &token, backup)
        .await
        .expect(200);
}

async fn codes_that_come_with_a_new_app_are_open_whatever_was_guessed_before(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let public = owner.person.public.clone();
    let guess = ("backup", "bcdf-bcdf-bcdf-bcdf");
    for number in 0..100 {
        let token = owner.begin().await;
        let network = format!("198.51.100.{number}");
        let stranger = public.with("x-forwarded-for", network);
        verify(&stranger, &token, guess).await.expect(401);
        house.clock.advance(Duration::from_mins(15));
    }
    let shown = ("backup", owner.codes[0].as_str());
    let token = owner.begin().await;
    let closed = verify(&public, &token, shown).await.expect(401);
    assert!(closed.text.contains("closed"), "{}", closed.text);
    let me = public.bearer(&owner.login().await.access);
    let body = json!({ "code": owner.app.next_code() });
    me.post("/auth/mfa/disable", body).await.expect(200);
    let owner = Owner::bind(&house, owner.person).await;
    let shown = ("backup", owner.codes[0].as_str());
    let token = owner.begin().await;
    verify(&public, &token, shown).await.expect(200);
}

async fn a_reset_password_asks_for_the_factor_all_the_same(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let stale = owner.begin().await;
    house.clock.advance(Duration::from_secs(1));
    let reset = house.reset_token(&owner.person).await;
    let new = "a fresh and long passphrase";
    let body = json!({ "token": reset, "new_password": new });
    let public = &owner.person.public;
    public
        .post("/auth/password/reset/confirm", body)
        .await
        .expect(200);
    owner
        .verify(&stale, &owner.app.next_code())
        .await
        .expect(401);
    let begun = owner.person.try_login(new).await.expect(200);
    assert_eq!(begun.json()["mfa_required"], true);
    let token = begun.field("mfa_token");
    owner
        .verify(&token, &owner.app.next_code())
        .await
        .expect(200);
}

/// A sign-in in progress outlives no password, also not where it is to bind the first factor.
async fn whoever_had_the_old_password_binds_nothing_with_it(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let policy = json!({ "config": { "mfa": "require" } });
    let admin = house.admin();
    admin
        .patch("/admin/tenants/default", policy)
        .await
        .expect(200);
    let begun = person.try_login(&person.password).await.expect(200);
    let thief = json!({ "mfa_token": begun.field("mfa_token") });
    let public = house.public();
    let setup = public.post("/auth/mfa/setup", thief.clone()).await;
    let app = App::new(&house, &setup.expect(200).field("secret"));
    let path = "/auth/webauthn/register/begin";
    let begun = public.post(path, thief.clone()).await.expect(200).json();
    house.clock.advance(Duration::from_secs(1));
    let token = house.reset_token(&person).await;
    let body = json!({ "token": token, "new_password": "a fresh and long passphrase" });
    let reset = public.post("/auth/password/reset/confirm", body).await;
    reset.expect(200);
    let mut body = thief.clone();
    body["code"] = app.code().into();
    public.post("/auth/mfa/confirm", body).await.expect(401);
    let mut body = thief.clone();
    body["name"] = "Theirs".into();
    body["state"] = begun["state"].clone();
    body["response"] = Authenticator::new().create(&begun["options"]);
    let path = "/auth/webauthn/register/finish";
    public.post(path, body).await.expect(401);
    public.post("/auth/mfa/setup", thief).await.expect(401);
    let path = format!("/admin/users/{}/mfa", house.user_id(&person).await);
    let status = admin.get(&path).await.expect(200).json();
    assert_eq!(
        (&status["enabled"], &status["passkeys"]),
        (&json!(false), &json!(0))
    );
}

/// It counts once also where the factor that it bound is gone again.
async fn a_sign_in_that_is_done_binds_nothing_more(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let policy = json!({ "config": { "mfa": "require" } });
    let admin = house.admin();
    admin
        .patch("/admin/tenants/default", policy)
        .await
        .expect(200);
    let begun = person.try_login(&person.password).await.expect(200);
    let body = json!({ "mfa_token": begun.field("mfa_token") });
    let public = house.public();
    let bind = async || {
        let setup = public.post("/auth/mfa/setup", body.clone()).await;
        let app = App::new(&house, &setup.expect(200).field("secret"));
        let mut body = body.clone();
        body["code"] = app.code().into();
        public.post("/auth/mfa/confirm", body).await
    };
    bind().await.expect(200);
    let path = format!("/admin/users/{}/mfa", house.user_id(&person).await);
    admin.delete(&path).await.expect(204);
    bind().await.expect(401);
    let begun = public
        .post("/auth/webauthn/register/begin", body.clone())
        .await;
    let begun = begun.expect(200).json();
    let mut body = body.clone();
    body["name"] = "Again".into();
    body["state"] = begun["state"].clone();
    body["response"] = Authenticator::new().create(&begun["options"]);
    let path_of = "/auth/webauthn/register/finish";
    public.post(path_of, body).await.expect(401);
    let status = admin.get(&path).await.expect(200).json();
    assert_eq!(
        (&status["enabled"], &status["passkeys"]),
        (&json!(false), &json!(0))
    );
}

async fn a_sign_in_with_another_device_is_told_of(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let with = |program: &str| Person {
        public: house.public().with("user-agent", program),
        ..person.clone()
    };
    with("Fox/1 (Desk)").login().await;
    with("Fox/2 (Desk)").login().await;
    with("Fox/2 (Phone)").login().await;
    let text = house.printed_mail(&person, "new_sign_in").await;
    assert!(text.contains("a device that was not used before"), "{text}");
    with("Fox/3 (Phone)").login().await;
    assert!(house.letter(&person, "password_changed").await.is_none());
    assert!(house.letter(&person, "new_sign_in").await.is_none());
}
