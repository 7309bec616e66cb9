//! What RFC 9101 asks of a request object, and what an attacker would like in one.

use domain::key::Algorithm;
use serde_json::json;

use super::*;
use crate::jose::foreign::{ForeignAlgorithm, ForeignKeys};
use crate::jose::key_pair::KeyPair;
use crate::jose::vectors::{forge, with, without};
use crate::mutants::Original;

const NOW: i64 = 1_700_000_000;
const ISSUER: &str = "https://auth.example/t/acme";

/// The key of RFC 9101 §4.
const K2BDC: &str = r#"{"kty":"RSA","kid":"k2bdc","n":"x5RbkAZkmpRxia65qRQ1wwSMSxQUnS7gcpVTV_cdHmfmG2ltd2yabEO9XadD8pJNZubINPpmgHh3J1aD9WRwS05ucmFq3CfFsluLt13_7oX5yDRSKX7poXmT_5ko8k4NJZPMAO8fPToDTH7kHYbONSE2FYa5GZ60CUsFhSonI-dcMDJ0Ary9lxIw5k2z4TAdARVWcS7sD07VhlMMshrwsPHBQgTatlkxyIHXbYdtak8fqvNAwr7OlVEvM_Ipf5OfmdB8Sd-wjzaBsyP4VhJKoi_qdgSzpC694XZeYPq45Sw-q51iFUlcOlTCI7z6jltUtnR6ySn6XDGFnzH5Fe5ypw","e":"AQAB"}"#;

/// The request object of RFC 9101 §4, which has no end.
const EXAMPLE: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsyYmRjIn0.ewogICAgImlzcyI6ICJzNkJoZFJrcXQzIiwKICAgICJhdWQiOiAiaHR0cHM6Ly9zZXJ2ZXIuZXhhbXBsZS5jb20iLAogICAgInJlc3BvbnNlX3R5cGUiOiAiY29kZSBpZF90b2tlbiIsCiAgICAiY2xpZW50X2lkIjogInM2QmhkUmtxdDMiLAogICAgInJlZGlyZWN0X3VyaSI6ICJodHRwczovL2NsaWVudC5leGFtcGxlLm9yZy9jYiIsCiAgICAic2NvcGUiOiAib3BlbmlkIiwKICAgICJzdGF0ZSI6ICJhZjBpZmpzbGRraiIsCiAgICAibm9uY2UiOiAibi0wUzZfV3pBMk1qIiwKICAgICJtYXhfYWdlIjogODY0MDAKfQ.Nsxa_18VUElVaPjqW_ToI1yrEJ67BgKb5xsuZRVqzGkfKrOIX7BCx0biSxYGmjK9KJPctH1OC0iQJwXu5YVY-vnW0_PLJb1C2HG-ztVzcnKZC2gE4i0vgQcpkUOCpW3SEYXnyWnKzuKzqSb1wAZALo5f89B_p6QA6j6JwBSRvdVsDPdulW8lKxGTbH82czCaQ50rLAg3EYLYaCb4ik4I1zGXE4fvim9FIMs8OCMmzwIB5S-ujFfzwFjoyuPEV4hJnoVUmXR_W9typPf846lGwA8h9G9oNTIuX8Ft2jfpnZdFmLg3_wr3Wa5q3a-lfbgF3S9H_8nN3j1i7tLR_5Nz-g";

type Outcome = Result<Map<String, Value>, BadRequestObject>;

fn claims() -> Value {
    json!({
        "iss": "c", "aud": ISSUER, "exp": NOW + 300, "nbf": NOW, "iat": NOW, "jti": "j",
        "client_id": "c", "response_type": "code", "redirect_uri": "https://app.example/cb",
    })
}

fn check_signed(text: &str, pair: &KeyPair) -> Outcome {
    let keys = ForeignKeys::parse(&json!({ "keys": [pair.public_jwk()] }));
    let expected = Expected {
        issuer: ISSUER,
        client_id: "c",
        keys: &keys.expect("usable"),
        now: UnixMillis::from_seconds(NOW),
        algorithms: &ForeignAlgorithm::FAPI,
    };
    check(text, &expected)
}

fn judge_as(header: &Value, claims: &Value) -> Outcome {
    let pair = KeyPair::generate(Algorithm::Es256).expect("generates");
    check_signed(&forge(&pair, header, claims), &pair)
}

fn judge(claims: &Value) -> Outcome {
    judge_as(&json!({ "alg": "ES256" }), claims)
}

