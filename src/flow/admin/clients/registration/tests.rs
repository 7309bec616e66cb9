//! What may be registered, and what may not.

use super::*;

mod naming;
mod subjects;

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// Registers over the type's defaults; gives the wrong fields otherwise.
fn register(kind: ClientType, said: MetadataPatch) -> Result<ClientMetadata, Vec<String>> {
    over(defaults_of(kind), kind, said)
}

fn over(
    base: ClientMetadata,
    kind: ClientType,
    said: MetadataPatch,
) -> Result<ClientMetadata, Vec<String>> {
    let mut mistakes = Mistakes::default();
    let terms = Terms {
        client_type: kind,
        takes_clear_text: false,
        takes_certificates: true,
    };
    let metadata = said.over(base, terms, &mut mistakes);
    match mistakes.into_result() {
        Ok(()) => Ok(metadata),
        Err(refusal) => Err(refusal.fields.iter().map(|f| f.field.to_string()).collect()),
    }
}

#[test]
fn systems_act_for_themselves_and_have_a_secret() {
    for kind in [ClientType::Service, ClientType::Agent] {
        let metadata = register(kind, MetadataPatch::default()).expect("acceptable");
        assert_eq!(metadata.grant_types, [CREDENTIALS]);
        assert!(has_secret(&metadata));
    }
}

#[test]
fn rfc_8252_8_4_a_native_application_has_no_secret_unless_told() {
    let said = MetadataPatch {
        redirect_uris: Some(owned(&["org.example.app:/cb"])),
        ..MetadataPatch::default()
    };
    let metadata = register(ClientType::Native, said).expect("acceptable");
    assert_eq!(metadata.grant_types, [CODE, REFRESH]);
    assert!(!has_secret(&metadata));
}

#[test]
fn rfc_7591_2_a_client_with_redirection_registers_where_to() {
    let refused = register(ClientType::Web, MetadataPatch::default());
    assert_eq!(refused, Err(vec!["redirect_uris".to_owned()]));
}

#[test]
fn rfc_6749_4_4_client_credentials_are_for_confidential_clients() {
    let said = MetadataPatch {
        token_endpoint_auth_method: Some(METHOD_NONE.to_owned()),
        ..MetadataPatch::default()
    };
    let refused = register(ClientType::Service, said);
    assert_eq!(refused, Err(vec!["token_endpoint_auth_method".to_owned()]));
}

#[test]
fn rfc_8693_5_who_acts_for_others_authenticates() {
    for grant in [token_exchange::GRANT, jwt_bearer::GRANT] {
        let said = |method: &str| MetadataPatch {
            grant_types: Some(owned(&[grant])),
            token_endpoint_auth_method: Some(method.to_owned()),
            ..MetadataPatch::default()
        };
        assert!(register(ClientType::Agent, said(METHOD_POST)).is_ok());
        let refused = register(ClientType::Agent, said(METHOD_NONE));
        assert_eq!(refused, Err(vec!["token_endpoint_auth_method".to_owned()]));
    }
}

#[test]
fn only_known_grants_and_methods_are_registered() {
    for grant in ["implicit", "password", "", "Authorization_Code"] {
        let said = MetadataPatch {
            grant_types: Some(owned(&[CREDENTIALS, grant])),
            ..MetadataPatch::default()
        };
        let refused = register(ClientType::Service, said);
        assert_eq!(refused, Err(vec!["grant_types".to_owned()]), "{grant}");
    }
    let said = MetadataPatch {
        grant_types: Some(owned(&[])),
        token_endpoint_auth_method: Some("client_secret_jwt".to_owned()),
        ..MetadataPatch::default()
    };
    let expected = ["grant_types", "token_endpoint_auth_method"].map(str::to_owned);
    assert_eq!(register(ClientType::Service, said), Err(expected.to_vec()));
}

#[test]
fn every_grant_of_the_contract_is_known() {
    let said = MetadataPatch {
        redirect_uris: Some(owned(&["https://a.example/cb"])),
        grant_types: Some(owned(&GRANTS)),
        ..MetadataPatch::default()
    };
    assert!(register(ClientType::Web, said).is_ok());
}

