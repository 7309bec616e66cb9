//! What may be registered beyond the least, subject by subject.

use domain::key::Algorithm;
use protocol::jose::key_pair::KeyPair;

use super::*;

fn jwks() -> Value {
    let pair = KeyPair::generate(Algorithm::Es256).expect("generates");
    json!({ "keys": [pair.public_jwk()] })
}

/// A service that signs assertions, and whatever else is said.
fn signing(keys: KeysPatch) -> MetadataPatch {
    MetadataPatch {
        token_endpoint_auth_method: Some(METHOD_PRIVATE_KEY_JWT.to_owned()),
        keys: KeysPatch {
            jwks: keys.jwks.or_else(|| Some(Some(jwks()))),
            ..keys
        },
        ..MetadataPatch::default()
    }
}

fn policy(policy: PolicyPatch) -> MetadataPatch {
    MetadataPatch {
        policy,
        ..MetadataPatch::default()
    }
}

fn refused(said: MetadataPatch) -> Vec<String> {
    register(ClientType::Service, said).expect_err("refused")
}

/// A public application.
fn native(said: MetadataPatch) -> Result<ClientMetadata, Vec<String>> {
    let said = MetadataPatch {
        redirect_uris: Some(owned(&["org.example.app:/cb"])),
        ..said
    };
    register(ClientType::Native, said)
}

#[test]
fn a_rule_that_is_not_said_is_the_standards() {
    let metadata = register(ClientType::Service, MetadataPatch::default()).expect("acceptable");
    assert!(!metadata.is_first_party && !metadata.may_introspect && !metadata.fapi_2_0);
    assert_eq!(
        (metadata.require_pkce, metadata.default_max_age),
        (None, None)
    );
}

#[test]
fn oauth_2_1_7_5_1_pkce_is_for_every_public_client() {
    let excused = policy(PolicyPatch {
        require_pkce: Some(Some(false)),
        ..PolicyPatch::default()
    });
    assert!(register(ClientType::Service, excused.clone()).is_ok());
    assert_eq!(native(excused), Err(owned(&["require_pkce"])));
}

#[test]
fn rfc_7662_2_1_whoever_may_ask_authenticates() {
    let asking = policy(PolicyPatch {
        may_introspect: Some(true),
        ..PolicyPatch::default()
    });
    assert!(register(ClientType::Service, asking.clone()).is_ok());
    assert_eq!(native(asking), Err(owned(&["may_introspect"])));
}

#[test]
fn fapi_2_5_3_2_1_the_profile_demands_what_it_needs() {
    let fapi = PolicyPatch {
        fapi_2_0: Some(true),
        require_pkce: Some(Some(false)),
        ..PolicyPatch::default()
    };
    let expected = [
        "token_endpoint_auth_method",
        "dpop_bound_access_tokens",
        "require_pkce",
    ];
    assert_eq!(refused(policy(fapi)), expected);
    let conforming = MetadataPatch {
        policy: PolicyPatch {
            fapi_2_0: Some(true),
            dpop_bound_access_tokens: Some(true),
            ..PolicyPatch::default()
        },
        ..signing(KeysPatch::default())
    };
    let metadata = register(ClientType::Service, conforming).expect("acceptable");
    let leaving = policy(PolicyPatch {
        dpop_bound_access_tokens: Some(false),
        ..PolicyPatch::default()
    });
    let left = over(metadata, ClientType::Service, leaving);
    assert_eq!(left, Err(owned(&["dpop_bound_access_tokens"])));
}

#[test]
fn fapi_2_5_4_1_rs256_is_not_registered_under_the_profile() {
    let keys = KeysPatch {
        token_endpoint_auth_signing_alg: Some(Some("RS256".to_owned())),
        request_object_signing_alg: Some(Some("RS256".to_owned())),
        ..KeysPatch::default()
    };
    assert!(register(ClientType::Service, signing(keys.clone())).is_ok());
    let fapi = MetadataPatch {
        policy: PolicyPatch {
            fapi_2_0: Some(true),
            dpop_bound_access_tokens: Some(true),
            ..PolicyPatch::default()
        },
        ..signing(keys)
    };
    let expected = [
        "token_endpoint_auth_signing_alg",
        "request_object_signing_alg",
    ];
    assert_eq!(refused(fapi), expected);
}

#[test]
fn rfc_7591_2_keys_are_public_usable_and_there_where_needed() {
    let mut private = jwks();
    private["keys"][0]["d"] = json!("AA");
    let bare = jwks()["keys"][0].clone();
    for odd in [
        private,
        bare,
        json!({}),
        json!({ "keys": [] }),
        json!({ "keys": [{ "kty": "oct", "k": "AA" }] }),
    ] {
        let said = signing(KeysPatch {
            jwks: Some(Some(odd.clone())),
            ..KeysPatch::default()
        });
        assert_eq!(refused(said), ["jwks"], "{odd}");
    }
    let without = MetadataPatch {
        token_endpoint_auth_method: Some(METHOD_PRIVATE_KEY_JWT.to_owned()),
        ..MetadataPatch::default()
    };
    assert_eq!(refused(without), ["jwks"]);
    let unsigned = MetadataPatch {
        keys: KeysPatch {
            require_signed_request_object: Some(true),
            ..KeysPatch::default()
        },
        ..MetadataPatch::default()
    };
    assert_eq!(refused(unsigned), ["jwks"]);
}

