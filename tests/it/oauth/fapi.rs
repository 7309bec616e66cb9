//! A client that is held to the FAPI 2.0 Security Profile: POST /oauth/par, GET /oauth/authorize, POST
//! /oauth/token.

use std::sync::atomic::{AtomicU32, Ordering};

use domain::key::Algorithm;
use domain::time::Clock as _;
use protocol::client_assertion::ASSERTION_TYPE;
use protocol::jose::key_pair::KeyPair;
use protocol::jose::signer::Signer;
use serde_json::{Value, json};

use super::dpop::Key;
use super::par::short;
use super::world::{Registered, World, ask, claims, code_fields, parameter, parameters, register};
use crate::cases;
use crate::client::Answer;
use crate::house::House;

cases![
    fapi_2_0_5_3_2_1_a_client_of_the_profile_keeps_its_refresh_token,
    fapi_2_0_5_3_2_2_what_was_not_pushed_is_refused,
    rfc_9449_8_a_proof_without_the_nonce_is_refused_and_given_one,
];

/// A client of the profile, with the keys that it signs and proves with.
struct Strict {
    world: World,
    client: Registered,
    signer: Signer,
    key: Key,
}

impl Strict {
    async fn new(house: House) -> Self {
        let world = World::new(house).await;
        let pair = KeyPair::generate(Algorithm::Es256).expect("a key");
        let own = json!({
            "token_endpoint_auth_method": "private_key_jwt", "fapi_2_0": true,
            "dpop_bound_access_tokens": true, "jwks": { "keys": [pair.public_jwk()] },
        });
        let client = register(&world.house, "web", own).await;
        Self {
            world,
            client,
            signer: Signer::new(pair),
            key: Key::new(),
        }
    }

    fn assertion(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let now = self.world.house.clock.now().as_seconds();
        let id = &self.client.id;
        let said = json!({
            "iss": id, "sub": id, "aud": "http://localhost:4000", "iat": now, "exp": now + 60,
            "jti": format!("assertion-{}", NUMBER.fetch_add(1, Ordering::Relaxed)),
        });
        self.signer.sign(Some("JWT"), &said).expect("signs")
    }

    /// Sends a form as this client, with a proof that has some claims of its own.
    async fn form(&self, path: &str, fields: &[(&str, &str)], own: Value) -> Answer {
        let assertion = self.assertion();
        let proved = [
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        let proof = self.key.prove(&self.world, "POST", path, own);
        let public = self.world.house.public().with("dpop", proof);
        public.form(path, &[&proved, fields].concat()).await
    }

    /// Pushes, signs in and allows; gives the code and the nonce of the next proof.
    async fn code(&self) -> (String, String) {
        let all = parameters(&self.client, &[]);
        let fields: Vec<(&str, &str)> = all
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let pushed = self.form("/oauth/par", &fields, json!({})).await;
        let pushed = pushed.expect(201);
        let mut browser = self.world.browser();
        let address = short(&self.client, &pushed);
        let sent = browser.authorize(&address, &self.world.person).await;
        let code = parameter(&sent, "code").expect("a code");
        (code, pushed.header("dpop-nonce").to_owned())
    }

    async fn redeem(&self, code: &str, own: Value) -> Answer {
        self.form("/oauth/token", &code_fields(code), own).await
    }

    async fn refresh(&self, token: &str, nonce: &str) -> Answer {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.form("/oauth/token", &fields, json!({ "nonce": nonce }))
            .await
    }
}

async fn fapi_2_0_5_3_2_1_a_client_of_the_profile_keeps_its_refresh_token(house: House) {
    let strict = Strict::new(house).await;
    let (code, nonce) = strict.code().await;
    let first = strict.redeem(&code, json!({ "nonce": nonce })).await;
    let first = first.expect(200);
    assert_eq!(first.json()["token_type"], "DPoP");
    let refresh = first.field("refresh_token");
    for _ in 0..3 {
        let again = strict.refresh(&refresh, &nonce).await.expect(200);
        assert_eq!(again.field("refresh_token"), refresh);
        let bound = claims(&again.field("access_token"));
        assert_eq!(bound["cnf"]["jkt"], strict.key.thumbprint());
        let window = std::time::Duration::from_mins(1);
        strict.world.house.clock.advance(window);
    }
    // Whoever stole it has neither the client's key nor another client's place.
    let stolen = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &refresh),
        ("client_id", &strict.client.id),
    ];
    let public = strict.world.house.public();
    let alone = public.form("/oauth/token", &stolen).await;
    alone.expect_oauth(401, "invalid_client");
    let other = strict.world.token(&strict.world.web, &stolen[..2]).await;
    other.expect_oauth(400, "invalid_grant");
    // It ends with the sign-in as everybody's does.
    let own = strict.world.person.login().await;
    let me = public.bearer(&own.access);
    me.send(reqwest::Method::POST, "/auth/logout/all", |request| request)
        .await
        .expect(200);
    let late = strict.refresh(&refresh, &nonce).await;
    late.expect_oauth(400, "invalid_grant");
}

async fn fapi_2_0_5_3_2_2_what_was_not_pushed_is_refused(house: House) {
    let strict = Strict::new(house).await;
    let page = strict.world.browser().open(&ask(&strict.client, &[])).await;
    let word = parameter(page.location(), "error");
    assert_eq!(word.as_deref(), Some("invalid_request"));
}

async fn rfc_9449_8_a_proof_without_the_nonce_is_refused_and_given_one(house: House) {
    let strict = Strict::new(house).await;
    let (code, _) = strict.code().await;
    for own in [json!({}), json!({ "nonce": "mine" })] {
        let refused = strict.redeem(&code, own).await;
        refused.expect_oauth(400, "use_dpop_nonce");
    }
    let refused = strict.redeem(&code, json!({})).await;
    let nonce = refused.header("dpop-nonce").to_owned();
    // The refusal spent nothing.
    let redeemed = strict.redeem(&code, json!({ "nonce": nonce })).await;
    redeemed.expect(200);
}
