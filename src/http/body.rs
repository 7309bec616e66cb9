//! Reading a body: bounded in size and in time, only of a kind the route takes, and only while there
//! is room for it among all that are being read.

use std::time::Duration;

use bytes::Bytes;
use domain::rejection::{Code, Refusal, Rejection};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::fields::Fields;
use super::room::{Room, Share};
use super::{form, json};

/// How long a whole body may take: hyper has no clock for it.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// How much of a body that is too long is read and dropped, and for how long.
const DRAINED: usize = 4 * 1024 * 1024;
const DRAIN_WITHIN: Duration = Duration::from_secs(1);

/// How much of a body is read.
#[derive(Clone, Copy)]
pub(crate) struct Bound<'a> {
    /// Its length at most.
    pub(crate) max: usize,
    /// Where it takes its room.
    pub(crate) room: &'a Room,
}

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
/// 413, 415, or 400 for what cannot be read or took too long; [`Busy`](domain::rejection::Fault::Busy)
/// when there is no room.
pub(super) async fn read_fields(
    accepted: Accepted,
    headers: &HeaderMap,
    mut body: Incoming,
    bound: Bound<'_>,
    is_strict: bool,
) -> Result<Fields, Rejection> {
    if accepted == Accepted::None {
        return Ok(Fields::of_json(Vec::new(), false));
    }
    let media = check_media(accepted, headers)?;
    if let Err(refused) = check_length(headers, bound.max) {
        drain(&mut body).await;
        return Err(refused.into());
    }
    let mut share = Share::default();
    let bytes = read(&mut body, bound, &mut share).await?;
    let fields = match media {
        Media::Json => json::parse(&bytes).map(|object| Fields::of_json(object, is_strict)),
        Media::Form => form::parse(&bytes).map(|form| Fields::of_form(form, is_strict)),
    };
    Ok(fields?)
}

/// Reads a body as it comes, whatever it is written in.
///
/// # Errors
/// 413, or 400 for what broke off or took too long; [`Busy`](domain::rejection::Fault::Busy) when there
/// is no room.
pub(crate) async fn read_message(
    mut body: Incoming,
    bound: Bound<'_>,
) -> Result<Vec<u8>, Rejection> {
    read(&mut body, bound, &mut Share::default()).await
}

async fn read<B>(body: &mut B, bound: Bound<'_>, share: &mut Share) -> Result<Vec<u8>, Rejection>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin,
{
    let whole = Box::pin(collect(body, bound, share));
    let late = |_| {
        let hint = format!("the body took longer than {} s", READ_WITHIN.as_secs());
        Refusal::new(Code::BadRequest, hint)
    };
    timeout(READ_WITHIN, whole).await.map_err(late)?
}

async fn collect<B>(body: &mut B, bound: Bound<'_>, share: &mut Share) -> Result<Vec<u8>, Rejection>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin,
{
    let mut limited = Limited::new(&mut *body, bound.max);
    let mut whole = Vec::new();
    while let Some(frame) = limited.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) if error.is::<LengthLimitError>() => {
                drain(body).await;
                return Err(too_large(bound.max).into());
            }
            Err(_) => return Err(Refusal::new(Code::BadRequest, "the body broke off").into()),
        };
        // A trailer says nothing that we read.
        if let Ok(data) = frame.into_data() {
            bound.room.take(data.len(), share)?;
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole)
}

/// Reads on for a while what will not be kept: whoever is still sending when the connection closes
/// never sees the answer (RFC 9112 §9.6).
async fn drain<B>(body: &mut B)
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin,
{
    let mut rest = Limited::new(body, DRAINED);
    let all = async { while let Some(Ok(_)) = rest.frame().await {} };
    // What is not read by then, its sender need not be told.
    let _ = timeout(DRAIN_WITHIN, all).await;
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

    use domain::rejection::Fault;
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

    fn in_room(room: &Room) -> Bound<'_> {
        Bound { max: 10, room }
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

    fn code(read: Result<Vec<u8>, Rejection>) -> Option<Code> {
        match read {
            Err(Rejection::Refused(refusal)) => Some(refusal.code),
            _ => None,
        }
    }

    #[tokio::test]
    async fn a_body_that_grows_beyond_the_bound_is_413() {
        let room = Room::of(100);
        let (bound, mut share) = (in_room(&room), Share::default());
        let body = |size| Full::new(Bytes::from(vec![b'a'; size]));
        let fits = read(&mut body(10), bound, &mut share).await;
        assert_eq!(fits.map(|bytes| bytes.len()), Ok(10));
        let refused = read(&mut body(11), bound, &mut share).await;
        assert_eq!(code(refused), Some(Code::PayloadTooLarge));
    }

    #[tokio::test]
    async fn a_body_without_room_is_told_to_come_again() {
        let room = Room::of(15);
        let body = || Full::new(Bytes::from(vec![b'a'; 10]));
        let (mut one, mut two) = (Share::default(), Share::default());
        assert!(read(&mut body(), in_room(&room), &mut one).await.is_ok());
        let refused = read(&mut body(), in_room(&room), &mut two).await;
        assert_eq!(refused, Err(Fault::Busy("bodies").into()));
        drop(one);
        assert!(read(&mut body(), in_room(&room), &mut two).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up_on() {
        let endless = futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>();
        let room = Room::of(100);
        let (mut body, mut share) = (StreamBody::new(endless), Share::default());
        let refused = read(&mut body, in_room(&room), &mut share).await;
        assert_eq!(code(refused), Some(Code::BadRequest));
    }

    #[tokio::test]
    async fn rfc_9112_9_6_a_body_that_is_too_long_is_read_on_for_its_sender() {
        let room = Room::of(1_000);
        let mut body = Full::new(Bytes::from(vec![b' '; 500]));
        let refused = read(&mut body, in_room(&room), &mut Share::default()).await;
        assert!(refused.is_err());
        assert!(body.is_end_stream(), "nothing of it is left");
    }
}
