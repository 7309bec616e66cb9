//! A key service of somebody's: as much of the Transit engine of Vault and OpenBao as is asked of one, with
//! keys, tokens and moods of its own.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use auth_service::config::KeyServiceSettings;
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use rustls::ServerConfig;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sink::{Asked, Sink};

/// How a key service is disposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Fine,
    Sealed,
    Overloaded,
    /// It sends whoever asks elsewhere.
    StandsBy,
    /// What answers is something else.
    Garbage,
    TooLong,
    Hangs,
    /// It gives back another key than it was given.
    Forgets,
    /// It knows no associated data, as old ones do not.
    BindsNothing,
}

/// The service; it is gone when dropped.
pub struct Transit {
    sink: Sink,
    scheme: &'static str,
    inside: Arc<Inside>,
    directory: TempDir,
}

struct Inside {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    mood: Mood,
    token: String,
    keys: Vec<[u8; 32]>,
}

type Reply = (u16, String);

// === impl Transit ===

impl Transit {
    pub fn new() -> Self {
        Self::made("http", |answer| Sink::http(answer))
    }

    /// The same over TLS.
    pub fn over_tls(config: ServerConfig) -> Self {
        Self::made("https", |answer| Sink::https(config, answer))
    }

    fn made(
        scheme: &'static str,
        sink: impl FnOnce(Box<dyn Fn(&Asked) -> Reply + Send>) -> Sink,
    ) -> Self {
        let state = State {
            mood: Mood::Fine,
            token: "s.first".to_owned(),
            keys: vec![[7; 32]],
        };
        let inside = Arc::new(Inside {
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let asked = Arc::clone(&inside);
        let made = Self {
            sink: sink(Box::new(move |question| asked.answer(question))),
            scheme,
            inside,
            directory: tempfile::tempdir().expect("a directory"),
        };
        made.tell("s.first");
        made
    }

    pub fn be(&self, mood: Mood) {
        self.inside.state.lock().expect("the state").mood = mood;
        self.inside.changed.notify_all();
    }

    /// Makes a new version of the master key; older ones decrypt still.
    pub fn rotate(&self) {
        let keys = &mut self.inside.state.lock().expect("the state").keys;
        let number = u8::try_from(keys.len()).expect("few");
        keys.push([number; 32]);
    }

    /// Takes this token, and no other.
    pub fn take(&self, token: &str) {
        token.clone_into(&mut self.inside.state.lock().expect("the state").token);
    }

    /// Writes a token to where the service reads it.
    pub fn tell(&self, token: &str) {
        let path = self.directory.path().join("token");
        std::fs::write(path, format!("{token}\n")).expect("a file");
    }

    /// What it was asked so far.
    pub fn kept(&self) -> Vec<Asked> {
        self.sink.kept()
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.sink.address)
    }

    pub fn settings(&self) -> KeyServiceSettings {
        KeyServiceSettings {
            url: self.url().parse().expect("a URL"),
            key: "data-keys".to_owned(),
            mount: "transit".to_owned(),
            namespace: Some("garden".to_owned()),
            token: self.directory.path().join("token"),
            ca: None,
            wraps: true,
        }
    }

    /// The same as variables.
    pub fn variables(&self) -> [(&'static str, String); 4] {
        let settings = self.settings();
        [
            ("KMS_URL", self.url()),
            ("KMS_KEY", settings.key),
            ("KMS_NAMESPACE", settings.namespace.unwrap_or_default()),
            ("KMS_TOKEN_PATH", settings.token.display().to_string()),
        ]
    }
}

impl Drop for Transit {
    fn drop(&mut self) {
        // Whoever waits for it goes first.
        self.be(Mood::Sealed);
    }
}

// === impl Inside ===

impl Inside {
    fn answer(&self, asked: &Asked) -> Reply {
        let state = self.state.lock().expect("the state");
        let hangs = |state: &mut State| state.mood == Mood::Hangs;
        let waited = self
            .changed
            .wait_timeout_while(state, Duration::from_secs(20), hangs);
        let state = waited.expect("the state").0;
        match state.mood {
            Mood::Sealed => refuse(503, "Vault is sealed"),
            Mood::Overloaded => refuse(429, "request path: too many requests"),
            Mood::StandsBy => (307, String::new()),
            Mood::Garbage => (200, "<html>Welcome to nginx!</html>".to_owned()),
            Mood::TooLong => (200, format!("{{\"data\":\"{}\"}}", "x".repeat(1 << 20))),
            _ => state.serve(asked),
        }
    }
}

// === impl State ===

impl State {
    fn serve(&self, asked: &Asked) -> Reply {
        let verb = asked.line.strip_prefix("POST /v1/transit/");
        let (Some(verb), true) = (verb, asked.head.contains("x-vault-namespace: garden\r\n"))
        else {
            return refuse(404, "no handler for route");
        };
        if !asked
            .head
            .contains(&format!("x-vault-token: {}\r\n", self.token))
        {
            return refuse(403, "permission denied");
        }
        let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
        let aad = BASE64.decode(body["associated_data"].as_str().unwrap_or_default());
        let aad = aad.expect("base64");
        let aad = if self.mood == Mood::BindsNothing {
            Vec::new()
        } else {
            aad
        };
        match verb {
            "encrypt/data-keys" => self.encrypt(&body, &aad),
            "decrypt/data-keys" => self.decrypt(&body, &aad),
            _ => refuse(400, "encryption key not found"),
        }
    }

    fn encrypt(&self, body: &Value, aad: &[u8]) -> Reply {
        let plain = body["plaintext"].as_str().expect("a plaintext");
        let mut buffer = BASE64.decode(plain).expect("base64");
        let key = self.keys.last().expect("a key");
        let key = RandomizedNonceKey::new(&AES_256_GCM, key).expect("a key");
        let sealed = key.seal_in_place_append_tag(Aad::from(aad), &mut buffer);
        let nonce = sealed.expect("sealed");
        let sealed = BASE64.encode([nonce.as_ref(), buffer.as_slice()].concat());
        let version = self.keys.len();
        let text = format!("vault:v{version}:{sealed}");
        let data = json!({ "ciphertext": text, "key_version": version });
        (200, json!({ "request_id": "r", "data": data }).to_string())
    }

    fn decrypt(&self, body: &Value, aad: &[u8]) -> Reply {
        let text = body["ciphertext"].as_str().expect("a ciphertext");
        let Some(mut plain) = self.open(text, aad) else {
            return refuse(400, "cipher: message authentication failed");
        };
        if self.mood == Mood::Forgets {
            plain[0] ^= 1;
        }
        let data = json!({ "plaintext": BASE64.encode(plain) });
        (200, json!({ "request_id": "r", "data": data }).to_string())
    }

    fn open(&self, text: &str, aad: &[u8]) -> Option<Vec<u8>> {
        let (version, sealed) = text.strip_prefix("vault:v")?.split_once(':')?;
        let place = version.parse::<usize>().ok()?.checked_sub(1)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, self.keys.get(place)?).ok()?;
        let sealed = BASE64.decode(sealed).ok()?;
        let (nonce, sealed) = sealed.split_at_checked(12)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut buffer = sealed.to_vec();
        let opened = key.open_in_place(nonce, Aad::from(aad), &mut buffer);
        opened.ok().map(|plain| plain.to_vec())
    }
}

fn refuse(status: u16, why: &str) -> Reply {
    (status, json!({ "errors": [why] }).to_string())
}
