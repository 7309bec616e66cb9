//! The example of RFC 9449 §4.1 is accepted; each rule of §4.3 has a proof that breaks it.

use domain::key::Algorithm;
use domain::secret::SecretBytes;
use serde_json::{Value, json};

use super::*;
use crate::jose::key_pair::KeyPair;
use crate::jose::vectors::{forge, with, without};
use crate::mutants::Original;

const NOW: i64 = 1_562_262_616;

/// RFC 9449 §4.1, Figure 2.
const EXAMPLE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

fn expected(now: i64) -> Expected<'static> {
    Expected {
        method: "POST",
        uri: "https://server.example.com/token",
        now: UnixMillis::from_seconds(now),
        window: Duration::from_mins(1),
        access_token: None,
        nonce: NonceRule::Optional,
    }
}

fn pair() -> KeyPair {
    KeyPair::generate(Algorithm::Es256).expect("generates")
}

fn header(pair: &KeyPair) -> Value {
    json!({ "typ": "dpop+jwt", "alg": pair.algorithm().as_str(), "jwk": pair.public_jwk() })
}

fn claims() -> Value {
    json!({ "jti": "j", "htm": "POST", "htu": "https://server.example.com/token", "iat": NOW })
}

fn judge(header: &Value, claims: &Value, pair: &KeyPair) -> Result<Proof, BadProof> {
    Proof::check(&forge(pair, header, claims), &expected(NOW))
}

fn judge_claims(claims: &Value, expected: &Expected<'_>) -> Result<Proof, BadProof> {
    let pair = pair();
    Proof::check(&forge(&pair, &header(&pair), claims), expected)
}

