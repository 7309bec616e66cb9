//! What a caller shows: an access token (RFC 6750 §2.1), with a proof of its key if it is bound to one
//! (RFC 9449 §7.1), or an API key; one, and in a header only.

use domain::rejection::{Code, OAuthCode, Refusal};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use super::proof;
use crate::flow::caller::Presented;

pub(super) static X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Reads what the caller shows.
///
/// # Errors
/// 401 when there is nothing or nothing that can be read, 400 when there is more than one.
pub(crate) fn read(
    headers: &HeaderMap,
    method: &'static str,
    path: &str,
) -> Result<Presented, Refusal> {
    let authorization = single(headers, &AUTHORIZATION)?;
    let key = single(headers, &X_API_KEY)?;
    match (authorization, key) {
        (Some(_), Some(_)) => Err(several()),
        (Some(value), None) => match parse_token(value)? {
            (Scheme::Bearer, token) => Ok(Presented::Bearer(token)),
            (Scheme::Dpop, token) => {
                let proof = proof::present(headers, method, path)?.ok_or_else(unproved)?;
                Ok(Presented::Dpop(token, proof))
            }
        },
        (None, Some(value)) => Ok(Presented::ApiKey(value.to_owned())),
        (None, None) => Err(Refusal::new(
            Code::Unauthorized,
            "this needs an access token: `Authorization: Bearer …`",
        )),
    }
}

/// Says whether the caller shows anything.
pub(super) fn is_there(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || headers.contains_key(&X_API_KEY)
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| unreadable()),
        (Some(_), Some(_)) => Err(several()),
    }
}

/// How a token is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Bearer,
    Dpop,
}

/// Reads `Bearer` 1*SP `b64token` (RFC 6750 §2.1), or `DPoP` with the same (RFC 9449 §7.1); the scheme
/// has no case (RFC 9110 §11.1).
fn parse_token(value: &str) -> Result<(Scheme, String), Refusal> {
    let (scheme, token) = value.split_once(' ').ok_or_else(unreadable)?;
    let token = token.trim_matches(' ');
    let scheme = [("bearer", Scheme::Bearer), ("dpop", Scheme::Dpop)]
        .into_iter()
        .find(|(name, _)| scheme.eq_ignore_ascii_case(name));
    match scheme {
        Some((_, scheme)) if is_token(token) => Ok((scheme, token.to_owned())),
        _ => Err(unreadable()),
    }
}

/// Says whether a text is a `b64token`. Every byte is looked at: so many at a time are.
fn is_token(text: &str) -> bool {
    let fine = |b: u8| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
    };
    !text.is_empty() && text.bytes().fold(true, |so_far, b| so_far & fine(b))
}

/// RFC 9449 §7.1: the scheme DPoP comes with a proof.
fn unproved() -> Refusal {
    Refusal::oauth(
        OAuthCode::InvalidToken,
        "the scheme DPoP needs a proof in the header DPoP",
    )
}

fn unreadable() -> Refusal {
    Refusal::oauth(
        OAuthCode::InvalidToken,
        "the Authorization header holds no bearer token",
    )
}

/// RFC 6750 §2: one method of showing a token per request.
fn several() -> Refusal {
    Refusal::oauth(
        OAuthCode::InvalidRequest,
        "show one credential only: one Authorization header or one X-API-Key",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(lines: &[(&'static str, &str)]) -> Result<String, Code> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("a header"));
        }
        match read(&headers, "GET", "/auth/me") {
            Ok(Presented::Bearer(token)) => Ok(format!("bearer {token}")),
            Ok(Presented::Dpop(token, proof)) => Ok(format!("dpop {token} {}", proof.proof)),
            Ok(Presented::ApiKey(key)) => Ok(format!("key {key}")),
            Err(refusal) => Err(refusal.code),
        }
    }

    #[test]
    fn rfc_6750_2_1_a_bearer_token_is_read() {
        for value in ["Bearer a.b-c", "bearer a.b-c", "BEARER   a.b-c "] {
            assert_eq!(
                read_from(&[("authorization", value)]),
                Ok("bearer a.b-c".to_owned())
            );
        }
        assert_eq!(
            read_from(&[("x-api-key", "qf_ak_x")]),
            Ok("key qf_ak_x".to_owned())
        );
    }

    #[test]
    fn rfc_9449_7_1_the_scheme_dpop_comes_with_a_proof() {
        let both = [("authorization", "DPoP a.b"), ("dpop", "p")];
        assert_eq!(read_from(&both), Ok("dpop a.b p".to_owned()));
        assert_eq!(read_from(&both[..1]), Err(Code::Unauthorized));
    }

    #[test]
    fn anything_else_is_401() {
        assert_eq!(read_from(&[]), Err(Code::Unauthorized));
        for value in [
            "Bearer",
            "Bearer ",
            "Basic YTpi",
            "bearer\tx",
            "qf_at_x",
            "Bearer a b",
            "",
        ] {
            let refused = read_from(&[("authorization", value)]);
            assert_eq!(refused, Err(Code::Unauthorized), "{value}");
        }
    }

    #[test]
    fn rfc_6750_2_two_credentials_are_400() {
        let both = [("authorization", "Bearer x"), ("x-api-key", "y")];
        assert_eq!(read_from(&both), Err(Code::BadRequest));
        let twice = [("authorization", "Bearer x"), ("authorization", "Bearer y")];
        assert_eq!(read_from(&twice), Err(Code::BadRequest));
    }
}