#[test]
fn one_bad_redirect_uri_is_enough() {
    let said = MetadataPatch {
        redirect_uris: Some(owned(&["https://a.example/cb", "http://a.example/cb"])),
        ..MetadataPatch::default()
    };
    let refused = register(ClientType::Web, said);
    assert_eq!(refused, Err(vec!["redirect_uris".to_owned()]));
}

#[test]
fn scopes_are_single_tokens_without_repeats() {
    let register = |scopes: &[&str]| {
        let said = MetadataPatch {
            scopes: Some(owned(scopes)),
            ..MetadataPatch::default()
        };
        register(ClientType::Service, said).map(|metadata| metadata.scopes)
    };
    assert_eq!(register(&["a:b", "c", "a:b"]), Ok(owned(&["a:b", "c"])));
    assert_eq!(register(&[]), Ok(Vec::new()));
    for scope in ["", "a b", "a\"", "é", "a\n"] {
        assert_eq!(
            register(&["x", scope]),
            Err(vec!["scopes".to_owned()]),
            "{scope:?}"
        );
    }
}

#[test]
fn rfc_8707_2_an_audience_is_an_absolute_uri_without_fragment() {
    let register = |audience: &str| {
        let said = MetadataPatch {
            audiences: Some(owned(&[audience])),
            ..MetadataPatch::default()
        };
        let own = MetadataPatch {
            own_resources: said.audiences.clone(),
            ..MetadataPatch::default()
        };
        let is_good = register(ClientType::Service, said).is_ok();
        let is_good_as_own = register(ClientType::Service, own).is_ok();
        assert_eq!(is_good, is_good_as_own, "one rule for both");
        is_good
    };
    assert!(register("https://api.example.org/v1") && register("urn:example:api"));
    for audience in [
        "",
        "api",
        "/v1",
        "https://a.example#x",
        "https://a.example/ b",
    ] {
        assert!(!register(audience), "{audience:?}");
    }
}

#[test]
fn what_is_not_said_stays_and_null_follows_the_service_again() {
    let said = MetadataPatch {
        scopes: Some(owned(&["read"])),
        access_token_format: Some(Some(FORMAT_JWT.to_owned())),
        access_token_ttl_seconds: Some(Some(60)),
        ..MetadataPatch::default()
    };
    let first = register(ClientType::Service, said).expect("acceptable");
    assert_eq!(first.access_token_format.as_deref(), Some(FORMAT_JWT));
    let same = over(first.clone(), ClientType::Service, MetadataPatch::default());
    assert_eq!(same.as_ref(), Ok(&first));
    let said = MetadataPatch {
        access_token_format: Some(None),
        access_token_ttl_seconds: Some(None),
        ..MetadataPatch::default()
    };
    let back = over(first, ClientType::Service, said).expect("acceptable");
    assert_eq!(back.scopes, ["read"]);
    assert_eq!(
        (back.access_token_format, back.access_token_ttl_seconds),
        (None, None)
    );
}

#[test]
fn a_lifetime_and_a_format_have_bounds() {
    for seconds in [0, MAX_TTL_SECONDS + 1] {
        let said = MetadataPatch {
            access_token_format: Some(Some("opaque".to_owned())),
            access_token_ttl_seconds: Some(Some(seconds)),
            ..MetadataPatch::default()
        };
        let expected = ["access_token_format", "access_token_ttl_seconds"].map(str::to_owned);
        assert_eq!(register(ClientType::Service, said), Err(expected.to_vec()));
    }
}

#[test]
fn lists_are_bounded() {
    let many: Vec<String> = (0..=MAX_ENTRIES).map(|n| format!("s{n}")).collect();
    let said = MetadataPatch {
        scopes: Some(many),
        ..MetadataPatch::default()
    };
    assert_eq!(
        register(ClientType::Service, said),
        Err(vec!["scopes".to_owned()])
    );
}

#[test]
fn the_trail_keeps_what_a_client_may_do() {
    let metadata = defaults_of(ClientType::Agent);
    let kept = detail(ClientType::Agent, &metadata);
    assert_eq!(kept["client_type"], "agent");
    assert_eq!(kept["grant_types"][0], CREDENTIALS);
}
