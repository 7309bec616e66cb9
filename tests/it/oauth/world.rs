//! What authorization is tried with: clients, a person, requests.

use serde_json::{Value, json};
use url::Url;

use crate::browser::Browser;
use crate::client::{Answer, Person, Tokens};
use crate::house::House;

pub const CALLBACK: &str = "https://app.example/callback";
/// RFC 7636 Appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const SCOPE: &str = "openid profile email offline_access";

/// A client as its registration was answered.
#[derive(Clone)]
pub struct Registered {
    pub id: String,
    pub secret: Option<String>,
}

/// A house with a person and clients.
pub struct World {
    pub house: House,
    pub person: Person,
    pub web: Registered,
    pub native: Registered,
}

// === impl World ===

impl World {
    pub async fn new(house: House) -> Self {
        let person = Person::register(&house.public(), "ada").await;
        let web = register(&house, "web", json!({})).await;
        let native = register(&house, "native", json!({})).await;
        Self {
            house,
            person,
            web,
            native,
        }
    }

    /// The same person and clients, at another house on the same store.
    pub fn at(&self, house: House) -> Self {
        let (web, native) = (self.web.clone(), self.native.clone());
        let person = Person {
            public: house.public(),
            ..self.person.clone()
        };
        Self {
            house,
            person,
            web,
            native,
        }
    }

    /// The same after the service was stopped and started again.
    pub async fn restart(self) -> Self {
        self.restart_with(&[]).await
    }

    /// The same with some settings changed.
    pub async fn restart_with(self, changed: &[(&str, &str)]) -> Self {
        let Self {
            house,
            person,
            web,
            native,
        } = self;
        let house = house.restart(changed).await;
        let person = Person {
            public: house.public(),
            ..person
        };
        Self {
            house,
            person,
            web,
            native,
        }
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.house.public())
    }

    /// Signs in and allows; gives the code.
    pub async fn code(&self, client: &Registered) -> String {
        let mut browser = self.browser();
        let sent = browser.authorize(&ask(client, &[]), &self.person).await;
        parameter(&sent, "code").expect("a code")
    }

    /// The address that the web application sends people to.
    pub fn ask_web(&self) -> String {
        ask(&self.web, &[])
    }

    /// Trades the code of an answer that was sent to the web application.
    pub async fn redeem_sent(&self, sent: &str) -> Tokens {
        let code = parameter(sent, "code").expect("a code");
        Tokens::of(&self.redeem(&self.web, &code).await.expect(200))
    }

    /// Trades a code as the client that it was issued to.
    pub async fn redeem(&self, client: &Registered, code: &str) -> Answer {
        self.token(client, &code_fields(code)).await
    }

    /// Asks the token endpoint as a client.
    pub async fn token(&self, client: &Registered, fields: &[(&str, &str)]) -> Answer {
        self.form("/oauth/token", client, fields).await
    }

    /// Sends a form as a client.
    pub async fn form(&self, path: &str, client: &Registered, fields: &[(&str, &str)]) -> Answer {
        let public = self.house.public();
        if let Some(secret) = &client.secret {
            let pair = format!("{}:{secret}", client.id);
            let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair);
            let public = public.with("authorization", format!("Basic {basic}"));
            return public.form(path, fields).await;
        }
        let mut all = fields.to_vec();
        all.push(("client_id", &client.id));
        public.form(path, &all).await
    }
}

/// Registers a client with fields of its own.
pub async fn register(house: &House, client_type: &str, own: Value) -> Registered {
    let mut body = json!({
        "name": "An application", "client_type": client_type, "redirect_uris": [CALLBACK],
        "scopes": SCOPE.split(' ').collect::<Vec<_>>(),
    });
    let fields = own.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(fields);
    let answer = house.admin().post("/admin/clients", body).await.expect(201);
    Registered {
        id: answer.field("client_id"),
        secret: answer.json()["client_secret"].as_str().map(str::to_owned),
    }
}

/// The parameters of a good request, with some replaced; an empty value leaves one out.
pub fn parameters(client: &Registered, own: &[(&str, &str)]) -> Vec<(String, String)> {
    let usual = [
        ("client_id", client.id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", SCOPE),
        ("state", "a state"),
        ("nonce", "a nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let is_own = |name: &str| own.iter().any(|(other, _)| *other == name);
    let kept = usual.iter().filter(|(name, _)| !is_own(name));
    let all = kept.chain(own).filter(|(_, value)| !value.is_empty());
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The address that a request is sent to.
pub fn ask(client: &Registered, own: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters(client, own))
        .finish();
    format!("/oauth/authorize?{query}")
}

/// What trades a code.
pub fn code_fields(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

/// A parameter of an answer.
pub fn parameter(sent: &str, name: &str) -> Option<String> {
    assert!(sent.starts_with(CALLBACK), "it is sent elsewhere: {sent}");
    let url = Url::parse(sent).expect("an address");
    let mut pairs = url.query_pairs();
    pairs
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// The claims of a JWS, unverified.
pub fn claims(token: &str) -> Value {
    let token = token.strip_prefix("qf_at_").unwrap_or(token);
    let middle = token.split('.').nth(1).expect("three parts");
    let bytes = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, middle);
    serde_json::from_slice(&bytes.expect("base64url")).expect("JSON")
}
