//! How a request came, by whom it may come so, and which kind of answer it wants.

use domain::authorization::AuthorizationRequest;

use super::target::{MAX_STATE, parse_mode};
use super::{Arrived, Asked, AuthorizationError, AuthorizationErrorCode, Verdict, invalid_request};

/// How a client under FAPI 2.0 authenticates (FAPI 2.0 §5.3.2.1).
const FAPI_AUTHENTICATION: [&str; 3] = [
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
];

pub(super) fn read_state(asked: &Asked<'_>, request: &mut AuthorizationRequest) -> Verdict {
    let state = asked.bounded("state", MAX_STATE)?;
    request.state = state.map(str::to_owned);
    Ok(())
}

/// Clients of strangers register elsewhere (RFC 7591), not by a parameter.
pub(super) fn check_registration(asked: &Asked<'_>, _: &mut AuthorizationRequest) -> Verdict {
    match asked.get("registration") {
        None => Ok(()),
        Some(_) => Err(AuthorizationError::new(
            AuthorizationErrorCode::RegistrationNotSupported,
            "The registration parameter is not supported.",
        )),
    }
}

pub(super) fn read_pushed(asked: &Asked<'_>, request: &mut AuthorizationRequest) -> Verdict {
    let registered = &asked.client.metadata;
    let is_demanded = registered.require_pushed_authorization_requests || asked.is_fapi();
    match asked.how {
        Arrived::Plain if is_demanded => Err(invalid_request(
            "This client must push its authorization requests.",
        )),
        Arrived::Plain => Ok(()),
        Arrived::Pushed(signature) => {
            request.pushed = Some(signature);
            Ok(())
        }
    }
}

pub(super) fn check_signed(asked: &Asked<'_>, _: &mut AuthorizationRequest) -> Verdict {
    if asked.client.metadata.require_signed_request_object && !asked.is_signed {
        return Err(invalid_request(
            "This client must sign its authorization requests.",
        ));
    }
    Ok(())
}

pub(super) fn check_client(asked: &Asked<'_>, _: &mut AuthorizationRequest) -> Verdict {
    let method = asked.client.metadata.token_endpoint_auth_method.as_str();
    if asked.is_fapi() && !FAPI_AUTHENTICATION.contains(&method) {
        return Err(AuthorizationError::new(
            AuthorizationErrorCode::UnauthorizedClient,
            "Under FAPI 2.0 a client must authenticate with private_key_jwt or mutual TLS.",
        ));
    }
    Ok(())
}

pub(super) fn check_response_type(asked: &Asked<'_>, _: &mut AuthorizationRequest) -> Verdict {
    match asked.get("response_type") {
        Some("code") => Ok(()),
        Some(_) => Err(AuthorizationError::new(
            AuthorizationErrorCode::UnsupportedResponseType,
            "The only response_type is code.",
        )),
        None => Err(invalid_request("response_type is missing.")),
    }
}

pub(super) fn check_response_mode(asked: &Asked<'_>, _: &mut AuthorizationRequest) -> Verdict {
    let asked_for = asked.get("response_mode");
    if asked_for.is_none_or(|text| parse_mode(text).is_some()) {
        return Ok(());
    }
    Err(invalid_request(
        "response_mode must be query, form_post, query.jwt, form_post.jwt or jwt.",
    ))
}
