//! Access tokens: JWTs by RFC 9068, with our own claims beside the standard's (CONTRACT §4).

use std::time::Duration;

use domain::time::UnixMillis;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::jose::signer::{Signer, SigningFailed};
use crate::jose::times;
use crate::jose::verify::{BadToken, Typ, VerifyingKey, verify};
use crate::oauth::exchange::ActingParty;

mod audience;

pub use audience::Audience;

/// What an access token begins with, unless its client asked for the bare JWS.
pub const PREFIX: &str = "qf_at_";

/// The `typ` of an access token (RFC 9068 §2.1).
const TYPE: Typ = Typ::Exactly("at+jwt");

/// The claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it.
    pub iss: String,
    /// Whom it speaks for: a user's id, or their pairwise subject, or a client's id.
    pub sub: String,
    /// Which resources it is for.
    pub aud: Audience,
    /// To which client it was issued (RFC 8693 §4.3).
    pub client_id: String,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
    /// Its own name: what revoking it is by.
    pub jti: String,
    /// What it may be used for, separated by spaces (RFC 8693 §4.2).
    #[serde(default)]
    pub scope: String,
    /// The tenant.
    pub tid: String,
    /// What stands behind it: `user`, `service` or `agent`.
    pub client_type: String,
    /// The subject's roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The sign-in it belongs to; absent on tokens of systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The grant it belongs to: its refresh family, by which it is refused when the person takes back
    /// what the client was allowed. Absent on tokens of systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// When the person proved who they are, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How well they proved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// How they proved it (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// What it is bound to (RFC 7800).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// Who acts for the subject (RFC 8693 §4.1). `null` is not absence.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub act: Option<ActingParty>,
    /// The names of the tokens that it was exchanged for: with one of them it is revoked. For us alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
    /// What was granted in detail (RFC 9396).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Value>,
    /// The `claims` parameter it was asked for with: what userinfo is to say (OpenID Connect Core
    /// §5.5). For us alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Value>,
    /// Whose it is, sealed, where `sub` and `sid` are names that only one sector knows. For us alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// What whoever presents a token must hold (RFC 7800 §3). A method that is not known here makes the
/// token malformed, because checks fail closed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The key with this thumbprint (RFC 9449 §6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// The certificate with this thumbprint (RFC 8705 §3.1).
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
}

/// What a token must match to be accepted here and now.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The issuer of the tenant the request is for.
    pub issuer: &'a str,
    /// That tenant's id.
    pub tenant: &'a str,
    /// The present instant.
    pub now: UnixMillis,
    /// The longest lifetime that tokens are issued with. What was revoked is remembered for no
    /// longer, so an older token counts as expired whatever it says of itself.
    pub longest: Duration,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// Not a token of ours.
    #[error(transparent)]
    Bad(#[from] BadToken),
    /// Expired, older than any token may become, or issued in the future beyond the allowed skew.
    #[error("expired or not yet valid")]
    Untimely,
    /// Another issuer's or another tenant's.
    #[error("of another issuer or tenant")]
    Foreign,
}

impl AccessClaims {
    /// Signs the claims. `bare` leaves the prefix away.
    ///
    /// # Errors
    /// [`SigningFailed`] when the cryptographic library refuses.
    pub fn mint(&self, signer: &Signer, bare: bool) -> Result<String, SigningFailed> {
        signer.sign_access(if bare { "" } else { PREFIX }, self)
    }

    /// Judges a presented token, with or without the prefix.
    ///
    /// # Errors
    /// See [`Unacceptable`]. Whether it was revoked is not known here.
    pub fn accept<'k>(
        token: &str,
        expected: Expected<'_>,
        find: impl FnOnce(&str) -> Option<&'k VerifyingKey>,
    ) -> Result<Self, Unacceptable> {
        let claims = Self::verify(token, find)?;
        claims.check(expected)?;
        Ok(claims)
    }

    /// Judges a presented token by its form and its signature alone. What holds here and now is left
    /// to [`check`](Self::check).
    ///
    /// # Errors
    /// See [`BadToken`].
    pub fn verify<'k>(
        token: &str,
        find: impl FnOnce(&str) -> Option<&'k VerifyingKey>,
    ) -> Result<Self, BadToken> {
        let jws = token.strip_prefix(PREFIX).unwrap_or(token);
        verify(jws, TYPE, find)
    }

    /// Judges claims that were verified by what is expected here and now.
    ///
    /// # Errors
    /// [`Unacceptable::Untimely`], [`Unacceptable::Foreign`].
    pub fn check(&self, expected: Expected<'_>) -> Result<(), Unacceptable> {
        if !self.is_timely(expected) {
            return Err(Unacceptable::Untimely);
        }
        if self.iss != expected.issuer || self.tid != expected.tenant {
            return Err(Unacceptable::Foreign);
        }
        Ok(())
    }

    fn is_timely(&self, expected: Expected<'_>) -> bool {
        let (issued, now) = (UnixMillis::from_seconds(self.iat), expected.now);
        let is_too_old = issued + expected.longest + times::SKEW < now;
        now.as_seconds() < self.exp && !is_too_old && !times::is_ahead(issued, now)
    }
}

