//! `/oauth` and `/.well-known`: what third-party clients use.

use serde_json::json;

use crate::case::Case;
use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    rfc_6749_4_4_a_client_gets_a_token_for_itself,
    rfc_6749_2_3_1_one_authentication_method_and_the_right_secret,
    a_network_that_fails_to_authenticate_again_and_again_is_told_to_wait,
    rfc_6749_3_1_duplicate_parameters_are_refused,
    rfc_6749_5_2_errors_are_in_the_standards_words,
    rfc_8707_a_token_is_for_a_registered_resource_only,
    a_refresh_token_of_a_person_refreshes_here_in_oauths_dialect,
    rfc_7517_the_key_set_verifies_and_is_cacheable,
    rfc_8414_2_the_metadata_promises_what_clients_can_have,
];

mod answers;
mod applications;
mod asked;
pub mod assertions;
mod authorize;
mod backchannel;
mod bound;
mod certificates;
pub mod chosen;
mod code;
pub mod device;
mod discovery;
pub mod dpop;
mod egress;
mod endings;
pub mod exchange;
mod fapi;
mod federation;
mod frontchannel;
mod id_jag;
mod jwks_cache;
pub mod jwt_bearer;
pub mod linked;
mod login_ui;
mod metadata_documents;
mod mutants;
mod pairwise;
pub mod par;
mod redirects;
mod registration;
mod request_uri;
mod restarts;
mod rings;
pub mod signing;
pub mod tls_house;
pub mod world;

pub use restarts::scenes;
pub use world::World;

pub fn all() -> Vec<Case> {
    let own = [
        cases(),
        assertions::cases(),
        answers::cases(),
        applications::cases(),
        asked::cases(),
        authorize::cases(),
        bound::cases(),
        certificates::cases(),
        backchannel::cases(),
        code::cases(),
        device::cases(),
        device::strangers::cases(),
        discovery::cases(),
        dpop::cases(),
        egress::cases(),
        endings::cases(),
        exchange::cases(),
        exchange::actors::cases(),
        exchange::endings::cases(),
        fapi::cases(),
        federation::cases(),
        frontchannel::cases(),
        id_jag::cases(),
        id_jag::tenants::cases(),
        jwks_cache::cases(),
        jwt_bearer::cases(),
        linked::cases(),
        login_ui::cases(),
        login_ui::attacks::cases(),
        metadata_documents::cases(),
        mutants::cases(),
        pairwise::cases(),
        pairwise::sectors::cases(),
        par::cases(),
        redirects::cases(),
        registration::cases(),
        request_uri::cases(),
        rings::cases(),
        signing::cases(),
    ];
    own.into_iter().flatten().collect()
}

async fn rfc_6749_4_4_a_client_gets_a_token_for_itself(house: House) {
    let (id, secret) = house.add_client(&["read", "write"]).await;
    let answer = house.client_token(&id, &secret).await.expect(200);
    let body = answer.json();
    assert!(answer.field("access_token").starts_with("qf_at_"));
    assert_eq!(
        (&body["token_type"], &body["scope"]),
        (&json!("Bearer"), &json!("read write"))
    );
    assert!(body.get("refresh_token").is_none());
    assert_eq!(answer.header("cache-control"), "no-store");
    let posting = house.add_client_by("client_secret_post", &["read", "write"]);
    let (id, secret) = posting.await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "read"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    let answer = house
        .public()
        .form("/oauth/token", &fields)
        .await
        .expect(200);
    assert_eq!(answer.json()["scope"], "read");
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "admin"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    house
        .public()
        .form("/oauth/token", &fields)
        .await
        .expect_oauth(400, "invalid_scope");
}

async fn rfc_6749_2_3_1_one_authentication_method_and_the_right_secret(house: House) {
    let (id, secret) = house.add_client(&["read"]).await;
    house
        .client_token(&id, "wrong")
        .await
        .expect_oauth(401, "invalid_client");
    house
        .client_token("client_unknown", &secret)
        .await
        .expect_oauth(401, "invalid_client");
    for length in [0, 6, secret.len() - 1] {
        house
            .client_token(&id, &secret[..length])
            .await
            .expect_oauth(401, "invalid_client");
    }
    let both = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("{id}:{secret}"));
    let twice = house
        .public()
        .with("authorization", format!("Basic {basic}"));
    twice
        .form("/oauth/token", &both)
        .await
        .expect_oauth(400, "invalid_request");
    let wrong = house.public().with("authorization", "Basic !!!");
    let answer = wrong
        .form("/oauth/token", &[("grant_type", "client_credentials")])
        .await;
    assert!(
        answer
            .expect_oauth(401, "invalid_client")
            .header("www-authenticate")
            .starts_with("Basic")
    );
}

