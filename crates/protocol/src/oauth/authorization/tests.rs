//! Every row of the table, judged by the section it names.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::AuthorizationErrorCode as Code;
use super::sample::{CHALLENGE, arrive, changed, client, judge, judge_for};
use super::*;

#[test]
fn a_good_request_is_taken_as_it_came() {
    let request = judge(&[]).expect("a good request");
    assert_eq!(request.client, "client_x");
    assert_eq!(request.scope.to_string(), "openid email");
    assert_eq!(request.state.as_deref(), Some("s"));
    assert_eq!(request.nonce.as_deref(), Some("n"));
    assert_eq!(request.code_challenge.as_deref(), Some(CHALLENGE));
    assert_eq!((request.max_age, request.pushed), (None, None));
}

#[test]
fn each_row_has_a_name_of_its_own_and_a_section() {
    let names: BTreeSet<&str> = ROWS.iter().map(|(name, _, _)| *name).collect();
    assert_eq!(names.len(), ROWS.len());
    assert!(ROWS.iter().all(|(_, section, _)| section.contains('§')));
}

#[test]
fn rfc_6749_3_1_unknown_parameters_are_ignored() {
    let request = judge(&[("display", "popup"), ("audience", "x"), ("foo", "bar")]);
    assert_eq!(request, judge(&[]));
}

#[test]
fn rfc_6749_4_1_1_a_state_is_bounded() {
    assert!(judge(&[("state", &"x".repeat(2048))]).is_ok());
    assert_eq!(
        judge(&[("state", &"x".repeat(2049))]),
        Err(Code::InvalidRequest)
    );
}

#[test]
fn openid_connect_core_7_2_1_registration_is_not_supported() {
    assert_eq!(
        judge(&[("registration", "{}")]),
        Err(Code::RegistrationNotSupported)
    );
}

#[test]
fn oauth_2_1_4_1_1_response_type_is_code() {
    assert_eq!(judge(&[("response_type", "")]), Err(Code::InvalidRequest));
    for other in [
        "token",
        "id_token",
        "code id_token",
        "code token",
        "none",
        "Code",
        "code ",
    ] {
        let judged = judge(&[("response_type", other)]);
        assert_eq!(judged, Err(Code::UnsupportedResponseType), "{other}");
    }
}

#[test]
fn multiple_response_types_2_1_fragment_and_unknown_response_modes_are_refused() {
    for mode in ["query", "form_post", "query.jwt", "form_post.jwt", "jwt"] {
        assert!(judge(&[("response_mode", mode)]).is_ok(), "{mode}");
    }
    for mode in ["fragment", "fragment.jwt", "web_message", "QUERY"] {
        assert_eq!(
            judge(&[("response_mode", mode)]),
            Err(Code::InvalidRequest),
            "{mode}"
        );
    }
}

#[test]
fn openid_connect_core_3_1_2_1_a_nonce_is_bounded() {
    assert!(judge(&[("nonce", &"x".repeat(512))]).is_ok());
    assert_eq!(
        judge(&[("nonce", &"x".repeat(513))]),
        Err(Code::InvalidRequest)
    );
}

#[test]
fn rfc_9700_2_1_1_a_public_client_without_a_challenge_is_refused() {
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(judge(&bare), Err(Code::InvalidRequest));
    for require_pkce in [None, Some(true), Some(false)] {
        let public = changed(|client| {
            client.metadata.token_endpoint_auth_method = "none".to_owned();
            client.metadata.require_pkce = require_pkce;
        });
        assert_eq!(judge_for(&public, &bare), Err(Code::InvalidRequest));
        assert!(judge_for(&public, &[]).is_ok());
    }
}

#[test]
fn rfc_9700_2_1_1_a_confidential_client_without_pkce_needs_a_nonce() {
    let excused = changed(|client| client.metadata.require_pkce = Some(false));
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(
        judge_for(&excused, &bare).map(|request| request.code_challenge),
        Ok(None)
    );
    let [challenge, method] = bare;
    let judged = judge_for(&excused, &[challenge, method, ("nonce", "")]);
    assert_eq!(judged, Err(Code::InvalidRequest));
    let judged = judge_for(
        &excused,
        &[challenge, method, ("nonce", ""), ("scope", "email")],
    );
    assert!(judged.is_ok());
}

