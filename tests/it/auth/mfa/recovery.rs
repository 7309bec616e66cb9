//! /auth/mfa/recovery: a lost second factor, by two ways (NIST SP 800-63B-4 §4.2), and how thieves fare who
//! hold one of them.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{App, Owner, verify};
use crate::cases;
use crate::client::{Answer, Person, Tokens};
use crate::house::House;

cases![
    nist_sp_800_63b_4_4_2_a_password_and_a_mailed_code_recover_a_lost_factor,
    where_it_is_required_a_recovered_account_binds_anew,
    a_stolen_mailbox_alone_recovers_nothing,
    a_stolen_password_alone_recovers_nothing,
    an_address_that_nobody_proved_is_sent_no_code,
    a_recovery_code_counts_once_for_ten_minutes_and_the_newest_alone,
    a_recovery_code_is_its_accounts_and_nothing_else,
    one_of_ten_confirmations_at_once_recovers,
    a_sign_in_that_was_finished_or_closed_recovers_nothing,
    only_a_sign_in_that_owes_a_factor_recovers_one,
    few_recovery_codes_are_mailed,
];

const NEW: &str = "a fresh and long passphrase";

/// An owner of an app whose address is proven.
pub async fn proven(house: &House, name: &str) -> Owner {
    let owner = Owner::enroll(house, name).await;
    let token = house.letter(&owner.person, "verify_email").await;
    let body = json!({ "token": token.expect("a letter") });
    let proved = house.public().post("/auth/verify-email", body).await;
    proved.expect(200);
    owner
}

async fn ask(house: &House, mfa_token: &str) -> Answer {
    let body = json!({ "mfa_token": mfa_token });
    house.public().post("/auth/mfa/recovery", body).await
}

/// Asks for a code and takes it from the mail.
async fn code(house: &House, owner: &Owner, mfa_token: &str) -> String {
    ask(house, mfa_token).await.expect(202);
    let letter = house.letter(&owner.person, "factor_recovery_code").await;
    letter.expect("a letter")
}

async fn confirm(house: &House, mfa_token: &str, code: &str) -> Answer {
    let body = json!({ "mfa_token": mfa_token, "code": code });
    house
        .public()
        .post("/auth/mfa/recovery/confirm", body)
        .await
}

async fn status(house: &House, tokens: &Tokens) -> Value {
    let me = house.public().bearer(&tokens.access);
    me.get("/auth/mfa/status").await.expect(200).json()
}

/// Checks that the app is asked for still, and is taken.
async fn expect_bound(owner: &Owner) {
    owner.login().await;
}

async fn set_policy(house: &House, policy: &str) {
    let body = json!({ "config": { "mfa": policy } });
    let patched = house.admin().patch("/admin/tenants/default", body).await;
    patched.expect(200);
}

/// Sets a new password by mail.
async fn reset(house: &House, person: &Person) {
    house.clock.advance(Duration::from_secs(1));
    let body = json!({ "token": house.reset_token(person).await, "new_password": NEW });
    let path = "/auth/password/reset/confirm";
    house.public().post(path, body).await.expect(200);
}

async fn nist_sp_800_63b_4_4_2_a_password_and_a_mailed_code_recover_a_lost_factor(house: House) {
    let owner = proven(&house, "ada").await;
    let before = owner.login().await;
    let token = owner.begin().await;
    let code = code(&house, &owner, &token).await;
    assert!(!house.has_stored(&code));
    let typed = code.to_uppercase().replace('-', " ");
    let tokens = Tokens::of(&confirm(&house, &token, &typed).await.expect(200));
    let told = crate::oauth::world::claims(&tokens.access);
    assert_eq!(told["acr"], "urn:nist:sp:800-63b-4:aal1");
    assert_eq!(told["amr"], json!(["pwd"]));
    let status = status(&house, &tokens).await;
    assert_eq!(
        (&status["enabled"], &status["backup_codes_remaining"]),
        (&json!(false), &json!(0))
    );
    owner.person.me(&before.access).await.expect(401);
    owner.person.refresh(&before.refresh).await.expect(401);
    let letter = house.letter(&owner.person, "factors_recovered").await;
    assert!(letter.is_some());
    assert_eq!(house.audit_count("factors.recovered").await, 1);
    owner.person.login().await;
}

