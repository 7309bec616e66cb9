//! /auth/webauthn: passkeys, as the whole sign-in and as second factor.

use std::time::Duration;

use serde_json::{Value, json};

use crate::auth::mfa::Owner;
use crate::authenticator::Authenticator;
use crate::cases;
use crate::client::{Answer, Client, Person, Tokens};
use crate::house::House;
use crate::oauth::world::claims;

cases![
    a_passkey_is_bound_and_is_the_whole_sign_in,
    a_passkey_is_the_second_factor_of_a_password,
    a_challenge_counts_once_for_five_minutes_and_for_its_purpose,
    webauthn_7_2_22_a_counter_that_stays_is_refused_and_recorded,
    anothers_passkey_proves_nothing,
    whoever_has_no_passkey_is_asked_for_none,
    owasp_asvs_6_3_8_the_question_for_a_passkey_tells_nobody_who_has_one,
    where_it_is_required_a_passkey_finishes_the_sign_in_that_owes_it,
    passkeys_are_listed_named_and_removed,
    a_passkey_of_a_closed_account_or_another_tenant_opens_nothing,
    an_authenticator_that_verifies_nobody_is_no_whole_sign_in,
];

/// Asks for something to be begun; gives the options and the state.
async fn begin(client: &Client, path: &str, body: Value) -> (Value, String) {
    let begun = client.post(path, body).await.expect(200).json();
    let state = begun["state"].as_str().expect("a state").to_owned();
    (begun["options"].clone(), state)
}

/// Binds a passkey to whoever is signed in.
pub async fn bind(me: &Client, name: &str) -> (Authenticator, Value) {
    let mut authenticator = Authenticator::new();
    let (options, state) = begin(me, "/auth/webauthn/register/begin", json!({})).await;
    let response = authenticator.create(&options);
    let body = json!({ "name": name, "state": state, "response": response });
    let bound = me.post("/auth/webauthn/register/finish", body).await;
    (authenticator, bound.expect(201).json())
}

/// Signs in by a passkey alone.
pub async fn sign_in(public: &Client, authenticator: &mut Authenticator) -> Answer {
    let (options, state) = begin(public, "/auth/webauthn/login/begin", json!({})).await;
    let response = authenticator.get(&options);
    finish(public, json!({ "state": state, "response": response })).await
}

async fn finish(public: &Client, body: Value) -> Answer {
    public.post("/auth/webauthn/login/finish", body).await
}

async fn signed_in(house: &House, person: &Person) -> Client {
    house.public().bearer(&person.login().await.access)
}

async fn a_passkey_is_bound_and_is_the_whole_sign_in(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let me = signed_in(&house, &person).await;
    let (mut authenticator, bound) = bind(&me, "Laptop").await;
    assert_eq!(bound["credential"]["name"], "Laptop");
    assert_eq!(bound["backup_codes"].as_array().map(Vec::len), Some(10));
    assert!(house.letter(&person, "factor_added").await.is_some());
    let tokens = Tokens::of(
        &sign_in(&house.public(), &mut authenticator)
            .await
            .expect(200),
    );
    let told = claims(&tokens.access);
    assert_eq!(told["acr"], "urn:nist:sp:800-63b-4:aal2");
    assert_eq!(told["amr"], json!(["swk", "user", "mfa"]));
    person.me(&tokens.access).await.expect(200);
    sign_in(&house.public(), &mut authenticator)
        .await
        .expect(200);
}

async fn a_passkey_is_the_second_factor_of_a_password(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let me = signed_in(&house, &person).await;
    let (mut authenticator, _) = bind(&me, "Key").await;
    let begun = person.try_login(&person.password).await.expect(200);
    assert_eq!(begun.json()["methods"], json!(["passkey", "backup"]));
    let token = begun.field("mfa_token");
    let public = house.public();
    let body = json!({ "mfa_token": token });
    let (options, state) = begin(&public, "/auth/webauthn/login/begin", body).await;
    let response = authenticator.get(&options);
    let body = json!({ "mfa_token": token, "state": state, "response": response });
    let tokens = Tokens::of(&finish(&public, body.clone()).await.expect(200));
    assert_eq!(
        claims(&tokens.access)["amr"],
        json!(["pwd", "swk", "user", "mfa"])
    );
    finish(&public, body).await.expect(401);
    public
        .post("/auth/mfa/verify", json!({ "mfa_token": token }))
        .await
        .expect(422);
}

