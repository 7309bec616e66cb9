//! Signed tokens that were spoilt (RFC 8725), at each place that takes one: as bearer token and as
//! DPoP proof at GET /auth/me, as `id_token_hint` and as `request` at GET /oauth/authorize, as
//! `subject_token`, `actor_token` and `assertion` at POST /oauth/token, and what came of an exchange at
//! GET /userinfo.
//!
//! `crates/protocol` judges five hundred mutants of each kind; here the doors are shown to ask it.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use domain::tenant::AssertionIssuer;
use domain::time::Clock as _;
use http::HeaderValue;
use serde_json::{Value, json};

use super::dpop::{Key, bound_tokens, prove_token};
use super::exchange::{ACCESS, agent, exchange};
use super::jwt_bearer::Elsewhere;
use super::world::{CALLBACK, CHALLENGE, Registered, World, ask, parameter, register};
use crate::cases;
use crate::house::House;

cases![
    rfc_8725_no_mutant_of_an_access_token_is_accepted,
    rfc_8725_no_mutant_of_a_dpop_proof_is_accepted,
    rfc_8725_no_mutant_of_an_id_token_hint_is_accepted,
    rfc_8725_no_mutant_of_a_request_object_is_accepted,
    rfc_8725_no_mutant_of_a_token_is_exchanged,
    rfc_8725_no_mutant_of_an_exchanged_token_is_accepted,
    rfc_8725_no_mutant_of_an_assertion_is_accepted_as_grant,
];

/// How many mutants there are of each token at least; of all together more than five hundred.
const AT_LEAST: usize = 150;

/// Spoils a token in every way, each with what was done to it.
pub fn mutants(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("three parts: {text}")
    };
    let mut all = vec![
        format!("{claims}.{header}.{signature}"),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{text}{text}"),
        format!("{text},{text}"),
        text.to_uppercase(),
        "a".repeat(6_000),
    ];
    for noise in ["=", "A", "+", "/", "~", ".", "%00", "-"] {
        for place in [0, header.len(), header.len() + claims.len() + 1, text.len()] {
            let (before, after) = text.split_at(place);
            all.push(format!("{before}{noise}{after}"));
        }
    }
    all.extend((1..=40).map(|cut| text[..text.len() - cut].to_owned()));
    all.extend((0..text.len()).step_by(5).map(|place| {
        let new = if &text[place..=place] == "A" {
            "B"
        } else {
            "A"
        };
        format!("{}{new}{}", &text[..place], &text[place + 1..])
    }));
    all.extend(forged(header, claims, signature));
    all.retain(|mutant| mutant != text);
    assert!(all.len() >= AT_LEAST, "{} mutants", all.len());
    all
}

