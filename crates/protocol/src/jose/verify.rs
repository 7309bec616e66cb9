//! Judging a compact JWS that we signed: `jsonwebtoken` checks the signature, we everything around it.
//!
//! That library does not look at `typ` or `crit`, lets a missing claim pass, and reads the clock
//! itself; so only its primitive is used, claims are deserialised into strict structs, and times are
//! judged by the caller with the caller's clock. What is longer, or has other parts, members or
//! extensions than [`super::compact`] knows, is refused there.
//!
//! An ID token that comes back as `id_token_hint` is verified here too, whatever its `exp`: it says
//! who was meant, and admits nobody (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2).

use domain::key::Algorithm;
use jsonwebtoken::DecodingKey;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::compact::Compact;
pub use super::compact::MAX_TOKEN_BYTES;
use super::jwk::PublicKey;

/// What the `typ` of a header may be. Media types compare as RFC 7515 §4.1.9 says: without case,
/// `application/` left out or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typ {
    /// This one (RFC 8725 §3.11).
    Exactly(&'static str),
    /// None, or one of these.
    AbsentOr(&'static [&'static str]),
}

/// The `typ` of an ID token: none, or what many issuers write (RFC 7519 §5.1).
pub const ID_TOKEN: Typ = Typ::AbsentOr(&["JWT"]);

/// A public key of ours that verifies with exactly one algorithm.
pub struct VerifyingKey {
    key: DecodingKey,
    algorithm: Algorithm,
}

/// The text is not a token signed by a key we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Not a compact JWS, or its header or claims are malformed.
    #[error("malformed")]
    Malformed,
    /// Its header asks for something we never do: another type or algorithm, an extension, no `kid`
    /// where one is needed.
    #[error("not a token of this kind")]
    WrongKind,
    /// No key has its `kid` and fits its algorithm.
    #[error("unknown key")]
    UnknownKey,
    /// The signature does not fit.
    #[error("bad signature")]
    BadSignature,
}

/// Verifies a compact JWS of ours whose header has a `typ` we allow, with the key that `find` gives
/// for its `kid`, whose own algorithm `alg` must be.
///
/// # Errors
/// See [`BadToken`].
pub fn verify<'k, C: DeserializeOwned>(
    token: &str,
    typ: Typ,
    find: impl FnOnce(&str) -> Option<&'k VerifyingKey>,
) -> Result<C, BadToken> {
    let compact = Compact::read(token)?;
    compact.check_type(typ)?;
    let kid = compact.kid().ok_or(BadToken::WrongKind)?;
    find(kid).ok_or(BadToken::UnknownKey)?.check(&compact)?;
    compact.claims()
}

// === impl Typ ===

impl Typ {
    pub(super) fn allows(self, found: Option<&str>) -> bool {
        match (self, found) {
            (Self::Exactly(typ), Some(found)) => is_type(found, typ),
            (Self::Exactly(_), None) => false,
            (Self::AbsentOr(_), None) => true,
            (Self::AbsentOr(types), Some(found)) => types.iter().any(|typ| is_type(found, typ)),
        }
    }
}

// === impl VerifyingKey ===

impl VerifyingKey {
    /// Takes a public JWK.
    ///
    /// # Errors
    /// [`BadToken::UnknownKey`] when the JWK is malformed.
    pub fn new(algorithm: Algorithm, jwk: &Value) -> Result<Self, BadToken> {
        PublicKey::parse(jwk)
            .filter(|key| key.fits(in_library(algorithm)))
            .map(|key| Self {
                key: key.into_decoding_key(),
                algorithm,
            })
            .ok_or(BadToken::UnknownKey)
    }

    fn check(&self, compact: &Compact<'_>) -> Result<(), BadToken> {
        if compact.algorithm()? != self.algorithm.as_str() {
            return Err(BadToken::UnknownKey);
        }
        if compact.is_signed_by(&self.key, in_library(self.algorithm)) {
            Ok(())
        } else {
            Err(BadToken::BadSignature)
        }
    }
}

const fn in_library(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
    }
}

fn is_type(found: &str, expected: &str) -> bool {
    let short = match found.split_at_checked("application/".len()) {
        Some((head, tail)) if head.eq_ignore_ascii_case("application/") => tail,
        _ => found,
    };
    short.eq_ignore_ascii_case(expected)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::key_pair::KeyPair;
    use crate::jose::vectors::forge;

    /// Verifies a token that we signed with this header.
    fn judge(typ: Typ, header: &Value) -> Result<Value, BadToken> {
        let pair = KeyPair::generate(Algorithm::Es256).expect("generates");
        let key = VerifyingKey::new(pair.algorithm(), pair.public_jwk()).expect("verifies");
        let token = forge(&pair, header, &json!({ "sub": "u", "exp": 1 }));
        verify(&token, typ, |kid| (kid == "k").then_some(&key))
    }

    #[test]
    fn rp_initiated_logout_2_an_expired_id_token_is_still_a_hint() {
        for header in [
            json!({ "alg": "ES256", "kid": "k" }),
            json!({ "alg": "ES256", "kid": "k", "typ": "JWT" }),
        ] {
            let claims = judge(ID_TOKEN, &header).expect("verifies");
            assert_eq!(claims["sub"], "u");
        }
    }

    #[test]
    fn rfc_8725_3_11_a_token_of_another_type_is_no_id_token() {
        for typ in [
            "at+jwt",
            "logout+jwt",
            "dpop+jwt",
            "token-introspection+jwt",
            "",
        ] {
            let header = json!({ "alg": "ES256", "kid": "k", "typ": typ });
            assert_eq!(judge(ID_TOKEN, &header), Err(BadToken::WrongKind), "{typ}");
        }
        let id_token = json!({ "alg": "ES256", "kid": "k", "typ": "JWT" });
        let access_token = Typ::Exactly("at+jwt");
        assert_eq!(judge(access_token, &id_token), Err(BadToken::WrongKind));
    }

    #[test]
    fn our_own_tokens_name_a_key_of_ours_and_its_algorithm() {
        let header = json!({ "alg": "ES256" });
        assert_eq!(judge(ID_TOKEN, &header), Err(BadToken::WrongKind));
        let header = json!({ "alg": "ES256", "kid": "other" });
        assert_eq!(judge(ID_TOKEN, &header), Err(BadToken::UnknownKey));
        let header = json!({ "alg": "EdDSA", "kid": "k" });
        assert_eq!(judge(ID_TOKEN, &header), Err(BadToken::UnknownKey));
    }

    #[test]
    fn a_key_of_another_kind_does_not_serve_an_algorithm() {
        let pair = KeyPair::generate(Algorithm::EdDsa).expect("generates");
        assert!(VerifyingKey::new(Algorithm::Es256, pair.public_jwk()).is_err());
        assert!(VerifyingKey::new(Algorithm::EdDsa, &json!({})).is_err());
    }
}
