//! Judges assertions as grants by RFC 7523 §3 and the draft of the ID-JAG.

use domain::key::Algorithm;
use serde_json::json;

use super::*;
use crate::jose::key_pair::KeyPair;
use crate::jose::vectors::{forge, with, without};
use crate::jose::verify::BadToken;
use crate::mutants::Original;

const NOW: i64 = 1_700_000_000;
const AUDIENCE: &str = "https://auth.example/t/acme";
const ISSUER: &str = "https://idp.example";

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "u", "aud": AUDIENCE, "client_id": "c", "jti": "j", "iat": NOW,
        "exp": NOW + 60, "scope": "read", "resource": "https://api.example",
    })
}

fn check(text: &str, pair: &KeyPair, profile: Profile) -> Result<Asserted, BadAssertion> {
    let keys = ForeignKeys::parse(&json!({ "keys": [pair.public_jwk()] }));
    let expected = Expected {
        audience: AUDIENCE,
        issuer: ISSUER,
        profile,
        client_id: "c",
        keys: &keys.expect("usable"),
        algorithms: &ForeignAlgorithm::FAPI,
        now: UnixMillis::from_seconds(NOW),
    };
    Asserted::check(text, &expected)
}

fn judge_as(profile: Profile, typ: &str, claims: &Value) -> Result<Asserted, BadAssertion> {
    let pair = KeyPair::generate(Algorithm::Es256).expect("generates");
    let header = json!({ "alg": "ES256", "typ": typ });
    check(&forge(&pair, &header, claims), &pair, profile)
}

fn plain(claims: &Value) -> Result<Asserted, BadAssertion> {
    judge_as(Profile::Assertion, "JWT", claims)
}

fn id_jag(claims: &Value) -> Result<Asserted, BadAssertion> {
    judge_as(Profile::IdJag, ID_JAG_TYPE, claims)
}

#[test]
fn rfc_7523_3_what_a_trusted_issuer_says_is_accepted() {
    let expected = Asserted {
        subject: "u".to_owned(),
        address: Some("u".to_owned()),
        scope: ScopeSet::parse("read").ok(),
        resource: vec!["https://api.example".to_owned()],
        jti: "j".to_owned(),
        expires_at: UnixMillis::from_seconds(NOW + 60),
    };
    assert_eq!(plain(&claims()), Ok(expected.clone()));
    assert_eq!(id_jag(&claims()), Ok(expected));
}

#[test]
fn rfc_7523_3_1_and_2_the_issuer_is_the_expected_one_and_there_is_a_subject() {
    for judge in [plain, id_jag] {
        for (name, other) in [
            ("iss", json!("https://evil.example")),
            ("iss", json!(format!("{ISSUER}/"))),
            ("iss", json!([ISSUER])),
            ("sub", json!("")),
            ("sub", json!(1)),
        ] {
            assert!(judge(&with(&claims(), name, other)).is_err(), "{name}");
        }
        for name in ["iss", "sub", "aud", "exp", "jti"] {
            assert!(judge(&without(&claims(), name)).is_err(), "{name}");
        }
    }
}

#[test]
fn rfc_7523_3_3_aud_is_our_issuer_as_one_text() {
    for aud in [
        json!([AUDIENCE]),
        json!([AUDIENCE, "https://other.example"]),
        json!(format!("{AUDIENCE}/oauth/token")),
        json!("https://auth.example"),
        json!(""),
        Value::Null,
    ] {
        assert!(
            plain(&with(&claims(), "aud", aud.clone())).is_err(),
            "{aud}"
        );
        assert!(
            id_jag(&with(&claims(), "aud", aud.clone())).is_err(),
            "{aud}"
        );
    }
}

#[test]
fn rfc_7523_3_4_to_7_times_and_name_are_those_of_client_assertions() {
    let judged = |name: &str, value: Value| plain(&with(&claims(), name, value)).is_ok();
    assert!(judged("exp", json!(NOW + 3600)) && !judged("exp", json!(NOW + 3601)));
    assert!(judged("exp", json!(NOW + 1)) && !judged("exp", json!(NOW)));
    for name in ["nbf", "iat"] {
        assert!(judged(name, json!(NOW + 10)) && !judged(name, json!(NOW + 60)));
    }
    assert!(judged("jti", json!("j".repeat(256))) && !judged("jti", json!("j".repeat(257))));
    assert!(!judged("jti", json!("")));
}

