//! What everybody else asks during a flood.

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::talk::{build, connect, exchange};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whether the service is alive.
    Health,
    /// Its public keys.
    Jwks,
    /// A token pair for a refresh token.
    Refresh,
}

/// Who asks it.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    kind: Kind,
    refresh_token: String,
}

const PASSWORD: &str = "a quiet garden in the rain";

// === impl Kind ===

impl Kind {
    /// Gives the name that people know it by.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Jwks => "jwks",
            Self::Refresh => "refresh",
        }
    }
}

// === impl Probe ===

impl Probe {
    /// Registers and signs in somebody, where what is asked needs somebody.
    ///
    /// # Errors
    /// A sentence when the service refuses, which it does when its limits are not raised.
    pub(super) async fn prepare(kind: Kind, address: &str) -> Result<Self, String> {
        let mut probe = Self {
            kind,
            refresh_token: String::new(),
        };
        if kind == Kind::Refresh {
            probe.sign_in(address).await?;
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
            Kind::Refresh => {
                let body = json!({ "refresh_token": self.refresh_token });
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
            token.clone_into(&mut self.refresh_token);
        }
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
                token.clone_into(&mut self.refresh_token);
                Ok(())
            }
            None => Err(format!("sign-in answered {status}; are the limits raised?")),
        }
    }
}
