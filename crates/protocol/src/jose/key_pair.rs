//! Signing keys: made, imported from PEM, exported as PKCS#8 and as a public JWK.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::key::Algorithm;
use domain::secret::SecretBytes;
use serde_json::{Value, json};

use super::jwk::thumbprint;

/// A private key that signs with one algorithm.
pub struct KeyPair {
    kind: Kind,
    kid: String,
    public_jwk: Value,
}

enum Kind {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

/// The key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not PEM, or not a private key in it.
    #[error("expected a PEM file with a PKCS#8 or SEC1 private key")]
    NotPem,
    /// A private key, but not P-256, Ed25519 or RSA. The text names what can be configured; RSA keys
    /// are made on need.
    #[error("expected a P-256 key (ES256) or an Ed25519 key (EdDSA)")]
    Unsupported,
}

// === impl KeyPair ===

impl KeyPair {
    /// Makes a new key. An RSA key has 2048 bits, the least that RFC 7518 §3.3 allows, and takes a
    /// large part of a second: not for a runtime thread.
    ///
    /// # Errors
    /// [`InvalidKey::Unsupported`] if the cryptographic library refuses, which it does not.
    pub fn generate(algorithm: Algorithm) -> Result<Self, InvalidKey> {
        let kind = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Kind::Es256)
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Kind::EdDsa),
            Algorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Kind::Rs256),
        };
        Self::new(kind.map_err(|_| InvalidKey::Unsupported)?)
    }

    /// Reads a PEM file: PKCS#8 (RFC 5958) of any algorithm, SEC1 (RFC 5915) or PKCS#1 (RFC 8017
    /// §A.1.2).
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
        if let Ok(pair) = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
        {
            return Self::new(Kind::Es256(pair));
        }
        RsaKeyPair::from_pkcs8(der)
            .or_else(|_| RsaKeyPair::from_der(der))
            .map_err(|_| InvalidKey::Unsupported)
            .and_then(|pair| Self::new(Kind::Rs256(pair)))
    }

    /// Gives the private key as PKCS#8 DER.
    ///
    /// # Errors
    /// [`InvalidKey::Unsupported`] if the cryptographic library refuses, which it does not.
    pub fn to_pkcs8(&self) -> Result<SecretBytes, InvalidKey> {
        let document = match &self.kind {
            Kind::Es256(pair) => pair.to_pkcs8v1().map(|d| d.as_ref().to_vec()),
            Kind::EdDsa(pair) => pair.to_pkcs8().map(|d| d.as_ref().to_vec()),
            Kind::Rs256(pair) => rsa_pkcs8(pair).map(|d| d.as_ref().to_vec()),
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
            Kind::Rs256(_) => Algorithm::Rs256,
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

    /// Signs a message. The signature has the form of RFC 7518 §3.3 and §3.4 or RFC 8037 §3.1.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = match &self.kind {
            Kind::Es256(pair) => pair.sign(&SystemRandom::new(), message).ok()?,
            Kind::EdDsa(pair) => pair.try_sign(message).ok()?,
            Kind::Rs256(pair) => return sign_rs256(pair, message),
        };
        Some(signature.as_ref().to_vec())
    }

    fn new(kind: Kind) -> Result<Self, InvalidKey> {
        let mut public_jwk = match &kind {
            Kind::Es256(pair) => ec_jwk(pair.public_key().as_ref())?,
            Kind::EdDsa(pair) => json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA",
                "x": URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
            }),
            Kind::Rs256(pair) => rsa_jwk(pair),
        };
        let kid = thumbprint(&public_jwk).ok_or(InvalidKey::Unsupported)?;
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

/// Gives modulus and exponent without leading zeros (RFC 7518 §6.3.1).
fn rsa_jwk(pair: &RsaKeyPair) -> Value {
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    json!({
        "kty": "RSA", "alg": "RS256",
        "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e),
    })
}

fn rsa_pkcs8(pair: &RsaKeyPair) -> Result<Pkcs8V1Der<'static>, Unspecified> {
    pair.as_der()
}

fn sign_rs256(pair: &RsaKeyPair, message: &[u8]) -> Option<Vec<u8>> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message,
        &mut signature,
    )
    .ok()?;
    Some(signature)
}

