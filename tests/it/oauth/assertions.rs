//! Clients that authenticate by what they sign: `private_key_jwt` (RFC 7523 §2.2, OpenID Connect Core
//! §9).

use std::time::Duration;

use domain::key::Algorithm;
use domain::time::Clock;
use futures_util::future::join_all;
use protocol::client_assertion::ASSERTION_TYPE;
use protocol::jose::key_pair::KeyPair;
use protocol::jose::signer::Signer;
use serde_json::{Value, json};

use super::mutants::mutants;
use crate::cases;
use crate::client::Answer;
use crate::house::House;

cases![
    oidc_core_9_a_client_authenticates_by_what_it_signed,
    rfc_7523_3_7_an_assertion_counts_once,
    one_of_fifty_uses_of_an_assertion_wins,
    rfc_7523_3_an_assertion_that_does_not_fit_is_refused,
    rfc_7523_3_9_another_clients_key_is_refused,
    rfc_7591_2_a_registered_algorithm_is_the_only_one,
    fapi_2_5_4_1_rs256_is_refused_under_the_profile,
    rfc_7591_2_a_client_uses_the_method_it_registered,
    rfc_7521_4_2_one_way_and_one_client,
    every_endpoint_takes_an_assertion,
    keys_that_were_replaced_sign_nothing_any_more,
    rfc_8725_no_mutant_of_an_assertion_authenticates,
];

const ISSUER: &str = "http://localhost:4000";

/// A registered client and the keys it signs with.
pub struct Signing {
    house: House,
    pub id: String,
    signer: Signer,
}

impl Signing {
    pub async fn register(house: &House) -> Self {
        Self::with(house, Algorithm::Es256, json!({})).await
    }

    pub async fn with(house: &House, algorithm: Algorithm, own: Value) -> Self {
        let pair = KeyPair::generate(algorithm).expect("a key");
        let mut body = json!({
            "name": "Robot", "client_type": "service", "scopes": ["read"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [pair.public_jwk()] },
        });
        let all = body.as_object_mut().expect("an object");
        all.extend(own.as_object().expect("an object").clone());
        let made = house.admin().post("/admin/clients", body).await.expect(201);
        Self {
            house: house.clone(),
            id: made.field("client_id"),
            signer: Signer::new(pair),
        }
    }

    /// The same client at another node.
    pub async fn ask_at(&self, house: &House, assertion: &str) -> Answer {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion),
        ];
        house.public().form("/oauth/token", &fields).await
    }

    /// The same after the service was stopped and started again.
    pub async fn restart(self) -> Self {
        let house = self.house.restart(&[]).await;
        Self { house, ..self }
    }

    /// What a good assertion says.
    pub fn claims(&self, jti: &str) -> Value {
        let now = self.house.clock.now().as_seconds();
        json!({
            "iss": self.id, "sub": self.id, "aud": ISSUER, "jti": jti, "iat": now, "exp": now + 60,
        })
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.signer.sign(Some("JWT"), claims).expect("signs")
    }

    /// A good assertion.
    pub fn assertion(&self, jti: &str) -> String {
        self.sign(&self.claims(jti))
    }

    /// Asks for a token with an assertion.
    pub async fn ask(&self, assertion: &str) -> Answer {
        self.ask_with(assertion, &[]).await
    }

    async fn ask_with(&self, assertion: &str, more: &[(&str, &str)]) -> Answer {
        let grant = [("grant_type", "client_credentials")];
        self.post("/oauth/token", assertion, &[&grant, more].concat())
            .await
    }

    pub async fn post(&self, path: &str, assertion: &str, more: &[(&str, &str)]) -> Answer {
        let own = [
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion),
        ];
        let public = self.house.public();
        public.form(path, &[&own, more].concat()).await
    }
}

async fn oidc_core_9_a_client_authenticates_by_what_it_signed(house: House) {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
        let client = Signing::with(&house, algorithm, json!({})).await;
        let answer = client.ask(&client.assertion("a")).await.expect(200);
        assert_eq!(answer.json()["scope"], "read");
        let id = client.id.as_str();
        let named = client
            .ask_with(&client.assertion("b"), &[("client_id", id)])
            .await;
        named.expect(200);
    }
}

