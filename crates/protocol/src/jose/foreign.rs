//! Judging a compact JWS that somebody else signed, with keys that somebody else published.
//!
//! A client's or an upstream's JWK set is taken once by [`ForeignKeys::parse`] and judges tokens
//! from then on. The caller says which algorithms it allows and which `typ`; a key verifies only
//! with algorithms of its own kind (RFC 8725 §3.1), and there are no symmetric ones and no `none`.
//! The token's `kid` picks the key. Without one, every key that fits is tried, [`MAX_TRIES`] at
//! most. Claims and times are the caller's to judge: see [`super::times`].
//!
//! [`BadToken::UnknownKey`] is worth fetching a key set anew for; nothing else is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::time::UnixMillis;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::compact::Compact;
use super::jwk::{PublicKey, is_secret};
use super::verify::{BadToken, Typ};
use crate::client_certificate::key_of;

/// The most keys a set may have.
pub const MAX_KEYS: usize = 32;

/// The most keys that are tried on one token.
pub const MAX_TRIES: usize = 8;

/// An algorithm that others may sign with: asymmetric, all of them (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignAlgorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// ECDSA over P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256, which FAPI 2.0 §5.4.1 does not allow.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
}

/// The public keys of a client or an upstream.
#[derive(Debug, Clone)]
pub struct ForeignKeys {
    keys: Vec<ForeignKey>,
    /// The public keys of the certificates beside them (RFC 7517 §4.7).
    certified: Vec<Vec<u8>>,
}

/// What a verified token says, and how it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<C> {
    /// The claims; nobody has judged them.
    pub claims: C,
    /// The algorithm it was signed with.
    pub algorithm: ForeignAlgorithm,
}

/// What a token that a client signed must match to be accepted here and now.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// Our own name, which its `aud` must give.
    pub issuer: &'a str,
    /// The client that is to have signed it.
    pub client_id: &'a str,
    /// That client's keys.
    pub keys: &'a ForeignKeys,
    /// The present instant.
    pub now: UnixMillis,
    /// The algorithms that this client may sign with.
    pub algorithms: &'a [ForeignAlgorithm],
}

/// The key set cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    /// Not a JWK set (RFC 7517 §5).
    #[error("expected a JWK set: an object with an array \"keys\"")]
    Malformed,
    /// More than [`MAX_KEYS`] keys.
    #[error("expected at most {MAX_KEYS} keys")]
    TooMany,
    /// A private or a symmetric key, which nobody but its owner may hold.
    #[error("expected public keys only")]
    Secret,
    /// No key that could verify anything: P-256, P-384, Ed25519, or RSA of 2048 to 4096 bits.
    #[error("expected a P-256, P-384, Ed25519 or RSA (2048 to 4096 bits) signature key")]
    NoneUsable,
}

#[derive(Debug, Clone)]
struct ForeignKey {
    key: PublicKey,
    kid: Option<String>,
    algorithm: Option<String>,
}

/// Checks that a JWK, or every key of a JWK set, is public.
///
/// # Errors
/// [`BadKeys::Secret`] if one is not, [`BadKeys::Malformed`] if this is neither.
pub fn check_public(jwks: &Value) -> Result<(), BadKeys> {
    let keys = match jwks.get("keys") {
        Some(keys) => keys.as_array().ok_or(BadKeys::Malformed)?.as_slice(),
        None => std::slice::from_ref(jwks),
    };
    if !keys.iter().all(Value::is_object) {
        return Err(BadKeys::Malformed);
    }
    if keys.iter().any(is_secret) || is_secret(jwks) {
        return Err(BadKeys::Secret);
    }
    Ok(())
}

// === impl ForeignAlgorithm ===

impl ForeignAlgorithm {
    /// Every algorithm, the preferred ones first.
    pub const ALL: [Self; 5] = [
        Self::Es256,
        Self::EdDsa,
        Self::Ps256,
        Self::Es384,
        Self::Rs256,
    ];

    /// Those of the FAPI 2.0 Security Profile §5.4.1.
    pub const FAPI: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Ps256];

    /// Reads the value of `alg`, of which Ed25519 has two (RFC 9864 §2.2).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.names().contains(&text))
    }

    /// Gives every value of `alg` that means it.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Es256 => &["ES256"],
            Self::Es384 => &["ES384"],
            Self::EdDsa => &["EdDSA", "Ed25519"],
            Self::Rs256 => &["RS256"],
            Self::Ps256 => &["PS256"],
        }
    }

    /// Gives the value of `alg` under which it is registered.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    const fn in_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Es384 => jsonwebtoken::Algorithm::ES384,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Ps256 => jsonwebtoken::Algorithm::PS256,
        }
    }

    /// Reads the `alg` of a token, which must be one of those allowed.
    pub(crate) fn of(compact: &Compact<'_>, allowed: &[Self]) -> Result<Self, BadToken> {
        Self::parse(compact.algorithm()?)
            .filter(|algorithm| allowed.contains(algorithm))
            .ok_or(BadToken::WrongKind)
    }

    /// Checks that this key, being of the right kind, made the signature.
    pub(crate) fn check(self, compact: &Compact<'_>, key: &PublicKey) -> Result<(), BadToken> {
        if key.fits(self.in_library())
            && compact.is_signed_by(key.decoding_key(), self.in_library())
        {
            Ok(())
        } else {
            Err(BadToken::BadSignature)
        }
    }
}

