//! Judges the documents against texts that a person can proofread, and against the standards.

use serde_json::{Value, json};

use super::*;

const CLIENT_ALGORITHMS: [&str; 2] = ["ES256", "EdDSA"];

fn scopes() -> ScopeSet {
    ScopeSet::parse("openid profile email offline_access").expect("a scope")
}

/// A service with everything switched off.
fn least(scopes: &ScopeSet) -> Facts<'_> {
    Facts {
        issuer: "https://issuer.example",
        scopes,
        algorithms: &[Algorithm::Es256],
        client_algorithms: &[],
        acr_values: &[],
        ui_locales: &[],
        ciba_delivery_modes: &[],
        proof_algorithms: &[],
        supports_pairwise: false,
        signs_userinfo: false,
        signs_introspection: false,
        is_registration_open: false,
        supports_cimd: false,
        supports_mtls: false,
        supports_request_objects: false,
        supports_request_uri: false,
        supports_device_flow: false,
        supports_token_exchange: false,
        supports_jwt_bearer: false,
        issues_id_jag: false,
        accepts_id_jag: false,
        supports_backchannel_logout: false,
        supports_frontchannel_logout: false,
    }
}

/// A service with everything switched on.
fn full(scopes: &ScopeSet) -> Facts<'_> {
    Facts {
        issuer: "https://issuer.example/t/acme",
        scopes,
        algorithms: &[Algorithm::Es256, Algorithm::EdDsa],
        client_algorithms: &CLIENT_ALGORITHMS,
        acr_values: &["urn:nist:sp:800-63b-4:aal1", "urn:nist:sp:800-63b-4:aal2"],
        ui_locales: &["en", "de"],
        ciba_delivery_modes: &["poll", "ping"],
        proof_algorithms: &CLIENT_ALGORITHMS,
        supports_pairwise: true,
        signs_userinfo: true,
        signs_introspection: true,
        is_registration_open: true,
        supports_cimd: true,
        supports_mtls: true,
        supports_request_objects: true,
        supports_request_uri: true,
        supports_device_flow: true,
        supports_token_exchange: true,
        supports_jwt_bearer: true,
        issues_id_jag: true,
        accepts_id_jag: true,
        supports_backchannel_logout: true,
        supports_frontchannel_logout: true,
    }
}

fn document(facts: &Facts<'_>) -> Value {
    serde_json::to_value(Metadata::new(facts)).expect("has a JSON form")
}

fn text(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).expect("has a JSON form") + "\n"
}

#[test]
fn rfc_8414_2_the_document_of_a_service_with_everything_on() {
    let scopes = scopes();
    assert_eq!(
        text(&Metadata::new(&full(&scopes))),
        include_str!("full.json")
    );
}

#[test]
fn rfc_8414_2_the_document_of_a_service_with_everything_off() {
    let scopes = scopes();
    assert_eq!(
        text(&Metadata::new(&least(&scopes))),
        include_str!("least.json")
    );
}

#[test]
fn openid_connect_discovery_3_every_required_member_is_there() {
    let scopes = scopes();
    for facts in [least(&scopes), full(&scopes)] {
        let document = document(&facts);
        for member in [
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "response_types_supported",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
        ] {
            assert!(document.get(member).is_some(), "{member}");
        }
        assert_eq!(document["issuer"], facts.issuer);
    }
}

#[test]
fn openid_connect_discovery_3_what_absence_would_promise_is_denied() {
    let scopes = scopes();
    let document = document(&least(&scopes));
    assert_eq!(document["request_uri_parameter_supported"], json!(false));
    let modes = document["response_modes_supported"].to_string();
    assert!(!modes.contains("fragment"), "the default of absence");
    let grants = document["grant_types_supported"].to_string();
    assert!(!grants.contains("implicit"), "the default of absence");
}

#[test]
fn rfc_8414_3_2_members_without_a_value_are_left_out() {
    let nothing = ScopeSet::default();
    let document = document(&least(&nothing));
    for (member, value) in document.as_object().expect("an object") {
        assert!(!value.is_null() && *value != json!([]), "{member}");
    }
}

#[test]
fn rfc_8414_2_private_key_jwt_comes_with_its_algorithms_and_none_is_not_among_them() {
    let scopes = scopes();
    for (facts, is_offered) in [(least(&scopes), false), (full(&scopes), true)] {
        let document = document(&facts);
        for endpoint in ["token", "introspection", "revocation"] {
            let methods =
                document[format!("{endpoint}_endpoint_auth_methods_supported")].to_string();
            assert_eq!(
                methods.contains("private_key_jwt"),
                is_offered,
                "{endpoint}"
            );
            let algorithms =
                &document[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")];
            assert_eq!(algorithms.is_array(), is_offered, "{endpoint}");
            assert!(!algorithms.to_string().contains("none"), "{endpoint}");
        }
    }
}

#[test]
fn mcp_authorization_pkce_public_clients_and_metadata_documents_are_advertised() {
    let scopes = scopes();
    let document = document(&full(&scopes));
    assert_eq!(
        document["code_challenge_methods_supported"],
        json!(["S256"])
    );
    assert_eq!(
        document["client_id_metadata_document_supported"],
        json!(true)
    );
    let methods = document["token_endpoint_auth_methods_supported"].as_array();
    assert!(methods.expect("a list").contains(&json!("none")));
}

#[test]
fn rfc_9207_3_iss_in_answers_is_advertised() {
    let scopes = scopes();
    let document = document(&least(&scopes));
    let member = "authorization_response_iss_parameter_supported";
    assert_eq!(document[member], json!(true));
}

#[test]
fn rfc_9728_2_a_resource_names_itself_and_us() {
    let scopes = scopes();
    let resource = protected_resource("https://issuer.example", "https://api.example", &scopes);
    let expected = json!({
        "resource": "https://api.example",
        "authorization_servers": ["https://issuer.example"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "bearer_methods_supported": ["header"],
    });
    assert_eq!(serde_json::to_value(resource).ok(), Some(expected));
}

#[test]
fn rfc_9728_3_2_a_resource_without_scopes_says_nothing_of_scopes() {
    let nothing = ScopeSet::default();
    let resource = protected_resource("https://issuer.example", "https://api.example", &nothing);
    assert!(!text(&resource).contains("scopes_supported"));
}
