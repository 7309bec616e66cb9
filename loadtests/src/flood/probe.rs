//! What everybody else asks during a flood.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::Flood;
use crate::message::form;
use crate::talk::{build, connect, exchange};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whether the service is alive.
    Health,
    /// Its public keys.
    Jwks,
    /// Whether an access token holds.
    Introspect,
    /// A token pair for a refresh token.
    Refresh,
}

/// Who asks it.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    kind: Kind,
    /// What is asked about, or asked with.
    token: String,
    /// The client's `Authorization`, where a client asks.
    basic: String,
}

const PASSWORD: &str = "a quiet garden in the rain";

// === impl Kind ===

impl Kind {
    /// Gives the name that people know it by.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Jwks => "jwks",
            Self::Introspect => "introspect",
            Self::Refresh => "refresh",
        }
    }
}

// === impl Probe ===

impl Probe {
    /// Makes whoever asks: signs somebody up and in, or registers a client.
    ///
    /// # Errors
    /// A sentence when the service refuses, which it does when its limits are not raised.
    pub(super) async fn prepare(kind: Kind, flood: &Flood<'_>) -> Result<Self, String> {
        let mut probe = Self {
            kind,
            token: String::new(),
            basic: String::new(),
        };
        match kind {
            Kind::Health | Kind::Jwks => {}
            Kind::Introspect => probe.register(flood).await?,
            Kind::Refresh => probe.sign_in(flood.address).await?,
        }
        Ok(probe)
    }

    /// Gives the name of what it asks.
    pub(super) const fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Builds the next request.
    pub(super) fn request(&self, address: &str) -> Request<Full<Bytes>> {
        let (method, path, body) = match self.kind {
            Kind::Health => ("GET", "/health", None),
            Kind::Jwks => ("GET", "/.well-known/jwks.json", None),
            Kind::Introspect => {
                return self.post(address, "/oauth/introspect", &[("token", &self.token)]);
            }
            Kind::Refresh => {
                let body = json!({ "refresh_token": self.token });
                ("POST", "/auth/token/refresh", Some(body))
            }
        };
        build(method, address, path, body)
    }

    /// Takes from an answer what the next request needs.
    pub(super) fn learn(&mut self, answer: &[u8]) {
        if self.kind == Kind::Refresh
            && let Ok(body) = serde_json::from_slice::<Value>(answer)
            && let Some(token) = body.get("refresh_token").and_then(Value::as_str)
        {
            token.clone_into(&mut self.token);
        }
    }

    /// Builds a form that the client sends.
    fn post(&self, address: &str, path: &str, fields: &[(&str, &str)]) -> Request<Full<Bytes>> {
        let mut request = build("POST", address, path, None);
        *request.body_mut() = Full::from(form(fields));
        let headers = request.headers_mut();
        let media = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert("content-type", media);
        headers.extend(
            HeaderValue::try_from(&self.basic)
                .ok()
                .map(|basic| (http::header::AUTHORIZATION, basic)),
        );
        request
    }

    /// Registers a client, which asks about a token of its own.
    async fn register(&mut self, flood: &Flood<'_>) -> Result<(), String> {
        let client = json!({
            "name": "Flood", "client_type": "service", "grant_types": ["client_credentials"],
            "scopes": ["read"],
        });
        let mut register = build("POST", flood.admin, "/admin/clients", Some(client));
        let key = HeaderValue::try_from(flood.key).map_err(|_| "the key is no header")?;
        register.headers_mut().insert("x-api-key", key);
        let (status, body) = exchange(&mut connect(flood.admin).await?, register).await?;
        let client: Value = serde_json::from_slice(&body).unwrap_or_default();
        let field = |name: &str| client.get(name).and_then(Value::as_str);
        let (Some(id), Some(secret)) = (field("client_id"), field("client_secret")) else {
            return Err(format!("a client was answered {status}; is --key right?"));
        };
        self.basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")));
        let grant = [("grant_type", "client_credentials")];
        let ask = self.post(flood.address, "/oauth/token", &grant);
        let (status, body) = exchange(&mut connect(flood.address).await?, ask).await?;
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        let token = answer.get("access_token").and_then(Value::as_str);
        token
            .ok_or_else(|| format!("no token for the client: {status}"))?
            .clone_into(&mut self.token);
        Ok(())
    }

    async fn sign_in(&mut self, address: &str) -> Result<(), String> {
        let email = format!("flood{}@example.org", std::process::id());
        let credentials = || json!({ "email": email, "password": PASSWORD, "name": "Load" });
        let mut connection = connect(address).await?;
        let register = build("POST", address, "/auth/register", Some(credentials()));
        // Refused when an earlier run registered the same person, which is as good.
        exchange(&mut connection, register).await?;
        let login = build("POST", address, "/auth/login", Some(credentials()));
        let (status, body) = exchange(&mut connection, login).await?;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        match body.get("refresh_token").and_then(Value::as_str) {
            Some(token) => {
                token.clone_into(&mut self.token);
                Ok(())
            }
            None => Err(format!("sign-in answered {status}; are the limits raised?")),
        }
    }
}
