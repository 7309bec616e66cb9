//! Tokens bound to a key (RFC 9449): at POST /oauth/token, at our own APIs, at POST /oauth/par.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use domain::key::Algorithm;
use domain::time::Clock as _;
use futures_util::future::join_all;
use protocol::jose::key_pair::KeyPair;
use serde_json::{Value, json};

use super::world::{Registered, World, ask, claims, code_fields, parameter};
use crate::cases;
use crate::client::{Answer, Client};
use crate::house::House;

cases![
    rfc_9449_5_tokens_are_bound_to_the_key_that_was_proved,
    rfc_9449_7_2_a_bound_token_is_no_bearer_token,
    rfc_9449_11_1_one_of_fifty_uses_of_a_proof_counts,
    rfc_9449_4_3_a_proof_that_does_not_fit_is_refused,
    rfc_9449_5_a_public_clients_refresh_token_needs_its_key,
    rfc_9449_10_a_code_may_be_bound_to_a_key,
];

const ISSUER: &str = "http://localhost:4000";

/// A client's key.
pub struct Key {
    pair: EcdsaKeyPair,
    jwk: Value,
    thumbprint: String,
}

impl Key {
    pub fn new() -> Self {
        let pair = KeyPair::generate(Algorithm::Es256).expect("a key");
        let pkcs8 = pair.to_pkcs8().expect("PKCS#8");
        let mut jwk = pair.public_jwk().clone();
        let members = jwk.as_object_mut().expect("an object");
        members.retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
        Self {
            pair: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.expose())
                .expect("a key"),
            jwk,
            thumbprint: pair.kid().to_owned(),
        }
    }

    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Proves the key, with some claims replaced.
    pub fn prove(&self, world: &World, method: &str, path: &str, own: Value) -> String {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk });
        let mut claims = json!({
            "htm": method, "htu": format!("{ISSUER}{path}"), "jti": format!("proof-{number}"),
            "iat": world.house.clock.now().as_seconds(),
        });
        let own = own.as_object().expect("an object").clone();
        claims.as_object_mut().expect("an object").extend(own);
        self.sign(&header, &claims)
    }

    pub fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// Signs any header and claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64URL.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.expect("signs");
        format!("{signed}.{}", BASE64URL.encode(signature))
    }
}

/// Sends a form with a proof, as a client without a secret.
pub async fn form(
    world: &World,
    path: &str,
    client: &Registered,
    sent: (&[(&str, &str)], &str),
) -> Answer {
    let mut fields = sent.0.to_vec();
    fields.push(("client_id", &client.id));
    let public = world.house.public().with("dpop", sent.1);
    public.form(path, &fields).await
}

/// Tokens that are bound to a key.
pub async fn bound_tokens(world: &World, key: &Key) -> Answer {
    let code = world.code(&world.native).await;
    let proof = key.prove(world, "POST", "/oauth/token", json!({}));
    let sent = (&code_fields(&code)[..], proof.as_str());
    form(world, "/oauth/token", &world.native, sent)
        .await
        .expect(200)
}

/// Proves the key of a token that is shown at GET /userinfo, with some claims replaced.
pub fn prove_token(world: &World, key: &Key, token: &str, own: Value) -> String {
    let hash = BASE64URL.encode(digest(&SHA256, token.as_bytes()));
    let mut claims = json!({ "ath": hash });
    let own = own.as_object().expect("an object").clone();
    claims.as_object_mut().expect("an object").extend(own);
    key.prove(world, "GET", "/userinfo", claims)
}

/// Shows a bound token with a proof of the key.
pub fn shows(world: &World, key: &Key, token: &str, own: Value) -> Client {
    let proof = prove_token(world, key, token, own);
    let public = world.house.public().with("dpop", proof);
    public.with("authorization", format!("DPoP {token}"))
}

async fn rfc_9449_5_tokens_are_bound_to_the_key_that_was_proved(house: House) {
    let world = World::new(house).await;
    let key = Key::new();
    let tokens = bound_tokens(&world, &key).await;
    assert_eq!(tokens.json()["token_type"], "DPoP");
    assert!(!tokens.header("dpop-nonce").is_empty());
    let token = tokens.field("access_token");
    assert_eq!(claims(&token)["cnf"], json!({ "jkt": key.thumbprint() }));
    shows(&world, &key, &token, json!({}))
        .get("/userinfo")
        .await
        .expect(200);
}