#[cfg(test)]
impl KeyPair {
    /// Signs what the production code never would, for tests that forge tokens.
    pub(crate) fn sign_for_tests(&self, message: &[u8]) -> Vec<u8> {
        self.sign(message).expect("signs")
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// An RSA key of 1024 bits, as PKCS#8.
    const SHORT_RSA_KEY: &str = concat!(
        "MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBAMKRgF6hDu+/sOGd1LAP0zTEjrpfhZRPVgC2xp17",
        "lNXxKQ2BLm7nXq7eZVJcFhFito4QI46epBSAV3yRNV/+lUi0NRvq+OILlFR1R3JPAlJS+LnLakwXn4ZnFSiMLno+",
        "mw3c8+uyHGi/Z5dx9QRnhAlnK6G5vkfbQyiRLOvdUza7AgMBAAECgYEAlbWVO7rbnlg2BvQFok8a6WBQnlE/nEWL",
        "XFNG8ggUFqZQO0bp7oXy0cTn235lsIzvANKkOWoRwICcUIn+stVWEVoANVMQzl0i3lJtL/ez5MyXDMpjr454Jru6",
        "vs8so0JrWqtkGYElxn9R+BcuCIvNvOTBp/yvwElSVdO/QKClFBkCQQDuPHKT4Hg95pERlS32zCJ0MW3aYgWlcpth",
        "bMVKPommjjXvY0WhbNi0kmFlayLbitjYNZqrSYvTtAcGW40BMVkNAkEA0ROBUIaIoQ3KbeM+k/wbjRDKEEBTomPM",
        "9sFgl72Olsm9a0YrdTZMc40xFp1313jJocw1HCymvicZgrXFocxM5wJAYw+piQnWlc6w1cHVSgEZ9nyzNBJ8TI56",
        "Q6mJ49RbQnFxxefehUAQYA1aCGTjKqzye/zWIpFDXjVGkoMw/6T4ZQJBAKBf5N6/A8j+ihu2p4beaMfRbB4BKeYz",
        "xcI13YEn71ttDnZeEfHMH+K3GENvsMDAr3ID8W1WNuU/msrv4dRVoVsCQQDm5rlEHARGz2EYKA3k7XxkuGmaEDT7",
        "tM8knBNjWCCviykT4sPHywlLPbXxKN14siUltFSlElx93LJMMpn9t0cO",
    );

    #[test]
    fn a_key_survives_pkcs8_with_its_name() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
            let pair = KeyPair::generate(algorithm).expect("generates");
            let der = pair.to_pkcs8().expect("exports");
            let again = KeyPair::from_der(der.expose()).expect("imports");
            assert_eq!((again.kid(), again.algorithm()), (pair.kid(), algorithm));
        }
    }

    #[test]
    fn a_public_jwk_has_no_private_member() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
            let pair = KeyPair::generate(algorithm).expect("generates");
            for member in ["d", "p", "q", "dp", "dq", "qi"] {
                assert!(pair.public_jwk().get(member).is_none(), "{member}");
            }
            assert_eq!(pair.public_jwk()["use"], "sig");
            assert_eq!(pair.public_jwk()["alg"], algorithm.as_str());
        }
    }

    #[test]
    fn rfc_7518_3_3_an_rsa_key_has_2048_bits() {
        let pair = KeyPair::generate(Algorithm::Rs256).expect("generates");
        let modulus = pair.public_jwk()["n"].as_str().expect("a text");
        let modulus = URL_SAFE_NO_PAD.decode(modulus).expect("base64url");
        assert_eq!(modulus.len() * 8, 2048);
        assert!(modulus[0] >= 0x80, "no leading zeros");
        assert_eq!(pair.sign_for_tests(b"m").len(), 256);
    }

    #[test]
    fn rfc_8017_a_1_2_a_pkcs1_rsa_key_is_imported() {
        let pair = KeyPair::generate(Algorithm::Rs256).expect("generates");
        let der = pair.to_pkcs8().expect("exports");
        // What PKCS#8 wraps: version and algorithm take 22 bytes, the header of the octets four.
        let block = pem::Pem::new("RSA PRIVATE KEY", der.expose()[26..].to_vec());
        let again = KeyPair::from_pem(&pem::encode(&block)).expect("imports");
        assert_eq!(again.kid(), pair.kid());
    }

    #[test]
    fn rfc_7518_3_3_an_rsa_key_below_2048_bits_is_refused() {
        let short = STANDARD.decode(SHORT_RSA_KEY).expect("base64");
        let refused = KeyPair::from_der(&short).err();
        assert_eq!(refused, Some(InvalidKey::Unsupported));
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
