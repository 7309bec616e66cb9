//! The FAPI 2.0 Security Profile from end to end: POST /oauth/par, GET /oauth/authorize, POST
//! /oauth/token, and our own APIs; what passes, and what is refused.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::time::Clock as _;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::dpop::{Key, shows};
use super::par::short;
use super::tls_house::{ROBOT, TlsHouse};
use super::world::{ask, claims, code_fields, parameter, parameters};
use crate::browser::Browser;
use crate::cases;
use crate::client::{Answer, Person};
use crate::house::House;

mod member;

use member::{Member, profile, refresh_fields};

cases![
    fapi_2_0_5_3_2_a_client_that_signs_and_proves_a_key_passes,
    fapi_2_0_5_3_2_a_client_with_a_certificate_passes,
    rfc_9449_8_a_proof_without_the_nonce_is_refused_and_given_one,
    fapi_2_0_5_3_2_1_a_client_of_the_profile_keeps_its_refresh_token,
    fapi_2_0_5_3_2_1_a_token_that_does_not_rotate_ends_as_others_do,
    fapi_2_0_5_3_2_1_nothing_is_given_to_whoever_proves_less,
    fapi_2_0_5_3_2_1_an_assertion_is_for_the_issuer_and_for_now,
    fapi_2_0_5_3_2_1_a_client_that_cannot_keep_the_profile_is_not_registered,
    fapi_2_0_5_3_2_2_what_was_not_pushed_is_refused,
    fapi_2_0_5_3_2_2_a_pushed_request_is_whole_and_its_clients,
    fapi_2_0_5_3_2_2_codes_are_short_lived_and_used_once,
];

const ISSUER: &str = "http://localhost:4000";

async fn fapi_2_0_5_3_2_a_client_that_signs_and_proves_a_key_passes(house: House) {
    let member = Member::join(house).await;
    let sent = member.allowed().await;
    assert_eq!(parameter(&sent, "iss").as_deref(), Some(ISSUER));
    let code = parameter(&sent, "code").expect("a code");
    let tokens = member.token(&code_fields(&code)).await.expect(200);
    assert_eq!(tokens.json()["token_type"], "DPoP");
    let token = tokens.field("access_token");
    let expected = json!({ "jkt": member.key.thumbprint() });
    assert_eq!(claims(&token)["cnf"], expected);
    // FAPI 2.0 §5.4.1: no answer is signed with RS256.
    let identity = tokens.field("id_token");
    let header = identity.split('.').next().expect("a header");
    let header = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, header);
    let header: Value = serde_json::from_slice(&header.expect("base64url")).expect("JSON");
    assert_eq!(header["alg"], "ES256");
    let shown = shows(&member.world, &member.key, &token, json!({}));
    let me = shown.get("/userinfo").await.expect(200).json();
    assert_eq!(me["email"], member.world.person.email);
    let told = member
        .send("/oauth/introspect", &[("token", &token)], None)
        .await;
    assert_eq!(told.expect(200).json()["cnf"], expected);
}

async fn fapi_2_0_5_3_2_a_client_with_a_certificate_passes(house: House) {
    let house = TlsHouse::beside(&house).await;
    let own = house.clients.sign_client("robot");
    let profile = json!({
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": ROBOT,
        "tls_client_certificate_bound_access_tokens": true, "fapi_2_0": true,
    });
    let client = house.add_application("web", profile).await;
    let person = Person::register(&house.public(None), "ada").await;
    let public = house.public(Some(&own));
    let all = parameters(&client, &[]);
    let fields: Vec<(&str, &str)> = all
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let stranger = house.public(None).form("/oauth/par", &fields).await;
    stranger.expect_oauth(401, "invalid_client");
    let pushed = public.form("/oauth/par", &fields).await.expect(201);
    let mut browser = Browser::new(&house.public(None));
    let sent = browser.authorize(&short(&client, &pushed), &person).await;
    let code = parameter(&sent, "code").expect("a code");
    let mut fields = code_fields(&code).to_vec();
    fields.push(("client_id", &client.id));
    let tokens = public.form("/oauth/token", &fields).await.expect(200);
    let token = tokens.field("access_token");
    assert_eq!(claims(&token)["cnf"]["x5t#S256"], own.thumbprint());
    let shown = public.bearer(&token).get("/userinfo").await.expect(200);
    assert_eq!(shown.json()["email"], person.email);
    let thief = house.clients.sign_client("thief");
    for wrong in [None, Some(&thief)] {
        let refused = house.public(wrong).bearer(&token).get("/userinfo").await;
        refused.expect(401);
    }
    let refresh = tokens.field("refresh_token");
    let mut fields = refresh_fields(&refresh).to_vec();
    fields.push(("client_id", &client.id));
    for _ in 0..3 {
        let again = public.form("/oauth/token", &fields).await.expect(200);
        assert_eq!(again.field("refresh_token"), refresh);
        let stolen = house
            .public(Some(&thief))
            .form("/oauth/token", &fields)
            .await;
        stolen.expect_oauth(401, "invalid_client");
    }
    house.stop().await;
}