async fn where_it_is_required_a_recovered_account_binds_anew(house: House) {
    let owner = proven(&house, "ada").await;
    set_policy(&house, "require").await;
    let token = owner.begin().await;
    let code = code(&house, &owner, &token).await;
    let owed = confirm(&house, &token, &code).await.expect(200);
    assert_eq!(owed.json()["binding_required"], true);
    assert!(owed.json().get("access_token").is_none());
    let public = house.public();
    let next = owed.field("mfa_token");
    let body = json!({ "mfa_token": next });
    let setup = public.post("/auth/mfa/setup", body).await.expect(200);
    let app = App::new(&house, &setup.field("secret"));
    let body = json!({ "mfa_token": next, "code": app.code() });
    let confirmed = public.post("/auth/mfa/confirm", body).await.expect(200);
    owner
        .person
        .me(&Tokens::of(&confirmed).access)
        .await
        .expect(200);
    // The lost app is worth nothing, in a new sign-in or in the one that let go of it.
    let begun = owner.begin().await;
    for token in [&begun, &token] {
        let code = owner.app.next_code();
        owner.verify(token, &code).await.expect(401);
    }
}

/// Whoever reads the mailbox sets the password, and gets no further: a mailed code would be the same way.
async fn a_stolen_mailbox_alone_recovers_nothing(house: House) {
    let owner = proven(&house, "ada").await;
    reset(&house, &owner.person).await;
    let begin = async |password: &str| {
        let begun = owner.person.try_login(password).await.expect(200);
        begun.field("mfa_token")
    };
    let token = begin(NEW).await;
    let refused = ask(&house, &token).await;
    let refused = refused.expect_code(403, "FORBIDDEN");
    assert!(refused.field("error").contains("ask an administrator"));
    confirm(&house, &token, "bcdf-ghjk-mnpq-rtvw")
        .await
        .expect_code(403, "FORBIDDEN");
    // The owner shows the app, and chooses a password that came by no mail.
    let code = owner.app.next_code();
    let tokens = Tokens::of(&owner.verify(&token, &code).await.expect(200));
    ask(&house, &begin(NEW).await).await.expect(403);
    house.clock.advance(Duration::from_secs(1));
    let another = "another fresh and long passphrase";
    let body = json!({ "old_password": NEW, "new_password": another });
    let me = house.public().bearer(&tokens.access);
    me.put("/auth/me/password", body).await.expect(200);
    let token = begin(another).await;
    let code = self::code(&house, &owner, &token).await;
    // A code that was mailed before the password was set by mail is worth nothing after.
    reset(&house, &owner.person).await;
    confirm(&house, &token, &code).await.expect(401);
    let token = begin(NEW).await;
    confirm(&house, &token, &code).await.expect(403);
    let code = owner.app.next_code();
    owner.verify(&token, &code).await.expect(200);
}

async fn a_stolen_password_alone_recovers_nothing(house: House) {
    let owner = proven(&house, "ada").await;
    let token = owner.begin().await;
    ask(&house, &token).await.expect(202);
    let mut delayed = 0;
    for guess in ["", "bcdf", "bcdf-ghjk-mnpq-rtvw", "2222-2222-2222-2222"]
        .iter()
        .cycle()
        .take(12)
    {
        let answer = confirm(&house, &token, guess).await;
        let status = answer.status.as_u16();
        assert!([401, 422, 429].contains(&status), "{}", answer.text);
        delayed += usize::from(status == 429);
    }
    assert!(delayed >= 4, "after five, one has to wait: {delayed}");
    assert!(house.audit_count("factor.failed").await >= 4);
    // The owner is told, and gets in by the app meanwhile.
    let letter = house.letter(&owner.person, "factor_recovery_code").await;
    assert!(letter.is_some());
    expect_bound(&owner).await;
}

async fn an_address_that_nobody_proved_is_sent_no_code(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let token = owner.begin().await;
    let refused = ask(&house, &token).await;
    refused.expect_code(403, "FORBIDDEN");
    assert_eq!(house.audit_count("factors.recovery_requested").await, 0);
    expect_bound(&owner).await;
}

async fn a_recovery_code_counts_once_for_ten_minutes_and_the_newest_alone(house: House) {
    let owner = proven(&house, "ada").await;
    let token = owner.begin().await;
    let older = code(&house, &owner, &token).await;
    house.clock.advance(Duration::from_secs(1));
    let newer = code(&house, &owner, &token).await;
    confirm(&house, &token, &older).await.expect(401);
    house.clock.advance(Duration::from_mins(10));
    let late = owner.begin().await;
    confirm(&house, &late, &newer).await.expect(401);
    let newest = code(&house, &owner, &late).await;
    confirm(&house, &late, &newest).await.expect(200);
    // The code is spent, and so is the sign-in, whatever is bound by now.
    let me = house.public().bearer(&owner.person.login().await.access);
    let setup = me.post("/auth/mfa/setup", json!({})).await.expect(200);
    let app = App::new(&house, &setup.field("secret"));
    let body = json!({ "code": app.code() });
    me.post("/auth/mfa/confirm", body).await.expect(200);
    confirm(&house, &late, &newest).await.expect(401);
    let next = owner.begin().await;
    confirm(&house, &next, &newest).await.expect(401);
}

