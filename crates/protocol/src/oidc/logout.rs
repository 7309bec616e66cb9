//! Logout: the token that tells a client of it, and where a person may be sent afterwards.
//!
//! A [`LogoutToken`] (OpenID Connect Back-Channel Logout §2.4) is signed with `typ: logout+jwt` and
//! posted to the client. It looks much like an ID token, so it must never pass for one: it has
//! another type, an event, and no nonce. [`check_post_logout_uri`] keeps RP-initiated logout (§3)
//! from becoming an open redirect.

use std::time::Duration;

use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::access_token::Audience;

/// The `typ` of a logout token (OpenID Connect Back-Channel Logout §2.4).
pub const TYPE: &str = "logout+jwt";

/// How long a logout token counts; the standard advises two minutes at most.
pub const LIFETIME: Duration = Duration::from_mins(2);

/// The claims of a logout token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogoutToken {
    /// Who issued it.
    pub iss: String,
    /// Who signed out, as this client knows them.
    pub sub: String,
    /// The client it is for.
    pub aud: Audience,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
    /// Its own name.
    pub jti: String,
    /// What happened.
    pub events: Events,
    /// Which sign-in ended; absent when all of the person's did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

/// The one event of a logout token (RFC 8417 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Events {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    logout: Nothing,
}

/// An empty object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Nothing {}

/// Whose sign-in ended, and which client is told.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The client.
    pub client: &'a str,
    /// The person, as this client knows them.
    pub subject: &'a str,
    /// The sign-in; none when all of the person's ended.
    pub session: Option<&'a str>,
}

/// The client registered no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("post_logout_redirect_uri is not registered")]
pub struct Unregistered;

/// Judges where a person is to be sent after signing out: one of the client's registered addresses,
/// byte for byte (OpenID Connect RP-Initiated Logout §3).
///
/// # Errors
/// [`Unregistered`]: the person must not be sent there.
pub fn check_post_logout_uri(registered: &[String], presented: &str) -> Result<(), Unregistered> {
    if registered.iter().any(|known| known == presented) {
        Ok(())
    } else {
        Err(Unregistered)
    }
}

// === impl LogoutToken ===

impl LogoutToken {
    /// Says that a sign-in ended. `jti` is to be fresh.
    #[must_use]
    pub fn new(ended: &Ended<'_>, jti: String, now: UnixMillis) -> Self {
        Self {
            iss: ended.issuer.to_owned(),
            sub: ended.subject.to_owned(),
            aud: Audience::One(ended.client.to_owned()),
            iat: now.as_seconds(),
            exp: (now + LIFETIME).as_seconds(),
            jti,
            events: Events::default(),
            sid: ended.session.map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::key::Algorithm;
    use serde_json::Value;

    use super::*;
    use crate::jose::key_pair::KeyPair;
    use crate::jose::signer::Signer;
    use crate::jose::verify::{ID_TOKEN, Typ, VerifyingKey, verify};
    use crate::oidc::id_token::IdTokenClaims;

    fn token(session: Option<&str>) -> LogoutToken {
        let ended = Ended {
            issuer: "https://issuer.example",
            client: "client_x",
            subject: "u",
            session,
        };
        let now = UnixMillis::from_seconds(1_700_000_000);
        LogoutToken::new(&ended, "j".to_owned(), now)
    }

    #[test]
    fn openid_connect_back_channel_logout_2_4_every_claim_has_its_registered_name() {
        let expected = concat!(
            r#"{"iss":"https://issuer.example","sub":"u","aud":"client_x","iat":1700000000,"#,
            r#""exp":1700000120,"jti":"j","#,
            r#""events":{"http://schemas.openid.net/event/backchannel-logout":{}},"sid":"s"}"#
        );
        let text = serde_json::to_string(&token(Some("s"))).expect("JSON");
        assert_eq!(text, expected);
    }

    #[test]
    fn openid_connect_back_channel_logout_2_4_a_nonce_is_prohibited() {
        let all = serde_json::to_value(token(None)).expect("JSON");
        assert!(all.get("nonce").is_none() && all.get("sid").is_none());
        let mut odd = all;
        odd["nonce"] = Value::from("n");
        assert!(serde_json::from_value::<LogoutToken>(odd).is_err());
    }

    #[test]
    fn openid_connect_back_channel_logout_2_4_it_lives_two_minutes_at_most() {
        let token = token(None);
        assert!((1..=120).contains(&(token.exp - token.iat)));
    }

    #[test]
    fn openid_connect_back_channel_logout_2_4_it_is_typed_and_no_id_token() {
        let pair = KeyPair::generate(Algorithm::Es256).expect("generates");
        let key = VerifyingKey::new(Algorithm::Es256, pair.public_jwk()).expect("verifies");
        let signed = Signer::new(pair).sign(Some(TYPE), &token(Some("s")));
        let signed = signed.expect("signs");
        let read = verify::<LogoutToken>(&signed, Typ::Exactly(TYPE), |_| Some(&key));
        assert_eq!(read, Ok(token(Some("s"))));
        assert!(verify::<IdTokenClaims>(&signed, ID_TOKEN, |_| Some(&key)).is_err());
    }

    #[test]
    fn openid_connect_rp_initiated_logout_3_only_a_registered_address_byte_for_byte() {
        let registered = [
            "https://a.example/out".to_owned(),
            "com.app:/out".to_owned(),
        ];
        for known in &registered {
            assert_eq!(check_post_logout_uri(&registered, known), Ok(()));
        }
        for odd in [
            "",
            "https://a.example/out/",
            "https://a.example/out?x=1",
            "https://a.example/out#x",
            "https://a.example:443/out",
            "https://A.example/out",
            "https://a.example/%6fut",
            "https://a.example/x/../out",
            "http://a.example/out",
            " https://a.example/out",
            "https://a.example@b.example/out",
            "https://b.example/out",
        ] {
            let judged = check_post_logout_uri(&registered, odd);
            assert_eq!(judged, Err(Unregistered), "{odd}");
            assert_eq!(check_post_logout_uri(&[], odd), Err(Unregistered));
        }
    }
}
