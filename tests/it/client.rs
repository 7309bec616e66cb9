//! A person or a program speaking HTTP to one house: thin words over `reqwest`, so that a test reads
//! as what happens and not as how it is sent.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode, Version};
use serde_json::{Value, json};

use crate::patience::PATIENCE;
use crate::witness::{self, Told};

/// One base URL and what goes with every request to it.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    headers: Vec<(&'static str, String)>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub version: Version,
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

/// Begins a client that speaks plain HTTP and therefore reads none of the system's certificates, which
/// costs a busy machine more than all a test does.
pub fn plain() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().tls_certs_only([])
}

impl Client {
    pub fn new(base: String) -> Self {
        let http = plain()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE * 4)
            .build()
            .expect("a client");
        Self::speaking(http, base)
    }

    /// One that speaks as the given client does.
    pub fn speaking(http: reqwest::Client, base: String) -> Self {
        Self {
            http,
            base,
            headers: Vec::new(),
        }
    }

    /// The same, with a header on every request, in place of one of that name.
    pub fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut other = self.clone();
        other.headers.retain(|(held, _)| *held != name);
        other.headers.push((name, value.into()));
        other
    }

    /// What goes with every request under this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let held = self.headers.iter().find(|(held, _)| *held == name);
        held.map(|(_, value)| value.as_str())
    }

    /// The same, with a bearer token on every request.
    pub fn bearer(&self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, |request| request).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, |request| request).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, |request| request.json(&body))
            .await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, |request| request.json(&body))
            .await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, |request| request.json(&body))
            .await
    }

    /// Posts a form, `application/x-www-form-urlencoded`.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.raw(
            Method::POST,
            path,
            "application/x-www-form-urlencoded",
            body.into_bytes(),
        )
        .await
    }

    /// Sends any bytes as any media type.
    pub async fn raw(&self, method: Method, path: &str, media: &str, body: Vec<u8>) -> Answer {
        self.send(method, path, |request| {
            request.header("content-type", media).body(body)
        })
        .await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        finish: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = finish(request).build().expect("a request");
        let told = Told::of(&request);
        let response = self.http.execute(request).await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = Answer {
            version: response.version(),
            status,
            headers,
            text: response.text().await.expect("a body"),
        };
        witness::note(&self.base, told, &answer);
        answer
    }
}

impl Answer {
    /// Checks the status, showing the body if it is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// Checks the status and the error code of the first-party form (CONTRACT §5).
    #[track_caller]
    pub fn expect_code(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.json()["code"], code, "{}", answer.text);
        assert!(answer.json()["error"].is_string() && answer.json()["request_id"].is_string());
        answer
    }

    /// Checks the status and the OAuth error word (RFC 6749 §5.2).
    #[track_caller]
    pub fn expect_oauth(self, status: u16, error: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.json()["error"], error, "{}", answer.text);
        answer
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// Gives a text member of the JSON body.
    #[track_caller]
    pub fn field(&self, name: &str) -> String {
        let json = self.json();
        json[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}: {}", self.text))
            .to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Expects to be told to wait so many seconds. One more is as right: whoever queues is judged as of
    /// the end of the queue, which the machine's own clock measures while the house's stands.
    pub fn expect_wait(&self, seconds: u64) {
        let told = self.header("retry-after").parse().unwrap_or_default();
        assert!((seconds..=seconds + 1).contains(&told), "{told}");
    }
}

/// A person with an account, who remembers what they need.
#[derive(Clone)]
pub struct Person {
    pub email: String,
    pub password: String,
    pub public: Client,
}

/// What a sign-in gives.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    #[track_caller]
    pub fn of(answer: &Answer) -> Self {
        Self {
            access: answer.field("access_token"),
            refresh: answer.field("refresh_token"),
        }
    }
}

impl Person {
    /// Registers somebody new.
    pub async fn register(public: &Client, name: &str) -> Self {
        let person = Self {
            email: format!("{name}@example.org"),
            password: format!("a quiet garden in the rain 7 {}", name.len()),
            public: public.clone(),
        };
        let body = json!({
            "email": person.email, "password": person.password, "name": "Some Body",
        });
        public.post("/auth/register", body).await.expect(201);
        person
    }

    /// Signs in.
    pub async fn login(&self) -> Tokens {
        Tokens::of(&self.try_login(&self.password).await.expect(200))
    }

    /// Tries to sign in with a password.
    pub async fn try_login(&self, password: &str) -> Answer {
        let body = json!({ "email": self.email, "password": password });
        self.public.post("/auth/login", body).await
    }

    /// Presents a refresh token.
    pub async fn refresh(&self, token: &str) -> Answer {
        self.public
            .post("/auth/token/refresh", json!({ "refresh_token": token }))
            .await
    }

    /// Presents a refresh token, and again when told to: on a busy machine the line may be longer than
    /// an answer may take.
    pub async fn refresh_when_told(&self, token: &str) -> String {
        let begun = Instant::now();
        loop {
            let answer = self.refresh(token).await;
            let is_told = answer.status.as_u16() == 503 && !answer.header("retry-after").is_empty();
            if !is_told || begun.elapsed() > PATIENCE {
                return Tokens::of(&answer.expect(200)).refresh;
            }
        }
    }

    /// Asks who the bearer of an access token is, an application's where applications ask; again where the node has not heard of others for too
    /// long to know who is revoked, as one does that waits for its turn on a busy machine.
    pub async fn me(&self, access: &str) -> Answer {
        let is_ours = client_of(access).is_none_or(|client| client == "first-party");
        let path = if is_ours { "/auth/me" } else { "/userinfo" };
        let begun = Instant::now();
        loop {
            let answer = self.public.bearer(access).get(path).await;
            if answer.status.as_u16() != 503 || begun.elapsed() > PATIENCE {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Reads whose an access token is, unverified.
fn client_of(access: &str) -> Option<String> {
    let middle = access.split('.').nth(1)?;
    let bytes = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, middle).ok()?;
    let claims: Value = serde_json::from_slice(&bytes).ok()?;
    claims["client_id"].as_str().map(str::to_owned)
}