#[test]
fn rfc_9449_4_1_the_example_is_accepted() {
    let proof = Proof::check(EXAMPLE, &expected(NOW)).expect("the standard's own proof");
    assert_eq!(proof.jti, "-BwC3ESc6acc2lTc");
    assert_eq!(proof.jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(proof.accept_until, UnixMillis::from_seconds(NOW + 60));
}

#[test]
fn rfc_9449_4_2_the_hash_of_the_example_access_token() {
    let hash = access_token_hash("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
    assert_eq!(hash, "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
}

#[test]
fn rfc_9449_4_3_2_and_3_a_proof_is_a_jwt_with_every_claim() {
    for name in ["jti", "htm", "htu", "iat"] {
        for claims in [
            without(&claims(), name),
            with(&claims(), name, Value::Null),
            with(&claims(), name, json!(["POST"])),
        ] {
            assert!(judge_claims(&claims, &expected(NOW)).is_err(), "{claims}");
        }
    }
    for text in ["", "..", "a.b.c", "null"] {
        assert!(Proof::check(text, &expected(NOW)).is_err(), "{text}");
    }
}

#[test]
fn rfc_9449_4_3_4_and_5_type_and_algorithm_are_ours() {
    let pair = pair();
    let good = header(&pair);
    assert!(judge(&good, &claims(), &pair).is_ok());
    for (name, value) in [
        ("typ", json!("JWT")),
        ("typ", json!("at+jwt")),
        ("typ", Value::Null),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("RS256")),
        ("alg", json!("EdDSA")),
        ("crit", json!(["b64"])),
    ] {
        let bad = judge(&with(&good, name, value.clone()), &claims(), &pair);
        assert!(matches!(bad, Err(BadProof::Invalid(_))), "{name} = {value}");
    }
}

#[test]
fn rfc_9449_4_3_6_the_signature_is_by_the_key_in_the_header() {
    let (pair, other) = (pair(), pair());
    let bad = judge(&header(&other), &claims(), &pair);
    assert_eq!(bad, Err(BadToken::BadSignature.into()));
    for kind in [Algorithm::Es256, Algorithm::EdDsa] {
        let pair = KeyPair::generate(kind).expect("generates");
        let proof = judge(&header(&pair), &claims(), &pair).expect("accepted");
        assert_eq!(proof.jkt, pair.kid());
    }
}

#[test]
fn rfc_9449_4_3_7_the_key_is_public() {
    let pair = pair();
    for (name, value) in [("d", json!("AA")), ("k", json!("AA"))] {
        let jwk = with(pair.public_jwk(), name, value);
        let bad = judge(&with(&header(&pair), "jwk", jwk), &claims(), &pair);
        assert_eq!(bad, Err(BadToken::UnknownKey.into()), "{name}");
    }
    let symmetric = json!({ "kty": "oct", "k": "AAAA" });
    for odd in [symmetric, Value::Null, json!({}), json!("x"), json!([])] {
        let bad = judge(&with(&header(&pair), "jwk", odd), &claims(), &pair);
        assert_eq!(bad, Err(BadToken::UnknownKey.into()));
    }
}

#[test]
fn rfc_9449_4_3_8_htm_is_the_method_exactly() {
    for method in ["GET", "post", "POST ", ""] {
        let claims = with(&claims(), "htm", json!(method));
        assert!(judge_claims(&claims, &expected(NOW)).is_err(), "{method}");
    }
}

#[test]
fn rfc_9449_4_3_9_htu_is_the_uri_without_query_and_fragment() {
    let judge = |htu| judge_claims(&with(&claims(), "htu", json!(htu)), &expected(NOW));
    assert!(judge("https://SERVER.example.com:443/token?a=b#c").is_ok());
    assert!(judge("https://server.example.com/other").is_err());
    assert!(judge("http://server.example.com/token").is_err());
}

#[test]
fn rfc_9449_4_3_11_iat_is_within_the_window() {
    let at = |now| judge_claims(&claims(), &expected(now));
    assert!(at(NOW + 60).is_ok() && at(NOW - 10).is_ok());
    assert!(at(NOW + 61).is_err() && at(NOW - 11).is_err() && at(NOW - 60).is_err());
    for iat in [json!(NOW.to_string()), json!(-1), json!(1e300), json!(true)] {
        assert!(judge_claims(&with(&claims(), "iat", iat), &expected(NOW)).is_err());
    }
    let expired = with(&claims(), "exp", json!(NOW));
    assert!(judge_claims(&expired, &expected(NOW)).is_err());
}

#[test]
fn a_proof_is_remembered_for_as_long_as_it_could_be_accepted() {
    let ahead = with(&claims(), "iat", json!(NOW + 10));
    let proof = judge_claims(&ahead, &expected(NOW)).expect("accepted");
    let last = proof.accept_until.as_seconds();
    assert!(judge_claims(&ahead, &expected(last)).is_ok());
    assert!(judge_claims(&ahead, &expected(last + 1)).is_err());
}

#[test]
fn rfc_9449_4_3_12_ath_is_the_hash_of_the_token_presented() {
    let with_token = Expected {
        access_token: Some("qf_at_a.b.c"),
        ..expected(NOW)
    };
    let judge = |ath| judge_claims(&with(&claims(), "ath", ath), &with_token);
    assert!(judge(json!(access_token_hash("qf_at_a.b.c"))).is_ok());
    for ath in [
        json!(access_token_hash("a.b.c")),
        json!(""),
        Value::Null,
        json!(1),
    ] {
        assert!(judge(ath).is_err());
    }
    assert!(judge_claims(&claims(), &with_token).is_err());
}

#[test]
fn rfc_9449_11_1_a_jti_has_a_bounded_length() {
    let judge = |jti: String| judge_claims(&with(&claims(), "jti", json!(jti)), &expected(NOW));
    assert!(judge("j".repeat(MAX_JTI_BYTES)).is_ok());
    assert!(judge("j".repeat(MAX_JTI_BYTES + 1)).is_err() && judge(String::new()).is_err());
}

#[test]
fn rfc_9449_8_a_demanded_nonce_is_ours_and_fresh() {
    let secrets = SystemSecrets::new(&[SecretBytes::new(vec![1; 32])]).expect("one secret");
    let ttl = Duration::from_mins(5);
    let demanding = Expected {
        nonce: NonceRule::Required {
            secrets: &secrets,
            ttl,
        },
        ..expected(NOW)
    };
    let fresh = nonce::issue(&secrets, demanding.now);
    let stale = nonce::issue(&secrets, demanding.now - Duration::from_mins(10));
    let judge = |nonce| judge_claims(&with(&claims(), "nonce", nonce), &demanding);
    assert!(judge(json!(fresh)).is_ok());
    for nonce in [json!(stale), json!(""), json!("x"), Value::Null] {
        assert_eq!(judge(nonce).err(), Some(BadProof::UseNonce));
    }
    assert_eq!(
        judge_claims(&claims(), &demanding).err(),
        Some(BadProof::UseNonce)
    );
    let wrong = with(&claims(), "htm", json!("GET"));
    let wrong = judge_claims(&wrong, &demanding);
    assert!(matches!(wrong, Err(BadProof::Invalid(_))));
}

#[test]
fn rfc_8725_no_mutant_is_accepted() {
    let original = Original {
        header: json!({ "alg": "set", "typ": "dpop+jwt", "jwk": "set" }),
        claims: claims(),
        judged: &["jti", "htm", "htu", "iat"],
    };
    original.check_mutants(|text, _| Proof::check(text, &expected(NOW)).is_ok());
}
