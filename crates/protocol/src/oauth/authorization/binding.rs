//! What binds a code to the one who asked for it: the nonce, the PKCE challenge, a key.

use domain::authorization::AuthorizationRequest;

use super::scope::OPENID;
use super::{Asked, Verdict, invalid_request};
use crate::oauth::pkce::{self, Challenge};

/// The longest `nonce`, in bytes.
const MAX_NONCE: usize = 512;

pub(super) fn read_nonce(asked: &Asked<'_>, request: &mut AuthorizationRequest) -> Verdict {
    let nonce = asked.bounded("nonce", MAX_NONCE)?;
    request.nonce = nonce.map(str::to_owned);
    Ok(())
}

/// Relies on the scope and the nonce having been read.
pub(super) fn read_code_challenge(
    asked: &Asked<'_>,
    request: &mut AuthorizationRequest,
) -> Verdict {
    let method = asked.get("code_challenge_method");
    let Some(text) = asked.get("code_challenge") else {
        return match method {
            Some(_) => Err(invalid_request("code_challenge is missing.")),
            None => check_absence(asked, request),
        };
    };
    // A missing method means `plain` (RFC 7636 §4.3), which shows the verifier to whoever looks.
    if method != Some(pkce::METHOD) {
        return Err(invalid_request("code_challenge_method must be S256."));
    }
    let challenge =
        Challenge::parse(text).map_err(|invalid| invalid_request(invalid.to_string()))?;
    request.code_challenge = Some(challenge.into_string());
    Ok(())
}

/// Says whether a request may do without PKCE: that of a confidential client whose operator said so,
/// outside FAPI, and with a nonce instead where there is an ID token to put it in (RFC 9700 §2.1.1).
fn check_absence(asked: &Asked<'_>, request: &AuthorizationRequest) -> Verdict {
    let registered = &asked.client.metadata;
    let is_public = registered.token_endpoint_auth_method == "none";
    if is_public || asked.is_fapi() || registered.require_pkce != Some(false) {
        return Err(invalid_request("code_challenge is missing."));
    }
    if request.scope.contains(OPENID) && request.nonce.is_none() {
        return Err(invalid_request(
            "Without a code_challenge there must be a nonce.",
        ));
    }
    Ok(())
}

pub(super) fn read_dpop_jkt(asked: &Asked<'_>, request: &mut AuthorizationRequest) -> Verdict {
    let thumbprint = asked.get("dpop_jkt");
    if thumbprint.is_some_and(|text| !pkce::is_hash(text)) {
        return Err(invalid_request(
            "dpop_jkt must be a SHA-256 thumbprint: 43 characters of base64url.",
        ));
    }
    request.dpop_jkt = thumbprint.map(str::to_owned);
    Ok(())
}
