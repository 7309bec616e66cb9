//! Replies, and the one place that turns a [`Rejection`] into one.
//!
//! A refusal is said in the dialect of its route: the first-party form of CONTRACT §5, or RFC 6749
//! §5.2 below `/oauth`. A fault says nothing of what failed: its text is for our log. Both carry what
//! the caller needs to go on: `WWW-Authenticate`, `Retry-After` in whole seconds.

use std::time::Duration;

use bytes::Bytes;
use domain::rejection::{Code, Fault, OAuthCode, Refusal, Rejection};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::headers;
use super::proof::DPOP_NONCE;

mod code;
mod content;

pub(super) use content::Content;
pub(super) use content::Parts;

use code::{Words, words_of_fault, words_of_refusal};

/// An answer on its way out.
pub(super) type Reply = Response<Content>;

/// Whose words errors are said in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Dialect {
    /// The first-party form of CONTRACT §5.
    #[default]
    FirstParty,
    /// RFC 6749 §5.2.
    OAuth,
    /// A page, for people; the word on it is OAuth's where there is one.
    Page,
}

static JSON: HeaderValue = HeaderValue::from_static("application/json");

#[derive(Serialize)]
struct FirstPartyError<'a> {
    error: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    details: &'a [Detail<'a>],
    #[serde(flatten)]
    leaving: Option<WayBack<'a>>,
    request_id: &'a str,
}

/// How a deleted account is had back.
#[derive(Serialize)]
struct WayBack<'a> {
    erase_at: String,
    restore_token: &'a str,
}

#[derive(Serialize)]
struct Detail<'a> {
    field: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct OAuthError<'a> {
    error: &'static str,
    error_description: &'a str,
}

/// Renders a value as JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    with_body(status, &JSON, to_bytes(value))
}

/// Writes a value as JSON.
pub(super) fn to_bytes(value: &impl Serialize) -> Bytes {
    // What we serialize has text keys and no failing `Serialize`, so there always is a text.
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

/// Renders a body that is ready.
pub(super) fn with_body(status: StatusCode, media: &HeaderValue, body: Bytes) -> Reply {
    let mut reply = Response::new(Content::from(body));
    *reply.status_mut() = status;
    *reply.headers_mut() = headers::with_body(media);
    reply
}

/// Renders parts that are made while they are sent.
pub(super) fn parts(status: StatusCode, media: &HeaderValue, parts: Parts) -> Reply {
    let mut reply = Response::new(Content::Parts(parts));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, media.clone());
    reply
}

/// Renders a status that says it all.
pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Content::default());
    *reply.status_mut() = status;
    reply
}

/// Renders one sentence for people.
pub(super) fn message(status: StatusCode, text: &'static str) -> Reply {
    json(status, &serde_json::json!({ "message": text }))
}

/// Gives the word and the status for why nothing came of a request.
pub(super) fn words_of(rejection: &Rejection, dialect: Dialect) -> (StatusCode, &'static str) {
    let words = match rejection {
        Rejection::Refused(refusal) => words_of_refusal(refusal, dialect),
        Rejection::Failed(fault) => words_of_fault(fault, dialect).0,
    };
    (words.status, words.word)
}

/// Renders why nothing came of a request.
pub(super) fn rejection(rejection: &Rejection, dialect: Dialect, request_id: &str) -> Reply {
    match rejection {
        Rejection::Refused(refusal) => self::refusal(refusal, dialect, request_id),
        Rejection::Failed(fault) => self::fault(fault, dialect, request_id),
    }
}