#[test]
fn rfc_9101_4_the_parameters_are_given_as_texts() {
    let details = json!([{ "type": "payment", "amount": 1.5 }]);
    let mut object = claims();
    object["max_age"] = json!(300);
    object["claims"] = json!({ "userinfo": { "email": null } });
    object["authorization_details"] = details.clone();
    object["resource"] = json!(["https://a.example", "https://b.example"]);
    object["state"] = Value::Null;
    let given = judge(&object).expect("accepted");
    assert_eq!(given["response_type"], "code");
    assert_eq!(given["max_age"], "300");
    assert_eq!(given["claims"], r#"{"userinfo":{"email":null}}"#);
    assert_eq!(given["authorization_details"], details.to_string());
    assert_eq!(given["resource"], object["resource"]);
    for name in ["iss", "aud", "exp", "nbf", "iat", "jti", "sub", "state"] {
        assert!(!given.contains_key(name), "{name}");
    }
    assert!(judge(&with(&claims(), "resource", json!([1]))).is_err());
}

#[test]
fn rfc_9101_4_type_is_absent_jwt_or_its_own() {
    let of = |typ: &str| judge_as(&json!({ "alg": "ES256", "typ": typ }), &claims());
    assert!(of("JWT").is_ok() && of("oauth-authz-req+jwt").is_ok());
    for typ in ["client-authentication+jwt", "dpop+jwt", "at+jwt", ""] {
        let refused = Err(BadRequestObject::Token(BadToken::WrongKind));
        assert_eq!(of(typ), refused, "{typ}");
    }
}

#[test]
fn rfc_9101_4_iss_is_the_client_and_aud_contains_the_issuer() {
    for iss in [json!("d"), json!(["c"]), Value::Null] {
        assert!(judge(&with(&claims(), "iss", iss)).is_err());
    }
    let aud = |aud| judge(&with(&claims(), "aud", aud));
    assert!(aud(json!([ISSUER, "https://other.example"])).is_ok());
    for other in [
        json!("https://other.example"),
        json!([]),
        json!([1]),
        json!({}),
    ] {
        assert!(aud(other).is_err());
    }
    for name in ["iss", "aud"] {
        assert!(judge(&without(&claims(), name)).is_err(), "{name}");
    }
}

#[test]
fn rfc_9101_4_one_object_does_not_lead_to_another() {
    for name in ["request", "request_uri"] {
        for value in [json!("x"), json!(""), Value::Null] {
            assert!(judge(&with(&claims(), name, value)).is_err(), "{name}");
        }
    }
}

#[test]
fn rfc_9101_6_3_client_id_is_the_same_client() {
    assert!(judge(&without(&claims(), "client_id")).is_ok());
    for other in [json!("d"), json!(1), Value::Null] {
        assert!(judge(&with(&claims(), "client_id", other)).is_err());
    }
}

#[test]
fn rfc_9101_10_8_what_could_be_an_assertion_is_refused() {
    assert!(judge(&with(&claims(), "sub", json!("c"))).is_err());
    assert!(judge(&with(&claims(), "sub", json!("somebody"))).is_ok());
}

#[test]
fn fapi_2_message_signing_5_3_1_exp_and_nbf_are_within_the_hour() {
    let nbf_exp = |nbf: i64, exp: i64| {
        let object = with(&claims(), "nbf", json!(NOW + nbf));
        judge(&with(&object, "exp", json!(NOW + exp)))
    };
    assert!(nbf_exp(0, 3600).is_ok() && nbf_exp(-3599, 1).is_ok() && nbf_exp(10, 60).is_ok());
    assert!(nbf_exp(0, 3601).is_err() && nbf_exp(-3601, -1).is_err());
    assert!(nbf_exp(-1800, 1801).is_err() && nbf_exp(60, 120).is_err());
    assert!(nbf_exp(0, 0).is_err());
    let endless = without(&claims(), "exp");
    assert!(judge(&endless).is_err());
    let without_beginning = without(&claims(), "nbf");
    assert!(judge(&without_beginning).is_ok());
    assert!(judge(&with(&without_beginning, "exp", json!(NOW + 3601))).is_err());
}

#[test]
fn rfc_9101_6_2_an_unsigned_object_is_refused() {
    for algorithm in ["none", "HS256", "RS256"] {
        let header = json!({ "alg": algorithm });
        let refused = Err(BadRequestObject::Token(BadToken::WrongKind));
        assert_eq!(judge_as(&header, &claims()), refused, "{algorithm}");
    }
}

#[test]
fn rfc_8725_no_mutant_is_accepted() {
    let original = Original {
        header: json!({ "alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": "set" }),
        claims: claims(),
        judged: &["iss", "aud", "exp", "nbf", "iat"],
    };
    original.check_mutants(|text, pair| check_signed(text, pair).is_ok());
}

#[test]
fn rfc_9101_4_the_example_is_signed_by_its_client_and_lacks_an_end() {
    let keys = json!({ "keys": [serde_json::from_str::<Value>(K2BDC).expect("JSON")] });
    let keys = ForeignKeys::parse(&keys).expect("usable");
    let expected = Expected {
        issuer: "https://server.example.com",
        client_id: "s6BhdRkqt3",
        keys: &keys,
        now: UnixMillis::from_seconds(NOW),
        algorithms: &ForeignAlgorithm::ALL,
    };
    let judged = |text: &str, expected| check(text, &expected);
    // Signature, issuer and audience are as printed; FAPI 2.0 Message Signing §5.3.1 demands an end.
    let outcome = judged(EXAMPLE, expected);
    assert_eq!(outcome, Err(BadRequestObject::Claims("exp is missing")));
    let spoilt = EXAMPLE.replace(".Nsxa", ".Nsxb");
    let outcome = judged(&spoilt, expected);
    assert_eq!(outcome, Err(BadToken::BadSignature.into()));
    let another = Expected {
        issuer: ISSUER,
        ..expected
    };
    let outcome = judged(EXAMPLE, another);
    assert_eq!(
        outcome,
        Err(BadRequestObject::Claims("aud must contain the issuer"))
    );
    let algorithms = &ForeignAlgorithm::FAPI;
    let outcome = judged(
        EXAMPLE,
        Expected {
            algorithms,
            ..expected
        },
    );
    assert_eq!(outcome, Err(BadToken::WrongKind.into()));
}