// === impl ForeignKeys ===

impl ForeignKeys {
    /// Takes a JWK set. Keys that are not for signatures, or of a kind, form or size that we do not
    /// take, are passed over as RFC 7517 §5 says; but a secret among them spoils the set.
    ///
    /// # Errors
    /// See [`BadKeys`].
    pub fn parse(jwks: &Value) -> Result<Self, BadKeys> {
        let keys = jwks.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or(BadKeys::Malformed)?;
        if keys.len() > MAX_KEYS {
            return Err(BadKeys::TooMany);
        }
        check_public(jwks)?;
        let certified = keys.iter().filter_map(certified_key).collect();
        let keys: Vec<_> = keys.iter().filter_map(ForeignKey::parse).collect();
        if keys.is_empty() {
            return Err(BadKeys::NoneUsable);
        }
        Ok(Self { keys, certified })
    }

    /// Says whether a certificate stands beside any of the keys.
    #[must_use]
    pub const fn has_certificates(&self) -> bool {
        !self.certified.is_empty()
    }

    /// Says whether a certificate in the set is for this key (RFC 8705 §2.2), given as
    /// `SubjectPublicKeyInfo` in DER.
    #[must_use]
    pub fn certify(&self, key: &[u8]) -> bool {
        self.certified.iter().any(|known| known == key)
    }

    /// Verifies a compact JWS whose header has a `typ` and an `alg` that are allowed.
    ///
    /// # Errors
    /// See [`BadToken`].
    pub fn verify<C: DeserializeOwned>(
        &self,
        token: &str,
        typ: Typ,
        allowed: &[ForeignAlgorithm],
    ) -> Result<Verified<C>, BadToken> {
        let compact = Compact::read(token)?;
        compact.check_type(typ)?;
        let algorithm = ForeignAlgorithm::of(&compact, allowed)?;
        self.check_signature(&compact, algorithm)?;
        let claims = compact.claims()?;
        Ok(Verified { claims, algorithm })
    }

    fn check_signature(
        &self,
        compact: &Compact<'_>,
        algorithm: ForeignAlgorithm,
    ) -> Result<(), BadToken> {
        let kid = compact.kid();
        let mut outcome = Err(BadToken::UnknownKey);
        let fitting = self.keys.iter().filter(|key| key.is_meant(kid, algorithm));
        for candidate in fitting.take(MAX_TRIES) {
            outcome = algorithm.check(compact, &candidate.key);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

/// Gives the key of the certificate that stands first in `x5c`: the JWK's own (RFC 7517 §4.7).
fn certified_key(jwk: &Value) -> Option<Vec<u8>> {
    let first = jwk.get("x5c")?.as_array()?.first()?.as_str()?;
    key_of(&STANDARD.decode(first).ok()?)
}

// === impl ForeignKey ===

impl ForeignKey {
    fn parse(jwk: &Value) -> Option<Self> {
        let text = |name| jwk.get(name).and_then(Value::as_str);
        if jwk.get("use").is_some() && text("use") != Some("sig") {
            return None;
        }
        let verifies = |operations: &Value| {
            let operations = operations.as_array();
            operations.is_some_and(|list| list.iter().any(|operation| operation == "verify"))
        };
        if !jwk.get("key_ops").is_none_or(verifies) {
            return None;
        }
        Some(Self {
            key: PublicKey::parse(jwk)?,
            kid: text("kid").map(str::to_owned),
            algorithm: text("alg").map(str::to_owned),
        })
    }

    /// Tells whether a token with this `kid` and algorithm may be signed by this key.
    fn is_meant(&self, kid: Option<&str>, algorithm: ForeignAlgorithm) -> bool {
        let named = kid.is_none_or(|kid| self.kid.as_deref() == Some(kid));
        let meant = self.algorithm.as_deref();
        named
            && meant.is_none_or(|meant| algorithm.names().contains(&meant))
            && self.key.fits(algorithm.in_library())
    }
}

#[cfg(test)]
mod cookbook;
#[cfg(test)]
mod tests;
