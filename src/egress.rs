//! The egress guard: what the service asks of others because a client named an address (CONTRACT §6).
//!
//! A stranger who may name an address must not get us to ask what only we can reach. So: https only;
//! the address that is actually connected to is judged (`way`, `address`), which a name that changes
//! its mind between look-up and connection does not get around; redirects are not followed; an answer
//! takes [`PATIENCE`] and [`MAX_BYTES`] at most; and of what is fetched at once, one host has its
//! share and no more (`rooms`). Proxies of the environment are not used: behind one, the address that
//! is connected to would not be ours to judge.
//!
//! Operators open exceptions with `EGRESS_ALLOW` and add authorities with `EGRESS_CA_PATH`.
//!
//! What it says of a failure is for the log: a client that could read it could map our network.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Certificate, StatusCode};
use tokio::sync::OnceCell;
use url::{Url, form_urlencoded};

use crate::config::EgressSettings;

mod address;
mod freshness;
mod rooms;
mod way;

use rooms::Rooms;
use way::{NotPublic, Resolver, Rules, Way};

/// How long a fetch may take in all.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer that is read.
pub const MAX_BYTES: usize = 64 * 1024;

/// Asks at the addresses that clients name.
pub struct Egress {
    rules: Rules,
    authorities: Vec<Certificate>,
    rooms: Rooms,
    guarded: OnceCell<reqwest::Client>,
    excepted: OnceCell<reqwest::Client>,
    plain: OnceCell<reqwest::Client>,
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The answer's content.
    pub body: Vec<u8>,
    /// How long the answer may be kept, if it says so (RFC 9111 §4.2.1); zero: not at all.
    pub fresh_for: Option<Duration>,
}

/// Why nothing was fetched. For the log, never for a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFetched {
    /// It is no address that may be connected to.
    #[error("the address is not one that may be connected to")]
    Forbidden,
    /// As much is being fetched as may be at once.
    #[error("too much is being fetched at once")]
    Busy,
    /// There was no whole answer in time.
    #[error("no whole answer within {} s", PATIENCE.as_secs())]
    Late,
    /// There was no answer.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// It was answered with another status than wanted.
    #[error("the answer's status is {0}")]
    Status(u16),
    /// The answer is longer than [`MAX_BYTES`].
    #[error("the answer is longer than {MAX_BYTES} bytes")]
    TooLong,
}

/// The guard cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum BadAuthorities {
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(#[from] std::io::Error),
    /// It holds no certificates.
    #[error("expected certificates in PEM")]
    Malformed,
}

// === impl Egress ===

impl Egress {
    /// Takes what the operator opened, and reads the authorities. Blocks for the length of a file.
    ///
    /// # Errors
    /// See [`BadAuthorities`].
    pub fn new(settings: &EgressSettings) -> Result<Self, BadAuthorities> {
        let authorities = match &settings.ca {
            None => Vec::new(),
            Some(path) => {
                let pem = std::fs::read(path)?;
                Certificate::from_pem_bundle(&pem)
                    .ok()
                    .filter(|certificates| !certificates.is_empty())
                    .ok_or(BadAuthorities::Malformed)?
            }
        };
        Ok(Self {
            rules: Rules::new(&settings.allow),
            authorities,
            rooms: Rooms::default(),
            guarded: OnceCell::new(),
            excepted: OnceCell::new(),
            plain: OnceCell::new(),
        })
    }

    /// Says whether the operator opened any place that may be asked in clear text.
    #[must_use]
    pub fn takes_clear_text(&self) -> bool {
        self.rules.names_endpoints()
    }

    /// Fetches JSON from an address that a client named.
    ///
    /// # Errors
    /// See [`NotFetched`].
    ///
    /// # Cancel safety
    /// Reads only; the connection is closed.
    pub async fn fetch(&self, url: &Url) -> Result<Fetched, NotFetched> {
        self.fetch_as(url, "application/json").await
    }

    /// Fetches something of a media type from an address that a client named.
    ///
    /// # Errors
    /// See [`NotFetched`].
    ///
    /// # Cancel safety
    /// Reads only; the connection is closed.
    pub async fn fetch_as(&self, url: &Url, media: &'static str) -> Result<Fetched, NotFetched> {
        let way = self.rules.way_to(url).ok_or(NotFetched::Forbidden)?;
        let asked = async { read(self.client(way).await?, url, media).await };
        self.bound(url, asked).await
    }