async fn rfc_9449_8_a_proof_without_the_nonce_is_refused_and_given_one(house: House) {
    let member = Member::join(house).await;
    let code = member.code().await;
    let fields = code_fields(&code);
    let send = |own: Value| {
        let proof = member.proof(own);
        member.send("/oauth/token", &fields, Some(proof))
    };
    let refused = send(json!({})).await.expect_oauth(400, "use_dpop_nonce");
    let nonce = refused.header("dpop-nonce").to_owned();
    assert!(!nonce.is_empty());
    for odd in [
        json!("of its own"),
        json!(""),
        json!(1),
        json!(format!("{nonce}x")),
    ] {
        let refused = send(json!({ "nonce": odd })).await.expect(400);
        assert!(refused.json()["error"].is_string(), "{odd}");
    }
    member.world.house.clock.advance(Duration::from_mins(6));
    let late = send(json!({ "nonce": nonce })).await;
    let late = late.expect_oauth(400, "use_dpop_nonce");
    // Nothing of it spent a code; this one has only become too old.
    let code = member.code().await;
    let nonce = late.header("dpop-nonce");
    let proof = member.proof(json!({ "nonce": nonce }));
    let fields = code_fields(&code);
    let given = member.send("/oauth/token", &fields, Some(proof)).await;
    given.expect(200);
    // Of others it is not demanded.
    let free = member.world.code(&member.world.native).await;
    let mut fields = code_fields(&free).to_vec();
    fields.push(("client_id", &member.world.native.id));
    let proof = Key::new().prove(&member.world, "POST", "/oauth/token", json!({}));
    let public = member.world.house.public().with("dpop", proof);
    public.form("/oauth/token", &fields).await.expect(200);
}

async fn fapi_2_0_5_3_2_1_a_client_of_the_profile_keeps_its_refresh_token(house: House) {
    let member = Member::join(house).await;
    let first = member.tokens().await.field("refresh_token");
    // Far beyond any window in which a repeat is answered alike.
    for _ in 0..3 {
        member.world.house.clock.advance(Duration::from_mins(20));
        let again = member.refresh(&first).await.expect(200);
        assert_eq!(again.field("refresh_token"), first);
        let access = again.field("access_token");
        let shown = shows(&member.world, &member.key, &access, json!({}));
        shown.get("/userinfo").await.expect(200);
    }
    let answers = join_all((0..20).map(|_| member.refresh(&first))).await;
    for answer in answers {
        assert_eq!(answer.expect(200).field("refresh_token"), first);
    }
    let reused = member.world.house.audit_count("token.reuse_detected").await;
    assert_eq!(reused, 0);
    // A client that leaves the profile gets successors again.
    let path = format!("/admin/clients/{}", member.registered.id);
    let leaving = json!({ "fapi_2_0": false });
    let admin = member.world.house.admin();
    admin.patch(&path, leaving).await.expect(200);
    let next = member.refresh(&first).await.expect(200);
    assert_ne!(next.field("refresh_token"), first);
}

