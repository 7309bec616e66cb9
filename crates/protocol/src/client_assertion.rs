//! Assertions by which a client shows who it is (RFC 7523 §2.2 and §3, OpenID Connect Core §9).
//!
//! A client signs a short-lived token for us alone. `aud` is our issuer as one text: not a list, not
//! the address of an endpoint, so that no other server can be made to collect assertions that are
//! good here (FAPI 2.0 §5.3.2.1). Which client it is can be read before the keys are known, by
//! [`peek_client_id`]; nothing read so is to be believed.
//!
//! That an assertion is used once is the caller's to see: claim [`Assertion::jti`] for the client
//! until [`Assertion::expires_at`].

use std::time::Duration;

use domain::time::UnixMillis;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::jose::compact::Compact;
pub use crate::jose::foreign::Expected;
use crate::jose::times::{NumericDate, Times};
use crate::jose::verify::{BadToken, Typ};

/// The value of `client_assertion_type` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest `jti` we remember, in bytes.
pub const MAX_JTI_BYTES: usize = 256;

/// How far ahead an assertion may expire: how long its `jti` must be remembered.
pub const MAX_LIFETIME: Duration = Duration::from_hours(1);

const TYPE: Typ = Typ::AbsentOr(&["JWT", "client-authentication+jwt"]);

/// An assertion that is good if it is the client's first with its `jti`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its own name, accepted once for each client.
    pub jti: String,
    /// From when on it is not accepted.
    pub expires_at: UnixMillis,
}

