//! What signs: `JWT_ALGORITHM`, `JWT_PRIVATE_KEY_PATH`, `KEY_ROTATION_INTERVAL`; and what tokens say of who
//! signed: `OIDC_ISSUER_URL`.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData as _};
use serde_json::Value;

use crate::backend::Backend;
use crate::client::Person;
use crate::house::House;
use crate::scenes;

scenes![
    jwt_algorithm_eddsa_signs_with_ed25519,
    jwt_private_key_path_is_what_signs_from_then_on,
    key_rotation_interval_lets_the_next_key_sign,
    oidc_issuer_url_is_in_tokens_and_letters,
];

/// Gives one part of an access token: 0 is its header, 1 its claims.
fn part(token: &str, index: usize) -> Value {
    let jws = token.strip_prefix("qf_at_").expect("our prefix");
    let part = jws.split('.').nth(index).expect("three parts");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

async fn jwks(house: &House) -> Vec<Value> {
    let answer = house.public().get("/.well-known/jwks.json").await;
    answer.expect(200).json()["keys"]
        .as_array()
        .expect("keys")
        .clone()
}

async fn jwt_algorithm_eddsa_signs_with_ed25519() {
    let house = House::with(Backend::Sqlite, &[("JWT_ALGORITHM", "EdDSA")]).await;
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    assert_eq!(part(&tokens.access, 0)["alg"], "EdDSA");
    for key in jwks(&house).await {
        assert_eq!(
            (&key["kty"], &key["crv"]),
            (&"OKP".into(), &"Ed25519".into())
        );
    }
    person.me(&tokens.access).await.expect(200);
    // The key that is there goes on until the one of the other kind has been published long enough.
    let house = house.restart(&[("JWT_ALGORITHM", "ES256")]).await;
    person_at(&house, &person)
        .me(&tokens.access)
        .await
        .expect(200);
    house.stop().await;
}

async fn jwt_private_key_path_is_what_signs_from_then_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let house = House::open(Backend::Sqlite).await;
    let person = Person::register(&house.public(), "ada").await;
    let before = person.login().await;
    let mut house = house;
    for (name, algorithm, crv) in [
        ("ES256", &PKCS_ECDSA_P256_SHA256, "P-256"),
        ("EdDSA", &PKCS_ED25519, "Ed25519"),
    ] {
        let pair = KeyPair::generate_for(algorithm).expect("a key");
        let path = directory.path().join(name);
        std::fs::write(&path, pair.serialize_pem()).expect("a file");
        let path = path.display().to_string();
        let settings = [("JWT_ALGORITHM", name), ("JWT_PRIVATE_KEY_PATH", &path)];
        house = house.restart(&settings).await;
        let person = person_at(&house, &person);
        let tokens = person.login().await;
        let kid = part(&tokens.access, 0)["kid"].clone();
        let keys = jwks(&house).await;
        let key = keys
            .iter()
            .find(|key| key["kid"] == kid)
            .expect("published");
        assert_eq!(key["crv"], crv);
        // RFC 7517: `x` begins what the public key's own bytes hold.
        let x = key["x"].as_str().expect("x");
        let x = BASE64_URL_SAFE_NO_PAD.decode(x).expect("base64url");
        let raw = pair.der_bytes();
        assert!(
            raw.windows(x.len()).any(|window| window == x),
            "{name} does not sign"
        );
        person.me(&before.access).await.expect(200);
        person.me(&tokens.access).await.expect(200);
    }
    house.stop().await;
}

async fn key_rotation_interval_lets_the_next_key_sign() {
    let house = House::with(Backend::Sqlite, &[("KEY_ROTATION_INTERVAL", "1h")]).await;
    let person = Person::register(&house.public(), "ada").await;
    let kid = |access: &str| part(access, 0)["kid"].clone();
    let first = kid(&person.login().await.access);
    house.clock.advance(Duration::from_secs(3_500));
    assert_eq!(kid(&person.login().await.access), first, "not yet");
    house.clock.advance(Duration::from_secs(200));
    let begun = Instant::now();
    while kid(&person.login().await.access) == first {
        assert!(begun.elapsed() < Duration::from_secs(10), "never rotated");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    house.stop().await;
}

async fn oidc_issuer_url_is_in_tokens_and_letters() {
    let issuer = "https://id.example.org/auth";
    let house = House::with(Backend::Sqlite, &[("OIDC_ISSUER_URL", issuer)]).await;
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let claims = part(&tokens.access, 1);
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&issuer.into(), &issuer.into())
    );
    let letter = house.printed_mail(&person, "verify_email").await;
    assert!(letter.contains(&format!("{issuer}/")), "{letter}");
    // A token of the issuer that was is nobody's now.
    let house = house
        .restart(&[("OIDC_ISSUER_URL", "https://other.example.org")])
        .await;
    person_at(&house, &person)
        .me(&tokens.access)
        .await
        .expect(401);
    house.stop().await;
}

/// The same person at a house that was started again.
pub fn person_at(house: &House, person: &Person) -> Person {
    Person {
        public: house.public(),
        ..person.clone()
    }
}