async fn a_challenge_counts_once_for_five_minutes_and_for_its_purpose(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let me = signed_in(&house, &person).await;
    let (mut authenticator, _) = bind(&me, "Key").await;
    let public = house.public();
    let path = "/auth/webauthn/login/begin";
    let (options, state) = begin(&public, path, json!({})).await;
    let body = json!({ "state": state, "response": authenticator.get(&options) });
    finish(&public, body.clone()).await.expect(200);
    finish(&public, body).await.expect(401);
    let (options, state) = begin(&public, path, json!({})).await;
    let late = json!({ "state": state, "response": authenticator.get(&options) });
    house.clock.advance(Duration::from_mins(5));
    finish(&public, late).await.expect(401);
    // An answer to one challenge is none to another, nor is a state of a binding one of a sign-in.
    let (options, _) = begin(&public, path, json!({})).await;
    let (its_own, other) = begin(&public, path, json!({})).await;
    let body = json!({ "state": other, "response": authenticator.get(&options) });
    finish(&public, body).await.expect(401);
    // A wrong answer spends the challenge too (WebAuthn §13.4.3): the right one comes too late.
    let body = json!({ "state": other, "response": authenticator.get(&its_own) });
    finish(&public, body).await.expect(401);
    let me = house
        .public()
        .bearer(&Tokens::of(&sign_in(&public, &mut authenticator).await).access);
    let (options, state) = begin(&me, "/auth/webauthn/register/begin", json!({})).await;
    let body = json!({ "state": state, "response": authenticator.get(&options) });
    finish(&public, body).await.expect(401);
    for spoilt in ["", "AAAA", &state[..state.len() - 4]] {
        let (options, _) = begin(&public, path, json!({})).await;
        let body = json!({ "state": spoilt, "response": authenticator.get(&options) });
        finish(&public, body).await.expect(401);
    }
}

async fn webauthn_7_2_22_a_counter_that_stays_is_refused_and_recorded(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let me = signed_in(&house, &person).await;
    let (mut authenticator, _) = bind(&me, "Key").await;
    let public = house.public();
    for _ in 0..3 {
        sign_in(&public, &mut authenticator).await.expect(200);
    }
    for counter in [3, 2, 0] {
        let (options, state) = begin(&public, "/auth/webauthn/login/begin", json!({})).await;
        let response = authenticator.get_at(&options, counter);
        finish(&public, json!({ "state": state, "response": response }))
            .await
            .expect(401);
    }
    assert_eq!(house.audit_count("factor.failed").await, 3);
    sign_in(&public, &mut authenticator).await.expect(200);
}

async fn anothers_passkey_proves_nothing(house: House) {
    let ada = Person::register(&house.public(), "ada").await;
    let eve = Person::register(&house.public(), "eve").await;
    bind(&signed_in(&house, &ada).await, "Ada's").await;
    let (mut theirs, _) = bind(&signed_in(&house, &eve).await, "Eve's").await;
    let public = house.public();
    let token = ada
        .try_login(&ada.password)
        .await
        .expect(200)
        .field("mfa_token");
    let body = json!({ "mfa_token": token });
    let (options, state) = begin(&public, "/auth/webauthn/login/begin", body).await;
    let response = theirs.get(&options);
    let body = json!({ "mfa_token": token, "state": state, "response": response });
    finish(&public, body).await.expect(401);
    // Nor does a state of nobody's in particular do for somebody.
    let (options, state) = begin(&public, "/auth/webauthn/login/begin", json!({})).await;
    let response = theirs.get(&options);
    let body = json!({ "mfa_token": token, "state": state, "response": response });
    finish(&public, body).await.expect(401);
    let mut unbound = Authenticator::new();
    let (options, state) = begin(&public, "/auth/webauthn/login/begin", json!({})).await;
    let response = unbound.get(&options);
    finish(&public, json!({ "state": state, "response": response }))
        .await
        .expect(401);
    // One that is bound is bound to nobody else.
    let me = signed_in_by(&public, &mut theirs).await;
    let (options, state) = begin(&me, "/auth/webauthn/register/begin", json!({})).await;
    let response = theirs.create(&options);
    let body = json!({ "name": "again", "state": state, "response": response });
    me.post("/auth/webauthn/register/finish", body)
        .await
        .expect(409);
}

async fn whoever_has_no_passkey_is_asked_for_none(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let token = owner.begin().await;
    let body = json!({ "mfa_token": token });
    let path = "/auth/webauthn/login/begin";
    let asked = house.public().post(path, body).await;
    asked.expect_code(404, "NOT_FOUND");
    let next = owner.app.next_code();
    owner.verify(&token, &next).await.expect(200);
}

