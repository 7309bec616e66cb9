//! ID tokens: what a client is told about a sign-in (OpenID Connect Core §2).
//!
//! [`IdTokenClaims`] is the shape; the caller fills it from the code, the session and
//! [`claims_for`](super::claims::claims_for), and signs it with `typ: JWT`. Reading one back, as
//! `id_token_hint` asks for, judges nothing but its shape: its times are the caller's to judge or to
//! overlook.

use aws_lc_rs::digest::{self, SHA256, SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::key::Algorithm;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::access_token::Audience;

/// The `typ` of an ID token.
pub const TYPE: &str = "JWT";

/// The claims of an ID token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdTokenClaims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is about, as this client knows them (see [`subject`](super::subject)).
    pub sub: String,
    /// For which client it is.
    pub aud: Audience,
    /// When it expires, in seconds.
    pub exp: i64,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When the person proved who they are, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// What the request carried, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// How well the person proved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// How they proved it (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Which client it was issued to: see [`authorized_party`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    /// Ties it to the access token beside it: see [`half_hash`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// The sign-in it belongs to (OpenID Connect Back-Channel Logout §2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// What it says of the person beside that; no name of a claim above.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Gives the `azp` of a token issued to `client`: only a token for several audiences has one
/// (OpenID Connect Core §2).
#[must_use]
pub fn authorized_party(audience: &Audience, client: &str) -> Option<String> {
    match audience {
        Audience::Many(several) if several.len() > 1 => Some(client.to_owned()),
        Audience::One(_) | Audience::Many(_) => None,
    }
}

/// Gives the left half of a text's digest in base64url: `at_hash` of an access token, `c_hash` of a
/// code (OpenID Connect Core §3.1.3.6, §3.3.2.11).
///
/// `alg` is that of the ID token, which names the digest: SHA-256, or for Ed25519 the SHA-512 inside
/// it.
#[must_use]
pub fn half_hash(alg: Algorithm, text: &str) -> String {
    let digest = match alg {
        Algorithm::Es256 | Algorithm::Rs256 => digest::digest(&SHA256, text.as_bytes()),
        Algorithm::EdDsa => digest::digest(&SHA512, text.as_bytes()),
    };
    let bytes = digest.as_ref();
    let (left, _) = bytes.split_at_checked(bytes.len() / 2).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(left)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims() -> IdTokenClaims {
        IdTokenClaims {
            iss: "https://issuer.example".to_owned(),
            sub: "u".to_owned(),
            aud: Audience::One("client_x".to_owned()),
            exp: 1_700_003_600,
            iat: 1_700_000_000,
            auth_time: None,
            nonce: None,
            acr: None,
            amr: Vec::new(),
            azp: None,
            at_hash: None,
            sid: None,
            extra: Map::new(),
        }
    }

    #[test]
    fn openid_connect_core_2_the_required_claims_are_always_there_and_no_other_is_null() {
        assert_eq!(
            serde_json::to_string(&claims()).expect("JSON"),
            concat!(
                r#"{"iss":"https://issuer.example","sub":"u","aud":"client_x","#,
                r#""exp":1700003600,"iat":1700000000}"#
            )
        );
    }

    #[test]
    fn openid_connect_core_2_every_claim_has_its_registered_name() {
        let full = IdTokenClaims {
            auth_time: Some(1_700_000_000),
            nonce: Some("n".to_owned()),
            acr: Some("urn:nist:sp:800-63b-4:aal2".to_owned()),
            amr: vec!["pwd".to_owned(), "otp".to_owned()],
            azp: Some("client_x".to_owned()),
            at_hash: Some("77QmUPtjPfzWtF2AnpK9RQ".to_owned()),
            sid: Some("s".to_owned()),
            extra: Map::from_iter([("email".to_owned(), json!("ada@example.org"))]),
            ..claims()
        };
        let text = serde_json::to_string(&full).expect("JSON");
        let expected = concat!(
            r#"{"iss":"https://issuer.example","sub":"u","aud":"client_x","exp":1700003600,"#,
            r#""iat":1700000000,"auth_time":1700000000,"nonce":"n","#,
            r#""acr":"urn:nist:sp:800-63b-4:aal2","amr":["pwd","otp"],"azp":"client_x","#,
            r#""at_hash":"77QmUPtjPfzWtF2AnpK9RQ","sid":"s","email":"ada@example.org"}"#
        );
        assert_eq!(text, expected);
        assert_eq!(
            serde_json::from_str::<IdTokenClaims>(&text).ok(),
            Some(full)
        );
    }

    #[test]
    fn openid_connect_core_2_azp_is_said_only_when_the_audiences_are_several() {
        let many = |list: &[&str]| Audience::Many(list.iter().map(|&a| a.to_owned()).collect());
        let party = |audience: &Audience| authorized_party(audience, "client_x");
        assert_eq!(party(&Audience::One("client_x".to_owned())), None);
        assert_eq!(party(&many(&["client_x"])), None);
        let several = many(&["client_x", "https://api.example"]);
        assert_eq!(party(&several).as_deref(), Some("client_x"));
    }

    #[test]
    fn openid_connect_core_3_1_3_6_at_hash_and_c_hash_are_those_of_appendix_a() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
        for alg in [Algorithm::Rs256, Algorithm::Es256] {
            assert_eq!(half_hash(alg, token), "77QmUPtjPfzWtF2AnpK9RQ");
            assert_eq!(half_hash(alg, code), "LDktKdoQak3Pk0cnXxCltA");
        }
    }

    #[test]
    fn rfc_8032_5_1_an_ed25519_token_halves_the_sha_512_that_is_in_its_signature() {
        // The first 32 bytes of the SHA-512 of "abc" (FIPS 180-4).
        let half = [
            0xdd, 0xaf, 0x35, 0xa1, 0x93, 0x61, 0x7a, 0xba, 0xcc, 0x41, 0x73, 0x49, 0xae, 0x20,
            0x41, 0x31, 0x12, 0xe6, 0xfa, 0x4e, 0x89, 0xa9, 0x7e, 0xa2, 0x0a, 0x9e, 0xee, 0xe6,
            0x4b, 0x55, 0xd3, 0x9a,
        ];
        assert_eq!(
            half_hash(Algorithm::EdDsa, "abc"),
            URL_SAFE_NO_PAD.encode(half)
        );
    }
}
