//! Public keys as JWK (RFC 7517, RFC 7518 §6, RFC 8037 §2): which we take, and their thumbprints.
//!
//! A key is taken only in its one canonical form: coordinates of full length, numbers without leading
//! zeros, base64url without loose bits. So one key has one thumbprint (RFC 7638), which is what
//! tokens are bound to. RSA moduli have 2048 to 4096 bits: less is too weak (RFC 7518 §3.3), and
//! what is more costs more than we spend on a stranger's word.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

/// Gives the name of a public key (RFC 7638 §3.1, SHA-256); nothing for a key we do not take.
#[must_use]
pub fn thumbprint(jwk: &Value) -> Option<String> {
    PublicKey::parse(jwk)?.thumbprint()
}

/// A public key of a kind and size that we take.
#[derive(Debug, Clone)]
pub(crate) struct PublicKey {
    shape: Shape,
    jwk: Jwk,
    key: DecodingKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    P256,
    P384,
    Ed25519,
    Rsa,
}

/// The members that hold secrets (RFC 7518 §6.2.2, §6.3.2, §6.4).
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// Tells whether a JWK carries a private or a symmetric key.
pub(super) fn is_secret(jwk: &Value) -> bool {
    SECRET_MEMBERS.iter().any(|name| jwk.get(name).is_some())
}

// === impl PublicKey ===

impl PublicKey {
    /// Reads a JWK; nothing if it is malformed, secret, weak or of a kind we do not know.
    pub(crate) fn parse(jwk: &Value) -> Option<Self> {
        let shape = Shape::of(jwk).filter(|_| !is_secret(jwk))?;
        if !shape.is_canonical(jwk) {
            return None;
        }
        let members = shape.members().iter().map(|name| {
            let value = jwk.get(*name)?.clone();
            Some(((*name).to_owned(), value))
        });
        let members = members.collect::<Option<Map<_, _>>>()?;
        let jwk: Jwk = serde_json::from_value(Value::Object(members)).ok()?;
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { shape, jwk, key })
    }

    /// Tells whether a key of this kind can verify with this algorithm (RFC 7518 §3.1).
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        let shape = match algorithm {
            Algorithm::ES256 => Shape::P256,
            Algorithm::ES384 => Shape::P384,
            Algorithm::EdDSA => Shape::Ed25519,
            Algorithm::RS256 | Algorithm::PS256 => Shape::Rsa,
            _ => return false,
        };
        self.shape == shape
    }

    /// Gives the name of the key (RFC 7638).
    pub(crate) fn thumbprint(&self) -> Option<String> {
        self.jwk.thumbprint(ThumbprintHash::SHA256).ok()
    }

    /// Gives the key as the library takes it.
    pub(crate) const fn decoding_key(&self) -> &DecodingKey {
        &self.key
    }

    /// Gives the key as the library takes it, and nothing else.
    pub(super) fn into_decoding_key(self) -> DecodingKey {
        self.key
    }
}

// === impl Shape ===

impl Shape {
    fn of(jwk: &Value) -> Option<Self> {
        let text = |name| jwk.get(name).and_then(Value::as_str);
        match (text("kty")?, text("crv")) {
            ("EC", Some("P-256")) => Some(Self::P256),
            ("EC", Some("P-384")) => Some(Self::P384),
            ("OKP", Some("Ed25519")) => Some(Self::Ed25519),
            ("RSA", _) => Some(Self::Rsa),
            _ => None,
        }
    }

    /// Gives the members that make the key, in the order of RFC 7638 §3.2.
    const fn members(self) -> &'static [&'static str] {
        match self {
            Self::P256 | Self::P384 => &["crv", "kty", "x", "y"],
            Self::Ed25519 => &["crv", "kty", "x"],
            Self::Rsa => &["e", "kty", "n"],
        }
    }

    /// Tells whether the numbers have the one form they may have (RFC 7518 §6.2.1.2, §6.3.1.1).
    fn is_canonical(self, jwk: &Value) -> bool {
        let number = |name| {
            let text = jwk.get(name)?.as_str()?;
            URL_SAFE_NO_PAD.decode(text).ok()
        };
        let has_length = |name, length| number(name).is_some_and(|bytes| bytes.len() == length);
        match self {
            Self::P256 => has_length("x", 32) && has_length("y", 32),
            Self::P384 => has_length("x", 48) && has_length("y", 48),
            Self::Ed25519 => has_length("x", 32),
            Self::Rsa => {
                number("n").is_some_and(|modulus| is_strong(&modulus))
                    && number("e").is_some_and(|exponent| is_exponent(&exponent))
            }
        }
    }
}