async fn rfc_9449_7_2_a_bound_token_is_no_bearer_token(house: House) {
    let world = World::new(house).await;
    let key = Key::new();
    let token = bound_tokens(&world, &key).await.field("access_token");
    let bearer = world.house.public().bearer(&token);
    bearer.get("/userinfo").await.expect(401);
    let thief = Key::new();
    shows(&world, &thief, &token, json!({}))
        .get("/userinfo")
        .await
        .expect(401);
    let other = shows(&world, &key, &token, json!({ "ath": "x" }));
    other.get("/userinfo").await.expect(401);
    let plain = world.person.login().await.access;
    shows(&world, &key, &plain, json!({}))
        .get("/userinfo")
        .await
        .expect(401);
}

async fn rfc_9449_11_1_one_of_fifty_uses_of_a_proof_counts(house: House) {
    let world = World::new(house).await;
    let key = Key::new();
    let token = bound_tokens(&world, &key).await.field("access_token");
    let client = shows(&world, &key, &token, json!({}));
    let answers = join_all((0..50).map(|_| client.get("/userinfo"))).await;
    let counted = answers
        .iter()
        .filter(|answer| answer.status.as_u16() == 200);
    assert_eq!(counted.count(), 1);
    let refused = answers.iter().filter(|answer| answer.status.as_u16() < 500);
    assert_eq!(refused.count(), 50);
}

async fn rfc_9449_4_3_a_proof_that_does_not_fit_is_refused(house: House) {
    let world = World::new(house).await;
    let key = Key::new();
    let code = world.code(&world.native).await;
    let now = world.house.clock.clone();
    let now = now.now().as_seconds();
    for own in [
        json!({ "htm": "GET" }),
        json!({ "htu": "http://localhost:4000/oauth/par" }),
        json!({ "htu": "https://localhost:4000/oauth/token" }),
        json!({ "iat": now - 61 }),
        json!({ "iat": now + 60 }),
        json!({ "iat": "now" }),
        json!({ "jti": "" }),
        json!({ "jti": null }),
    ] {
        let proof = key.prove(&world, "POST", "/oauth/token", own.clone());
        let sent = (&code_fields(&code)[..], proof.as_str());
        let refused = form(&world, "/oauth/token", &world.native, sent).await;
        assert_eq!(refused.json()["error"], "invalid_dpop_proof", "{own}");
        refused.expect(400);
    }
    for text in ["", "x", "a.b.c"] {
        let sent = (&code_fields(&code)[..], text);
        let refused = form(&world, "/oauth/token", &world.native, sent).await;
        refused.expect_oauth(400, "invalid_dpop_proof");
    }
    world.redeem(&world.native, &code).await.expect(200);
}

async fn rfc_9449_5_a_public_clients_refresh_token_needs_its_key(house: House) {
    let world = World::new(house).await;
    let key = Key::new();
    let refresh = bound_tokens(&world, &key).await.field("refresh_token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    let bare = world.token(&world.native, &fields).await;
    bare.expect_oauth(400, "invalid_grant");
    let thief = Key::new().prove(&world, "POST", "/oauth/token", json!({}));
    let stolen = form(&world, "/oauth/token", &world.native, (&fields, &thief)).await;
    stolen.expect_oauth(400, "invalid_grant");
    let proof = key.prove(&world, "POST", "/oauth/token", json!({}));
    let fresh = form(&world, "/oauth/token", &world.native, (&fields, &proof)).await;
    assert_eq!(fresh.expect(200).json()["token_type"], "DPoP");
}

async fn rfc_9449_10_a_code_may_be_bound_to_a_key(house: House) {
    let world = World::new(house).await;
    let key = Key::new();
    let bound = ask(&world.native, &[("dpop_jkt", key.thumbprint())]);
    let sent = world.browser().authorize(&bound, &world.person).await;
    let code = parameter(&sent, "code").expect("a code");
    let bare = world.redeem(&world.native, &code).await;
    bare.expect_oauth(400, "invalid_grant");
    let proof = key.prove(&world, "POST", "/oauth/token", json!({}));
    let sent = (&code_fields(&code)[..], proof.as_str());
    form(&world, "/oauth/token", &world.native, sent)
        .await
        .expect(200);
}
