//! A client of the profile: it pushes to POST /oauth/par, and proves itself at POST /oauth/token.

use std::sync::atomic::{AtomicU32, Ordering};

use domain::key::Algorithm;
use protocol::client_assertion::ASSERTION_TYPE;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::house::House;
use crate::oauth::assertions::Signing;
use crate::oauth::dpop::Key;
use crate::oauth::par::short;
use crate::oauth::world::{CALLBACK, Registered, SCOPE, World, code_fields, parameter, parameters};

/// A client of the profile that signs its assertions and proves a key.
pub struct Member {
    pub world: World,
    pub client: Signing,
    pub registered: Registered,
    pub key: Key,
    /// How many assertions it signed.
    pub signed: AtomicU32,
}

/// What such a client registers.
pub fn profile() -> Value {
    json!({
        "client_type": "web", "redirect_uris": [CALLBACK], "fapi_2_0": true,
        "scopes": SCOPE.split(' ').collect::<Vec<_>>(), "dpop_bound_access_tokens": true,
    })
}

impl Member {
    pub async fn join(house: House) -> Self {
        let world = World::new(house).await;
        let client = Signing::with(&world.house, Algorithm::Es256, profile()).await;
        let registered = Registered {
            id: client.id.clone(),
            secret: None,
        };
        Self {
            world,
            client,
            registered,
            key: Key::new(),
            signed: AtomicU32::new(0),
        }
    }

    pub fn assertion(&self) -> String {
        let number = self.signed.fetch_add(1, Ordering::Relaxed);
        self.client.assertion(&format!("assertion-{number}"))
    }

    /// Sends a form with an assertion, and with a proof if there is one.
    pub async fn send(&self, path: &str, fields: &[(&str, &str)], proof: Option<String>) -> Answer {
        let assertion = self.assertion();
        let own = [
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        let public = self.world.house.public();
        let public = proof.map_or(public.clone(), |proof| public.with("dpop", proof));
        public.form(path, &[&own, fields].concat()).await
    }

    /// Pushes a request with some parameters replaced.
    pub async fn push(&self, own: &[(&str, &str)]) -> Answer {
        self.push_proving(own, None).await
    }

    pub async fn push_proving(&self, own: &[(&str, &str)], proof: Option<String>) -> Answer {
        let all = parameters(&self.registered, own);
        let fields: Vec<(&str, &str)> = all
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.send("/oauth/par", &fields, proof).await
    }

    /// Pushes a request, and has the person allow it; gives where the browser is sent.
    pub async fn allowed(&self) -> String {
        // Allowed before, it would not be asked about.
        let pushed = self.push(&[("prompt", "consent")]).await.expect(201);
        let address = short(&self.registered, &pushed);
        let mut browser = self.world.browser();
        browser.authorize(&address, &self.world.person).await
    }

    pub async fn code(&self) -> String {
        parameter(&self.allowed().await, "code").expect("a code")
    }

    /// Proves its key at the token endpoint.
    pub fn proof(&self, own: Value) -> String {
        self.key.prove(&self.world, "POST", "/oauth/token", own)
    }

    /// Takes a nonce from an answer to a proof.
    pub async fn nonce(&self) -> String {
        let world = &self.world;
        let proof = self.key.prove(world, "POST", "/oauth/par", json!({}));
        let pushed = self.push_proving(&[], Some(proof)).await.expect(201);
        pushed.header("dpop-nonce").to_owned()
    }

    /// Asks the token endpoint for something, with all that the profile demands.
    pub async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        let nonce = self.nonce().await;
        let proof = self.proof(json!({ "nonce": nonce }));
        self.send("/oauth/token", fields, Some(proof)).await
    }

    pub async fn tokens(&self) -> Answer {
        let code = self.code().await;
        self.token(&code_fields(&code)).await.expect(200)
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.token(&refresh_fields(token)).await
    }
}

pub fn refresh_fields(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}
