//! The Transit engine of Vault and of OpenBao: `encrypt` and `decrypt` below `/v1/{mount}`.
//!
//! A data key is encrypted for its name, which is given as `associated_data` and, for master keys that derive,
//! as `context`: what is moved to another row does not decrypt. Engines that know no associated data
//! ignore it, and would decrypt for any name; so before the first key is wrapped it is seen to that
//! another name is refused. And each key that was wrapped is unwrapped once before it is relied on:
//! where it takes the place of one that `SYSTEM_SECRETS` wrapped, there is no second.
//!
//! The service sees data keys, never what they seal. A verb takes [`PATIENCE`] in all, the vault's own
//! being a little longer; an answer has [`MAX_BYTES`] at most, and redirects and the environment's proxies are not
//! followed: a node that stands by must forward. What is said of a failure holds no token and no
//! key; what the HTTP client sent cannot be zeroed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use actors::vault::KeyName;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::rejection::Fault;
use protocol::envelope::DataKeyBytes;
use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use store::port::{Health, Pending};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::rest::Rest;
use super::{NoKeyService, read_authorities};
use crate::config::KeyServiceSettings;

/// How long wrapping or unwrapping one key may take.
pub const PATIENCE: Duration = Duration::from_millis(1_500);
/// The longest answer that is read.
pub const MAX_BYTES: usize = 16 * 1024;

/// Names that no data key has: what is asked for to see that the service is there and binds to a name.
const PROBE: &str = "probe/here";
const ELSEWHERE: &str = "probe/elsewhere";

/// Speaks to the engine.
pub struct Transit {
    http: reqwest::Client,
    base: String,
    master: String,
    key: String,
    namespace: Option<String>,
    token: PathBuf,
    wraps: bool,
    rest: Rest,
    /// Whether it was seen that another name is refused.
    binds: AtomicBool,
    /// The newest version of the master key that was seen.
    newest: AtomicU32,
}

/// Why there is no answer; for the log.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    /// It says that what it was asked is wrong.
    #[error("the key service does not accept it (400)")]
    Refused,
    /// It is away, or does not do what it must: asking it about something else is of no use.
    #[error("the key service {0}")]
    Away(String),
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
struct Encrypted {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Decrypted {
    plaintext: String,
}

// === impl Transit ===

impl Transit {
    /// Takes the settings, and reads the authorities. Blocks for the length of a file.
    ///
    /// # Errors
    /// See [`NoKeyService`].
    pub fn new(settings: &KeyServiceSettings) -> Result<Self, NoKeyService> {
        let is_secure = settings.url.scheme() == "https";
        let mut http = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .https_only(is_secure)
            .timeout(PATIENCE);
        if let Some(path) = &settings.ca {
            http = http.tls_certs_only(read_authorities(path)?);
        } else if !is_secure {
            http = http.tls_certs_only([]);
        }
        let (mount, key) = (&settings.mount, &settings.key);
        Ok(Self {
            http: http.build()?,
            base: format!("{}/v1/{mount}", settings.url.as_str().trim_end_matches('/')),
            master: format!("{mount}/{key}"),
            key: key.clone(),
            namespace: settings.namespace.clone(),
            token: settings.token.clone(),
            wraps: settings.wraps,
            rest: Rest::default(),
            binds: AtomicBool::new(false),
            newest: AtomicU32::new(0),
        })
    }

    /// Names the master key, with where it is.
    pub(super) fn master(&self) -> &str {
        &self.master
    }

    /// Says whether it was wrapped under the newest version of the master key that is known.
    pub(super) fn is_newest(&self, text: &str) -> bool {
        version_of(text).is_some_and(|version| version >= self.newest.load(Ordering::Relaxed))
    }

    /// Wraps a data key for its name.
    ///
    /// # Errors
    /// [`Fault::Upstream`] for whatever hinders it.
    pub(super) async fn wrap(&self, name: KeyName, key: &DataKeyBytes) -> Result<String, Fault> {
        let asked = name.to_string();
        let wrapped = self.bound(self.wrap_surely(&asked, key)).await;
        wrapped.map_err(|error| Fault::Upstream(format!("{name}: {error}")))
    }