fn refusal(refusal: &Refusal, dialect: Dialect, request_id: &str) -> Reply {
    let words = words_of_refusal(refusal, dialect);
    let mut reply = say(words, &refusal.hint, Some(refusal), dialect, request_id);
    if let Some(span) = refusal.retry_after {
        reply.headers_mut().insert(RETRY_AFTER, whole_seconds(span));
    }
    if let Some(nonce) = refusal.dpop_nonce.as_deref().map(HeaderValue::try_from) {
        // It is base64url.
        reply
            .headers_mut()
            .extend(nonce.ok().map(|nonce| (DPOP_NONCE.clone(), nonce)));
    }
    if let Some(challenge) = challenge(refusal, words.status, dialect) {
        reply.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    reply
}

fn fault(fault: &Fault, dialect: Dialect, request_id: &str) -> Reply {
    let (words, hint) = words_of_fault(fault, dialect);
    let mut reply = say(words, hint, None, dialect, request_id);
    if words.status == StatusCode::SERVICE_UNAVAILABLE {
        let soon = HeaderValue::from_static("1");
        reply.headers_mut().insert(RETRY_AFTER, soon);
    }
    reply
}

fn say(
    words: Words,
    hint: &str,
    refusal: Option<&Refusal>,
    dialect: Dialect,
    request_id: &str,
) -> Reply {
    if dialect != Dialect::FirstParty {
        let error = OAuthError {
            error: words.word,
            error_description: &printable(hint),
        };
        return json(words.status, &error);
    }
    let fields = refusal.map_or(&[][..], |refusal| &refusal.fields);
    let details: Vec<Detail<'_>> = fields
        .iter()
        .map(|wrong| Detail {
            field: &wrong.field,
            message: &wrong.message,
        })
        .collect();
    let error = FirstPartyError {
        error: hint,
        code: words.word,
        details: &details,
        leaving: refusal.and_then(way_back),
        request_id,
    };
    json(words.status, &error)
}

fn way_back(refusal: &Refusal) -> Option<WayBack<'_>> {
    let leaving = refusal.leaving.as_ref()?;
    Some(WayBack {
        erase_at: leaving.erase_at.to_string(),
        restore_token: leaving.token.expose(),
    })
}

/// RFC 9110 §15.5.2: a 401 says how to authenticate; RFC 6750 §3: what is wrong with the token; RFC
/// 9470 §3: which sign-in would do.
fn challenge(refusal: &Refusal, status: StatusCode, dialect: Dialect) -> Option<HeaderValue> {
    const BASIC: &str = r#"Basic realm="auth-service", charset="UTF-8""#;
    const BEARER: &str = r#"Bearer realm="auth-service""#;
    const INVALID: &str = r#"Bearer realm="auth-service", error="invalid_token""#;
    const UNPROVED: &str = r#"DPoP error="invalid_dpop_proof", algs="ES256 EdDSA Ed25519 PS256""#;
    const INSUFFICIENT: &str = r#"Bearer realm="auth-service", error="insufficient_scope""#;
    if let Some(wanted) = &refusal.step_up {
        let text = format!(
            r#"Bearer realm="auth-service", error="insufficient_user_authentication", acr_values="{}", max_age="{}""#,
            wanted.acr,
            wanted.max_age.as_secs()
        );
        return HeaderValue::try_from(text).ok();
    }
    let text = match (status, refusal.oauth, dialect) {
        (StatusCode::UNAUTHORIZED, Some(OAuthCode::InvalidClient), Dialect::OAuth) => BASIC,
        (StatusCode::UNAUTHORIZED, Some(OAuthCode::InvalidToken), _) => INVALID,
        (StatusCode::UNAUTHORIZED, Some(OAuthCode::InvalidDpopProof), _) => UNPROVED,
        (StatusCode::UNAUTHORIZED, ..) => BEARER,
        (StatusCode::FORBIDDEN, Some(OAuthCode::InsufficientScope), _) => INSUFFICIENT,
        _ => return None,
    };
    Some(HeaderValue::from_static(text))
}

/// Rounds up: who comes back when we said is let in.
fn whole_seconds(span: Duration) -> HeaderValue {
    let part = u64::from(span.subsec_nanos() > 0);
    HeaderValue::from(span.as_secs().saturating_add(part).max(1))
}

/// RFC 6749 §5.2: a description is printable ASCII without quotes and backslashes.
fn printable(hint: &str) -> String {
    hint.chars()
        .map(|c| match c {
            '"' | '`' | '\\' => '\'',
            ' '..='~' => c,
            _ => '?',
        })
        .collect()
}

/// Says that the path has no such method.
pub(super) fn no_such_method() -> Refusal {
    Refusal::new(Code::MethodNotAllowed, "this path has no such method")
}

#[cfg(test)]
mod tests;