fn is_strong(modulus: &[u8]) -> bool {
    modulus.first().is_some_and(|first| {
        let unused = usize::try_from(first.leading_zeros()).unwrap_or(8);
        let bits = modulus.len().saturating_mul(8).saturating_sub(unused);
        unused < 8 && RSA_BITS.contains(&bits)
    })
}

/// Odd, at least three, at most four bytes: a longer one makes verifying slow (RFC 8017 §3.1).
fn is_exponent(exponent: &[u8]) -> bool {
    match exponent {
        [0, ..] | [] => false,
        [only] => *only >= 3 && only % 2 == 1,
        [.., last] => exponent.len() <= 4 && last % 2 == 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::vectors::{P256, RSA, with};

    #[test]
    fn rfc_7638_3_1_the_thumbprint_of_an_rsa_key() {
        let jwk = serde_json::from_str(RSA).expect("JSON");
        let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(thumbprint(&jwk).as_deref(), Some(expected));
    }

    #[test]
    fn rfc_8037_a_3_the_thumbprint_of_an_ed25519_key() {
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(thumbprint(&jwk).as_deref(), Some(expected));
    }

    #[test]
    fn rfc_9449_6_1_the_thumbprint_of_a_p_256_key() {
        let jwk = json!({
            "kty": "EC", "crv": "P-256",
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        });
        let expected = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        assert_eq!(thumbprint(&jwk).as_deref(), Some(expected));
    }

    #[test]
    fn rfc_7638_3_2_1_members_beside_the_required_change_nothing() {
        let jwk: Value = serde_json::from_str(P256).expect("JSON");
        let dressed = with(&jwk, "kid", json!("other"));
        assert_eq!(thumbprint(&dressed), thumbprint(&jwk));
        assert!(thumbprint(&jwk).is_some());
    }

    #[test]
    fn rfc_7518_6_2_1_2_a_coordinate_has_its_full_length() {
        let jwk: Value = serde_json::from_str(P256).expect("JSON");
        let x = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().expect("text"));
        let x = x.expect("base64url");
        for odd in [&x[1..], &[&[0], x.as_slice()].concat()] {
            let odd = with(&jwk, "x", json!(URL_SAFE_NO_PAD.encode(odd)));
            assert!(PublicKey::parse(&odd).is_none());
        }
        for odd in [json!(""), json!(1), Value::Null, json!("A=")] {
            assert!(PublicKey::parse(&with(&jwk, "y", odd)).is_none());
        }
    }

    #[test]
    fn rfc_7518_3_3_an_rsa_key_has_2048_bits_at_least() {
        let modulus = |bytes: usize, first: u8| {
            let mut modulus = vec![0xff; bytes];
            modulus[0] = first;
            is_strong(&modulus)
        };
        assert!(modulus(256, 0x80) && modulus(512, 0xff));
        assert!(!modulus(256, 0x7f) && !modulus(128, 0xff) && !modulus(513, 1));
        assert!(!modulus(257, 0) && !is_strong(&[]));
    }

    #[test]
    fn rfc_8017_3_1_an_rsa_exponent_is_odd_and_not_one() {
        for good in [&[3][..], &[1, 0, 1], &[17]] {
            assert!(is_exponent(good), "{good:?}");
        }
        for bad in [
            &[][..],
            &[0],
            &[1],
            &[2],
            &[0, 3],
            &[1, 0, 0],
            &[1, 0, 0, 0, 1],
        ] {
            assert!(!is_exponent(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_key_verifies_with_the_algorithms_of_its_kind_alone() {
        let keys = [P256, RSA].map(|text| {
            let jwk = serde_json::from_str(text).expect("JSON");
            PublicKey::parse(&jwk).expect("a key")
        });
        assert!(keys[0].fits(Algorithm::ES256) && keys[1].fits(Algorithm::PS256));
        assert!(!keys[0].fits(Algorithm::ES384) && !keys[0].fits(Algorithm::PS256));
        assert!(!keys[1].fits(Algorithm::HS256) && !keys[0].fits(Algorithm::HS256));
    }
}