async fn owasp_asvs_6_3_8_the_question_for_a_passkey_tells_nobody_who_has_one(house: House) {
    let ada = Person::register(&house.public(), "ada").await;
    bind(&signed_in(&house, &ada).await, "Key").await;
    let asked = async |email: &str| {
        let body = json!({ "email": email });
        let path = "/auth/webauthn/login/begin";
        let (mut options, _) = begin(&house.public(), path, body).await;
        assert!(options["challenge"].take().is_string());
        assert_eq!(options["allowCredentials"], json!([]));
        options
    };
    assert_eq!(asked(&ada.email).await, asked("nobody@example.org").await);
}

async fn signed_in_by(public: &Client, authenticator: &mut Authenticator) -> Client {
    let tokens = Tokens::of(&sign_in(public, authenticator).await.expect(200));
    public.bearer(&tokens.access)
}

async fn where_it_is_required_a_passkey_finishes_the_sign_in_that_owes_it(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let policy = json!({ "config": { "mfa": "require" } });
    house
        .admin()
        .patch("/admin/tenants/default", policy)
        .await
        .expect(200);
    let token = person
        .try_login(&person.password)
        .await
        .expect(200)
        .field("mfa_token");
    let public = house.public();
    let mut authenticator = Authenticator::new();
    let body = json!({ "mfa_token": token });
    let (options, state) = begin(&public, "/auth/webauthn/register/begin", body).await;
    let response = authenticator.create(&options);
    let body = json!({ "mfa_token": token, "name": "First", "state": state, "response": response });
    let bound = public
        .post("/auth/webauthn/register/finish", body)
        .await
        .expect(201);
    person.me(&Tokens::of(&bound).access).await.expect(200);
    // A passkey alone is two factors, so nothing is owed after it.
    let me = signed_in_by(&public, &mut authenticator).await;
    let id = bound.json()["credential"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("/auth/webauthn/credentials/{id}");
    me.delete(&path).await.expect_code(409, "CONFLICT");
}

async fn passkeys_are_listed_named_and_removed(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let public = house.public();
    let me = public.bearer(&owner.login().await.access);
    let (mut authenticator, bound) = bind(&me, "Laptop").await;
    assert_eq!(bound["backup_codes"], json!([]), "there are codes already");
    let id = bound["credential"]["id"].as_str().expect("an id");
    let path = format!("/auth/webauthn/credentials/{id}");
    let listed = me
        .get("/auth/webauthn/credentials")
        .await
        .expect(200)
        .json();
    assert_eq!(listed["credentials"], json!([bound["credential"]]));
    me.patch(&path, json!({ "name": " " })).await.expect(422);
    me.patch(&path, json!({ "name": "Phone" }))
        .await
        .expect(200);
    assert_eq!(me.get(&path).await.expect(200).json()["name"], "Phone");
    let eve = Person::register(&public, "eve").await;
    let hers = signed_in(&house, &eve).await;
    hers.get(&path).await.expect(404);
    hers.patch(&path, json!({ "name": "Mine" }))
        .await
        .expect(404);
    hers.delete(&path).await.expect(404);
    house.clock.advance(Duration::from_mins(14));
    let fresh = signed_in_by(&public, &mut authenticator).await;
    house.clock.advance(Duration::from_mins(2));
    me.delete(&path).await.expect(401);
    fresh.delete(&path).await.expect(204);
    fresh.get(&path).await.expect(404);
    assert!(
        house
            .letter(&owner.person, "factor_removed")
            .await
            .is_some()
    );
    sign_in(&public, &mut authenticator).await.expect(401);
}

async fn a_passkey_of_a_closed_account_or_another_tenant_opens_nothing(house: House) {
    house.add_tenant("acme").await;
    let person = Person::register(&house.public(), "ada").await;
    let (mut authenticator, _) = bind(&signed_in(&house, &person).await, "Key").await;
    let elsewhere = house.public().with("x-tenant-id", "acme");
    sign_in(&elsewhere, &mut authenticator).await.expect(401);
    let id = house.user_id(&person).await;
    let body = json!({ "reason": "a test" });
    house
        .admin()
        .post(&format!("/admin/users/{id}/lock"), body)
        .await
        .expect(200);
    sign_in(&house.public(), &mut authenticator)
        .await
        .expect(401);
}

async fn an_authenticator_that_verifies_nobody_is_no_whole_sign_in(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let (mut authenticator, _) = bind(&signed_in(&house, &person).await, "Key").await;
    authenticator.verifies = false;
    sign_in(&house.public(), &mut authenticator)
        .await
        .expect(401);
    authenticator.verifies = true;
    sign_in(&house.public(), &mut authenticator)
        .await
        .expect(200);
}