    /// Unwraps a data key that was wrapped for this name.
    ///
    /// # Errors
    /// [`Fault::Broken`] when it was wrapped for another or was altered; [`Fault::Upstream`] otherwise.
    pub(super) async fn unwrap(&self, name: KeyName, text: &str) -> Result<DataKeyBytes, Fault> {
        let asked = name.to_string();
        let unwrapped = self.bound(self.decrypt(&asked, text)).await;
        let plain = unwrapped.map_err(|error| match error {
            NoAnswer::Refused => Fault::Broken(format!("{name}: {error}")),
            NoAnswer::Away(_) => Fault::Upstream(format!("{name}: {error}")),
        })?;
        DataKeyBytes::from_unwrapped(&plain)
            .map_err(|_| Fault::Broken(format!("{name}: what was unwrapped is no data key")))
    }

    /// Holds a verb to what all are held to: it takes its time and no more, and none is begun while the service rests.
    async fn bound<T>(
        &self,
        verb: impl Future<Output = Result<T, NoAnswer>>,
    ) -> Result<T, NoAnswer> {
        if self.rest.is_due() {
            return Err(away("was away a moment ago"));
        }
        let answer = timeout(PATIENCE, verb).await;
        let answer = answer.unwrap_or_else(|_| Err(late()));
        self.rest.note(!matches!(answer, Err(NoAnswer::Away(_))));
        answer
    }

    async fn wrap_surely(&self, name: &str, key: &DataKeyBytes) -> Result<String, NoAnswer> {
        self.see_that_it_binds().await?;
        let text = self.encrypt(name, key.expose()).await?;
        let again = self.decrypt(name, &text).await?;
        if again.as_slice() == key.expose() {
            return Ok(text);
        }
        Err(away("does not give back what it was given"))
    }

    /// Sees once that what is encrypted for one name is not decrypted for another.
    async fn see_that_it_binds(&self) -> Result<(), NoAnswer> {
        if self.binds.load(Ordering::Relaxed) {
            return Ok(());
        }
        let text = self.encrypt(PROBE, PROBE.as_bytes()).await?;
        match self.decrypt(ELSEWHERE, &text).await {
            Err(NoAnswer::Refused) => self.binds.store(true, Ordering::Relaxed),
            Err(error) => return Err(error),
            Ok(_) => return Err(away("does not bind a key to its name (associated_data)")),
        }
        Ok(())
    }