async fn rfc_7523_3_7_an_assertion_counts_once(house: House) {
    let client = Signing::register(&house).await;
    let assertion = client.assertion("once");
    client.ask(&assertion).await.expect(200);
    client
        .ask(&assertion)
        .await
        .expect_oauth(401, "invalid_client");
    // Signed anew, the same id is still the same id.
    let anew = client.assertion("once");
    client.ask(&anew).await.expect_oauth(401, "invalid_client");
    // Another client's ids are its own.
    let other = Signing::register(&house).await;
    other.ask(&other.assertion("once")).await.expect(200);
    // What was refused for its signature spends nothing.
    let forged = format!("{}AA", client.assertion("later"));
    client
        .ask(&forged)
        .await
        .expect_oauth(401, "invalid_client");
    client.ask(&client.assertion("later")).await.expect(200);
}

async fn one_of_fifty_uses_of_an_assertion_wins(house: House) {
    let client = Signing::register(&house).await;
    let assertion = client.assertion("race");
    let answers = join_all((0..50).map(|_| client.ask(&assertion))).await;
    let won = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(won.count(), 1);
    let lost = answers.iter().filter(|answer| answer.status == 401);
    assert_eq!(lost.count(), 49);
}

async fn rfc_7523_3_an_assertion_that_does_not_fit_is_refused(house: House) {
    let client = Signing::register(&house).await;
    let now = house.clock.now().as_seconds();
    for (name, value) in [
        ("aud", json!("https://other.example")),
        ("aud", json!([ISSUER])),
        ("aud", json!(format!("{ISSUER}/oauth/token"))),
        ("iss", json!("client_other")),
        ("exp", json!(now)),
        ("exp", json!(now + 3601)),
        ("exp", Value::Null),
        ("nbf", json!(now + 300)),
        ("jti", json!("")),
        ("jti", json!("j".repeat(257))),
        ("jti", Value::Null),
    ] {
        let mut claims = client.claims("x");
        claims[name] = value;
        let answer = client.ask(&client.sign(&claims)).await;
        answer.expect_oauth(401, "invalid_client");
    }
    let request = client
        .signer
        .sign(Some("oauth-authz-req+jwt"), &client.claims("x"));
    let answer = client.ask(&request.expect("signs")).await;
    answer.expect_oauth(401, "invalid_client");
    let old = client.assertion("x");
    house.clock.advance(Duration::from_mins(1));
    client.ask(&old).await.expect_oauth(401, "invalid_client");
    client.ask(&client.assertion("x")).await.expect(200);
}

async fn rfc_7523_3_9_another_clients_key_is_refused(house: House) {
    let client = Signing::register(&house).await;
    let other = Signing::register(&house).await;
    let forged = other.sign(&client.claims("x"));
    client
        .ask(&forged)
        .await
        .expect_oauth(401, "invalid_client");
    let nobody = Signing {
        id: "client_unknown".to_owned(),
        ..other
    };
    nobody
        .ask(&nobody.assertion("x"))
        .await
        .expect_oauth(401, "invalid_client");
    client.ask(&client.assertion("x")).await.expect(200);
    let path = format!("/admin/clients/{}", client.id);
    let closed = json!({ "disabled": true });
    house.admin().patch(&path, closed).await.expect(200);
    client
        .ask(&client.assertion("y"))
        .await
        .expect_oauth(401, "invalid_client");
}

async fn rfc_7591_2_a_registered_algorithm_is_the_only_one(house: House) {
    let own = json!({ "token_endpoint_auth_signing_alg": "PS256" });
    let client = Signing::with(&house, Algorithm::Es256, own).await;
    client
        .ask(&client.assertion("x"))
        .await
        .expect_oauth(401, "invalid_client");
    let own = json!({ "token_endpoint_auth_signing_alg": "ES256" });
    let client = Signing::with(&house, Algorithm::Es256, own).await;
    client.ask(&client.assertion("x")).await.expect(200);
}

async fn fapi_2_5_4_1_rs256_is_refused_under_the_profile(house: House) {
    let fapi = || json!({ "fapi_2_0": true, "dpop_bound_access_tokens": true });
    for (algorithm, status) in [
        (Algorithm::Es256, 200),
        (Algorithm::EdDsa, 200),
        (Algorithm::Rs256, 401),
    ] {
        let client = Signing::with(&house, algorithm, fapi()).await;
        let asked = client
            .post(
                "/oauth/introspect",
                &client.assertion("x"),
                &[("token", "t")],
            )
            .await;
        asked.expect(status);
    }
    let client = Signing::with(&house, Algorithm::Es256, fapi()).await;
    let unbound = client.ask(&client.assertion("x")).await;
    unbound.expect_oauth(400, "invalid_dpop_proof");
}

