//! How a client says who it is at the token endpoint (RFC 6749 §2.3).
//!
//! HTTP Basic, or `client_id` with `client_secret` in the body, or a `client_assertion` that it signed
//! (RFC 7521 §4.2), or `client_id` alone for a public client, or an API key in a header; one way per
//! request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::rejection::{OAuthCode, Refusal};
use domain::secret::SecretText;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use protocol::client_assertion::{ASSERTION_TYPE, peek_client_id};
use protocol::opaque::RandomToken;

use super::credential::X_API_KEY;
use super::fields::Fields;
use super::form;
use crate::flow::token::{AuthMethod, ClientAuth};

/// Reads the client's authentication from the header and takes its fields from the body.
///
/// # Errors
/// `invalid_request` for two ways at once or half of one, `invalid_client` for what cannot be read.
pub(super) fn take(headers: &HeaderMap, fields: &mut Fields) -> Result<ClientAuth, Refusal> {
    let id = fields.optional_text("client_id");
    let secret = fields.optional_secret("client_secret");
    let assertion = take_assertion(fields)?;
    if let Some(key) = find_key(headers)? {
        if secret.is_some() || assertion.is_some() {
            return Err(two_ways());
        }
        return Ok(ClientAuth::ApiKey { id, key });
    }
    match (find_basic(headers)?, assertion) {
        (Some(_), Some(_)) => Err(two_ways()),
        (None, Some(_)) if secret.is_some() => Err(two_ways()),
        (None, Some(assertion)) => by_assertion(id.as_deref(), assertion),
        (Some(basic), None) => by_header(basic, id.as_deref(), secret.is_some()),
        (None, None) => Ok(in_body(id, secret)),
    }
}

/// Finds an API key, in a header of its own or as a bearer token; another bearer token is no client
/// authentication.
fn find_key(headers: &HeaderMap) -> Result<Option<SecretText>, Refusal> {
    let mut shown = headers.get_all(AUTHORIZATION).iter();
    let bearer = shown.find_map(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let is_key = token
            .trim_matches(' ')
            .starts_with(RandomToken::ApiKey.prefix());
        (is_key && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim_matches(' '))
    });
    let mut own = headers.get_all(&X_API_KEY).iter();
    match (own.next(), bearer) {
        (None, bearer) => Ok(bearer.map(|key| SecretText::new(key.to_owned()))),
        (Some(_), _) if headers.contains_key(AUTHORIZATION) || own.next().is_some() => {
            Err(two_ways())
        }
        (Some(key), _) => {
            let key = key.to_str().map_err(|_| unreadable())?;
            Ok(Some(SecretText::new(key.to_owned())))
        }
    }
}

fn by_header(basic: &str, id: Option<&str>, has_secret: bool) -> Result<ClientAuth, Refusal> {
    let (basic_id, basic_secret) = parse_basic(basic).ok_or_else(unreadable)?;
    if has_secret || id.is_some_and(|id| id != basic_id) {
        return Err(two_ways());
    }
    Ok(ClientAuth::Secret {
        id: basic_id,
        secret: basic_secret,
        method: AuthMethod::Basic,
    })
}

/// Takes an assertion of the one type there is (RFC 7523 §2.2).
fn take_assertion(fields: &mut Fields) -> Result<Option<SecretText>, Refusal> {
    let kind = fields.optional_text("client_assertion_type");
    match (kind.as_deref(), fields.optional_secret("client_assertion")) {
        (None, None) => Ok(None),
        (Some(ASSERTION_TYPE), Some(assertion)) => Ok(Some(assertion)),
        (Some(_), Some(_)) => Err(Refusal::oauth(
            OAuthCode::InvalidClient,
            "client_assertion_type is not one that is accepted (RFC 7523 §2.2)",
        )),
        _ => Err(Refusal::oauth(
            OAuthCode::InvalidRequest,
            "client_assertion and client_assertion_type come together (RFC 7521 §4.2)",
        )),
    }
}

