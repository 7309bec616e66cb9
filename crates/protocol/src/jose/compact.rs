//! A compact JWS taken apart strictly, before anything in it is believed (RFC 7515 §3.1, §5.2).
//!
//! Exactly three parts of unpadded base64url in at most [`MAX_TOKEN_BYTES`]; the header is a JSON
//! object that repeats no member, has texts as `alg`, `typ` and `kid`, and asks for no extension:
//! `crit` and `b64` are refused, since we understand none (RFC 7515 §4.1.11, RFC 7797 §6). `jku`,
//! `x5u` and `x5c` are never followed, `jwk` only where a proof is about its own key. Who may have
//! signed is for [`super::verify`] and [`super::foreign`] to say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::unique::Unique;
use super::verify::{BadToken, Typ};

/// The longest compact JWS we read, in bytes; ours are far below.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A compact JWS whose signature nobody has looked at.
pub(crate) struct Compact<'t> {
    header: Map<String, Value>,
    claims: &'t str,
    signed: &'t str,
    signature: &'t str,
}

// === impl Compact ===

impl<'t> Compact<'t> {
    /// Takes a text apart.
    pub(crate) fn read(text: &'t str) -> Result<Self, BadToken> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(BadToken::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(BadToken::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(BadToken::Malformed)?;
        if claims.contains('.') {
            return Err(BadToken::Malformed);
        }
        let header = decode_object(header)?;
        let is_text = |name| header.get(name).is_none_or(Value::is_string);
        if !["alg", "typ", "kid"].into_iter().all(is_text) {
            return Err(BadToken::Malformed);
        }
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(BadToken::WrongKind);
        }
        Ok(Self {
            header,
            claims,
            signed,
            signature,
        })
    }

    /// Checks that the header has a `typ` we allow.
    pub(crate) fn check_type(&self, typ: Typ) -> Result<(), BadToken> {
        if typ.allows(self.header_text("typ")) {
            Ok(())
        } else {
            Err(BadToken::WrongKind)
        }
    }

    /// Gives `alg`.
    pub(crate) fn algorithm(&self) -> Result<&str, BadToken> {
        self.header_text("alg").ok_or(BadToken::Malformed)
    }

    /// Gives `kid`, if there is one.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.header_text("kid")
    }

    /// Gives `jwk`, if there is one: what the sender says its own key is.
    pub(crate) fn jwk(&self) -> Option<&Value> {
        self.header.get("jwk")
    }

    /// Tells whether this key made the signature.
    pub(crate) fn is_signed_by(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        jsonwebtoken::crypto::verify(self.signature, self.signed.as_bytes(), key, algorithm)
            .unwrap_or(false)
    }

    /// Reads the claims, which are a JSON object that repeats no member (RFC 7519 §4).
    pub(crate) fn claims<C: DeserializeOwned>(&self) -> Result<C, BadToken> {
        let members = decode_object(self.claims)?;
        serde_json::from_value(Value::Object(members)).map_err(|_| BadToken::Malformed)
    }

    fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }
}

fn decode_object(part: &str) -> Result<Map<String, Value>, BadToken> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| BadToken::Malformed)?;
    match serde_json::from_slice::<Unique>(&bytes) {
        Ok(Unique(Value::Object(members))) => Ok(members),
        _ => Err(BadToken::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(header: &str, claims: &str) -> String {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        format!("{}.{}.AA", part(header), part(claims))
    }

    fn refusal(header: &str) -> Option<BadToken> {
        Compact::read(&text(header, "{}")).err()
    }

    #[test]
    fn rfc_7515_7_1_there_are_exactly_three_parts() {
        let good = text(r#"{"alg":"ES256"}"#, "{}");
        assert!(Compact::read(&good).is_ok());
        for bad in [
            "",
            ".",
            "..",
            "a.b",
            &format!("{good}.AA"),
            &format!(".{good}"),
        ] {
            assert_eq!(Compact::read(bad).err(), Some(BadToken::Malformed), "{bad}");
        }
    }

    #[test]
    fn rfc_7515_2_base64url_has_no_padding_whitespace_or_loose_bits() {
        let good = text(r#"{"alg":"ES256"}"#, "{}");
        let (header, rest) = good.split_once('.').expect("has parts");
        let bad = ["=", "==", " ", "\n", "\t", "+", "/", "\0", "é"];
        for bad in bad.map(|noise| format!("{header}{noise}.{rest}")) {
            assert!(Compact::read(&bad).is_err(), "{bad:?}");
        }
        assert!(decode_object("e30").is_ok() && decode_object("e31").is_err());
    }

    #[test]
    fn rfc_7515_4_1_11_and_rfc_7797_6_no_extension_is_understood() {
        for header in [
            r#"{"alg":"ES256","crit":["exp"],"exp":1}"#,
            r#"{"alg":"ES256","crit":[]}"#,
            r#"{"alg":"ES256","crit":["b64"],"b64":false}"#,
            r#"{"alg":"ES256","b64":true}"#,
        ] {
            assert_eq!(refusal(header), Some(BadToken::WrongKind), "{header}");
        }
    }

    #[test]
    fn rfc_7515_5_2_the_header_is_an_object_that_repeats_nothing() {
        for header in [
            "",
            "null",
            "[]",
            "{",
            r#"{"alg":"ES256","alg":"none"}"#,
            r#"{"alg":"ES256"}{}"#,
        ] {
            assert_eq!(refusal(header), Some(BadToken::Malformed), "{header}");
        }
    }

    #[test]
    fn rfc_7515_4_1_alg_typ_and_kid_are_texts() {
        for header in [
            r#"{"alg":1}"#,
            r#"{"alg":"ES256","typ":null}"#,
            r#"{"alg":"ES256","kid":["k"]}"#,
        ] {
            assert_eq!(refusal(header), Some(BadToken::Malformed), "{header}");
        }
    }

    #[test]
    fn what_is_longer_than_we_read_is_refused_unread() {
        let long = "a".repeat(MAX_TOKEN_BYTES + 1);
        assert_eq!(Compact::read(&long).err(), Some(BadToken::Malformed));
    }
}
