//! The one place that turns a [`Rejection`] into a gRPC status.
//!
//! The message is the hint that the HTTP doors give. The details hold what a program reads: the word of
//! CONTRACT §5 as `google.rpc.ErrorInfo`, when to come back, and which fields are wrong. A fault says
//! nothing of what failed: its text is for our log, where it is noted once, here.

use std::collections::HashMap;
use std::time::Duration;

use domain::rejection::{Code, Fault, Refusal, Rejection};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

/// Whose words the details speak in.
const DOMAIN: &str = "auth-service";
/// When to come back after a fault that passes.
const SOON: Duration = Duration::from_secs(1);

/// Turns why nothing came of a call into its status, and logs a fault.
pub(super) fn refuse(rejection: &Rejection, request_id: &str) -> Status {
    match rejection {
        Rejection::Refused(refusal) => of_refusal(refusal, request_id),
        Rejection::Failed(fault) => {
            note(fault, request_id);
            of_fault(fault, request_id)
        }
    }
}

fn of_refusal(refusal: &Refusal, request_id: &str) -> Status {
    let (code, word) = code_of(refusal.code);
    let mut details = details(word, request_id);
    for wrong in &refusal.fields {
        details.add_bad_request_violation(&*wrong.field, &*wrong.message);
    }
    if refusal.retry_after.is_some() {
        details.set_retry_info(refusal.retry_after);
    }
    Status::with_error_details(code, &*refusal.hint, details)
}

fn of_fault(fault: &Fault, request_id: &str) -> Status {
    let (code, word, hint) = match fault {
        Fault::Busy(_) => (
            tonic::Code::ResourceExhausted,
            "UNAVAILABLE",
            "the service is busy; try again in a moment",
        ),
        Fault::Restarting(_) | Fault::Store(_) | Fault::Upstream(_) => (
            tonic::Code::Unavailable,
            "UNAVAILABLE",
            "the service is not available; try again in a moment",
        ),
        Fault::Late => (
            tonic::Code::DeadlineExceeded,
            "TIMEOUT",
            "this took too long",
        ),
        Fault::Broken(_) => (
            tonic::Code::Internal,
            "INTERNAL_ERROR",
            "something broke on our side",
        ),
    };
    let mut details = details(word, request_id);
    if word == "UNAVAILABLE" {
        details.set_retry_info(Some(SOON));
    }
    Status::with_error_details(code, hint, details)
}

fn details(word: &'static str, request_id: &str) -> ErrorDetails {
    let mut details = ErrorDetails::with_error_info(word, DOMAIN, HashMap::new());
    details.set_request_info(request_id, "");
    details
}

/// Says which status, and which word of CONTRACT §5, a refusal has.
const fn code_of(code: Code) -> (tonic::Code, &'static str) {
    match code {
        Code::BadRequest => (tonic::Code::InvalidArgument, "BAD_REQUEST"),
        Code::Validation => (tonic::Code::InvalidArgument, "VALIDATION_ERROR"),
        Code::UnsupportedMediaType => (tonic::Code::InvalidArgument, "UNSUPPORTED_MEDIA_TYPE"),
        Code::Unauthorized => (tonic::Code::Unauthenticated, "UNAUTHORIZED"),
        Code::Forbidden => (tonic::Code::PermissionDenied, "FORBIDDEN"),
        Code::PasswordCompromised => (tonic::Code::PermissionDenied, "PASSWORD_COMPROMISED"),
        Code::AccountDeleted => (tonic::Code::PermissionDenied, "ACCOUNT_DELETED"),
        Code::NotFound => (tonic::Code::NotFound, "NOT_FOUND"),
        Code::MethodNotAllowed => (tonic::Code::Unimplemented, "METHOD_NOT_ALLOWED"),
        Code::Conflict => (tonic::Code::AlreadyExists, "CONFLICT"),
        Code::PreconditionFailed => (tonic::Code::FailedPrecondition, "PRECONDITION_FAILED"),
        Code::PayloadTooLarge => (tonic::Code::ResourceExhausted, "PAYLOAD_TOO_LARGE"),
        Code::RateLimited => (tonic::Code::ResourceExhausted, "RATE_LIMIT_EXCEEDED"),
    }
}

fn note(fault: &Fault, request_id: &str) {
    if matches!(fault, Fault::Broken(_)) {
        tracing::error!(%fault, request_id, "a call broke");
    } else {
        tracing::warn!(%fault, request_id, "a call could not be served");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_which_field_is_wrong_and_when_to_come_back() {
        let refusal = Refusal::field("object", "is missing").retry_after(Duration::from_secs(7));
        let status = refuse(&refusal.into(), "r-1");
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        let details = status.get_error_details();
        let fields = details.bad_request().expect("fields");
        assert_eq!(fields.field_violations[0].field, "object");
        let retry = details.retry_info().and_then(|info| info.retry_delay);
        assert_eq!(retry, Some(Duration::from_secs(7)));
        let request = details.request_info().map(|info| info.request_id.clone());
        assert_eq!(request.as_deref(), Some("r-1"));
    }

    #[test]
    fn a_fault_says_nothing_of_what_failed() {
        for (fault, code) in [
            (Fault::Busy("owner"), tonic::Code::ResourceExhausted),
            (Fault::Restarting("owner"), tonic::Code::Unavailable),
            (
                Fault::Store("secret-host".to_owned()),
                tonic::Code::Unavailable,
            ),
            (Fault::Late, tonic::Code::DeadlineExceeded),
            (
                Fault::Broken("secret-host".to_owned()),
                tonic::Code::Internal,
            ),
        ] {
            let status = refuse(&fault.into(), "r-1");
            assert_eq!(status.code(), code);
            let shown = format!("{status:?}");
            assert!(
                !shown.contains("secret-host") && !shown.contains("owner"),
                "{shown}"
            );
        }
    }
}
