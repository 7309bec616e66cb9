//! Judging a compact JWS: `jsonwebtoken` checks the signature, this module everything around it.
//!
//! That library does not look at `typ` or `crit`, lets a missing claim pass, and reads the clock
//! itself; so its claim checks are off, claims are deserialised into strict structs, and times are
//! judged by the caller with the caller's clock.

use domain::key::Algorithm;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Validation};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The longest compact JWS we read, in bytes; ours are far below.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A public key that verifies with exactly one algorithm.
pub struct VerifyingKey {
    key: DecodingKey,
    validation: Validation,
}

/// The text is not a token signed by a key we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Not a compact JWS, or its header or claims are malformed.
    #[error("malformed")]
    Malformed,
    /// Its header asks for something we never do: another type, an unknown `crit`, no `kid`.
    #[error("not a token of this kind")]
    WrongKind,
    /// No key of ours has its `kid`, or that key has another algorithm.
    #[error("unknown key")]
    UnknownKey,
    /// The signature does not fit.
    #[error("bad signature")]
    BadSignature,
}

impl VerifyingKey {
    /// Takes a public JWK.
    ///
    /// # Errors
    /// [`BadToken::UnknownKey`] when the JWK is malformed.
    pub fn new(algorithm: Algorithm, jwk: &Value) -> Result<Self, BadToken> {
        let jwk: Jwk = serde_json::from_value(jwk.clone()).map_err(|_| BadToken::UnknownKey)?;
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| BadToken::UnknownKey)?;
        let mut validation = Validation::new(match algorithm {
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        });
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        Ok(Self { key, validation })
    }

    /// Checks the signature and reads the claims.
    fn decode<C: DeserializeOwned + Clone>(&self, token: &str) -> Result<C, BadToken> {
        use jsonwebtoken::errors::ErrorKind;
        jsonwebtoken::decode(token, &self.key, &self.validation)
            .map(|data| data.claims)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => BadToken::BadSignature,
                ErrorKind::InvalidAlgorithm => BadToken::UnknownKey,
                _ => BadToken::Malformed,
            })
    }
}

/// Verifies a compact JWS whose header has this `typ`, with the key that `find` gives for its
/// `kid`. `alg` must be the key's own; `crit` must be absent (RFC 7515 §4.1.11: we understand no
/// extension); `jku`, `x5u` and `jwk` are never followed.
///
/// # Errors
/// See [`BadToken`].
pub fn verify<'k, C: DeserializeOwned + Clone>(
    token: &str,
    typ: &str,
    find: impl FnOnce(&str) -> Option<&'k VerifyingKey>,
) -> Result<C, BadToken> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(BadToken::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| BadToken::Malformed)?;
    if !header
        .typ
        .as_deref()
        .is_some_and(|found| is_type(found, typ))
        || header.crit.is_some()
    {
        return Err(BadToken::WrongKind);
    }
    let kid = header.kid.as_deref().ok_or(BadToken::WrongKind)?;
    find(kid).ok_or(BadToken::UnknownKey)?.decode(token)
}

/// Compares media types as RFC 7515 §4.1.9 says: without case, `application/` left out or not.
fn is_type(found: &str, expected: &str) -> bool {
    let short = match found.split_at_checked("application/".len()) {
        Some((head, tail)) if head.eq_ignore_ascii_case("application/") => tail,
        _ => found,
    };
    short.eq_ignore_ascii_case(expected)
}
