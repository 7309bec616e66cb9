//! What is asked: prepared against the running service, then repeated by every connection.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::{Value, json};

use crate::drive::{connect, exchange};

/// One scenario, ready to be repeated.
pub(crate) struct Scenario {
    kind: Kind,
    askers: Vec<Asker>,
    /// A body of the size that the service answers with.
    pub(crate) answer: Bytes,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whether the service is alive.
    Health,
    /// Its public keys.
    Jwks,
    /// A token pair for a refresh token.
    Refresh,
    /// A sign-in with the right password.
    Login,
}

/// What one connection repeats.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    kind: Kind,
    email: String,
    refresh_token: String,
}

const PASSWORD: &str = "a quiet garden in the rain";

// === impl Scenario ===

impl Scenario {
    /// Registers and signs in whoever the scenario needs.
    ///
    /// # Errors
    /// A sentence when the service refuses, which it does when its limits are not raised.
    pub(crate) async fn prepare(
        name: &str,
        address: &str,
        connections: usize,
    ) -> Result<Self, String> {
        let kind = [Kind::Jwks, Kind::Refresh, Kind::Login]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("no scenario is called {name}: jwks, refresh, login, flood"))?;
        let mut askers = Vec::new();
        for number in 0..connections {
            askers.push(Asker::prepare(kind, address, number).await?);
        }
        let mut first = askers.first().cloned().ok_or("no connections, no load")?;
        let mut connection = connect(address).await?;
        let (status, answer) = exchange(&mut connection, first.request(address)).await?;
        if !status.is_success() {
            return Err(format!("{address} answered {status}"));
        }
        first.learn(&answer);
        if let Some(place) = askers.first_mut() {
            *place = first;
        }
        Ok(Self {
            kind,
            askers,
            answer,
        })
    }

    /// Gives one asker for each connection.
    pub(crate) fn askers(&self) -> impl Iterator<Item = Asker> {
        self.askers.iter().cloned()
    }

    /// Says whether each answer carries a token that was signed for it.
    pub(crate) fn is_signed(&self) -> bool {
        self.kind != Kind::Jwks
    }
}

// === impl Kind ===

impl Kind {
    /// Gives the name that people know it by.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Jwks => "jwks",
            Self::Refresh => "refresh",
            Self::Login => "login",
        }
    }
}

// === impl Asker ===

impl Asker {
    /// Registers and signs in somebody of this number, where what is asked needs somebody.
    ///
    /// # Errors
    /// As [`Scenario::prepare`].
    pub(crate) async fn prepare(kind: Kind, address: &str, number: usize) -> Result<Self, String> {
        let mut asker = Self {
            kind,
            email: format!("load{number}-{}@example.org", std::process::id()),
            refresh_token: String::new(),
        };
        if matches!(kind, Kind::Refresh | Kind::Login) {
            asker.sign_in(address).await?;
        }
        Ok(asker)
    }

    /// Gives the name of what it asks.
    pub(crate) const fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Builds the next request.
    pub(crate) fn request(&self, address: &str) -> Request<Full<Bytes>> {
        let (method, path, body) = match self.kind {
            Kind::Health => ("GET", "/health", None),
            Kind::Jwks => ("GET", "/.well-known/jwks.json", None),
            Kind::Refresh => {
                let body = json!({ "refresh_token": self.refresh_token });
                ("POST", "/auth/token/refresh", Some(body))
            }
            Kind::Login => ("POST", "/auth/login", Some(self.credentials())),
        };
        build(method, address, path, body)
    }

    /// Takes from an answer what the next request needs.
    pub(crate) fn learn(&mut self, answer: &[u8]) {
        if self.kind == Kind::Refresh
            && let Ok(body) = serde_json::from_slice::<Value>(answer)
            && let Some(token) = body.get("refresh_token").and_then(Value::as_str)
        {
            token.clone_into(&mut self.refresh_token);
        }
    }

    fn credentials(&self) -> Value {
        json!({ "email": self.email, "password": PASSWORD, "name": "Load" })
    }

    async fn sign_in(&mut self, address: &str) -> Result<(), String> {
        let mut connection = connect(address).await?;
        let register = build("POST", address, "/auth/register", Some(self.credentials()));
        // Refused when an earlier round registered the same person, which is as good.
        exchange(&mut connection, register).await?;
        let login = build("POST", address, "/auth/login", Some(self.credentials()));
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

/// Makes a request with a JSON body, or with none.
pub(crate) fn build(
    method: &str,
    address: &str,
    path: &str,
    body: Option<Value>,
) -> Request<Full<Bytes>> {
    let bytes = body
        .map(|body| Bytes::from(body.to_string()))
        .unwrap_or_default();
    let mut request = Request::new(Full::new(bytes));
    *request.method_mut() = method.parse().unwrap_or_default();
    *request.uri_mut() = path.parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(
        "content-type",
        http::HeaderValue::from_static("application/json"),
    );
    if let Ok(host) = address.parse() {
        headers.insert("host", host);
    }
    request
}
