//! Reading a body: bounded in size and in time, and only of a kind the route takes.

use std::time::Duration;

use bytes::Bytes;
use domain::rejection::{Code, Refusal};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::fields::Fields;
use super::{form, json};

/// How long a whole body may take: hyper has no clock for it.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// Which bodies a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepted {
    /// None; one that comes is not looked at.
    None,
    /// A JSON object.
    Json,
    /// A form.
    Form,
    /// Either.
    JsonOrForm,
}

/// What a body is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    Json,
    Form,
}

/// Reads the fields of a request. `is_strict` refuses fields that the endpoint does not know.
///
/// # Errors
/// 413, 415, or 400 for what cannot be read or took too long.
pub(super) async fn read_fields(
    accepted: Accepted,
    headers: &HeaderMap,
    body: Incoming,
    max: usize,
    is_strict: bool,
) -> Result<Fields, Refusal> {
    if accepted == Accepted::None {
        return Ok(Fields::of_json(Vec::new(), false));
    }
    let media = check_media(accepted, headers)?;
    check_length(headers, max)?;
    let bytes = read(body, max).await?;
    match media {
        Media::Json => json::parse(&bytes).map(|object| Fields::of_json(object, is_strict)),
        Media::Form => form::parse(&bytes).map(|form| Fields::of_form(form, is_strict)),
    }
}

async fn read<B>(body: B, max: usize) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let whole = Box::pin(Limited::new(body, max).collect());
    match timeout(READ_WITHIN, whole).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(max)),
        Ok(Err(_)) => Err(Refusal::new(Code::BadRequest, "the body broke off")),
        Err(_) => Err(Refusal::new(
            Code::BadRequest,
            format!("the body took longer than {} s", READ_WITHIN.as_secs()),
        )),
    }
}

fn check_length(headers: &HeaderMap, max: usize) -> Result<(), Refusal> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    match announced.and_then(|text| text.parse::<u64>().ok()) {
        Some(length) if usize::try_from(length).map_or(true, |length| length > max) => {
            Err(too_large(max))
        }
        _ => Ok(()),
    }
}

fn too_large(max: usize) -> Refusal {
    let hint = format!("the body is larger than {max} bytes");
    Refusal::new(Code::PayloadTooLarge, hint)
}

fn check_media(accepted: Accepted, headers: &HeaderMap) -> Result<Media, Refusal> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let media = match (types.next(), types.next()) {
        (Some(only), None) => parse_media(only),
        _ => None,
    };
    let is_plain = !headers.contains_key(CONTENT_ENCODING);
    let media = media.filter(|media| is_plain && accepted.takes(*media));
    media.ok_or_else(|| Refusal::new(Code::UnsupportedMediaType, accepted.expectation()))
}

/// Reads `type/subtype` and ignores parameters: JSON is always UTF-8 (RFC 8259 §8.1), and so are our
/// forms.
fn parse_media(value: &HeaderValue) -> Option<Media> {
    let essence = value.to_str().ok()?.split(';').next()?.trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Some(Media::Json)
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Some(Media::Form)
    } else {
        None
    }
}

// === impl Accepted ===

impl Accepted {
    const fn takes(self, media: Media) -> bool {
        matches!(
            (self, media),
            (Self::JsonOrForm, _) | (Self::Json, Media::Json) | (Self::Form, Media::Form)
        )
    }

    const fn expectation(self) -> &'static str {
        match self {
            Self::None => "no body is expected",
            Self::Json => "the body must be application/json, not compressed",
            Self::Form => "the body must be application/x-www-form-urlencoded, not compressed",
            Self::JsonOrForm => {
                "the body must be application/json or application/x-www-form-urlencoded, not \
                 compressed"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().expect("a header"));
        }
        headers
    }

    #[test]
    fn a_media_type_is_compared_without_case_and_parameters() {
        let json = headers(&[(CONTENT_TYPE, "Application/JSON; charset=utf-8")]);
        assert!(check_media(Accepted::Json, &json).is_ok());
        assert!(check_media(Accepted::JsonOrForm, &json).is_ok());
        assert!(check_media(Accepted::Form, &json).is_err());
    }

    #[test]
    fn other_media_types_are_415() {
        for text in [
            "text/plain",
            "",
            "application/jsonx",
            "application/json, text/plain",
        ] {
            let refusal = check_media(Accepted::Json, &headers(&[(CONTENT_TYPE, text)]));
            assert_eq!(
                refusal.map_err(|r| r.code),
                Err(Code::UnsupportedMediaType),
                "{text}"
            );
        }
        assert!(check_media(Accepted::Json, &HeaderMap::new()).is_err());
        let json = "application/json";
        let twice = headers(&[(CONTENT_TYPE, json), (CONTENT_TYPE, json)]);
        assert!(check_media(Accepted::Json, &twice).is_err());
        let zipped = headers(&[(CONTENT_TYPE, json), (CONTENT_ENCODING, "gzip")]);
        assert!(check_media(Accepted::Json, &zipped).is_err());
    }

    #[test]
    fn an_announced_length_beyond_the_bound_is_413() {
        let check = |length| check_length(&headers(&[(CONTENT_LENGTH, length)]), 10);
        assert!(check("10").is_ok());
        assert_eq!(check("11").map_err(|r| r.code), Err(Code::PayloadTooLarge));
        assert!(check("18446744073709551615").is_err());
    }

    #[tokio::test]
    async fn a_body_that_grows_beyond_the_bound_is_413() {
        let body = |size| Full::new(Bytes::from(vec![b'a'; size]));
        assert_eq!(read(body(10), 10).await.map(|bytes| bytes.len()), Ok(10));
        let refused = read(body(11), 10).await;
        assert_eq!(refused.map_err(|r| r.code), Err(Code::PayloadTooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up_on() {
        let endless = futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>();
        let refused = read(StreamBody::new(endless), 10).await;
        assert_eq!(refused.map_err(|r| r.code), Err(Code::BadRequest));
    }
}
