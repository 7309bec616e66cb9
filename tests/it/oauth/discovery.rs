//! GET /.well-known/openid-configuration, /.well-known/oauth-authorization-server,
//! /.well-known/oauth-protected-resource, each in every form that a tenant's has.

use serde_json::{Value, json};

use crate::cases;
use crate::client::Answer;
use crate::house::House;

cases![
    rfc_8414_3_the_document_is_complete_and_names_its_issuer,
    mcp_every_form_of_a_tenants_document_names_one_issuer,
    rfc_9728_3_the_resource_names_the_issuer,
];

/// A document, which may be kept for a while.
fn document(answer: Answer) -> Value {
    let answer = answer.expect(200);
    assert_eq!(answer.header("cache-control"), "public, max-age=600");
    answer.json()
}

async fn rfc_8414_3_the_document_is_complete_and_names_its_issuer(house: House) {
    let oidc = document(
        house
            .public()
            .get("/.well-known/openid-configuration")
            .await,
    );
    let oauth = document(
        house
            .public()
            .get("/.well-known/oauth-authorization-server")
            .await,
    );
    assert_eq!(oidc, oauth);
    assert_eq!(oidc["issuer"], "http://localhost:4000");
    for (name, path) in [
        ("authorization_endpoint", "/oauth/authorize"),
        ("token_endpoint", "/oauth/token"),
        ("userinfo_endpoint", "/userinfo"),
        ("jwks_uri", "/.well-known/jwks.json"),
        ("introspection_endpoint", "/oauth/introspect"),
        ("revocation_endpoint", "/oauth/revoke"),
        ("pushed_authorization_request_endpoint", "/oauth/par"),
        ("end_session_endpoint", "/oauth/logout"),
        (
            "device_authorization_endpoint",
            "/oauth/device_authorization",
        ),
    ] {
        assert_eq!(oidc[name], format!("http://localhost:4000{path}"), "{name}");
        // What is promised is there: never 404.
        let answer = house.public().get(path).await;
        assert_ne!(answer.status.as_u16(), 404, "{path}");
    }
    assert_eq!(oidc["response_types_supported"], json!(["code"]));
    assert_eq!(oidc["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(oidc["authorization_response_iss_parameter_supported"], true);
    let absent = oidc.get("registration_endpoint");
    assert!(absent.is_none(), "it is not there yet");
}

async fn mcp_every_form_of_a_tenants_document_names_one_issuer(house: House) {
    house.add_tenant("acme").await;
    let issuer = "http://localhost:4000/t/acme";
    for path in [
        "/t/acme/.well-known/openid-configuration",
        "/t/acme/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration/t/acme",
        "/.well-known/oauth-authorization-server/t/acme",
    ] {
        let told = document(house.public().get(path).await);
        assert_eq!(told["issuer"], issuer, "{path}");
        assert_eq!(told["token_endpoint"], format!("{issuer}/oauth/token"));
    }
    let unknown = "/.well-known/openid-configuration/t/nobody";
    house.public().get(unknown).await.expect(404);
}

async fn rfc_9728_3_the_resource_names_the_issuer(house: House) {
    let told = document(
        house
            .public()
            .get("/.well-known/oauth-protected-resource")
            .await,
    );
    assert_eq!(told["resource"], "http://localhost:4000");
    assert_eq!(
        told["authorization_servers"],
        json!(["http://localhost:4000"])
    );
}