/// The assertion is not accepted: `invalid_client`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAssertion {
    /// Not a token signed with the client's keys.
    #[error("the assertion is not accepted: {0}")]
    Token(#[from] BadToken),
    /// Signed by the client, with claims that are not accepted.
    #[error("{0}")]
    Claims(&'static str),
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    jti: String,
    #[serde(flatten)]
    times: Times,
}

/// Reads `sub` of an assertion that nobody has verified, to find the client whose keys verify it.
#[must_use]
pub fn peek_client_id(text: &str) -> Option<String> {
    let claims: Map<String, Value> = Compact::read(text).ok()?.claims().ok()?;
    claims.get("sub")?.as_str().map(str::to_owned)
}

// === impl Assertion ===

impl Assertion {
    /// Judges an assertion as RFC 7523 §3 lists it.
    ///
    /// # Errors
    /// See [`BadAssertion`].
    pub fn check(text: &str, expected: &Expected<'_>) -> Result<Self, BadAssertion> {
        let verified = expected
            .keys
            .verify::<Claims>(text, TYPE, expected.algorithms)?;
        let claims = verified.claims;
        claims.check_parties(expected)?;
        let expires_at = claims.check_times(expected.now)?;
        if claims.jti.is_empty() || claims.jti.len() > MAX_JTI_BYTES {
            return Err(BadAssertion::Claims("jti must have 1 to 256 bytes"));
        }
        Ok(Self {
            jti: claims.jti,
            expires_at,
        })
    }
}

// === impl Claims ===

impl Claims {
    fn check_parties(&self, expected: &Expected<'_>) -> Result<(), BadAssertion> {
        if self.iss != expected.client_id || self.sub != expected.client_id {
            return Err(BadAssertion::Claims("iss and sub must be the client's id"));
        }
        if self.aud != *expected.issuer {
            return Err(BadAssertion::Claims("aud must be the issuer, as one text"));
        }
        Ok(())
    }

    /// Gives when the assertion expires.
    fn check_times(&self, now: UnixMillis) -> Result<UnixMillis, BadAssertion> {
        let exp = self.times.exp.map(NumericDate::at);
        let exp = exp.ok_or(BadAssertion::Claims("exp is missing"))?;
        if exp > now + MAX_LIFETIME {
            return Err(BadAssertion::Claims("exp is more than an hour ahead"));
        }
        self.times
            .check(now)
            .map(|()| exp)
            .map_err(|_| BadAssertion::Claims("expired or not yet valid"))
    }
}

#[cfg(test)]
mod tests {
    use domain::key::Algorithm;
    use serde_json::json;

    use super::*;
    use crate::jose::foreign::{ForeignAlgorithm, ForeignKeys};
    use crate::jose::key_pair::KeyPair;
    use crate::jose::vectors::{forge, with, without};
    use crate::mutants::Original;

    const NOW: i64 = 1_700_000_000;
    const ISSUER: &str = "https://auth.example/t/acme";

    fn claims() -> Value {
        json!({
            "iss": "c", "sub": "c", "aud": ISSUER, "jti": "j", "iat": NOW, "exp": NOW + 60,
        })
    }

    fn judge_as(header: &Value, claims: &Value) -> Result<Assertion, BadAssertion> {
        let pair = KeyPair::generate(Algorithm::Es256).expect("generates");
        check(&forge(&pair, header, claims), &pair)
    }

    fn judge(claims: &Value) -> Result<Assertion, BadAssertion> {
        judge_as(&json!({ "alg": "ES256" }), claims)
    }

    fn check(text: &str, pair: &KeyPair) -> Result<Assertion, BadAssertion> {
        let keys = ForeignKeys::parse(&json!({ "keys": [pair.public_jwk()] }));
        let expected = Expected {
            issuer: ISSUER,
            client_id: "c",
            keys: &keys.expect("usable"),
            now: UnixMillis::from_seconds(NOW),
            algorithms: &ForeignAlgorithm::FAPI,
        };
        Assertion::check(text, &expected)
    }

    #[test]
    fn rfc_7523_3_a_clients_own_assertion_is_accepted() {
        let expected = Assertion {
            jti: "j".to_owned(),
            expires_at: UnixMillis::from_seconds(NOW + 60),
        };
        for typ in ["JWT", "client-authentication+jwt"] {
            let header = json!({ "alg": "ES256", "typ": typ });
            assert_eq!(judge_as(&header, &claims()), Ok(expected.clone()));
        }
        assert_eq!(judge(&claims()), Ok(expected));
    }

    #[test]
    fn rfc_7523_3_1_and_2_iss_and_sub_are_the_client() {
        for name in ["iss", "sub"] {
            for other in [json!("d"), json!(""), json!(["c"]), Value::Null] {
                assert!(judge(&with(&claims(), name, other)).is_err(), "{name}");
            }
            assert!(judge(&without(&claims(), name)).is_err(), "{name}");
        }
    }

    #[test]
    fn fapi_2_5_3_2_1_aud_is_the_issuer_as_one_text() {
        for aud in [
            json!([ISSUER]),
            json!([ISSUER, "https://other.example"]),
            json!(format!("{ISSUER}/")),
            json!(format!("{ISSUER}/oauth/token")),
            json!("https://auth.example"),
            json!(""),
            json!([]),
            json!({}),
            Value::Null,
        ] {
            assert!(
                judge(&with(&claims(), "aud", aud.clone())).is_err(),
                "{aud}"
            );
        }
        assert!(judge(&without(&claims(), "aud")).is_err());
    }

    #[test]
    fn rfc_7523_3_4_exp_is_there_and_within_the_hour() {
        let exp = |exp| judge(&with(&claims(), "exp", exp));
        assert!(exp(json!(NOW + 1)).is_ok() && exp(json!(NOW + 3600)).is_ok());
        assert!(exp(json!(NOW)).is_err() && exp(json!(NOW + 3601)).is_err());
        assert!(exp(json!((NOW + 60).to_string())).is_err() && exp(Value::Null).is_err());
        assert!(judge(&without(&claims(), "exp")).is_err());
    }

    #[test]
    fn rfc_7523_3_5_and_6_nbf_and_iat_are_judged_when_there() {
        for name in ["nbf", "iat"] {
            let at = |ahead: i64| judge(&with(&claims(), name, json!(NOW + ahead)));
            assert!(at(10).is_ok() && at(-30).is_ok() && at(60).is_err());
            assert!(judge(&without(&claims(), name)).is_ok());
            assert!(judge(&with(&claims(), name, json!("0"))).is_err());
        }
    }

    #[test]
    fn rfc_7523_3_7_jti_is_there_and_bounded() {
        let jti = |jti: Value| judge(&with(&claims(), "jti", jti));
        assert!(jti(json!("j".repeat(256))).is_ok() && jti(json!("j".repeat(257))).is_err());
        assert!(jti(json!("")).is_err() && jti(json!(1)).is_err());
        assert!(judge(&without(&claims(), "jti")).is_err());
    }

    #[test]
    fn rfc_9101_10_8_a_request_object_is_no_assertion() {
        for typ in ["oauth-authz-req+jwt", "dpop+jwt", "at+jwt", "logout+jwt"] {
            let header = json!({ "alg": "ES256", "typ": typ });
            let refused = Err(BadAssertion::Token(BadToken::WrongKind));
            assert_eq!(judge_as(&header, &claims()), refused, "{typ}");
        }
    }

    #[test]
    fn the_client_is_read_before_its_keys_are_known() {
        let pair = KeyPair::generate(Algorithm::Es256).expect("generates");
        let text = |claims| forge(&pair, &json!({ "alg": "ES256" }), &claims);
        assert_eq!(peek_client_id(&text(claims())).as_deref(), Some("c"));
        for odd in [json!({}), json!({ "sub": 1 }), json!([])] {
            assert_eq!(peek_client_id(&text(odd)), None);
        }
        assert_eq!(peek_client_id("a.b.c"), None);
    }

    #[test]
    fn rfc_8725_no_mutant_is_accepted() {
        let original = Original {
            header: json!({ "alg": "ES256", "typ": "JWT", "kid": "set" }),
            claims: claims(),
            judged: &["iss", "sub", "aud", "jti", "exp", "iat"],
        };
        original.check_mutants(|text, pair| check(text, pair).is_ok());
    }
}
