//! A house that speaks TLS, with clients that have certificates.

use std::net::SocketAddr;

use rustls::ClientConfig;
use serde_json::{Value, json};

use super::world::{CALLBACK, Registered, SCOPE};
use crate::client::{Answer, Client};
use crate::doors::certificates::{Authority, Files, Pair};
use crate::house::House;
use crate::patience::PATIENCE;

/// What the certificate of a client of the name `robot` is called.
pub const ROBOT: &str = "CN=robot,O=Garden";

pub struct TlsHouse {
    pub house: House,
    /// Signs the certificates of clients.
    pub clients: Authority,
    /// Where the service reads its own from.
    pub files: Files,
    server: Authority,
}

impl TlsHouse {
    /// Opens one on an empty store of the same kind, that takes certificates and trusts no proxy.
    pub async fn beside(house: &House) -> Self {
        Self::with(house, "").await
    }

    /// The same, with proxies that it trusts.
    pub async fn with(house: &House, proxies: &str) -> Self {
        let (server, clients) = (Authority::new(), Authority::new());
        let files = Files::new(&server.sign("localhost"));
        let ca = files.write("clients.pem", &clients.pem());
        let settings = files.settings();
        let mut all: Vec<(&str, &str)> = settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        all.extend([
            ("TLS_CLIENT_CA_PATH", ca.as_str()),
            ("TRUSTED_PROXIES", proxies),
        ]);
        let house = house.beside(&all).await;
        Self {
            house,
            clients,
            files,
            server,
        }
    }

    /// The public door, as whoever has this certificate sees it.
    pub fn public(&self, own: Option<&Pair>) -> Client {
        self.over(self.house.public_address(), own, &["h2"])
    }

    /// The admin door, as whoever has this certificate and no API key sees it.
    pub fn stranger(&self, own: Option<&Pair>) -> Client {
        self.over(self.house.admin_address(), own, &["h2"])
    }

    /// The admin door, as an operator sees it.
    pub fn admin(&self) -> Client {
        self.stranger(None).with("x-api-key", self.house.api_key())
    }

    /// What whoever has this certificate opens a line with.
    pub fn config(&self, own: Option<&Pair>, protocols: &[&str]) -> ClientConfig {
        self.server.client(own, protocols)
    }

    /// A door over these protocols.
    pub fn over(&self, door: SocketAddr, own: Option<&Pair>, protocols: &[&str]) -> Client {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE * 4)
            .tls_backend_preconfigured(self.config(own, protocols))
            .resolve("localhost", door)
            .build()
            .expect("a client");
        Client::speaking(http, format!("https://localhost:{}", door.port()))
    }

    /// Registers a service that gets tokens for itself.
    pub async fn add_service(&self, own: Value) -> String {
        register(&self.admin(), service(own)).await.id
    }

    /// Registers an application of people.
    pub async fn add_application(&self, client_type: &str, own: Value) -> Registered {
        let usual = json!({
            "name": "An application", "client_type": client_type, "redirect_uris": [CALLBACK],
            "scopes": SCOPE.split(' ').collect::<Vec<_>>(),
        });
        register(&self.admin(), over(usual, own)).await
    }

    /// Asks for a service's own token with a certificate.
    pub async fn token(&self, own: Option<&Pair>, id: &str) -> Answer {
        ask(&self.public(own), id).await
    }

    pub async fn stop(&self) {
        self.house.stop().await;
    }
}

/// Asks for a client's own token, saying no more than its name.
pub async fn ask(public: &Client, id: &str) -> Answer {
    let fields = [("grant_type", "client_credentials"), ("client_id", id)];
    public.form("/oauth/token", &fields).await
}

/// The registration of a service whose certificate an authority signed.
pub fn service(own: Value) -> Value {
    let usual = json!({
        "name": "Robot", "client_type": "service", "scopes": ["read"],
        "token_endpoint_auth_method": "tls_client_auth",
    });
    over(usual, own)
}

async fn register(admin: &Client, body: Value) -> Registered {
    let made = admin.post("/admin/clients", body).await.expect(201);
    Registered {
        id: made.field("client_id"),
        secret: made.json()["client_secret"].as_str().map(str::to_owned),
    }
}

fn over(mut usual: Value, own: Value) -> Value {
    let own = own.as_object().expect("an object").clone();
    usual.as_object_mut().expect("an object").extend(own);
    usual
}