    /// Posts a form to an address that a client named. The answer's content is not read.
    ///
    /// # Errors
    /// See [`NotFetched`]; anything but 200 and 204 counts as refused.
    ///
    /// # Cancel safety
    /// The connection is closed; whether the form arrived is then unknown.
    pub async fn post(&self, url: &Url, fields: &[(&str, &str)]) -> Result<(), NotFetched> {
        let body = write_form(fields);
        let way = self.rules.way_to(url).ok_or(NotFetched::Forbidden)?;
        let asked = async { post(self.client(way).await?, url, body).await };
        self.bound(url, asked).await
    }

    /// Holds a question to the bounds that all have.
    async fn bound<T>(
        &self,
        url: &Url,
        asked: impl Future<Output = Result<T, NotFetched>>,
    ) -> Result<T, NotFetched> {
        let host = url.host_str().unwrap_or_default();
        let _room = self.rooms.take(host).ok_or(NotFetched::Busy)?;
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(NotFetched::Late),
        }
    }

    /// Gives the client for a way. Each is made when it is first needed, because reading the system's
    /// authorities takes a while.
    async fn client(&self, way: Way) -> Result<&reqwest::Client, NotFetched> {
        let cell = match way {
            Way::Guarded => &self.guarded,
            Way::Excepted => &self.excepted,
            Way::Plain => &self.plain,
        };
        let make = || async {
            let (rules, authorities) = (self.rules.clone(), self.authorities.clone());
            let made = tokio::task::spawn_blocking(move || make(way, rules, authorities)).await;
            made.map_err(|error| NotFetched::Unreachable(error.to_string()))?
                .map_err(|error| NotFetched::Unreachable(error.to_string()))
        };
        cell.get_or_try_init(make).await
    }
}

fn make(
    way: Way,
    rules: Rules,
    authorities: Vec<Certificate>,
) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .pool_max_idle_per_host(0);
    match way {
        Way::Guarded => builder
            .https_only(true)
            .dns_resolver(Resolver::new(rules))
            .tls_certs_merge(authorities),
        Way::Excepted => builder.https_only(true).tls_certs_merge(authorities),
        Way::Plain => builder.tls_certs_only([]),
    }
    .build()
}

fn write_form(fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).finish()
}

async fn post(client: &reqwest::Client, url: &Url, body: String) -> Result<(), NotFetched> {
    let request = client
        .post(url.clone())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let response = request.send().await.map_err(not_fetched)?;
    match response.status() {
        StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
        status => Err(NotFetched::Status(status.as_u16())),
    }
}

async fn read(
    client: &reqwest::Client,
    url: &Url,
    media: &'static str,
) -> Result<Fetched, NotFetched> {
    let request = client.get(url.clone()).header("accept", media);
    let mut response = request.send().await.map_err(not_fetched)?;
    if response.status() != StatusCode::OK {
        return Err(NotFetched::Status(response.status().as_u16()));
    }
    let fresh_for = freshness::of(response.headers());
    check_length(response.headers())?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(not_fetched)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(NotFetched::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Fetched { body, fresh_for })
}

/// Refuses an answer that announces that it is too long, before any of it is read.
fn check_length(headers: &HeaderMap) -> Result<(), NotFetched> {
    let length = headers.get(reqwest::header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    match length {
        Some(length) if length > MAX_BYTES => Err(NotFetched::TooLong),
        _ => Ok(()),
    }
}

/// Names a failure; the address stays out of it.
fn not_fetched(error: reqwest::Error) -> NotFetched {
    let error = error.without_url();
    if error.is_timeout() {
        return NotFetched::Late;
    }
    let first: &(dyn std::error::Error + 'static) = &error;
    let causes: Vec<_> = std::iter::successors(Some(first), |cause| cause.source()).collect();
    if causes.iter().any(|cause| cause.is::<NotPublic>()) {
        return NotFetched::Forbidden;
    }
    let texts: Vec<String> = causes.iter().map(ToString::to_string).collect();
    NotFetched::Unreachable(texts.join(": "))
}

#[cfg(test)]
mod tests;
