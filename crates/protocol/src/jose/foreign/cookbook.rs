//! The examples of RFC 7520, RFC 7515, RFC 7517 and OpenID Connect: what is signed in a way that we take
//! verifies, and nothing else passes for it.

use serde_json::json;

use super::*;
use crate::jose::vectors::{ES256_KEY, P256, RS256_KEY, RSA};

const ANY: Typ = Typ::AbsentOr(&["JWT"]);

/// The payload of every example of RFC 7520 §4: a sentence, so that none has claims.
const SENTENCE: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

/// The key of RFC 7520 §3.3.
const BILBO: &str = r#"{"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw","e":"AQAB"}"#;

/// The key of RFC 7520 §3.1, on a curve that we do not take.
const P521: &str = r#"{"kty":"EC","kid":"bilbo.baggins@hobbiton.example","use":"sig","crv":"P-521","x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"}"#;

/// The key of RFC 7520 §3.5, which two would have to share.
const SHARED: &str = r#"{"kty":"oct","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037","use":"sig","alg":"HS256","k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}"#;

/// RFC 7520 §4.1: header and signature.
const RS256: (&str, &str) = (
    "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
    "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
);

/// RFC 7520 §4.2.
const PS384: (&str, &str) = (
    "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
    "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
);

/// RFC 7520 §4.3.
const ES512: (&str, &str) = (
    "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
    "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2",
);

/// RFC 7520 §4.4.
const HS256: (&str, &str) = (
    "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9",
    "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
);

/// The claims of RFC 7515 §A.1 to §A.5.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// The key of the client in OpenID Connect Core §6.1.
const K2BDC: &str = r#"{"kty":"RSA","kid":"k2bdc","n":"y9Lqv4fCp6Ei-u2-ZCKq83YvbFEk6JMs_pSj76eMkddWRuWX2aBKGHAtKlE5P7_vn__PCKZWePt3vGkB6ePgzAFu08NmKemwE5bQI0e6kIChtt_6KzT5OaaXDFI6qCLJmk51Cc4VYFaxgqevMncYrzaW_50mZ1yGSFIQzLYP8bijAHGVjdEFgZaZEN9lsn_GdWLaJpHrB3ROlS50E45wxrlg9xMncVb8qDPuXZarvghLL0HzOuYRadBJVoWZowDNTpKpk2RklZ7QaBO7XDv3uR7s_sf2g-bAjSYxYUGsqkNA9b3xVW53am_UZZ3tZbFTIh557JICWKHlWj5uzeJXaw","e":"AQAB"}"#;

/// The request object of OpenID Connect Core §6.1.
const REQUEST: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsyYmRjIn0.ew0KICJpc3MiOiAiczZCaGRSa3F0MyIsDQogImF1ZCI6ICJodHRwczovL3NlcnZlci5leGFtcGxlLmNvbSIsDQogInJlc3BvbnNlX3R5cGUiOiAiY29kZSBpZF90b2tlbiIsDQogImNsaWVudF9pZCI6ICJzNkJoZFJrcXQzIiwNCiAicmVkaXJlY3RfdXJpIjogImh0dHBzOi8vY2xpZW50LmV4YW1wbGUub3JnL2NiIiwNCiAic2NvcGUiOiAib3BlbmlkIiwNCiAic3RhdGUiOiAiYWYwaWZqc2xka2oiLA0KICJub25jZSI6ICJuLTBTNl9XekEyTWoiLA0KICJtYXhfYWdlIjogODY0MDAsDQogImNsYWltcyI6IA0KICB7DQogICAidXNlcmluZm8iOiANCiAgICB7DQogICAgICJnaXZlbl9uYW1lIjogeyJlc3NlbnRpYWwiOiB0cnVlfSwNCiAgICAgIm5pY2tuYW1lIjogbnVsbCwNCiAgICAgImVtYWlsIjogeyJlc3NlbnRpYWwiOiB0cnVlfSwNCiAgICAgImVtYWlsX3ZlcmlmaWVkIjogeyJlc3NlbnRpYWwiOiB0cnVlfSwNCiAgICAgInBpY3R1cmUiOiBudWxsDQogICAgfSwNCiAgICJpZF90b2tlbiI6IA0KICAgIHsNCiAgICAgImdlbmRlciI6IG51bGwsDQogICAgICJiaXJ0aGRhdGUiOiB7ImVzc2VudGlhbCI6IHRydWV9LA0KICAgICAiYWNyIjogeyJ2YWx1ZXMiOiBbInVybjptYWNlOmluY29tbW9uOmlhcDpzaWx2ZXIiXX0NCiAgICB9DQogIH0NCn0.nwwnNsk1-ZkbmnvsF6zTHm8CHERFMGQPhos-EJcaH4Hh-sMgk8ePrGhw_trPYs8KQxsn6R9Emo_wHwajyFKzuMXZFSZ3p6Mb8dkxtVyjoy2GIzvuJT_u7PkY2t8QU9hjBcHs68PkgjDVTrG1uRTx0GxFbuPbj96tVuj11pTnmFCUR6IEOXKYr7iGOCRB3btfJhM0_AKQUfqKnRlrRscc8Kol-cSLWoYE9l5QqholImzjT_cMnNIznW9E7CDyWXTsO70xnB4SkG6pXfLSjLLlxmPGiyon_-Te111V8uE83IlzCYIb_NMXvtTIVc1jpspnTSD7xMbpL-2QgwUsAlMGzw";

