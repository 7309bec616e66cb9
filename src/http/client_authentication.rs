//! How a client says who it is at the token endpoint (RFC 6749 §2.3).
//!
//! HTTP Basic, or `client_id` with `client_secret` in the body, or `client_id` alone for a public
//! client; one way per request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::rejection::{OAuthCode, Refusal};
use domain::secret::SecretText;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::fields::Fields;
use super::form;
use crate::flow::token::{AuthMethod, ClientAuth};

/// Reads the client's authentication from the header and takes its fields from the body.
///
/// # Errors
/// `invalid_request` for two ways at once, `invalid_client` for a header that cannot be read.
pub(super) fn take(headers: &HeaderMap, fields: &mut Fields) -> Result<ClientAuth, Refusal> {
    let id = fields.optional_text("client_id");
    let secret = fields.optional_secret("client_secret");
    let Some(basic) = find_basic(headers)? else {
        return Ok(in_body(id, secret));
    };
    let (basic_id, basic_secret) = parse_basic(basic).ok_or_else(unreadable)?;
    if secret.is_some() || id.is_some_and(|id| id != basic_id) {
        return Err(Refusal::oauth(
            OAuthCode::InvalidRequest,
            "authenticate the client in one way only (RFC 6749 §2.3)",
        ));
    }
    Ok(ClientAuth::Secret {
        id: basic_id,
        secret: basic_secret,
        method: AuthMethod::Basic,
    })
}

fn in_body(id: Option<String>, secret: Option<SecretText>) -> ClientAuth {
    match (id, secret) {
        (Some(id), Some(secret)) => ClientAuth::Secret {
            id,
            secret,
            method: AuthMethod::Post,
        },
        (Some(id), None) => ClientAuth::Id(id),
        (None, _) => ClientAuth::None,
    }
}

/// Finds the credentials of the scheme Basic; other schemes are no client authentication.
fn find_basic(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(unreadable()),
        (Some(value), None) => {
            let value = value.to_str().map_err(|_| unreadable())?;
            let (scheme, credentials) = value.split_once(' ').unwrap_or((value, ""));
            Ok(scheme.eq_ignore_ascii_case("basic").then_some(credentials))
        }
    }
}

/// Reads base64 of `id:secret`, each form-encoded before (RFC 6749 §2.3.1).
fn parse_basic(credentials: &str) -> Option<(String, SecretText)> {
    let bytes = STANDARD.decode(credentials.trim_matches(' ')).ok()?;
    let text = SecretText::new(String::from_utf8(bytes).ok()?);
    let (id, secret) = text.expose().split_once(':')?;
    let (id, secret) = (form::decode(id).ok()?, form::decode(secret).ok()?);
    (!id.is_empty()).then(|| (id, SecretText::new(secret)))
}

fn unreadable() -> Refusal {
    Refusal::oauth(
        OAuthCode::InvalidClient,
        "the Authorization header holds no client credentials (RFC 6749 §2.3.1)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_from(authorization: Option<&str>, body: &str) -> Result<String, Option<OAuthCode>> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value.parse().expect("a header"));
        }
        let parameters = form::parse(body.as_bytes()).expect("a form");
        match take(&headers, &mut Fields::of_form(parameters, false)) {
            Ok(ClientAuth::None) => Ok("none".to_owned()),
            Ok(ClientAuth::Id(id)) => Ok(id),
            Ok(ClientAuth::Secret { id, secret, method }) => {
                Ok(format!("{method:?} {id} {}", secret.expose()))
            }
            Err(refusal) => Err(refusal.oauth),
        }
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn rfc_6749_2_3_1_basic_is_form_encoded_inside() {
        let read = take_from(Some(&basic("a%3Ab:p+%25%3A:")), "");
        assert_eq!(read, Ok("Basic a:b p %::".to_owned()));
        let lower = basic("x:y").replace("Basic", "bAsIc");
        assert_eq!(
            take_from(Some(&lower), "client_id=x"),
            Ok("Basic x y".to_owned())
        );
    }

    #[test]
    fn the_body_names_a_client_with_or_without_a_secret() {
        assert_eq!(take_from(None, ""), Ok("none".to_owned()));
        assert_eq!(take_from(None, "client_id=x"), Ok("x".to_owned()));
        let posted = take_from(None, "client_id=x&client_secret=y");
        assert_eq!(posted, Ok("Post x y".to_owned()));
    }

    #[test]
    fn rfc_6749_2_3_two_ways_at_once_are_refused() {
        let header = basic("x:y");
        for body in [
            "client_id=x&client_secret=y",
            "client_secret=y",
            "client_id=other",
        ] {
            let refused = take_from(Some(&header), body);
            assert_eq!(refused, Err(Some(OAuthCode::InvalidRequest)), "{body}");
        }
    }

    #[test]
    fn a_header_that_cannot_be_read_is_invalid_client() {
        let odd = [
            "Basic",
            "Basic !!!",
            "Basic YQ==",
            "Basic /w==",
            "Basic OmI=",
        ];
        for header in odd {
            let refused = take_from(Some(header), "");
            assert_eq!(refused, Err(Some(OAuthCode::InvalidClient)), "{header}");
        }
        let encoded = basic("a%zz:b");
        assert_eq!(
            take_from(Some(&encoded), ""),
            Err(Some(OAuthCode::InvalidClient))
        );
    }

    #[test]
    fn another_scheme_is_no_client_authentication() {
        assert_eq!(
            take_from(Some("Bearer qf_at_x"), "client_id=x"),
            Ok("x".to_owned())
        );
    }
}