async fn a_network_that_fails_to_authenticate_again_and_again_is_told_to_wait(house: House) {
    let (id, secret) = house.add_client(&["read"]).await;
    for _ in 0..100 {
        house
            .client_token(&id, "wrong")
            .await
            .expect_oauth(401, "invalid_client");
    }
    let refused = house.client_token(&id, "wrong").await.expect(429);
    assert!(!refused.header("retry-after").is_empty());
    // Neighbours of a guesser go on working, and so do other networks' mistakes.
    house.client_token(&id, &secret).await.expect(200);
    let elsewhere = house.public().with("x-forwarded-for", "203.0.113.9");
    let nobody = [("grant_type", "client_credentials"), ("client_id", "x")];
    elsewhere
        .form("/oauth/token", &nobody)
        .await
        .expect_oauth(401, "invalid_client");
}

async fn rfc_6749_3_1_duplicate_parameters_are_refused(house: House) {
    let fields = [
        ("grant_type", "client_credentials"),
        ("grant_type", "refresh_token"),
    ];
    house
        .public()
        .form("/oauth/token", &fields)
        .await
        .expect_oauth(400, "invalid_request");
}

async fn rfc_6749_5_2_errors_are_in_the_standards_words(house: House) {
    let (id, secret) = house.add_client(&["read"]).await;
    let with = |grant: &'static str| {
        let (public, id, secret) = (house.public(), id.clone(), secret.clone());
        async move {
            let fields = [
                ("grant_type", grant),
                ("client_id", id.as_str()),
                ("client_secret", secret.as_str()),
            ];
            public.form("/oauth/token", &fields).await
        }
    };
    with("password")
        .await
        .expect_oauth(400, "unsupported_grant_type");
    with("implicit")
        .await
        .expect_oauth(400, "unsupported_grant_type");
    with("").await.expect_oauth(400, "invalid_request");
    let nothing = house.public().form("/oauth/token", &[]).await;
    nothing.expect_oauth(400, "invalid_request");
}

async fn rfc_8707_a_token_is_for_a_registered_resource_only(house: House) {
    let (id, secret) = house.add_client_by("client_secret_post", &["read"]).await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("resource", "https://api.elsewhere.example"),
    ];
    house
        .public()
        .form("/oauth/token", &fields)
        .await
        .expect_oauth(400, "invalid_target");
}

async fn a_refresh_token_of_a_person_refreshes_here_in_oauths_dialect(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
        ("client_id", "first-party"),
    ];
    house
        .public()
        .form("/oauth/token", &fields)
        .await
        .expect(200);
    let (id, secret) = house.add_client_by("client_secret_post", &["read"]).await;
    let stolen = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    let answer = house.public().form("/oauth/token", &stolen).await;
    assert_eq!(answer.status.as_u16(), 400, "{}", answer.text);
    let nonsense = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "qf_rt_nonsense"),
    ];
    house
        .public()
        .form("/oauth/token", &nonsense)
        .await
        .expect_oauth(400, "invalid_grant");
}

async fn rfc_7517_the_key_set_verifies_and_is_cacheable(house: House) {
    let answer = house
        .public()
        .get("/.well-known/jwks.json")
        .await
        .expect(200);
    assert!(answer.header("cache-control").contains("max-age="));
    let keys = answer.json();
    assert_eq!(
        keys["keys"].as_array().map(Vec::len),
        Some(2),
        "active and next"
    );
    assert!(!answer.text.contains("\"d\""));
    let known = house.public().with("if-none-match", answer.header("etag"));
    assert!(
        known
            .get("/.well-known/jwks.json")
            .await
            .expect(304)
            .text
            .is_empty()
    );
}

async fn rfc_8414_2_the_metadata_promises_what_clients_can_have(house: House) {
    let public = house.public();
    let path = "/.well-known/openid-configuration";
    let told = public.get(path).await.expect(200).json();
    let methods = [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
    ];
    let with_none = [&methods[..], &["none"]].concat();
    let clients = json!(["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]);
    let ours = json!(["ES256", "EdDSA", "RS256"]);
    for (member, expected) in [
        ("token_endpoint_auth_methods_supported", json!(with_none)),
        (
            "revocation_endpoint_auth_methods_supported",
            json!(with_none),
        ),
        (
            "introspection_endpoint_auth_methods_supported",
            json!(methods),
        ),
        (
            "token_endpoint_auth_signing_alg_values_supported",
            clients.clone(),
        ),
        ("request_object_signing_alg_values_supported", clients),
        (
            "dpop_signing_alg_values_supported",
            json!(["ES256", "EdDSA", "Ed25519", "PS256"]),
        ),
        ("subject_types_supported", json!(["public", "pairwise"])),
        ("id_token_signing_alg_values_supported", ours.clone()),
        ("userinfo_signing_alg_values_supported", ours.clone()),
        ("introspection_signing_alg_values_supported", ours),
        (
            "authorization_signing_alg_values_supported",
            json!(["ES256"]),
        ),
    ] {
        assert_eq!(told[member], expected, "{member}");
    }
    assert!(told.get("registration_endpoint").is_none());
    let same = public.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(same.expect(200).json(), told);
}