/// RFC 7521 §4.2: `client_id` "is unnecessary for client assertion authentication" and, where it is
/// there, must be the same.
fn by_assertion(id: Option<&str>, assertion: SecretText) -> Result<ClientAuth, Refusal> {
    let said = peek_client_id(assertion.expose());
    let said = said.filter(|said| id.is_none_or(|id| id == said));
    let id = said.ok_or_else(|| {
        Refusal::oauth(
            OAuthCode::InvalidClient,
            "the client assertion cannot be read, or client_id is not its sub (RFC 7521 §4.2)",
        )
    })?;
    Ok(ClientAuth::Assertion { id, assertion })
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

fn two_ways() -> Refusal {
    Refusal::oauth(
        OAuthCode::InvalidRequest,
        "authenticate the client in one way only (RFC 6749 §2.3)",
    )
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
            Ok(ClientAuth::Assertion { id, .. }) => Ok(format!("Assertion {id}")),
            Ok(ClientAuth::Console) => Ok("console".to_owned()),
            Ok(ClientAuth::ApiKey { id, key }) => Ok(format!("Key {id:?} {}", key.expose())),
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
    fn rfc_6749_2_3_1_the_examples_are_read() {
        let header = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3";
        let read = take_from(Some(header), "");
        assert_eq!(
            read,
            Ok("Basic s6BhdRkqt3 7Fjfp0ZBr1KtDRbnfVdmIw".to_owned())
        );
        let body = "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA&client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw";
        let read = take_from(None, body);
        assert_eq!(
            read,
            Ok("Post s6BhdRkqt3 7Fjfp0ZBr1KtDRbnfVdmIw".to_owned())
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

    /// The fields of an assertion whose `sub` is `x` and whose signature is nobody's.
    fn assertion(kind: &str) -> String {
        let part = |text| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
        let (header, claims) = (part(r#"{"alg":"ES256"}"#), part(r#"{"sub":"x"}"#));
        let kind = kind.replace(':', "%3A");
        format!("client_assertion_type={kind}&client_assertion={header}.{claims}.AA")
    }

    #[test]
    fn rfc_7521_4_2_an_assertion_says_who_signed_it() {
        let body = assertion(ASSERTION_TYPE);
        assert_eq!(take_from(None, &body), Ok("Assertion x".to_owned()));
        let named = take_from(None, &format!("{body}&client_id=x"));
        assert_eq!(named, Ok("Assertion x".to_owned()));
        let other = take_from(None, &format!("{body}&client_id=y"));
        assert_eq!(other, Err(Some(OAuthCode::InvalidClient)));
        let saml = assertion("urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
        assert_eq!(take_from(None, &saml), Err(Some(OAuthCode::InvalidClient)));
        let nonsense = assertion(ASSERTION_TYPE).replace(".AA", "");
        assert_eq!(
            take_from(None, &nonsense),
            Err(Some(OAuthCode::InvalidClient))
        );
    }

    #[test]
    fn rfc_7521_4_2_half_an_assertion_or_another_way_beside_it_is_refused() {
        let body = assertion(ASSERTION_TYPE);
        let invalid = Err(Some(OAuthCode::InvalidRequest));
        for half in body.split('&') {
            assert_eq!(take_from(None, half), invalid, "{half}");
        }
        let secret = format!("{body}&client_id=x&client_secret=y");
        assert_eq!(take_from(None, &secret), invalid);
        assert_eq!(take_from(Some(&basic("x:y")), &body), invalid);
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
    fn an_api_key_is_a_way_of_its_own() {
        let bearer = Some("bearer qf_ak_x");
        assert_eq!(take_from(bearer, ""), Ok("Key None qf_ak_x".to_owned()));
        let named = take_from(bearer, "client_id=c");
        assert_eq!(named, Ok("Key Some(\"c\") qf_ak_x".to_owned()));
        let two = take_from(bearer, "client_id=c&client_secret=y");
        assert_eq!(two, Err(Some(OAuthCode::InvalidRequest)));
    }

    #[test]
    fn another_scheme_is_no_client_authentication() {
        assert_eq!(
            take_from(Some("Bearer qf_at_x"), "client_id=x"),
            Ok("x".to_owned())
        );
    }
}