#[test]
fn id_jag_3_it_has_a_type_of_its_own() {
    let wrong = Err(BadAssertion::Token(BadToken::WrongKind));
    for typ in ["JWT", "at+jwt", "client-authentication+jwt", ""] {
        assert_eq!(judge_as(Profile::IdJag, typ, &claims()), wrong, "{typ}");
    }
    for typ in [ID_JAG_TYPE, "at+jwt", "client-authentication+jwt"] {
        assert_eq!(judge_as(Profile::Assertion, typ, &claims()), wrong, "{typ}");
    }
}

#[test]
fn id_jag_4_4_it_names_the_client_that_shows_it() {
    assert!(id_jag(&without(&claims(), "client_id")).is_err());
    assert!(plain(&without(&claims(), "client_id")).is_ok());
    for judge in [plain, id_jag] {
        for other in [json!("d"), json!(""), Value::Null, json!(["c"])] {
            assert!(judge(&with(&claims(), "client_id", other)).is_err());
        }
    }
    assert!(id_jag(&without(&claims(), "iat")).is_err());
    assert!(plain(&without(&claims(), "iat")).is_ok());
}

#[test]
fn what_bounds_the_token_is_never_taken_for_absent() {
    for name in ["scope", "resource", "email", "email_verified"] {
        for odd in [Value::Null, json!({ "a": 1 }), json!(1)] {
            assert!(plain(&with(&claims(), name, odd)).is_err(), "{name}");
        }
    }
    assert!(plain(&with(&claims(), "scope", json!("a  b"))).is_err());
    let nothing = plain(&with(&claims(), "scope", json!(""))).expect("accepted");
    assert_eq!(nothing.scope, Some(ScopeSet::default()));
    let both = with(&claims(), "resource", json!(["https://a.example", "urn:b"]));
    assert_eq!(plain(&both).expect("accepted").resource.len(), 2);
}

#[test]
fn an_address_that_nobody_says_is_verified_is_none() {
    let said = |email: Option<&str>, verified: Option<bool>| {
        let mut claims = with(&claims(), "sub", json!("eve@example.org"));
        if let Some(email) = email {
            claims["email"] = json!(email);
        }
        if let Some(verified) = verified {
            claims["email_verified"] = json!(verified);
        }
        plain(&claims).expect("accepted").address
    };
    let ada = Some("ada@example.org");
    assert_eq!(said(ada, Some(true)).as_deref(), ada);
    assert_eq!(said(None, None).as_deref(), Some("eve@example.org"));
    assert_eq!(said(None, Some(true)).as_deref(), Some("eve@example.org"));
    for (email, verified) in [(ada, None), (ada, Some(false)), (None, Some(false))] {
        assert_eq!(said(email, verified), None, "{verified:?}");
    }
}

#[test]
fn the_issuer_is_read_before_its_keys_are_known() {
    let pair = KeyPair::generate(Algorithm::Es256).expect("generates");
    let text = |claims| forge(&pair, &json!({ "alg": "ES256" }), &claims);
    assert_eq!(peek_issuer(&text(claims())).as_deref(), Some(ISSUER));
    for odd in [json!({}), json!({ "iss": 1 }), json!([])] {
        assert_eq!(peek_issuer(&text(odd)), None);
    }
    assert_eq!(peek_issuer("a.b.c"), None);
}

#[test]
fn rfc_8725_no_mutant_is_accepted() {
    for (profile, typ) in [(Profile::Assertion, "JWT"), (Profile::IdJag, ID_JAG_TYPE)] {
        let original = Original {
            header: json!({ "alg": "ES256", "typ": typ, "kid": "set" }),
            claims: claims(),
            judged: match profile {
                Profile::Assertion => &["iss", "sub", "aud", "jti", "exp"],
                Profile::IdJag => &["iss", "sub", "aud", "client_id", "jti", "exp"],
            },
        };
        original.check_mutants(|text, pair| check(text, pair, profile).is_ok());
    }
}