/// Other headers and claims, under the old signature, a stranger's, an HMAC's or none.
fn forged(header: &str, claims: &str, signature: &str) -> Vec<String> {
    let read = |part: &str| -> Value {
        let bytes = BASE64URL.decode(part).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    let (header, claims) = (read(header), read(claims));
    let with = |object: &Value, name: &str, value: Value| {
        let mut changed = object.clone();
        changed[name] = value;
        changed
    };
    let stranger = Key::new();
    let headers = [
        with(&header, "alg", json!("none")),
        with(&header, "alg", json!("None")),
        with(&header, "alg", json!("HS256")),
        with(&header, "alg", json!("RS256")),
        with(&header, "alg", json!(["ES256"])),
        with(&header, "typ", json!("logout+jwt")),
        with(&header, "crit", json!(["exp"])),
        with(&header, "jku", json!("https://evil.example/jwks")),
        with(&header, "x5u", json!("https://evil.example/x5u")),
        with(&header, "jwk", stranger.jwk().clone()),
        with(&header, "kid", json!(stranger.thumbprint())),
    ];
    let later = with(&claims, "exp", json!(4_000_000_000_i64));
    let other = with(
        &claims,
        "sub",
        json!("00000000-0000-7000-8000-000000000000"),
    );
    let part = |value: &Value| BASE64URL.encode(value.to_string());
    let mut all = Vec::new();
    for header in &headers {
        for claims in [&claims, &later, &other] {
            let signed = format!("{}.{}", part(header), part(claims));
            all.push(format!("{signed}.{signature}"));
            all.push(format!("{signed}."));
            all.push(stranger.sign(header, claims));
        }
    }
    for secret in [String::new(), header["jwk"].to_string()] {
        let signed = format!("{}.{}", part(&headers[2]), part(&claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, signed.as_bytes());
        all.push(format!("{signed}.{}", BASE64URL.encode(tag)));
    }
    all
}

async fn rfc_8725_no_mutant_of_an_access_token_is_accepted(house: House) {
    let world = World::new(house).await;
    let access = world.person.login().await.access;
    let bare = access.strip_prefix("qf_at_").expect("our prefix");
    for mutant in mutants(bare) {
        let token = format!("qf_at_{mutant}");
        let answer = world.house.public().bearer(&token).get("/userinfo").await;
        assert_eq!(answer.status.as_u16(), 401, "{mutant}");
    }
    world.person.me(&access).await.expect(200);
}

async fn rfc_8725_no_mutant_of_a_dpop_proof_is_accepted(house: House) {
    let world = World::new(house).await;
    let key = Key::new();
    let token = bound_tokens(&world, &key).await.field("access_token");
    let proof = prove_token(&world, &key, &token, json!({}));
    let bound = world.house.public();
    let bound = bound.with("authorization", format!("DPoP {token}"));
    for mutant in mutants(&proof) {
        assert!(HeaderValue::from_str(&mutant).is_ok(), "{mutant}");
        let answer = bound.with("dpop", mutant.as_str()).get("/userinfo").await;
        assert_eq!(answer.status.as_u16(), 401, "{mutant}");
    }
    // None of them spent what the good one is for.
    bound.with("dpop", proof).get("/userinfo").await.expect(200);
}

async fn rfc_8725_no_mutant_of_an_id_token_hint_is_accepted(house: House) {
    let world = World::new(house).await;
    let code = world.code(&world.web).await;
    let tokens = world.redeem(&world.web, &code).await.expect(200);
    let hint = tokens.field("id_token");
    let word = async |hint: &str| {
        let asked = ask(&world.web, &[("prompt", "none"), ("id_token_hint", hint)]);
        let page = world.browser().open(&asked).await;
        page.expect(303);
        parameter(page.location(), "error").expect("an error")
    };
    for mutant in mutants(&hint) {
        assert_eq!(word(&mutant).await, "invalid_request", "{mutant}");
    }
    assert_eq!(word(&hint).await, "login_required");
}

/// What shows a token of who is to act.
fn acting(token: &str) -> [(&str, &str); 2] {
    [("actor_token", token), ("actor_token_type", ACCESS)]
}

async fn rfc_8725_no_mutant_of_a_token_is_exchanged(house: House) {
    let world = World::new(house).await;
    let agent = agent(&world, json!({})).await;
    let grant = [("grant_type", "client_credentials")];
    let own = world.token(&agent, &grant).await.expect(200);
    let own = own.field("access_token");
    let subject = world.person.login().await.access;
    for mutant in mutants(subject.strip_prefix("qf_at_").expect("our prefix")) {
        let refused = exchange(&world, &agent, &mutant, &[]).await;
        refused.expect_oauth(400, "invalid_request");
    }
    for mutant in mutants(own.strip_prefix("qf_at_").expect("our prefix")) {
        let refused = exchange(&world, &agent, &subject, &acting(&mutant)).await;
        refused.expect_oauth(400, "invalid_request");
    }
    exchange(&world, &agent, &subject, &acting(&own))
        .await
        .expect(200);
}

async fn rfc_8725_no_mutant_of_an_exchanged_token_is_accepted(house: House) {
    let world = World::new(house).await;
    let agent = agent(&world, json!({})).await;
    let subject = world.person.login().await.access;
    let given = exchange(&world, &agent, &subject, &[]).await.expect(200);
    let given = given.field("access_token");
    for mutant in mutants(given.strip_prefix("qf_at_").expect("our prefix")) {
        let token = format!("qf_at_{mutant}");
        let answer = world.house.public().bearer(&token).get("/userinfo").await;
        assert_eq!(answer.status.as_u16(), 401, "{mutant}");
    }
    let good = world.house.public().bearer(&given);
    good.get("/userinfo").await.expect(200);
}

async fn rfc_8725_no_mutant_of_an_assertion_is_accepted_as_grant(house: House) {
    let there = Elsewhere::new(house, AssertionIssuer::default()).await;
    let assertion = there.id_jag("a", &json!({}));
    for mutant in mutants(&assertion) {
        let refused = there.show(&mutant).await;
        refused.expect_oauth(400, "invalid_grant");
    }
    there.show(&assertion).await.expect(200);
}

/// A request object of a client, and the client.
pub async fn signed_request(world: &World) -> (Registered, String) {
    let key = Key::new();
    let own = json!({ "jwks": { "keys": [key.jwk()] }, "request_object_signing_alg": "ES256" });
    let client = register(&world.house, "web", own).await;
    let header = json!({ "typ": "oauth-authz-req+jwt", "alg": "ES256" });
    let now = world.house.clock.now().as_seconds();
    let claims = json!({
        "iss": client.id, "aud": "http://localhost:4000", "nbf": now, "exp": now + 60,
        "client_id": client.id, "response_type": "code", "redirect_uri": CALLBACK,
        "scope": "openid", "state": "signed", "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    });
    let object = key.sign(&header, &claims);
    (client, object)
}

async fn rfc_8725_no_mutant_of_a_request_object_is_accepted(house: House) {
    let world = World::new(house).await;
    let (client, object) = signed_request(&world).await;
    for mutant in mutants(&object) {
        let page = world
            .browser()
            .open(&ask(&client, &[("request", &mutant)]))
            .await;
        page.expect(303);
        let word = parameter(page.location(), "error");
        assert_eq!(word.as_deref(), Some("invalid_request_object"), "{mutant}");
    }
    let good = ask(&client, &[("request", &object)]);
    let sent = world.browser().authorize(&good, &world.person).await;
    assert_eq!(parameter(&sent, "state").as_deref(), Some("signed"));
}
