//! /admin/clients: what may be registered (RFC 7591 §2), when a client is made and when it is changed.

use domain::key::Algorithm;
use protocol::jose::key_pair::KeyPair;
use serde_json::{Value, json};

use crate::cases;
use crate::client::Answer;
use crate::house::House;

cases![
    every_registered_field_is_set_seen_and_changed,
    rfc_7591_2_each_field_is_judged_at_creation_and_change_alike,
    what_is_not_signed_with_is_refused_and_never_stored,
    null_takes_back_what_was_registered,
    the_trail_names_keys_and_holds_no_secret,
];

fn jwks() -> Value {
    let pair = KeyPair::generate(Algorithm::Es256).expect("a key");
    json!({ "keys": [pair.public_jwk()] })
}

fn web(own: Value) -> Value {
    let mut body = json!({
        "name": "App", "client_type": "web", "redirect_uris": ["https://app.example/cb"],
    });
    let all = body.as_object_mut().expect("an object");
    all.extend(own.as_object().expect("an object").clone());
    body
}

/// Everything that can be registered beyond the least, together.
fn everything() -> Value {
    json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "is_first_party": true,
        "require_pkce": true,
        "require_pushed_authorization_requests": true,
        "dpop_bound_access_tokens": true,
        "fapi_2_0": true,
        "may_introspect": true,
        "default_max_age": 3600,
        "jwks": jwks(),
        "token_endpoint_auth_signing_alg": "ES256",
        "request_object_signing_alg": "PS256",
        "require_signed_request_object": true,
        "post_logout_redirect_uris": ["https://app.example/bye"],
        "client_uri": "https://app.example/",
        "logo_uri": "https://app.example/logo.png",
        "policy_uri": "https://app.example/policy",
        "tos_uri": "https://app.example/terms",
        "subject_type": "pairwise",
        "backchannel_logout_uri": "https://app.example/told",
        "backchannel_logout_session_required": true,
        "frontchannel_logout_uri": "https://app.example/out",
        "frontchannel_logout_session_required": true,
    })
}

fn assert_shows(answer: &Answer, expected: &Value) {
    let shown = answer.json();
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&shown[name], value, "{name}");
    }
}

fn names(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let fields = body["details"].as_array().expect("details").iter();
    let name = |field: &Value| field["field"].as_str().expect("a name").to_owned();
    fields.map(name).collect()
}

async fn every_registered_field_is_set_seen_and_changed(house: House) {
    let admin = house.admin();
    let all = everything();
    let made = admin.post("/admin/clients", web(all.clone())).await;
    let made = made.expect(201);
    assert!(
        made.json().get("client_secret").is_none(),
        "it signs instead"
    );
    assert_shows(&made, &all);
    let path = format!("/admin/clients/{}", made.field("client_id"));
    assert_shows(&admin.get(&path).await.expect(200), &all);
    let changed = json!({
        "is_first_party": false,
        "require_pushed_authorization_requests": false,
        "may_introspect": false,
        "default_max_age": 60,
        "jwks": jwks(),
        "token_endpoint_auth_signing_alg": "PS256",
        "request_object_signing_alg": "EdDSA",
        "require_signed_request_object": false,
        "post_logout_redirect_uris": [],
        "client_uri": "https://other.example/",
        "logo_uri": "https://other.example/logo.png",
        "policy_uri": "https://other.example/policy",
        "tos_uri": "https://other.example/terms",
        "subject_type": "public",
        "backchannel_logout_uri": "https://other.example/told",
        "backchannel_logout_session_required": false,
        "frontchannel_logout_uri": "https://app.example/away",
        "frontchannel_logout_session_required": false,
    });
    let patched = admin.patch(&path, changed.clone()).await.expect(200);
    assert_shows(&patched, &changed);
    assert_shows(&admin.get(&path).await.expect(200), &changed);
    assert_eq!(patched.json()["fapi_2_0"], true, "what is not said stays");
    let plain = json!({
        "token_endpoint_auth_method": "client_secret_basic",
        "token_endpoint_auth_signing_alg": null,
        "fapi_2_0": false,
        "dpop_bound_access_tokens": false,
        "require_pkce": false,
        "request_uris": ["https://app.example/request.jwt"],
    });
    let patched = admin.patch(&path, plain.clone()).await.expect(200);
    assert_shows(&patched, &plain);
}

