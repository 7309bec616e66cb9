//! What a change comes to.

use domain::client::ClientType;
use domain::id::TenantId;
use domain::random::Counting;

use super::super::registration::defaults_of;
use super::*;

fn at(hours: u64) -> UnixMillis {
    UnixMillis::from_seconds(0) + Duration::from_hours(hours)
}

fn secret(signature: &str, expires_at: Option<UnixMillis>) -> ClientSecret {
    ClientSecret {
        signature: signature.to_owned(),
        created_at: at(0),
        expires_at,
    }
}

fn client() -> Client {
    Client {
        tenant: TenantId::generate(at(0), &Counting::default()),
        id: "client_x".to_owned(),
        name: "x".to_owned(),
        client_type: ClientType::Service,
        disabled: false,
        metadata: defaults_of(ClientType::Service),
        secrets: vec![secret("a", None)],
        created_at: at(0),
        updated_at: at(0),
        version: 3,
    }
}

fn terms() -> Terms {
    Terms {
        client_type: ClientType::Service,
        takes_clear_text: false,
        takes_certificates: true,
    }
}

fn ends(secrets: &[ClientSecret]) -> Vec<(&str, Option<UnixMillis>)> {
    secrets
        .iter()
        .map(|s| (s.signature.as_str(), s.expires_at))
        .collect()
}

#[test]
fn a_rotated_secret_leaves_the_one_before_a_day() {
    let once = rotated(&[secret("a", None)], secret("b", None), at(10));
    assert_eq!(ends(&once), [("b", None), ("a", Some(at(34)))]);
}

#[test]
fn two_secrets_live_at_most() {
    let once = rotated(&[secret("a", None)], secret("b", None), at(10));
    let twice = rotated(&once, secret("c", None), at(11));
    assert_eq!(ends(&twice), [("c", None), ("b", Some(at(35)))]);
}

#[test]
fn a_rotation_never_lengthens_a_secrets_life() {
    let kept = rotated(&[secret("a", Some(at(12)))], secret("b", None), at(10));
    assert_eq!(ends(&kept), [("b", None), ("a", Some(at(12)))]);
    let dead = rotated(&[secret("a", Some(at(10)))], secret("b", None), at(10));
    assert_eq!(ends(&dead), [("b", None)]);
}

#[test]
fn a_first_secret_stands_alone() {
    assert_eq!(ends(&rotated(&[], secret("a", None), at(0))), [("a", None)]);
}

#[test]
fn a_change_of_nothing_is_empty() {
    assert!(PatchClient::default().is_empty());
    let patch = PatchClient {
        disabled: Some(true),
        ..PatchClient::default()
    };
    assert!(!patch.is_empty());
    let checked = patch.check(&client(), terms()).expect("acceptable");
    assert_eq!(checked.disabled, Some(true));
    assert!(checked.metadata.is_none() && checked.secrets.is_none());
}

#[test]
fn a_client_that_becomes_public_loses_its_secrets() {
    let patch = PatchClient {
        metadata: MetadataPatch {
            token_endpoint_auth_method: Some("none".to_owned()),
            grant_types: Some(vec![
                "urn:ietf:params:oauth:grant-type:device_code".to_owned(),
            ]),
            ..MetadataPatch::default()
        },
        ..PatchClient::default()
    };
    let checked = patch.check(&client(), terms()).expect("acceptable");
    assert_eq!(checked.secrets, Some(Vec::new()));
}

#[test]
fn the_rules_hold_for_a_change_as_for_a_creation() {
    let patch = PatchClient {
        name: Some(String::new()),
        metadata: MetadataPatch {
            grant_types: Some(vec!["password".to_owned()]),
            ..MetadataPatch::default()
        },
        ..PatchClient::default()
    };
    let refusal = patch.check(&client(), terms()).expect_err("two mistakes");
    let fields: Vec<_> = refusal.fields.iter().map(|f| f.field.as_ref()).collect();
    assert_eq!(fields, ["name", "grant_types"]);
}

#[test]
fn the_trail_tells_what_changed() {
    let patch = ClientPatch {
        name: Some("y".to_owned()),
        disabled: Some(true),
        ..ClientPatch::default()
    };
    let kept = told(&client(), &patch);
    assert_eq!(kept["changed"], json!(["name", "disabled"]));
    assert_eq!(kept["disabled"], true);
    assert_eq!(kept["metadata"], Value::Null);
}