fn parse(keys: &[&str]) -> Result<ForeignKeys, BadKeys> {
    let keys = keys.iter().map(|key| serde_json::from_str::<Value>(key));
    let keys: Vec<_> = keys.collect::<Result<_, _>>().expect("JSON");
    ForeignKeys::parse(&json!({ "keys": keys }))
}

fn judge(key: &str, token: &str) -> Result<Verified<Value>, BadToken> {
    let keys = parse(&[key]).expect("a usable key");
    keys.verify(token, ANY, &ForeignAlgorithm::ALL)
}

fn compact((header, signature): (&str, &str)) -> String {
    format!("{header}.{SENTENCE}.{signature}")
}

#[test]
fn rfc_7520_4_1_rs256_verifies_and_a_sentence_is_no_claims() {
    // The signature is judged first: had it not fitted, that would be said.
    assert_eq!(judge(BILBO, &compact(RS256)), Err(BadToken::Malformed));
    let spoilt = RS256.1.replace("MRjd", "MRje");
    let spoilt = judge(BILBO, &compact((RS256.0, &spoilt)));
    assert_eq!(spoilt, Err(BadToken::BadSignature));
    let another = judge(K2BDC, &compact(RS256));
    assert_eq!(another, Err(BadToken::UnknownKey), "its kid is not there");
}

#[test]
fn rfc_7520_4_2_to_4_4_what_we_do_not_take_is_refused() {
    for (name, example) in [("PS384", PS384), ("ES512", ES512), ("HS256", HS256)] {
        let outcome = judge(BILBO, &compact(example));
        assert_eq!(outcome, Err(BadToken::WrongKind), "{name}");
        // Nor does its signature pass under a name that we do take.
        let renamed = judge(BILBO, &compact((RS256.0, example.1)));
        assert_eq!(renamed, Err(BadToken::BadSignature), "{name}");
    }
}

#[test]
fn rfc_7520_4_5_detached_content_is_not_read_from_elsewhere() {
    let detached = format!("{}..{}", RS256.0, RS256.1);
    assert_eq!(judge(BILBO, &detached), Err(BadToken::BadSignature));
}

#[test]
fn rfc_7520_4_6_to_4_8_the_json_serializations_are_no_tokens() {
    let (protected, signature) = RS256;
    let part = json!({ "protected": protected, "signature": signature });
    let general = json!({ "payload": SENTENCE, "signatures": [part] });
    let flattened = json!({ "payload": SENTENCE, "protected": protected, "signature": signature });
    for token in [general.to_string(), flattened.to_string()] {
        assert_eq!(judge(BILBO, &token), Err(BadToken::Malformed));
    }
}

#[test]
fn rfc_7520_3_keys_are_taken_by_what_they_are() {
    assert!(parse(&[BILBO]).is_ok());
    assert!(matches!(parse(&[P521]), Err(BadKeys::NoneUsable)));
    // RFC 7517 §5: what is not understood is passed over; but a shared key is nobody's to publish.
    assert!(parse(&[P521, BILBO]).is_ok());
    assert!(matches!(parse(&[SHARED, BILBO]), Err(BadKeys::Secret)));
}

#[test]
fn rfc_7515_a_1_and_a_5_neither_shared_secrets_nor_nothing_sign() {
    let shared = format!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    let unsecured = format!("eyJhbGciOiJub25lIn0.{JOE}.");
    for key in [RS256_KEY, ES256_KEY] {
        assert_eq!(judge(key, &shared), Err(BadToken::WrongKind));
        assert_eq!(judge(key, &unsecured), Err(BadToken::WrongKind));
    }
}

#[test]
fn rfc_7517_a_2_and_a_3_private_and_symmetric_keys_spoil_a_set() {
    let private = P256.replace(
        r#""use":"enc""#,
        r#""d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","use":"enc""#,
    );
    let wrapping = r#"{"kty":"oct","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"}"#;
    for secret in [&*private, wrapping] {
        assert!(matches!(parse(&[secret]), Err(BadKeys::Secret)), "{secret}");
        assert!(matches!(parse(&[RSA, secret]), Err(BadKeys::Secret)));
    }
}

#[test]
fn openid_connect_core_6_1_the_example_is_signed_by_its_client() {
    let verified = judge(K2BDC, REQUEST).expect("the standard's own request object");
    assert_eq!(verified.algorithm, ForeignAlgorithm::Rs256);
    assert_eq!(verified.claims["iss"], "s6BhdRkqt3");
    assert_eq!(verified.claims["aud"], "https://server.example.com");
    assert_eq!(verified.claims["max_age"], 86400);
    let keys = parse(&[K2BDC]).expect("a usable key");
    let outcome = keys.verify::<Value>(REQUEST, ANY, &ForeignAlgorithm::FAPI);
    assert_eq!(outcome, Err(BadToken::WrongKind), "FAPI 2.0 §5.4.1");
}