async fn rfc_7591_2_each_field_is_judged_at_creation_and_change_alike(house: House) {
    let admin = house.admin();
    let made = admin.post("/admin/clients", web(json!({}))).await;
    let path = format!("/admin/clients/{}", made.expect(201).field("client_id"));
    let mut secret = jwks();
    secret["keys"][0]["d"] = json!("AA");
    for (wrong, said) in [
        (
            "require_pkce",
            json!({ "token_endpoint_auth_method": "none", "require_pkce": false }),
        ),
        (
            "may_introspect",
            json!({ "token_endpoint_auth_method": "none", "may_introspect": true }),
        ),
        (
            "token_endpoint_auth_method",
            json!({ "fapi_2_0": true, "dpop_bound_access_tokens": true }),
        ),
        ("jwks", json!({ "jwks": secret })),
        ("jwks", json!({ "jwks": { "keys": [] } })),
        (
            "jwks",
            json!({ "token_endpoint_auth_method": "private_key_jwt" }),
        ),
        ("jwks", json!({ "require_signed_request_object": true })),
        (
            "token_endpoint_auth_signing_alg",
            json!({ "token_endpoint_auth_signing_alg": "ES256" }),
        ),
        (
            "request_object_signing_alg",
            json!({ "jwks": jwks(), "request_object_signing_alg": "none" }),
        ),
        (
            "post_logout_redirect_uris",
            json!({ "post_logout_redirect_uris": ["https://a.example/#x"] }),
        ),
        ("client_uri", json!({ "client_uri": "javascript:alert(1)" })),
        (
            "logo_uri",
            json!({ "logo_uri": "http://app.example/logo.png" }),
        ),
        ("policy_uri", json!({ "policy_uri": "/policy" })),
        ("tos_uri", json!({ "tos_uri": "data:text/html,x" })),
        ("tos_url", json!({ "tos_url": "https://app.example/terms" })),
    ] {
        let created = admin.post("/admin/clients", web(said.clone())).await;
        let created = created.expect_code(422, "VALIDATION_ERROR");
        let changed = admin.patch(&path, said).await;
        let changed = changed.expect_code(422, "VALIDATION_ERROR");
        assert_eq!(
            (names(&created), names(&changed)),
            (vec![wrong.to_owned()], vec![wrong.to_owned()])
        );
        assert!(!created.text.contains("\"d\""), "no key is given back");
    }
    for said in [
        json!({ "jwks": [] }),
        json!({ "jwks": "{}" }),
        json!({ "is_first_party": "true" }),
        json!({ "default_max_age": -1 }),
        json!({ "post_logout_redirect_uris": "https://a.example/" }),
    ] {
        admin.patch(&path, said).await.expect(400);
    }
}

async fn what_is_not_signed_with_is_refused_and_never_stored(house: House) {
    let admin = house.admin();
    let made = admin.post("/admin/clients", web(json!({}))).await;
    let path = format!("/admin/clients/{}", made.expect(201).field("client_id"));
    let said = json!({
        "id_token_signed_response_alg": "HS256",
        "userinfo_signed_response_alg": "none",
    });
    let answer = admin.patch(&path, said).await;
    let answer = answer.expect_code(422, "VALIDATION_ERROR");
    assert_eq!(names(&answer).len(), 2, "{}", answer.text);
    let same = json!({ "subject_type": "public", "id_token_signed_response_alg": "ES256" });
    admin.patch(&path, same).await.expect(200);
}

async fn null_takes_back_what_was_registered(house: House) {
    let admin = house.admin();
    let said = json!({
        "jwks": jwks(), "require_pkce": false, "default_max_age": 60,
        "client_uri": "https://app.example/", "subject_type": "pairwise",
        "backchannel_logout_uri": "https://app.example/told",
        "frontchannel_logout_uri": "https://app.example/out",
    });
    let made = admin.post("/admin/clients", web(said)).await.expect(201);
    let path = format!("/admin/clients/{}", made.field("client_id"));
    let nothing = json!({
        "jwks": null, "require_pkce": null, "default_max_age": null, "client_uri": null,
        "subject_type": null, "backchannel_logout_uri": null, "frontchannel_logout_uri": null,
    });
    let back = admin.patch(&path, nothing.clone()).await.expect(200);
    assert_shows(&back, &nothing);
}

async fn the_trail_names_keys_and_holds_no_secret(house: House) {
    let admin = house.admin();
    let own = json!({ "jwks": jwks(), "may_introspect": true });
    let made = admin.post("/admin/clients", web(own)).await.expect(201);
    let rows = house.audit_rows("client.created").await;
    let kept = serde_json::to_string(&rows[0].fields).expect("JSON");
    assert!(
        kept.contains("jwk_thumbprints") && kept.contains("may_introspect"),
        "{kept}"
    );
    assert!(!kept.contains(&made.field("client_secret")), "{kept}");
}