#[test]
fn rfc_7636_4_3_plain_and_a_missing_method_are_refused() {
    let excused = changed(|client| client.metadata.require_pkce = Some(false));
    for client in [client(), excused] {
        for method in ["", "plain", "s256", "S512"] {
            let judged = judge_for(&client, &[("code_challenge_method", method)]);
            assert_eq!(judged, Err(Code::InvalidRequest), "{method}");
        }
        let judged = judge_for(&client, &[("code_challenge", "")]);
        assert_eq!(judged, Err(Code::InvalidRequest));
    }
}

#[test]
fn rfc_7636_4_2_a_challenge_that_is_no_hash_is_refused() {
    for odd in ["x", &format!("{CHALLENGE}="), &CHALLENGE[1..]] {
        assert_eq!(judge(&[("code_challenge", odd)]), Err(Code::InvalidRequest));
    }
}

#[test]
fn rfc_9449_10_dpop_jkt_is_a_thumbprint() {
    let request = judge(&[("dpop_jkt", CHALLENGE)]).expect("a good request");
    assert_eq!(request.dpop_jkt.as_deref(), Some(CHALLENGE));
    assert_eq!(judge(&[("dpop_jkt", "x")]), Err(Code::InvalidRequest));
}

#[test]
fn rfc_9126_6_a_client_that_must_push_is_refused_otherwise() {
    let pushed = Arrived::Pushed([7; 32]);
    let client = changed(|client| client.metadata.require_pushed_authorization_requests = true);
    assert_eq!(judge_for(&client, &[]), Err(Code::InvalidRequest));
    let request = arrive(&client, &[], pushed, false).expect("a good request");
    assert_eq!(request.pushed, Some([7; 32]));
}

#[test]
fn rfc_9101_10_5_a_client_that_must_sign_is_refused_otherwise() {
    let client = changed(|client| client.metadata.require_signed_request_object = true);
    for how in [Arrived::Plain, Arrived::Pushed([7; 32])] {
        assert_eq!(arrive(&client, &[], how, false), Err(Code::InvalidRequest));
        assert!(arrive(&client, &[], how, true).is_ok());
    }
}

fn fapi(method: &str) -> Client {
    changed(|client| {
        client.metadata.fapi_2_0 = true;
        client.metadata.token_endpoint_auth_method = method.to_owned();
        client.metadata.require_pkce = Some(false);
    })
}

#[test]
fn fapi_2_0_5_3_2_2_only_pushed_requests_with_s256_are_taken() {
    let (client, pushed) = (fapi("private_key_jwt"), Arrived::Pushed([7; 32]));
    assert!(arrive(&client, &[], pushed, false).is_ok());
    assert!(arrive(&client, &[("response_mode", "jwt")], pushed, false).is_ok());
    for is_signed in [true, false] {
        let plain = arrive(&client, &[], Arrived::Plain, is_signed);
        assert_eq!(plain, Err(Code::InvalidRequest));
    }
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(
        arrive(&client, &bare, pushed, false),
        Err(Code::InvalidRequest)
    );
}

#[test]
fn fapi_2_0_5_3_2_1_only_clients_that_prove_a_key_are_taken() {
    let judge = |method: &str| arrive(&fapi(method), &[], Arrived::Pushed([7; 32]), false);
    for method in [
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
    ] {
        assert!(judge(method).is_ok(), "{method}");
    }
    for method in [
        "none",
        "",
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
    ] {
        assert_eq!(judge(method), Err(Code::UnauthorizedClient), "{method}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_checking_panic(row in 0..ROWS.len(), text in ".{0,120}") {
        let name = ROWS[row].0;
        let _ = judge(&[(name, &text)]);
        let _ = judge(&[(name, &format!("[{{\"type\":\"{text}\"}}]"))]);
        let _ = judge(&[(name, &format!("{{\"id_token\":{{\"{text}\":null}}}}"))]);
    }
}
