//! Signing keys: made, imported from PEM, exported as PKCS#8 and as a public JWK.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::key::Algorithm;
use domain::secret::SecretBytes;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde_json::{Value, json};

/// A private key that signs with one algorithm.
pub struct KeyPair {
    kind: Kind,
    kid: String,
    public_jwk: Value,
}

enum Kind {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// The key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not PEM, or not a private key in it.
    #[error("expected a PEM file with a PKCS#8 or SEC1 private key")]
    NotPem,
    /// A private key, but not P-256 or Ed25519.
    #[error("expected a P-256 key (ES256) or an Ed25519 key (EdDSA)")]
    Unsupported,
}

// === impl KeyPair ===

impl KeyPair {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`InvalidKey::Unsupported`] if the cryptographic library refuses, which it does not.
    pub fn generate(algorithm: Algorithm) -> Result<Self, InvalidKey> {
        let kind = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Kind::Es256)
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Kind::EdDsa),
        };
        Self::new(kind.map_err(|_| InvalidKey::Unsupported)?)
    }

    /// Reads a PEM file: PKCS#8 (RFC 5958) of either algorithm, or SEC1 (RFC 5915).
    ///
    /// # Errors
    /// See [`InvalidKey`].
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        let private = |block: &pem::Pem| block.tag().ends_with("PRIVATE KEY");
        let blocks = pem::parse_many(text).map_err(|_| InvalidKey::NotPem)?;
        let block = blocks.into_iter().find(private).ok_or(InvalidKey::NotPem)?;
        Self::from_der(block.contents())
    }

    /// Reads what [`to_pkcs8`](Self::to_pkcs8) wrote.
    ///
    /// # Errors
    /// [`InvalidKey::Unsupported`] for any other bytes.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidKey> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Self::new(Kind::EdDsa(pair));
        }
        EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map_err(|_| InvalidKey::Unsupported)
            .and_then(|pair| Self::new(Kind::Es256(pair)))
    }

    /// Gives the private key as PKCS#8 DER.
    ///
    /// # Errors
    /// [`InvalidKey::Unsupported`] if the cryptographic library refuses, which it does not.
    pub fn to_pkcs8(&self) -> Result<SecretBytes, InvalidKey> {
        let document = match &self.kind {
            Kind::Es256(pair) => pair.to_pkcs8v1().map(|d| d.as_ref().to_vec()),
            Kind::EdDsa(pair) => pair.to_pkcs8().map(|d| d.as_ref().to_vec()),
        };
        document
            .map(SecretBytes::new)
            .map_err(|_| InvalidKey::Unsupported)
    }

    /// Gives the algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.kind {
            Kind::Es256(_) => Algorithm::Es256,
            Kind::EdDsa(_) => Algorithm::EdDsa,
        }
    }

    /// Gives the key's name: its JWK thumbprint (RFC 7638).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Gives the public key as a JWK with `kid`, `use` and `alg` (RFC 7517 §4).
    #[must_use]
    pub const fn public_jwk(&self) -> &Value {
        &self.public_jwk
    }

    /// Signs a message. The signature has the fixed form of RFC 7518 §3.4 or RFC 8037 §3.1.
    pub(super) fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        let signature = match &self.kind {
            Kind::Es256(pair) => pair.sign(&SystemRandom::new(), message).ok()?,
            Kind::EdDsa(pair) => pair.try_sign(message).ok()?,
        };
        signature.as_ref().try_into().ok()
    }

    fn new(kind: Kind) -> Result<Self, InvalidKey> {
        let mut public_jwk = match &kind {
            Kind::Es256(pair) => ec_jwk(pair.public_key().as_ref())?,
            Kind::EdDsa(pair) => json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA",
                "x": URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
            }),
        };
        let kid = thumbprint(&public_jwk)?;
        if let Value::Object(members) = &mut public_jwk {
            members.insert("kid".to_owned(), Value::from(kid.as_str()));
            members.insert("use".to_owned(), Value::from("sig"));
        }
        Ok(Self {
            kind,
            kid,
            public_jwk,
        })
    }
}

/// Takes the uncompressed point `04 ‖ x ‖ y` apart (SEC1 §2.3.3).
fn ec_jwk(point: &[u8]) -> Result<Value, InvalidKey> {
    let (x, y) = point
        .strip_prefix(&[4])
        .and_then(|xy| xy.split_at_checked(32))
        .ok_or(InvalidKey::Unsupported)?;
    Ok(json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256",
        "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
    }))
}

fn thumbprint(jwk: &Value) -> Result<String, InvalidKey> {
    serde_json::from_value::<Jwk>(jwk.clone())
        .ok()
        .and_then(|jwk| jwk.thumbprint(ThumbprintHash::SHA256).ok())
        .ok_or(InvalidKey::Unsupported)
}

#[cfg(test)]
impl KeyPair {
    /// Signs what the production code never would, for tests that forge tokens.
    pub(crate) fn sign_for_tests(&self, message: &[u8]) -> [u8; 64] {
        self.sign(message).expect("signs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_pkcs8_with_its_name() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let pair = KeyPair::generate(algorithm).expect("generates");
            let der = pair.to_pkcs8().expect("exports");
            let again = KeyPair::from_der(der.expose()).expect("imports");
            assert_eq!((again.kid(), again.algorithm()), (pair.kid(), algorithm));
        }
    }

    #[test]
    fn rfc_8037_a_3_the_thumbprint_of_an_ed25519_key() {
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(thumbprint(&jwk).as_deref(), Ok(expected));
    }

    #[test]
    fn a_public_jwk_has_no_private_member() {
        let pair = KeyPair::generate(Algorithm::Es256).expect("generates");
        assert!(pair.public_jwk().get("d").is_none());
        assert_eq!(pair.public_jwk()["use"], "sig");
    }

    #[test]
    fn pem_files_that_are_no_usable_key_say_why() {
        assert_eq!(KeyPair::from_pem("hello").err(), Some(InvalidKey::NotPem));
        let other = pem::encode(&pem::Pem::new("PRIVATE KEY", vec![1, 2, 3]));
        assert_eq!(
            KeyPair::from_pem(&other).err(),
            Some(InvalidKey::Unsupported)
        );
    }

    #[test]
    fn pkcs8_pem_is_imported() {
        let pair = KeyPair::generate(Algorithm::Es256).expect("generates");
        let der = pair.to_pkcs8().expect("exports");
        let text = pem::encode(&pem::Pem::new("PRIVATE KEY", der.expose().to_vec()));
        assert_eq!(
            KeyPair::from_pem(&text).map(|k| k.kid().to_owned()),
            Ok(pair.kid().to_owned())
        );
    }
}
