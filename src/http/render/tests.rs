//! What callers are told.

use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::*;

async fn body(reply: Reply) -> Value {
    let bytes = reply
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    serde_json::from_slice(&bytes).expect("JSON")
}

fn refused(refusal: Refusal, dialect: Dialect) -> Reply {
    rejection(&refusal.into(), dialect, "request-1")
}

fn failed(fault: Fault) -> Reply {
    rejection(&fault.into(), Dialect::FirstParty, "request-1")
}

#[tokio::test]
async fn a_refusal_has_the_form_of_the_contract() {
    let refusal = Refusal::field("new_password", "is too short");
    let reply = refused(refusal, Dialect::FirstParty);
    assert_eq!(reply.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let expected = json!({
        "error": "a field is not acceptable", "code": "VALIDATION_ERROR",
        "details": [{ "field": "new_password", "message": "is too short" }],
        "request_id": "request-1",
    });
    assert_eq!(body(reply).await, expected);
}

#[tokio::test]
async fn details_are_left_out_where_there_are_none() {
    let refusal = Refusal::new(Code::NotFound, "no such thing");
    assert_eq!(
        body(refused(refusal, Dialect::FirstParty))
            .await
            .get("details"),
        None
    );
}

#[tokio::test]
async fn rfc_6749_5_2_an_unusable_grant_is_400_in_oauths_dialect_and_401_in_ours() {
    let refusal = || Refusal::oauth(OAuthCode::InvalidGrant, "the refresh token is spent");
    let ours = refused(refusal(), Dialect::FirstParty);
    assert_eq!(ours.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(body(ours).await["code"], "UNAUTHORIZED");
    let theirs = refused(refusal(), Dialect::OAuth);
    assert_eq!(theirs.status(), StatusCode::BAD_REQUEST);
    let expected = json!({
        "error": "invalid_grant", "error_description": "the refresh token is spent",
    });
    assert_eq!(body(theirs).await, expected);
}

#[test]
fn rfc_6749_5_2_a_failed_client_authentication_is_challenged() {
    let refusal = || Refusal::oauth(OAuthCode::InvalidClient, "unknown client");
    let reply = refused(refusal(), Dialect::OAuth);
    assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
    let challenge = reply.headers()[WWW_AUTHENTICATE].to_str().expect("text");
    assert!(challenge.starts_with("Basic realm="));
    let ours = refused(refusal(), Dialect::FirstParty);
    let challenge = ours.headers()[WWW_AUTHENTICATE].to_str().expect("text");
    assert!(
        challenge.starts_with("Bearer"),
        "a browser must not ask for a password"
    );
}

#[test]
fn rfc_6750_3_a_refused_token_is_challenged_with_its_error() {
    let challenge = |refusal| {
        let reply = refused(refusal, Dialect::FirstParty);
        reply.headers()[WWW_AUTHENTICATE]
            .to_str()
            .map(str::to_owned)
            .expect("text")
    };
    let bad = Refusal::oauth(OAuthCode::InvalidToken, "expired");
    assert!(challenge(bad).ends_with(r#"error="invalid_token""#));
    let small = Refusal::oauth(OAuthCode::InsufficientScope, "admin only");
    assert!(challenge(small).ends_with(r#"error="insufficient_scope""#));
    let none = Refusal::new(Code::Unauthorized, "no token");
    assert!(!challenge(none).contains("error="));
}

#[test]
fn retry_after_is_whole_seconds_rounded_up() {
    for (millis, seconds) in [
        (0, "1"),
        (1, "1"),
        (1_000, "1"),
        (1_001, "2"),
        (900_000, "900"),
    ] {
        let refusal =
            Refusal::new(Code::RateLimited, "wait").retry_after(Duration::from_millis(millis));
        let reply = refused(refusal, Dialect::FirstParty);
        assert_eq!(reply.headers()[RETRY_AFTER], seconds);
    }
}

#[tokio::test]
async fn a_fault_never_says_what_failed() {
    let secret = "connection to 10.0.0.5 refused for user auth";
    for (fault, status, code) in [
        (Fault::Busy("hashing"), 503, "UNAVAILABLE"),
        (Fault::Restarting("keys"), 503, "UNAVAILABLE"),
        (Fault::Store(secret.to_owned()), 503, "UNAVAILABLE"),
        (Fault::Upstream(secret.to_owned()), 503, "UNAVAILABLE"),
        (Fault::Late, 504, "TIMEOUT"),
        (Fault::Broken(secret.to_owned()), 500, "INTERNAL_ERROR"),
    ] {
        let reply = failed(fault);
        assert_eq!(reply.status().as_u16(), status);
        assert_eq!(reply.headers().contains_key(RETRY_AFTER), status == 503);
        let body = body(reply).await;
        assert_eq!(body["code"], code);
        assert!(!body.to_string().contains("10.0.0.5"));
    }
}

#[tokio::test]
async fn rfc_6749_5_2_a_description_is_printable_ascii() {
    let refusal = Refusal::oauth(OAuthCode::InvalidScope, "no \"é\" \\ here\n");
    let body = body(refused(refusal, Dialect::OAuth)).await;
    assert_eq!(body["error_description"], "no '?' ' here?");
}