async fn a_recovery_code_is_its_accounts_and_nothing_else(house: House) {
    let (ada, eve) = (proven(&house, "ada").await, proven(&house, "eve").await);
    house.add_tenant("acme").await;
    let (mine, hers) = (ada.begin().await, eve.begin().await);
    let code = code(&house, &ada, &mine).await;
    confirm(&house, &hers, &code).await.expect(401);
    let public = house.public();
    verify(&public, &mine, ("backup", &code)).await.expect(401);
    verify(&public, &mine, ("totp", &code)).await.expect(401);
    let body = json!({ "token": code, "new_password": NEW });
    let path = "/auth/password/reset/confirm";
    public.post(path, body).await.expect(422);
    let body = json!({ "token": code });
    public.post("/auth/verify-email", body).await.expect(422);
    let reset = house.reset_token(&ada.person).await;
    for other in [&ada.codes[0], &reset] {
        let answer = confirm(&house, &mine, other).await;
        assert!([401, 422].contains(&answer.status.as_u16()), "{other}");
    }
    let elsewhere = public.with("x-tenant-id", "acme");
    let body = json!({ "mfa_token": mine, "code": code });
    let path = "/auth/mfa/recovery/confirm";
    elsewhere.post(path, body).await.expect(401);
    expect_bound(&eve).await;
    confirm(&house, &mine, &code).await.expect(200);
}

async fn one_of_ten_confirmations_at_once_recovers(house: House) {
    let owner = proven(&house, "ada").await;
    let mut tokens = Vec::new();
    for _ in 0..5 {
        tokens.push(owner.begin().await);
    }
    let code = code(&house, &owner, &tokens[0]).await;
    let shown = tokens.iter().chain(&tokens);
    let answers = join_all(shown.map(|token| confirm(&house, token, &code))).await;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(passed, 1);
    assert_eq!(house.audit_count("factors.recovered").await, 1);
}

async fn a_sign_in_that_was_finished_or_closed_recovers_nothing(house: House) {
    let owner = proven(&house, "ada").await;
    let token = owner.begin().await;
    let first = code(&house, &owner, &token).await;
    let shown = owner.app.next_code();
    let tokens = Tokens::of(&owner.verify(&token, &shown).await.expect(200));
    confirm(&house, &token, &first).await.expect(401);
    assert_eq!(status(&house, &tokens).await["enabled"], true);
    let path = format!("/admin/users/{}", house.user_id(&owner.person).await);
    let admin = house.admin();
    let token = owner.begin().await;
    let next = code(&house, &owner, &token).await;
    let lock = json!({ "status": "locked" });
    admin.patch(&path, lock).await.expect(200);
    confirm(&house, &token, &next).await.expect(401);
    let open = json!({ "status": "active", "password_compromised": true });
    admin.patch(&path, open).await.expect(200);
    confirm(&house, &token, &next).await.expect(401);
    ask(&house, &token).await.expect(401);
    assert_eq!(house.audit_count("factors.recovered").await, 0);
    let bound = admin.get(&format!("{path}/mfa")).await.expect(200).json();
    assert_eq!(bound["enabled"], true);
}

async fn only_a_sign_in_that_owes_a_factor_recovers_one(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    set_policy(&house, "require").await;
    let begun = person.try_login(&person.password).await.expect(200);
    ask(&house, &begun.field("mfa_token")).await.expect(401);
    for spoilt in ["", "qf_mt_", "qf_mt_AAAA"] {
        let status = ask(&house, spoilt).await.status.as_u16();
        assert!([401, 422].contains(&status), "{spoilt}");
    }
}

async fn few_recovery_codes_are_mailed(house: House) {
    let owner = proven(&house, "ada").await;
    let token = owner.begin().await;
    for _ in 0..5 {
        ask(&house, &token).await.expect(202);
    }
    let refused = ask(&house, &token).await;
    let refused = refused.expect_code(429, "RATE_LIMIT_EXCEEDED");
    assert!(!refused.header("retry-after").is_empty());
}
