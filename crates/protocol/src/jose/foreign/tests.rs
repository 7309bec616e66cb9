//! The standards' own tokens verify; wrong keys, algorithms and types do not.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::key::Algorithm;
use serde_json::json;

use super::*;
use crate::jose::key_pair::KeyPair;
use crate::jose::vectors::{
    EDDSA_JWS, EDDSA_KEY, ES256_KEY, ES256_TOKEN, P256, RS256_KEY, RS256_TOKEN, RSA, forge, with,
    without,
};

const ANY: Typ = Typ::AbsentOr(&["JWT"]);

fn key(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn keys(list: &[Value]) -> ForeignKeys {
    ForeignKeys::parse(&json!({ "keys": list })).expect("usable keys")
}

fn verify(keys: &ForeignKeys, token: &str) -> Result<Verified<Value>, BadToken> {
    keys.verify(token, ANY, &ForeignAlgorithm::ALL)
}

fn pair() -> KeyPair {
    KeyPair::generate(Algorithm::Es256).expect("generates")
}

#[test]
fn rfc_7515_a_2_and_a_3_the_examples_verify() {
    let both = keys(&[key(ES256_KEY), key(RS256_KEY)]);
    for (token, algorithm) in [
        (ES256_TOKEN, ForeignAlgorithm::Es256),
        (RS256_TOKEN, ForeignAlgorithm::Rs256),
    ] {
        let verified = verify(&both, token).expect("the standard's own token");
        assert_eq!(verified.algorithm, algorithm);
        assert_eq!(verified.claims["iss"], "joe");
    }
}

#[test]
fn rfc_8037_a_4_the_example_is_signed_but_has_no_claims() {
    let ours = keys(&[key(EDDSA_KEY)]);
    assert_eq!(verify(&ours, EDDSA_JWS), Err(BadToken::Malformed));
    let spoilt = EDDSA_JWS.replace(".hgyY", ".hgyZ");
    assert_eq!(verify(&ours, &spoilt), Err(BadToken::BadSignature));
}

#[test]
fn rfc_9864_2_2_ed25519_has_two_names() {
    let pair = KeyPair::generate(Algorithm::EdDsa).expect("generates");
    for (said, meant) in [
        ("EdDSA", "Ed25519"),
        ("Ed25519", "EdDSA"),
        ("Ed25519", "Ed25519"),
    ] {
        let key = with(pair.public_jwk(), "alg", json!(meant));
        let token = forge(&pair, &json!({ "alg": said }), &json!({ "sub": "u" }));
        let verified = verify(&keys(&[key]), &token).expect("the same algorithm");
        assert_eq!(verified.algorithm, ForeignAlgorithm::EdDsa);
    }
    for other in ["ed25519", "Ed448", "ES256"] {
        let token = forge(&pair, &json!({ "alg": other }), &json!({ "sub": "u" }));
        assert!(verify(&keys(&[pair.public_jwk().clone()]), &token).is_err());
    }
}

#[test]
fn rfc_7518_3_5_ps256_verifies_and_is_no_rs256() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("generates");
    let public: PublicKeyComponents<Vec<u8>> = pair.public_key().into();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let ours = keys(&[json!({ "kty": "RSA", "n": text(&public.n), "e": text(&public.e) })]);
    let sign = |header: &str| {
        let signed = format!("{}.{}", text(header.as_bytes()), text(b"{}"));
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(
            &RSA_PSS_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .expect("signs");
        format!("{signed}.{}", text(&signature))
    };
    assert!(verify(&ours, &sign(r#"{"alg":"PS256"}"#)).is_ok());
    let confused = verify(&ours, &sign(r#"{"alg":"RS256"}"#));
    assert_eq!(confused, Err(BadToken::BadSignature));
}

#[test]
fn rfc_8725_3_1_the_algorithm_is_one_the_caller_allows() {
    let both = keys(&[key(ES256_KEY), key(RS256_KEY)]);
    let fapi = |token| both.verify::<Value>(token, ANY, &ForeignAlgorithm::FAPI);
    assert!(fapi(ES256_TOKEN).is_ok());
    assert_eq!(fapi(RS256_TOKEN), Err(BadToken::WrongKind));
    for algorithm in [
        "none", "None", "HS256", "HS384", "HS512", "es256", "ES512", "",
    ] {
        let pair = pair();
        let token = forge(&pair, &json!({ "alg": algorithm }), &json!({}));
        let ours = keys(&[pair.public_jwk().clone()]);
        assert_eq!(
            verify(&ours, &token),
            Err(BadToken::WrongKind),
            "{algorithm}"
        );
    }
}

#[test]
fn rfc_8725_3_11_the_type_is_one_the_caller_allows() {
    let pair = pair();
    let ours = keys(&[pair.public_jwk().clone()]);
    let judge = |header: Value, typ| {
        let token = forge(&pair, &with(&header, "alg", json!("ES256")), &json!({}));
        ours.verify::<Value>(&token, typ, &ForeignAlgorithm::ALL)
    };
    let proof = Typ::Exactly("dpop+jwt");
    assert!(judge(json!({ "typ": "dpop+jwt" }), proof).is_ok());
    assert!(judge(json!({ "typ": "application/DPoP+JWT" }), proof).is_ok());
    assert!(judge(json!({ "typ": "jwt" }), ANY).is_ok() && judge(json!({}), ANY).is_ok());
    for (header, typ) in [
        (json!({}), proof),
        (json!({ "typ": "JWT" }), proof),
        (json!({ "typ": "" }), proof),
        (json!({ "typ": "at+jwt" }), ANY),
        (json!({ "typ": null }), ANY),
        (json!({ "typ": ["JWT"] }), ANY),
    ] {
        assert!(judge(header.clone(), typ).is_err(), "{header} as {typ:?}");
    }
}

#[test]
fn rfc_7515_4_1_4_a_kid_picks_the_key() {
    let (ours, theirs) = (pair(), pair());
    let both = keys(&[theirs.public_jwk().clone(), ours.public_jwk().clone()]);
    let sign = |kid: Value| forge(&ours, &json!({ "alg": "ES256", "kid": kid }), &json!({}));
    assert!(verify(&both, &sign(json!(ours.kid()))).is_ok());
    let other = verify(&both, &sign(json!(theirs.kid())));
    assert_eq!(other, Err(BadToken::BadSignature));
    let unknown = verify(&both, &sign(json!("../../etc/passwd")));
    assert_eq!(unknown, Err(BadToken::UnknownKey));
    assert_eq!(verify(&both, &sign(json!(1))), Err(BadToken::Malformed));
    let unnamed = forge(&ours, &json!({ "alg": "ES256" }), &json!({}));
    assert!(verify(&both, &unnamed).is_ok());
}

#[test]
fn without_a_kid_a_bounded_number_of_keys_is_tried() {
    let last = pair();
    let mut list: Vec<_> = (0..MAX_TRIES)
        .map(|_| pair().public_jwk().clone())
        .collect();
    let token = forge(&last, &json!({ "alg": "ES256" }), &json!({}));
    list.push(last.public_jwk().clone());
    assert_eq!(verify(&keys(&list), &token), Err(BadToken::BadSignature));
    assert!(verify(&keys(&list[1..]), &token).is_ok());
}

#[test]
fn rfc_7515_4_1_2_keys_named_in_the_header_are_never_followed() {
    let (ours, attacker) = (pair(), pair());
    let set = keys(&[ours.public_jwk().clone()]);
    for (name, value) in [
        ("jwk", attacker.public_jwk().clone()),
        ("jku", json!("https://attacker.example/jwks")),
        ("x5u", json!("https://attacker.example/chain")),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = json!({ "alg": "ES256", name: value });
        let token = forge(&attacker, &header, &json!({}));
        assert_eq!(verify(&set, &token), Err(BadToken::BadSignature), "{name}");
    }
}

#[test]
fn rfc_7517_4_4_a_key_for_one_algorithm_verifies_no_other() {
    let for_ps256 = keys(&[with(&key(RS256_KEY), "alg", json!("PS256"))]);
    assert_eq!(verify(&for_ps256, RS256_TOKEN), Err(BadToken::UnknownKey));
}

#[test]
fn rfc_7517_a_1_of_the_example_set_only_the_signature_key_is_taken() {
    let both = keys(&[key(P256), key(RSA)]);
    assert_eq!(both.keys.len(), 1);
    assert_eq!(both.keys[0].kid.as_deref(), Some("2011-04-29"));
}

#[test]
fn rfc_7517_5_keys_we_do_not_understand_are_passed_over() {
    let good = key(ES256_KEY);
    let odd = [
        json!({ "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" }),
        json!({ "kty": "AKP", "alg": "ML-DSA-65", "pub": "AA" }),
        json!({}),
        without(&good, "y"),
        with(&good, "use", json!("enc")),
        with(&good, "key_ops", json!(["encrypt"])),
        json!({ "kty": "RSA", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode([0xff; 128]) }),
    ];
    for odd in odd {
        assert_eq!(keys(&[odd.clone(), good.clone()]).keys.len(), 1, "{odd}");
        let alone = ForeignKeys::parse(&json!({ "keys": [odd] }));
        assert_eq!(alone.err(), Some(BadKeys::NoneUsable));
    }
}

#[test]
fn rfc_7591_2_a_private_or_symmetric_key_spoils_the_set() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let secret = with(&key(RS256_KEY), name, json!("AQAB"));
        let set = json!({ "keys": [key(ES256_KEY), secret] });
        assert_eq!(ForeignKeys::parse(&set).err(), Some(BadKeys::Secret));
        assert_eq!(check_public(&set), Err(BadKeys::Secret), "{name}");
        assert_eq!(check_public(&secret), Err(BadKeys::Secret), "{name}");
    }
    assert_eq!(check_public(&json!({ "keys": [key(RSA)] })), Ok(()));
    let symmetric = json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] });
    assert_eq!(ForeignKeys::parse(&symmetric).err(), Some(BadKeys::Secret));
}

#[test]
fn what_is_no_set_or_too_large_a_set_is_refused() {
    for odd in [
        json!(null),
        json!([]),
        json!({}),
        json!({ "keys": {} }),
        json!({ "keys": [1] }),
    ] {
        assert_eq!(
            ForeignKeys::parse(&odd).err(),
            Some(BadKeys::Malformed),
            "{odd}"
        );
    }
    let parse = |count| ForeignKeys::parse(&json!({ "keys": vec![key(ES256_KEY); count] }));
    assert!(parse(MAX_KEYS).is_ok());
    assert_eq!(parse(MAX_KEYS + 1).err(), Some(BadKeys::TooMany));
    assert_eq!(parse(0).err(), Some(BadKeys::NoneUsable));
}