#[test]
fn keys_that_are_needed_cannot_be_taken_away() {
    let metadata = register(ClientType::Service, signing(KeysPatch::default()));
    let taking = MetadataPatch {
        keys: KeysPatch {
            jwks: Some(None),
            ..KeysPatch::default()
        },
        ..MetadataPatch::default()
    };
    let left = over(metadata.expect("acceptable"), ClientType::Service, taking);
    assert_eq!(left, Err(owned(&["jwks"])));
}

#[test]
fn an_algorithm_is_asymmetric_and_has_a_use() {
    for algorithm in ["none", "HS256", "ES384", "es256", ""] {
        let keys = KeysPatch {
            token_endpoint_auth_signing_alg: Some(Some(algorithm.to_owned())),
            request_object_signing_alg: Some(Some(algorithm.to_owned())),
            ..KeysPatch::default()
        };
        assert_eq!(refused(signing(keys)).len(), 2, "{algorithm}");
    }
    let useless = MetadataPatch {
        keys: KeysPatch {
            token_endpoint_auth_signing_alg: Some(Some("ES256".to_owned())),
            ..KeysPatch::default()
        },
        ..MetadataPatch::default()
    };
    assert_eq!(refused(useless), ["token_endpoint_auth_signing_alg"]);
}

#[test]
fn oidc_rp_initiated_logout_3_1_a_place_after_logout_is_judged_as_a_redirect_uri() {
    let said = |uri: &str| MetadataPatch {
        pages: PagesPatch {
            post_logout_redirect_uris: Some(owned(&[uri])),
            ..PagesPatch::default()
        },
        ..MetadataPatch::default()
    };
    assert!(register(ClientType::Service, said("https://a.example/bye")).is_ok());
    assert!(native(said("org.example.app:/bye")).is_ok());
    for uri in [
        "http://a.example/bye",
        "https://a.example/#x",
        "org.example.app:/bye",
    ] {
        assert_eq!(refused(said(uri)), ["post_logout_redirect_uris"], "{uri}");
    }
}

#[test]
fn every_page_is_https() {
    let http = || Some(Some("http://a.example/".to_owned()));
    let said = MetadataPatch {
        pages: PagesPatch {
            post_logout_redirect_uris: None,
            client_uri: http(),
            logo_uri: http(),
            policy_uri: http(),
            tos_uri: http(),
        },
        ..MetadataPatch::default()
    };
    let expected = ["client_uri", "logo_uri", "policy_uri", "tos_uri"];
    assert_eq!(refused(said), expected);
}

fn answered(algorithm: &str) -> MetadataPatch {
    let said = || Some(Some(algorithm.to_owned()));
    MetadataPatch {
        answers: AnswersPatch {
            id_token_signed_response_alg: said(),
            userinfo_signed_response_alg: said(),
            introspection_signed_response_alg: said(),
        },
        ..MetadataPatch::default()
    }
}

#[test]
fn openid_connect_registration_2_answers_are_signed_as_registered_and_never_with_none() {
    for algorithm in ["ES256", "EdDSA", "RS256"] {
        let metadata = register(ClientType::Service, answered(algorithm)).expect("acceptable");
        let stored = metadata.id_token_signed_response_alg.as_deref();
        assert_eq!(stored, Some(algorithm));
        assert!(metadata.userinfo_signed_response_alg.is_some());
        assert!(metadata.introspection_signed_response_alg.is_some());
    }
    for algorithm in ["none", "HS256", "PS256", "rs256", ""] {
        assert_eq!(refused(answered(algorithm)).len(), 3, "{algorithm}");
    }
}

#[test]
fn fapi_2_0_5_4_1_answers_are_not_signed_with_rs256() {
    let under_fapi = |algorithm| MetadataPatch {
        policy: PolicyPatch {
            fapi_2_0: Some(true),
            ..PolicyPatch::default()
        },
        ..answered(algorithm)
    };
    let of_answers = |algorithm| {
        let wrong = refused(under_fapi(algorithm));
        wrong
            .iter()
            .filter(|field| field.ends_with("response_alg"))
            .count()
    };
    assert_eq!((of_answers("RS256"), of_answers("ES256")), (3, 0));
}

#[test]
fn rfc_7591_2_keys_stand_in_one_place_which_is_fetched_over_https() {
    let elsewhere = |uri: &str| KeysPatch {
        jwks: Some(None),
        jwks_uri: Some(Some(uri.to_owned())),
        ..KeysPatch::default()
    };
    let fine = signing(elsewhere("https://a.example/jwks"));
    assert!(register(ClientType::Service, fine).is_ok());
    for uri in [
        "",
        "http://a.example/jwks",
        "file:///etc/passwd",
        "https://u@a.example/jwks",
        "https://a.example/jwks#x",
    ] {
        assert_eq!(refused(signing(elsewhere(uri))), ["jwks_uri"], "{uri}");
    }
    let both = signing(KeysPatch {
        jwks_uri: Some(Some("https://a.example/jwks".to_owned())),
        ..KeysPatch::default()
    });
    assert_eq!(refused(both), ["jwks_uri"]);
}

#[test]
fn the_trail_names_the_keys() {
    let metadata = register(ClientType::Service, signing(KeysPatch::default()));
    let metadata = metadata.expect("acceptable");
    let kept = detail(ClientType::Service, &metadata);
    let named = kept["jwk_thumbprints"].as_array().map(Vec::len);
    assert_eq!((named, kept.get("jwks")), (Some(1), None));
}
