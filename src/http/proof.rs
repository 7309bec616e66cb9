//! The proof of a key that comes with a request: the header `DPoP` (RFC 9449 §4.1).

use domain::rejection::{OAuthCode, Refusal};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::render::Reply;
use crate::flow::proof::{Presented, issue_nonce};
use crate::flow::{Act, Flows};

/// The header that carries a proof.
pub(super) static DPOP: HeaderName = HeaderName::from_static("dpop");
/// The header that carries the nonce for the next one.
pub(super) static DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Reads the proof of a request (RFC 9449 §4.3: "There is not more than one DPoP HTTP request header
/// field").
///
/// # Errors
/// `invalid_dpop_proof` for several, or one that is no text.
pub(super) fn present(
    headers: &HeaderMap,
    method: &'static str,
    path: &str,
) -> Result<Option<Presented>, Refusal> {
    let mut values = headers.get_all(&DPOP).iter();
    let proof = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().ok(),
        (Some(_), Some(_)) => None,
    };
    let proof = proof.map(str::to_owned).ok_or_else(|| {
        let hint = "send one DPoP header with one proof";
        Refusal::oauth(OAuthCode::InvalidDpopProof, hint)
    })?;
    Ok(Some(Presented {
        proof,
        method,
        path: path.to_owned(),
    }))
}

/// Gives the nonce for the next proof to whoever sent one (RFC 9449 §8.2).
pub(super) fn offer_nonce(flows: &Flows, act: &Act, headers: &HeaderMap, reply: &mut Reply) {
    if !flows.settings.dpop.enabled || !headers.contains_key(&DPOP) {
        return;
    }
    if let Ok(nonce) = HeaderValue::try_from(issue_nonce(flows, act)) {
        reply.headers_mut().insert(&DPOP_NONCE, nonce);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9449_4_3_there_is_not_more_than_one_proof() {
        let mut headers = HeaderMap::new();
        let read = |headers: &HeaderMap| present(headers, "POST", "/oauth/token");
        assert!(read(&headers).is_ok_and(|proof| proof.is_none()));
        headers.append(&DPOP, "a".parse().expect("a header"));
        assert!(read(&headers).is_ok_and(|proof| proof.is_some()));
        headers.append(&DPOP, "b".parse().expect("a header"));
        let refused = read(&headers).expect_err("two");
        assert_eq!(refused.oauth, Some(OAuthCode::InvalidDpopProof));
    }
}
