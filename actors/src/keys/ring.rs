//! The ring: the keys as everybody reads them.

use std::collections::HashMap;
use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use domain::key::{Algorithm, KeyState, SigningKey};
use domain::time::UnixMillis;
use protocol::jose::key_pair::KeyPair;
use protocol::jose::signer::Signer;
use protocol::jose::verify::VerifyingKey;
use serde_json::{Value, json};

/// The keys of the service at one moment: what signs, what verifies, what is published.
pub struct KeyRing {
    signers: HashMap<Algorithm, Signer>,
    for_access: Option<Algorithm>,
    verifying: HashMap<String, VerifyingKey>,
    jwks: Jwks,
    list: Vec<KeyView>,
}

/// The published key set (RFC 7517 §5), ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwks {
    /// The JSON text.
    pub body: String,
    /// Its entity tag, in quotes (RFC 9110 §8.8.3).
    pub etag: String,
}

/// A key as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// Its name.
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// How far it has come.
    pub state: KeyState,
    /// When it was made, and so first published.
    pub created_at: UnixMillis,
    /// When it began to sign.
    pub activated_at: Option<UnixMillis>,
    /// When it stopped signing.
    pub retired_at: Option<UnixMillis>,
}

// === impl KeyRing ===

impl KeyRing {
    /// Makes the ring of these keys, of which `signing` sign, one of each algorithm; access tokens
    /// with `for_access`.
    pub(super) fn new(
        keys: &[SigningKey],
        signing: Vec<KeyPair>,
        for_access: Option<Algorithm>,
    ) -> Self {
        let by_algorithm = |pair: KeyPair| (pair.algorithm(), Signer::new(pair));
        let mut keys: Vec<&SigningKey> = keys
            .iter()
            .filter(|key| key.state != KeyState::Revoked)
            .collect();
        keys.sort_by_key(|key| (rank(key.state), key.created_at));
        let public: Vec<&Value> = keys.iter().map(|key| &key.public_jwk).collect();
        Self {
            signers: signing.into_iter().map(by_algorithm).collect(),
            for_access,
            verifying: keys.iter().filter_map(|key| verifying(key)).collect(),
            jwks: Jwks::new(&public),
            list: keys.iter().map(|key| KeyView::of(key)).collect(),
        }
    }

    /// Gives what signs access tokens; none before the owner's first start, or when the active key
    /// does not open.
    #[must_use]
    pub fn signer(&self) -> Option<&Signer> {
        self.signer_of(self.for_access?)
    }

    /// Gives what signs with an algorithm; none until somebody [needed](super::Keys::provide) it.
    #[must_use]
    pub fn signer_of(&self, algorithm: Algorithm) -> Option<&Signer> {
        self.signers.get(&algorithm)
    }

    /// Finds what verifies the tokens that name this key.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying.get(kid)
    }

    /// Gives the published key set: active, next and retired keys.
    #[must_use]
    pub const fn jwks(&self) -> &Jwks {
        &self.jwks
    }

    /// Gives every key: active, then next, then retired.
    #[must_use]
    pub fn list(&self) -> &[KeyView] {
        &self.list
    }
}

impl Default for KeyRing {
    /// Gives the ring without keys: nothing signs and nothing verifies.
    fn default() -> Self {
        Self::new(&[], Vec::new(), None)
    }
}

// === impl Jwks ===

impl Jwks {
    fn new(keys: &[&Value]) -> Self {
        let body = json!({ "keys": keys }).to_string();
        let hash = digest(&SHA256, body.as_bytes());
        let mut etag = String::from("\"");
        for byte in hash.as_ref().iter().take(16) {
            // Writing to a string cannot fail.
            let _ = write!(etag, "{byte:02x}");
        }
        etag.push('"');
        Self { body, etag }
    }
}

// === impl KeyView ===

impl KeyView {
    fn of(key: &SigningKey) -> Self {
        Self {
            kid: key.kid.clone(),
            algorithm: key.algorithm,
            state: key.state,
            created_at: key.created_at,
            activated_at: key.activated_at,
            retired_at: key.retired_at,
        }
    }
}

/// Gives a key's place in the published set.
const fn rank(state: KeyState) -> u8 {
    match state {
        KeyState::Active => 0,
        KeyState::Next => 1,
        KeyState::Retired => 2,
        KeyState::Revoked => 3,
    }
}

fn verifying(key: &SigningKey) -> Option<(String, VerifyingKey)> {
    let public = VerifyingKey::new(key.algorithm, &key.public_jwk);
    if public.is_err() {
        tracing::error!(
            kid = key.kid,
            "a stored public key is malformed and is left out"
        );
    }
    Some((key.kid.clone(), public.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_without_keys_signs_and_verifies_nothing() {
        let ring = KeyRing::default();
        assert!(ring.signer().is_none() && ring.find("any").is_none());
        assert!(ring.signer_of(Algorithm::Rs256).is_none());
        assert_eq!(ring.jwks().body, r#"{"keys":[]}"#);
    }

    #[test]
    fn rfc_9110_8_8_3_the_entity_tag_is_quoted_and_changes_with_the_body() {
        let (one, two) = (Jwks::new(&[]), Jwks::new(&[&json!({"kid": "a"})]));
        assert!(one.etag.starts_with('"') && one.etag.ends_with('"') && one.etag.len() == 34);
        assert_ne!(one.etag, two.etag);
        assert_eq!(two, Jwks::new(&[&json!({"kid": "a"})]));
    }
}