    /// Asks for what a key would be asked for, so that a token or a master key that is gone is found.
    async fn probe(&self) -> Result<(), NoAnswer> {
        if self.wraps {
            self.see_that_it_binds().await?;
            return self.encrypt(PROBE, PROBE.as_bytes()).await.map(drop);
        }
        // It need not be allowed to encrypt any more. Nothing decrypts what is none.
        match self.decrypt(PROBE, "vault:v1:").await {
            Ok(_) | Err(NoAnswer::Refused) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn encrypt(&self, name: &str, plain: &[u8]) -> Result<String, NoAnswer> {
        let (name, plain) = (
            STANDARD.encode(name),
            Zeroizing::new(STANDARD.encode(plain)),
        );
        let body = json!({
            "plaintext": plain.as_str(), "context": name, "associated_data": name,
        });
        let answer: Encrypted = self.ask("encrypt", &body).await?;
        let version = version_of(&answer.ciphertext);
        let version = version.ok_or_else(|| away("answers with what is no ciphertext"))?;
        self.newest.fetch_max(version, Ordering::Relaxed);
        Ok(answer.ciphertext)
    }

    async fn decrypt(&self, name: &str, text: &str) -> Result<Zeroizing<Vec<u8>>, NoAnswer> {
        let name = STANDARD.encode(name);
        let body = json!({ "ciphertext": text, "context": name, "associated_data": name });
        let answer: Decrypted = self.ask("decrypt", &body).await?;
        let plaintext = Zeroizing::new(answer.plaintext);
        let plain = STANDARD.decode(plaintext.as_bytes());
        let plain = plain.map_err(|_| away("answers with what is no plaintext"))?;
        Ok(Zeroizing::new(plain))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        verb: &str,
        body: &serde_json::Value,
    ) -> Result<T, NoAnswer> {
        let url = format!("{}/{verb}/{}", self.base, self.key);
        let request = self.http.post(url).json(body);
        let request = self.introduce(request).await?;
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        check_status(response.status())?;
        let body = read(response).await?;
        let answer: Envelope<T> = serde_json::from_slice(&body)
            .map_err(|_| away("answers with what is not its answer"))?;
        Ok(answer.data)
    }

    /// Says who asks: by the token of this moment.
    async fn introduce(&self, request: RequestBuilder) -> Result<RequestBuilder, NoAnswer> {
        let token = tokio::fs::read_to_string(&self.token).await;
        let token = token.map(Zeroizing::new);
        let token = token.map_err(|error| away(format!("cannot be told a token: {error}")))?;
        let mut value = HeaderValue::from_str(token.trim())
            .ok()
            .filter(|value| !value.is_empty())
            .ok_or_else(|| away("cannot be told a token: the file holds none"))?;
        value.set_sensitive(true);
        let request = request
            .header("X-Vault-Token", value)
            // Refused by agents in front of it otherwise, which so know that no page made the request.
            .header("X-Vault-Request", "true");
        Ok(match &self.namespace {
            Some(namespace) => request.header("X-Vault-Namespace", namespace),
            None => request,
        })
    }
}

impl Health for Transit {
    fn check(&self) -> Pending<'_, ()> {
        Box::pin(async {
            if self.rest.was_good() {
                return Ok(());
            }
            let answer = timeout(PATIENCE, self.probe()).await;
            let answer = answer.unwrap_or_else(|_| Err(late()));
            self.rest.note(answer.is_ok());
            answer.map_err(|error| Fault::Upstream(error.to_string()))
        })
    }

    fn name(&self) -> &'static str {
        "transit"
    }
}

/// Judges a status. 400 is of what was asked; everything else is of the service, or of how it is reached.
fn check_status(status: StatusCode) -> Result<(), NoAnswer> {
    Err(match status.as_u16() {
        200 => return Ok(()),
        400 => NoAnswer::Refused,
        403 => away("does not accept the token, or allows it nothing (403)"),
        404 => away("knows no such engine: KMS_MOUNT or KMS_NAMESPACE (404)"),
        503 => away("is sealed or away (503)"),
        other => away(format!("answers with status {other}")),
    })
}

async fn read(mut response: Response) -> Result<Zeroizing<Vec<u8>>, NoAnswer> {
    let mut body = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(&error))?
    {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(away(format!("answers with more than {MAX_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads which version of the master key it is encrypted under: `vault:v3:…`.
fn version_of(text: &str) -> Option<u32> {
    let (version, sealed) = text.strip_prefix("vault:v")?.split_once(':')?;
    let is_plain = !sealed.is_empty() && sealed.bytes().all(|byte| byte.is_ascii_graphic());
    version.parse().ok().filter(|_| is_plain)
}

fn away(why: impl Into<String>) -> NoAnswer {
    NoAnswer::Away(why.into())
}

fn late() -> NoAnswer {
    let spent = PATIENCE.as_millis();
    away(format!("gives no whole answer within {spent} ms"))
}

fn unreachable(error: &reqwest::Error) -> NoAnswer {
    let why = if error.is_timeout() {
        "in time"
    } else if error.is_connect() {
        "at its address"
    } else {
        "that is whole"
    };
    away(format!("gives no answer {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ciphertext_tells_its_version() {
        assert_eq!(version_of("vault:v12:c2VhbGVk"), Some(12));
        for text in [
            "",
            "vault:v1:",
            "vault:1:AA",
            "vault:vx:AA",
            "v1:AA",
            "vault:v1:A A",
        ] {
            assert_eq!(version_of(text), None, "{text}");
        }
    }

    #[test]
    fn only_400_is_about_what_was_asked() {
        assert!(check_status(StatusCode::OK).is_ok());
        let refused = check_status(StatusCode::BAD_REQUEST);
        assert!(matches!(refused, Err(NoAnswer::Refused)));
        for status in [
            204, 301, 307, 401, 403, 404, 412, 429, 472, 473, 500, 502, 503,
        ] {
            let judged = check_status(StatusCode::from_u16(status).expect("a status"));
            assert!(matches!(judged, Err(NoAnswer::Away(_))), "{status}");
        }
    }
}
