//! Which status and which word each rejection has, in each dialect.

use domain::rejection::{Code, Fault, OAuthCode, Refusal};
use http::StatusCode;

use super::Dialect;

/// A status and the word a program reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) status: StatusCode,
    pub(super) word: &'static str,
}

/// Finds the words of a refusal.
pub(super) fn words_of_refusal(refusal: &Refusal, dialect: Dialect) -> Words {
    let first_party = words_of_code(refusal.code);
    match (dialect, refusal.oauth) {
        (Dialect::FirstParty, _) => first_party,
        (Dialect::OAuth | Dialect::Page, Some(code)) => Words {
            status: status_of_oauth(code, first_party.status),
            word: code.as_str(),
        },
        (Dialect::OAuth | Dialect::Page, None) => Words {
            word: oauth_word_of_code(refusal.code),
            ..first_party
        },
    }
}

/// Finds the words of a fault, and the one sentence that callers are told.
pub(super) fn words_of_fault(fault: &Fault, dialect: Dialect) -> (Words, &'static str) {
    let (status, first_party, oauth, hint) = match fault {
        Fault::Busy(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            "temporarily_unavailable",
            "the service is busy; try again in a moment",
        ),
        Fault::Restarting(_) | Fault::Store(_) | Fault::Upstream(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            "temporarily_unavailable",
            "the service is not available; try again in a moment",
        ),
        Fault::Late => (
            StatusCode::GATEWAY_TIMEOUT,
            "TIMEOUT",
            "temporarily_unavailable",
            "this took too long; it may or may not have happened",
        ),
        Fault::Broken(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL_ERROR",
            "server_error",
            "something broke on our side",
        ),
    };
    let word = match dialect {
        Dialect::FirstParty => first_party,
        Dialect::OAuth | Dialect::Page => oauth,
    };
    (Words { status, word }, hint)
}

/// CONTRACT §5.
const fn words_of_code(code: Code) -> Words {
    let (status, word) = match code {
        Code::BadRequest => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        Code::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
        Code::Forbidden => (StatusCode::FORBIDDEN, "FORBIDDEN"),
        Code::AccountDeleted => (StatusCode::FORBIDDEN, "ACCOUNT_DELETED"),
        Code::PasswordCompromised => (StatusCode::FORBIDDEN, "PASSWORD_COMPROMISED"),
        Code::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Code::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
        Code::Conflict => (StatusCode::CONFLICT, "CONFLICT"),
        Code::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED"),
        Code::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"),
        Code::UnsupportedMediaType => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE")
        }
        Code::Validation => (StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR"),
        Code::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_EXCEEDED"),
    };
    Words { status, word }
}

/// RFC 6749 §5.2 and RFC 6750 §3.1: 400 but for a missing credential or right. A wait stays a wait.
const fn status_of_oauth(code: OAuthCode, first_party: StatusCode) -> StatusCode {
    match (code, first_party) {
        (
            OAuthCode::InvalidClient
            | OAuthCode::InvalidToken
            | OAuthCode::InsufficientUserAuthentication,
            _,
        ) => StatusCode::UNAUTHORIZED,
        (OAuthCode::InsufficientScope, _) => StatusCode::FORBIDDEN,
        (_, StatusCode::TOO_MANY_REQUESTS) => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// What the standard's error of that name means most nearly where it has none of its own.
const fn oauth_word_of_code(code: Code) -> &'static str {
    match code {
        Code::Unauthorized => "invalid_client",
        Code::Forbidden | Code::PasswordCompromised | Code::AccountDeleted => "access_denied",
        Code::RateLimited => "temporarily_unavailable",
        _ => "invalid_request",
    }
}
