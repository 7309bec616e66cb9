//! The ring: the keys as everybody reads them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use domain::id::TenantId;
use domain::key::{Algorithm, KeyState, SigningKey};
use domain::time::UnixMillis;
use protocol::jose::key_pair::KeyPair;
use protocol::jose::signer::Signer;
use protocol::jose::verify::VerifyingKey;
use serde_json::{Value, json};

/// The keys of a tenant at one moment: what signs, what verifies, what is published.
pub struct KeyRing {
    tenant: Option<TenantId>,
    signers: HashMap<Algorithm, Arc<Signer>>,
    for_access: Option<Algorithm>,
    /// What another ring alone signs with.
    borrowed: Vec<Algorithm>,
    verifying: HashMap<String, Arc<VerifyingKey>>,
    jwks: Jwks,
    list: Vec<KeyView>,
}

/// The published key set (RFC 7517 §5), ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwks {
    /// The JSON text.
    pub body: String,
    /// The same, as it is sent.
    pub sent: Bytes,
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

/// What is before the keys of a published set.
const HEAD: &str = r#"{"keys":["#;
/// What is after them.
const TAIL: &str = "]}";

// === impl KeyRing ===

impl KeyRing {
    /// Makes the ring of these keys, of which `signing` sign, one of each algorithm; access tokens
    /// with `for_access`.
    pub(super) fn new(
        tenant: TenantId,
        keys: &[SigningKey],
        signing: Vec<KeyPair>,
        for_access: Option<Algorithm>,
    ) -> Self {
        let by_algorithm = |pair: KeyPair| (pair.algorithm(), Arc::new(Signer::new(pair)));
        let mut keys: Vec<&SigningKey> = keys
            .iter()
            .filter(|key| key.state != KeyState::Revoked)
            .collect();
        keys.sort_by_key(|key| (rank(key.state), key.created_at));
        let public: Vec<&Value> = keys.iter().map(|key| &key.public_jwk).collect();
        Self {
            tenant: Some(tenant),
            borrowed: Vec::new(),
            signers: signing.into_iter().map(by_algorithm).collect(),
            for_access,
            verifying: keys.iter().filter_map(|key| verifying(key)).collect(),
            jwks: Jwks::new(&public),
            list: keys.iter().map(|key| KeyView::of(key)).collect(),
        }
    }

    /// Makes the ring of a tenant that goes by another ring too for a while: what either verifies or
    /// publishes, this does. The other signs where it `lends` for an own key that was published then,
    /// and where there is no own one.
    pub(super) fn beside(self, other: &Self, lends: impl Fn(UnixMillis) -> bool) -> Self {
        let lent = |algorithm: Algorithm| {
            let is_own = |key: &&KeyView| {
                key.algorithm == algorithm && key.state == KeyState::Active && self.has(algorithm)
            };
            let own = self.list.iter().find(is_own);
            own.is_none_or(|own| lends(own.created_at))
        };
        let mut signers = self.signers.clone();
        let from_other = other.signers.iter().filter(|(of, _)| lent(**of));
        signers.extend(from_other.map(|(of, signer)| (*of, Arc::clone(signer))));
        let for_access = self.for_access.filter(|of| !lent(*of));
        let borrowed = signers.keys().filter(|of| !self.has(**of));
        let borrowed = borrowed.copied().collect();
        let mut verifying = other.verifying.clone();
        verifying.extend(self.verifying);
        Self {
            tenant: self.tenant,
            for_access: for_access.or(other.for_access),
            signers,
            borrowed,
            verifying,
            jwks: self.jwks.joined(&other.jwks),
            list: self.list,
        }
    }

    /// Gives whose it is; nobody's before the owner's first start.
    pub(super) const fn tenant(&self) -> Option<TenantId> {
        self.tenant
    }

    /// Says whether the tenant has a key of its own that signs with an algorithm, now or soon.
    #[must_use]
    pub fn has(&self, algorithm: Algorithm) -> bool {
        self.signers.contains_key(&algorithm) && !self.borrowed.contains(&algorithm)
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
        self.signers.get(&algorithm).map(AsRef::as_ref)
    }

    /// Finds what verifies the tokens that name this key.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying.get(kid).map(AsRef::as_ref)
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
        Self {
            tenant: None,
            signers: HashMap::new(),
            for_access: None,
            borrowed: Vec::new(),
            verifying: HashMap::new(),
            jwks: Jwks::new(&[]),
            list: Vec::new(),
        }
    }
}

// === impl Jwks ===

impl Jwks {
    fn new(keys: &[&Value]) -> Self {
        Self::of(json!({ "keys": keys }).to_string())
    }

    /// Makes the set of both.
    fn joined(&self, other: &Self) -> Self {
        let texts = [self, other].map(|jwks| {
            let inner = jwks.body.strip_prefix(HEAD);
            inner
                .and_then(|inner| inner.strip_suffix(TAIL))
                .unwrap_or_default()
        });
        let keys: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        Self::of(format!("{HEAD}{}{TAIL}", keys.join(",")))
    }

    fn of(body: String) -> Self {
        let hash = digest(&SHA256, body.as_bytes());
        let mut etag = String::from("\"");
        for byte in hash.as_ref().iter().take(16) {
            // Writing to a string cannot fail.
            let _ = write!(etag, "{byte:02x}");
        }
        etag.push('"');
        Self {
            sent: Bytes::copy_from_slice(body.as_bytes()),
            body,
            etag,
        }
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

fn verifying(key: &SigningKey) -> Option<(String, Arc<VerifyingKey>)> {
    let public = VerifyingKey::new(key.algorithm, &key.public_jwk);
    if public.is_err() {
        tracing::error!(
            kid = key.kid,
            "a stored public key is malformed and is left out"
        );
    }
    Some((key.kid.clone(), Arc::new(public.ok()?)))
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

    #[test]
    fn two_sets_are_joined_to_one_that_is_a_set() {
        let (a, b) = (json!({"kid": "a"}), json!({"kid": "b"}));
        let (one, two) = (Jwks::new(&[&a]), Jwks::new(&[&b]));
        assert_eq!(one.joined(&two), Jwks::new(&[&a, &b]));
        assert_eq!(Jwks::new(&[]).joined(&two), two);
        assert_eq!(one.joined(&Jwks::new(&[])), one);
    }
}