async fn fapi_2_0_5_3_2_1_a_token_that_does_not_rotate_ends_as_others_do(house: House) {
    let member = Member::join(house).await;
    let day = Duration::from_hours(24);
    // Each use puts the idle end off, and none the absolute one.
    let first = member.tokens().await.field("refresh_token");
    for _ in 0..4 {
        member.world.house.clock.advance(day * 6);
        member.refresh(&first).await.expect(200);
    }
    member.world.house.clock.advance(day * 6);
    let old = member.refresh(&first).await;
    old.expect_oauth(400, "invalid_grant");
    let idle = member.tokens().await.field("refresh_token");
    member.world.house.clock.advance(day * 7);
    let refused = member.refresh(&idle).await;
    refused.expect_oauth(400, "invalid_grant");
    let signed_out = member.tokens().await.field("refresh_token");
    let own = member.world.person.login().await;
    let me = member.world.house.public().bearer(&own.access);
    me.send(reqwest::Method::POST, "/auth/logout/all", |request| request)
        .await
        .expect(200);
    let refused = member.refresh(&signed_out).await;
    refused.expect_oauth(400, "invalid_grant");
    let revoked = member.tokens().await.field("refresh_token");
    let about = [("token", revoked.as_str())];
    member.send("/oauth/revoke", &about, None).await.expect(200);
    let refused = member.refresh(&revoked).await;
    refused.expect_oauth(400, "invalid_grant");
}

async fn fapi_2_0_5_3_2_1_nothing_is_given_to_whoever_proves_less(house: House) {
    let member = Member::join(house).await;
    let code = member.code().await;
    let fields = code_fields(&code);
    let bare = member.send("/oauth/token", &fields, None).await;
    bare.expect_oauth(400, "invalid_dpop_proof");
    let mut public = fields.to_vec();
    public.push(("client_id", &member.registered.id));
    let nobody = member.world.house.public();
    let nobody = nobody.form("/oauth/token", &public).await;
    nobody.expect_oauth(401, "invalid_client");
    let tokens = member.token(&fields).await.expect(200);
    let token = tokens.field("access_token");
    let bearer = member.world.house.public().bearer(&token);
    bearer.get("/userinfo").await.expect(401);
    let thief = shows(&member.world, &Key::new(), &token, json!({}));
    thief.get("/userinfo").await.expect(401);
    let refresh = tokens.field("refresh_token");
    let bare = member
        .send("/oauth/token", &refresh_fields(&refresh), None)
        .await;
    bare.expect_oauth(400, "invalid_dpop_proof");
    let fields = [&refresh_fields(&refresh)[..], &public[4..]].concat();
    let nobody = member.world.house.public();
    let nobody = nobody.form("/oauth/token", &fields).await;
    nobody.expect_oauth(401, "invalid_client");
    let other = &member.world.web;
    let other = member.world.token(other, &refresh_fields(&refresh)).await;
    other.expect_oauth(400, "invalid_grant");
    member.refresh(&refresh).await.expect(200);
    for grant in ["password", "implicit"] {
        let fields = [("grant_type", grant), ("username", "a"), ("password", "b")];
        let refused = member.token(&fields).await;
        refused.expect_oauth(400, "unsupported_grant_type");
    }
}

async fn fapi_2_0_5_3_2_1_an_assertion_is_for_the_issuer_and_for_now(house: House) {
    let member = Member::join(house).await;
    let now = member.world.house.clock.now().as_seconds();
    let about = [("token", "x")];
    let post = async |own: Value| -> Answer {
        let number = member.signed.fetch_add(1, Ordering::Relaxed);
        let mut said = member.client.claims(&format!("assertion-{number}"));
        let own = own.as_object().expect("an object").clone();
        said.as_object_mut().expect("an object").extend(own);
        let assertion = member.client.sign(&said);
        let path = "/oauth/introspect";
        member.client.post(path, &assertion, &about).await
    };
    for fine in [
        json!({}),
        json!({ "iat": now + 10 }),
        json!({ "nbf": now + 10 }),
    ] {
        post(fine).await.expect(200);
    }
    for wrong in [
        json!({ "aud": format!("{ISSUER}/oauth/token") }),
        json!({ "aud": format!("{ISSUER}/oauth/introspect") }),
        json!({ "aud": [ISSUER] }),
        json!({ "iat": now + 61, "exp": now + 120 }),
        json!({ "nbf": now + 61, "exp": now + 120 }),
        json!({ "exp": now - 1 }),
    ] {
        let refused = post(wrong.clone()).await;
        assert_eq!(refused.status.as_u16(), 401, "{wrong}");
        refused.expect_oauth(401, "invalid_client");
    }
}

