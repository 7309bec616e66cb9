//! Introspection: what a resource is told of a token (RFC 7662), plain or signed (RFC 9701).
//!
//! An [`Introspection`] of a token that is unknown, expired, revoked or not the asker's to know of
//! is `{"active":false}` and nothing else, whatever the reason (RFC 7662 §2.2). Whether it is active
//! is the caller's to find out; this module only shapes the answer.

use domain::time::UnixMillis;
use serde::Serialize;
use serde_json::Value;

use crate::access_token::{AccessClaims, Audience, Confirmation};
use crate::oauth::exchange::ActingParty;

/// The `typ` of a signed answer (RFC 9701 §5).
pub const TYPE: &str = "token-introspection+jwt";

/// The answer about a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Introspection {
    active: bool,
    #[serde(flatten)]
    token: Option<Box<ActiveToken>>,
}

/// What is told of an active token; the account's name is not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ActiveToken {
    /// What it may be used for.
    pub scope: String,
    /// To which client it was issued.
    pub client_id: String,
    /// How it is presented; absent on refresh tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<TokenType>,
    /// When it expires, in seconds.
    pub exp: i64,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it began to count, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Whom it speaks for.
    pub sub: String,
    /// Which resources it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<Audience>,
    /// Who issued it.
    pub iss: String,
    /// Its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// What it is bound to (RFC 8705 §3.2, RFC 9449 §6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// Who acts for the subject (RFC 8693 §4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<ActingParty>,
    /// The tenant.
    pub tid: String,
    /// The subject's roles.
    pub roles: Vec<String>,
    /// What stands behind it: `user`, `service` or `agent`.
    pub client_type: String,
    /// How well the person proved who they are (RFC 9470 §6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// How they proved it (RFC 8176).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// When they proved it, in seconds (RFC 9470 §6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The sign-in it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// What was granted in detail (RFC 9396 §9.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Value>,
}

/// How an access token is presented (RFC 6749 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TokenType {
    /// By whoever holds it (RFC 6750).
    Bearer,
    /// With a proof of its key (RFC 9449).
    DPoP,
}

/// The claims of a signed answer (RFC 9701 §5): only these, so that it cannot pass for the token
/// it tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedIntrospection<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    token_introspection: &'a Introspection,
}

// === impl Introspection ===

impl Introspection {
    /// Tells of an active token.
    #[must_use]
    pub fn active(token: ActiveToken) -> Self {
        Self {
            active: true,
            token: Some(Box::new(token)),
        }
    }

    /// Tells nothing.
    #[must_use]
    pub const fn inactive() -> Self {
        Self {
            active: false,
            token: None,
        }
    }

    /// Gives the claims of the signed form for one resource.
    #[must_use]
    pub const fn signed<'a>(
        &'a self,
        issuer: &'a str,
        resource: &'a str,
        now: UnixMillis,
    ) -> SignedIntrospection<'a> {
        SignedIntrospection {
            iss: issuer,
            aud: resource,
            iat: now.as_seconds(),
            token_introspection: self,
        }
    }
}

// === impl ActiveToken ===

/// Tells of an access token that was accepted. What userinfo is to say, and what it was exchanged for,
/// stays with us.
impl From<AccessClaims> for ActiveToken {
    fn from(claims: AccessClaims) -> Self {
        Self {
            scope: claims.scope,
            client_id: claims.client_id,
            token_type: Some(TokenType::of(claims.cnf.as_ref())),
            exp: claims.exp,
            iat: claims.iat,
            nbf: Some(claims.iat),
            sub: claims.sub,
            aud: Some(claims.aud),
            iss: claims.iss,
            jti: Some(claims.jti),
            cnf: claims.cnf,
            act: claims.act,
            tid: claims.tid,
            roles: claims.roles,
            client_type: claims.client_type,
            acr: claims.acr,
            amr: claims.amr,
            auth_time: claims.auth_time,
            sid: claims.sid,
            authorization_details: claims.authorization_details,
        }
    }
}

// === impl TokenType ===