/// Reads a member that is there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ActingParty>, D::Error> {
    ActingParty::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use domain::key::Algorithm;
    use serde_json::json;

    use super::*;
    use crate::jose::key_pair::KeyPair;
    use crate::jose::vectors::forge;
    use crate::mutants::Original;

    const NOW: i64 = 1_700_000_000;

    fn claims() -> AccessClaims {
        let claims = json!({
            "iss": "http://localhost:4000", "sub": "u", "aud": "http://localhost:4000",
            "client_id": "c", "iat": NOW, "exp": NOW + 900, "jti": "j", "scope": "a b",
            "tid": "t", "client_type": "user", "roles": ["user"], "sid": "s",
        });
        serde_json::from_value(claims).expect("complete claims")
    }

    fn ring(algorithm: Algorithm) -> (Signer, VerifyingKey) {
        let pair = KeyPair::generate(algorithm).expect("generates");
        let key = VerifyingKey::new(algorithm, pair.public_jwk()).expect("verifies");
        (Signer::new(pair), key)
    }

    fn expected(now: i64) -> Expected<'static> {
        let now = UnixMillis::from_seconds(now);
        Expected {
            issuer: "http://localhost:4000",
            tenant: "t",
            now,
            longest: Duration::from_mins(15),
        }
    }

    fn accept(token: &str, key: &VerifyingKey) -> Result<AccessClaims, Unacceptable> {
        AccessClaims::accept(token, expected(NOW), |_| Some(key))
    }

    #[test]
    fn rfc_9068_what_we_mint_jsonwebtoken_verifies() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
            let (signer, key) = ring(algorithm);
            for bare in [true, false] {
                let token = claims().mint(&signer, bare).expect("mints");
                assert_eq!(token.starts_with(PREFIX), !bare);
                assert_eq!(accept(&token, &key), Ok(claims()));
            }
        }
    }

    #[test]
    fn rfc_7800_3_what_a_token_is_bound_to_has_its_registered_names() {
        let (signer, key) = ring(Algorithm::Es256);
        for (member, confirmation) in [
            ("jkt", json!({ "jkt": "k" })),
            ("x5t#S256", json!({ "x5t#S256": "c" })),
        ] {
            let mut bound = serde_json::to_value(claims()).expect("has a JSON form");
            bound["cnf"] = confirmation;
            let bound: AccessClaims = serde_json::from_value(bound).expect("complete");
            let token = bound.mint(&signer, false).expect("mints");
            let read = accept(&token, &key).expect("accepted");
            let written = serde_json::to_value(read.cnf).expect("has a JSON form");
            assert_eq!(written.as_object().map(serde_json::Map::len), Some(1));
            assert!(written[member].is_string(), "{member}");
        }
    }

    #[test]
    fn a_confirmation_that_is_not_understood_is_never_taken_for_none() {
        let (signer, key) = ring(Algorithm::Es256);
        let header = json!({"alg": "ES256", "kid": "k", "typ": "at+jwt"});
        for odd in [
            json!({ "jkt": 1 }),
            json!({ "kid": "k" }),
            json!("k"),
            json!([1]),
        ] {
            let mut body = serde_json::to_value(claims()).expect("has a JSON form");
            body["cnf"] = odd.clone();
            let token = forge(signer.key(), &header, &body);
            assert!(accept(&token, &key).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_token_expires_and_is_not_accepted_from_the_future() {
        let (signer, key) = ring(Algorithm::Es256);
        let token = claims().mint(&signer, false).expect("mints");
        let at = |now| AccessClaims::accept(&token, expected(now), |_| Some(&key));
        assert!(at(NOW + 899).is_ok() && at(NOW - 10).is_ok());
        assert_eq!(at(NOW + 900), Err(Unacceptable::Untimely));
        assert_eq!(at(NOW - 11), Err(Unacceptable::Untimely));
    }

    #[test]
    fn a_token_older_than_any_may_become_is_not_accepted_whatever_it_says() {
        let (signer, key) = ring(Algorithm::Es256);
        let mut long = claims();
        long.exp = NOW + 3_600;
        let token = long.mint(&signer, false).expect("mints");
        let at = |now| AccessClaims::accept(&token, expected(now), |_| Some(&key));
        assert!(at(NOW + 910).is_ok(), "another node's clock may be ahead");
        assert_eq!(at(NOW + 911), Err(Unacceptable::Untimely));
    }

    #[test]
    fn another_tenant_or_issuer_is_foreign() {
        let (signer, key) = ring(Algorithm::Es256);
        for (member, value) in [("tid", "other"), ("iss", "https://other.example")] {
            let mut foreign = serde_json::to_value(claims()).expect("has a JSON form");
            foreign[member] = Value::from(value);
            let foreign: AccessClaims = serde_json::from_value(foreign).expect("complete");
            let token = foreign.mint(&signer, false).expect("mints");
            assert_eq!(accept(&token, &key), Err(Unacceptable::Foreign));
        }
    }

    #[test]
    fn rfc_8725_3_1_no_other_algorithm_type_or_critical_header_is_accepted() {
        let (signer, key) = ring(Algorithm::Es256);
        let body = serde_json::to_value(claims()).expect("has a JSON form");
        let good = json!({"alg": "ES256", "kid": "k", "typ": "at+jwt"});
        assert!(accept(&forge(signer.key(), &good, &body), &key).is_ok());
        let changes = [
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("ES384")),
            ("alg", json!("RS256")),
            ("alg", json!("EdDSA")),
            ("typ", json!("JWT")),
            ("typ", Value::Null),
            ("kid", Value::Null),
            ("crit", json!(["exp"])),
        ];
        for (member, value) in changes {
            let mut header = good.clone();
            header[member] = value.clone();
            assert!(
                accept(&forge(signer.key(), &header, &body), &key).is_err(),
                "{member}={value}"
            );
        }
    }

    #[test]
    fn wrong_typed_and_missing_claims_are_refused() {
        let (signer, key) = ring(Algorithm::Es256);
        let header = json!({"alg": "ES256", "kid": "k", "typ": "at+jwt"});
        let body = serde_json::to_value(claims()).expect("has a JSON form");
        for member in ["iss", "sub", "aud", "client_id", "iat", "exp", "jti", "tid"] {
            for value in [
                None,
                Some(Value::Null),
                Some(json!({"a": 1})),
                Some(json!([1])),
            ] {
                let mut odd = body.clone();
                let members = odd.as_object_mut().expect("an object");
                members.remove(member);
                members.extend(value.clone().map(|value| (member.to_owned(), value)));
                let token = forge(signer.key(), &header, &odd);
                assert!(accept(&token, &key).is_err(), "{member}={value:?}");
            }
        }
        let mut text = body;
        text["exp"] = json!((NOW + 900).to_string());
        assert!(accept(&forge(signer.key(), &header, &text), &key).is_err());
    }

    #[test]
    fn every_truncation_is_refused() {
        let (signer, key) = ring(Algorithm::Es256);
        let token = claims().mint(&signer, false).expect("mints");
        for length in 0..token.len() {
            assert!(accept(&token[..length], &key).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn rfc_8725_no_mutant_is_accepted() {
        let original = Original {
            header: json!({ "alg": "set", "typ": "at+jwt", "kid": "set" }),
            claims: serde_json::to_value(claims()).expect("has a JSON form"),
            judged: &["iss", "sub", "client_id", "iat", "exp", "jti", "tid"],
        };
        original.check_mutants(|text, pair| {
            let key = VerifyingKey::new(pair.algorithm(), pair.public_jwk()).expect("verifies");
            let find = |kid: &str| (kid == pair.kid()).then_some(&key);
            AccessClaims::accept(text, expected(NOW), find).is_ok()
        });
    }
}
