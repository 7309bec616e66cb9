//! What a caller shows: a bearer token (RFC 6750 §2.1) or an API key, one and in a header only.

use domain::rejection::{Code, OAuthCode, Refusal};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::flow::caller::Presented;

static X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Reads what the caller shows.
///
/// # Errors
/// 401 when there is nothing or nothing that can be read, 400 when there is more than one.
pub(super) fn read(headers: &HeaderMap) -> Result<Presented, Refusal> {
    let bearer = single(headers, &AUTHORIZATION)?;
    let key = single(headers, &X_API_KEY)?;
    match (bearer, key) {
        (Some(_), Some(_)) => Err(several()),
        (Some(value), None) => parse_bearer(value).map(Presented::Bearer),
        (None, Some(value)) => Ok(Presented::ApiKey(value.to_owned())),
        (None, None) => Err(Refusal::new(
            Code::Unauthorized,
            "this needs an access token: `Authorization: Bearer …`",
        )),
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| unreadable()),
        (Some(_), Some(_)) => Err(several()),
    }
}

/// Reads `Bearer` 1*SP `b64token` (RFC 6750 §2.1); the scheme has no case (RFC 9110 §11.1).
fn parse_bearer(value: &str) -> Result<String, Refusal> {
    let (scheme, token) = value.split_once(' ').ok_or_else(unreadable)?;
    let token = token.trim_matches(' ');
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || !token.bytes().all(fine) {
        return Err(unreadable());
    }
    Ok(token.to_owned())
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
        match read(&headers) {
            Ok(Presented::Bearer(token)) => Ok(format!("bearer {token}")),
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