async fn rfc_7591_2_a_client_uses_the_method_it_registered(house: House) {
    let (id, secret) = house.add_client_by("client_secret_post", &["read"]).await;
    let refused = house.client_token(&id, &secret).await;
    let refused = refused.expect_oauth(401, "invalid_client");
    assert!(
        refused.text.contains("client_secret_post"),
        "{}",
        refused.text
    );
    let stranger = house.client_token(&id, "qf_cs_wrong").await;
    assert!(
        !stranger.text.contains("client_secret_post"),
        "strangers are not told"
    );
    let (id, secret) = house.add_client(&["read"]).await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    let posted = house.public().form("/oauth/token", &fields).await;
    posted.expect_oauth(401, "invalid_client");
    // Keys that were registered for requests do not authenticate.
    let own = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    let client = Signing::with(&house, Algorithm::Es256, own).await;
    let signed = client.ask(&client.assertion("x")).await;
    signed.expect_oauth(401, "invalid_client");
}

async fn rfc_7521_4_2_one_way_and_one_client(house: House) {
    let client = Signing::register(&house).await;
    let assertion = client.assertion("x");
    let other = client
        .ask_with(&assertion, &[("client_id", "client_other")])
        .await;
    other.expect_oauth(401, "invalid_client");
    let both = [("client_id", client.id.as_str()), ("client_secret", "s")];
    let both = client.ask_with(&assertion, &both).await;
    both.expect_oauth(400, "invalid_request");
    let id = [
        ("grant_type", "client_credentials"),
        ("client_id", client.id.as_str()),
    ];
    let bare = house.public().form("/oauth/token", &id).await;
    bare.expect_oauth(401, "invalid_client");
    client.ask(&assertion).await.expect(200);
}

async fn every_endpoint_takes_an_assertion(house: House) {
    let own = json!({
        "client_type": "web", "redirect_uris": ["https://app.example/cb"],
        "grant_types": ["authorization_code", "client_credentials"],
    });
    let client = Signing::with(&house, Algorithm::Es256, own).await;
    let token = client.ask(&client.assertion("a")).await.expect(200);
    let token = token.field("access_token");
    let fields = [("token", token.as_str())];
    let told = client
        .post("/oauth/introspect", &client.assertion("b"), &fields)
        .await;
    assert_eq!(told.expect(200).json()["active"], true);
    let request = [
        ("response_type", "code"),
        ("redirect_uri", "https://app.example/cb"),
        ("scope", "read"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
    ];
    let pushed = client
        .post("/oauth/par", &client.assertion("c"), &request)
        .await;
    pushed.expect(201);
    let revoked = client
        .post("/oauth/revoke", &client.assertion("d"), &fields)
        .await;
    revoked.expect(200);
    let again = client
        .post("/oauth/revoke", &client.assertion("d"), &fields)
        .await;
    again.expect_oauth(401, "invalid_client");
}

async fn keys_that_were_replaced_sign_nothing_any_more(house: House) {
    let client = Signing::register(&house).await;
    client.ask(&client.assertion("a")).await.expect(200);
    let pair = KeyPair::generate(Algorithm::EdDsa).expect("a key");
    let path = format!("/admin/clients/{}", client.id);
    let keys = json!({ "jwks": { "keys": [pair.public_jwk()] } });
    house.admin().patch(&path, keys).await.expect(200);
    let old = client.ask(&client.assertion("b")).await;
    old.expect_oauth(401, "invalid_client");
    let client = Signing {
        signer: Signer::new(pair),
        ..client
    };
    client.ask(&client.assertion("c")).await.expect(200);
}

async fn rfc_8725_no_mutant_of_an_assertion_authenticates(house: House) {
    let client = Signing::register(&house).await;
    let good = client.assertion("good");
    let public = house.public();
    for (number, mutant) in mutants(&good).iter().enumerate() {
        // So many failures of one network would be told to wait.
        let address = format!("203.0.113.{}", number % 200);
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", mutant),
        ];
        let elsewhere = public.with("x-forwarded-for", address);
        let refused = elsewhere.form("/oauth/token", &fields).await;
        assert!(
            refused.status.is_client_error(),
            "{mutant}: {}",
            refused.text
        );
        let word = refused.field("error");
        assert!(
            ["invalid_client", "invalid_request"].contains(&&*word),
            "{word}: {mutant}"
        );
    }
    client.ask(&good).await.expect(200);
}