impl TokenType {
    /// Gives the type of a token by what it is bound to. A token bound to a certificate is a bearer
    /// token still (RFC 8705 §3).
    #[must_use]
    pub fn of(confirmation: Option<&Confirmation>) -> Self {
        match confirmation.and_then(|bound| bound.jkt.as_ref()) {
            Some(_) => Self::DPoP,
            None => Self::Bearer,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims() -> AccessClaims {
        let claims = json!({
            "iss": "https://issuer.example", "sub": "u", "aud": "https://api.example",
            "client_id": "client_x", "iat": 1_700_000_000, "exp": 1_700_000_900, "jti": "j",
            "scope": "a b", "tid": "t", "client_type": "user", "roles": ["user"],
        });
        serde_json::from_value(claims).expect("complete claims")
    }

    fn text(answer: &impl Serialize) -> String {
        serde_json::to_string(answer).expect("has a JSON form")
    }

    #[test]
    fn rfc_7662_2_2_of_an_inactive_token_nothing_else_is_told() {
        assert_eq!(text(&Introspection::inactive()), r#"{"active":false}"#);
    }

    #[test]
    fn rfc_7662_2_2_every_member_has_its_registered_name() {
        let answer = Introspection::active(claims().into());
        let expected = concat!(
            r#"{"active":true,"scope":"a b","client_id":"client_x","token_type":"Bearer","#,
            r#""exp":1700000900,"iat":1700000000,"nbf":1700000000,"sub":"u","#,
            r#""aud":"https://api.example","iss":"https://issuer.example","jti":"j","#,
            r#""tid":"t","roles":["user"],"client_type":"user"}"#
        );
        assert_eq!(text(&answer), expected);
    }

    #[test]
    fn rfc_9449_6_2_a_bound_token_shows_its_key_and_its_type() {
        let bound = |confirmation| AccessClaims {
            cnf: Some(confirmation),
            ..claims()
        };
        let by_proof = text(&ActiveToken::from(bound(Confirmation {
            jkt: Some("k".to_owned()),
            ..Confirmation::default()
        })));
        assert!(by_proof.contains(r#""token_type":"DPoP""#));
        assert!(by_proof.contains(r#""cnf":{"jkt":"k"}"#));
        let by_certificate = text(&ActiveToken::from(bound(Confirmation {
            x5t_s256: Some("c".to_owned()),
            ..Confirmation::default()
        })));
        assert!(by_certificate.contains(r#""token_type":"Bearer""#));
        assert!(by_certificate.contains(r#""cnf":{"x5t#S256":"c"}"#));
    }

    #[test]
    fn the_rest_of_what_a_token_says_is_told_except_what_is_for_us_alone() {
        let full = AccessClaims {
            sid: Some("s".to_owned()),
            auth_time: Some(1_700_000_000),
            acr: Some("urn:nist:sp:800-63b-4:aal2".to_owned()),
            amr: vec!["pwd".to_owned()],
            act: ActingParty::before("client_y", None).ok(),
            parents: vec!["parent".to_owned()],
            authorization_details: Some(json!([{ "type": "payment" }])),
            claims: Some(json!({ "userinfo": { "email": null } })),
            ..claims()
        };
        let told = serde_json::to_value(ActiveToken::from(full.clone())).expect("JSON");
        let token = serde_json::to_value(full).expect("JSON");
        for member in [
            "sid",
            "auth_time",
            "acr",
            "amr",
            "act",
            "authorization_details",
        ] {
            assert_eq!(told[member], token[member], "{member}");
        }
        assert!(told.get("claims").is_none() && told.get("parents").is_none());
    }

    #[test]
    fn rfc_9701_5_a_signed_answer_has_neither_sub_nor_exp_of_its_own() {
        let answer = Introspection::inactive();
        let now = UnixMillis::from_seconds(1_700_000_000);
        let signed = answer.signed("https://issuer.example", "client_api", now);
        let expected = concat!(
            r#"{"iss":"https://issuer.example","aud":"client_api","iat":1700000000,"#,
            r#""token_introspection":{"active":false}}"#
        );
        assert_eq!(text(&signed), expected);
    }
}