async fn fapi_2_0_5_3_2_1_a_client_that_cannot_keep_the_profile_is_not_registered(house: House) {
    let member = Member::join(house).await;
    let path = format!("/admin/clients/{}", member.registered.id);
    let admin = member.world.house.admin();
    let stands = admin.get(&path).await.expect(200).json();
    for (wrong, field) in [
        (
            json!({ "token_endpoint_auth_method": "none" }),
            "token_endpoint_auth_method",
        ),
        (
            json!({ "token_endpoint_auth_method": "client_secret_basic" }),
            "token_endpoint_auth_method",
        ),
        (
            json!({ "token_endpoint_auth_method": "client_secret_post" }),
            "token_endpoint_auth_method",
        ),
        (
            json!({ "dpop_bound_access_tokens": false }),
            "dpop_bound_access_tokens",
        ),
        (json!({ "require_pkce": false }), "require_pkce"),
        (
            json!({ "token_endpoint_auth_signing_alg": "RS256" }),
            "token_endpoint_auth_signing_alg",
        ),
        (
            json!({ "request_object_signing_alg": "RS256" }),
            "request_object_signing_alg",
        ),
        (
            json!({ "id_token_signed_response_alg": "RS256" }),
            "id_token_signed_response_alg",
        ),
    ] {
        let mut whole = profile();
        let members = whole.as_object_mut().expect("an object");
        members.insert("name".to_owned(), json!("Wrong"));
        members.insert("jwks".to_owned(), stands["jwks"].clone());
        let method = json!("private_key_jwt");
        members.insert("token_endpoint_auth_method".to_owned(), method);
        members.extend(wrong.as_object().expect("an object").clone());
        let made = admin.post("/admin/clients", whole).await;
        let changed = admin.patch(&path, wrong.clone()).await;
        for refused in [made, changed] {
            let details = refused.expect(422).json()["details"].clone();
            let told = details.as_array().expect("details");
            assert!(told.iter().any(|one| one["field"] == field), "{wrong}");
        }
    }
}

async fn fapi_2_0_5_3_2_2_what_was_not_pushed_is_refused(house: House) {
    let member = Member::join(house).await;
    let plain = ask(&member.registered, &[]);
    let page = member.world.browser().open(&plain).await;
    let word = parameter(page.location(), "error");
    assert_eq!(word.as_deref(), Some("invalid_request"));
    let issuer = parameter(page.location(), "iss");
    assert_eq!(issuer.as_deref(), Some(ISSUER));
    assert_eq!(parameter(page.location(), "code"), None);
}

async fn fapi_2_0_5_3_2_2_a_pushed_request_is_whole_and_its_clients(house: House) {
    let member = Member::join(house).await;
    for (own, word) in [
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("redirect_uri", ""), "invalid_request"),
        (("redirect_uri", "https://evil.example/"), "invalid_request"),
        (("response_type", "token"), "invalid_request"),
        (("response_type", "code id_token"), "invalid_request"),
    ] {
        let refused = member.push(&[own]).await.expect(400);
        assert_eq!(refused.json()["error"], word, "{own:?}");
    }
    let all = parameters(&member.registered, &[]);
    let fields: Vec<(&str, &str)> = all
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let nobody = member.world.house.public();
    let nobody = nobody.form("/oauth/par", &fields).await;
    nobody.expect_oauth(401, "invalid_client");
    let pushed = member.push(&[]).await.expect(201);
    let lifetime = pushed.json()["expires_in"].as_u64().expect("a number");
    assert!((5..600).contains(&lifetime));
    // What stands beside it counts for nothing, and another client has no use for it.
    let address = format!(
        "{}&redirect_uri=https%3A%2F%2Fevil.example",
        short(&member.registered, &pushed)
    );
    let mut browser = member.world.browser();
    let sent = browser.authorize(&address, &member.world.person).await;
    assert!(parameter(&sent, "code").is_some());
    let pushed = member.push(&[]).await.expect(201);
    let stolen = short(&member.world.web, &pushed);
    member.world.browser().open(&stolen).await.expect(400);
}

async fn fapi_2_0_5_3_2_2_codes_are_short_lived_and_used_once(house: House) {
    let member = Member::join(house).await;
    let code = member.code().await;
    member.world.house.clock.advance(Duration::from_mins(1));
    let late = member.token(&code_fields(&code)).await;
    late.expect_oauth(400, "invalid_grant");
    let code = member.code().await;
    let tokens = member.token(&code_fields(&code)).await.expect(200);
    let again = member.token(&code_fields(&code)).await;
    again.expect_oauth(400, "invalid_grant");
    let refused = member.refresh(&tokens.field("refresh_token")).await;
    refused.expect_oauth(400, "invalid_grant");
}
