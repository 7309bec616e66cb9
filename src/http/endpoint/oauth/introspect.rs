//! POST /oauth/introspect (RFC 7662), signed for whoever accepts that (RFC 9701 §4). Flow:
//! [`introspect`].

use bytes::Bytes;
use domain::rejection::Refusal;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::super::{Answer, Call};
use crate::flow::introspect::{Introspect, Told, introspect};
use crate::http::client_authentication;
use crate::http::fields::Fields;
use crate::http::render;

/// The media type of a signed answer (RFC 9701 §5).
const SIGNED: &str = "application/token-introspection+jwt";
static SIGNED_JWT: HeaderValue = HeaderValue::from_static(SIGNED);

/// Says what a token is worth.
pub(in crate::http) fn answer(mut call: Call) -> Answer {
    Box::pin(async move {
        let fields = call.take_fields();
        let message = parse(&call.headers, fields)?;
        Ok(match introspect(call.flows(), &call.act, message).await? {
            Told::Plain(told) => render::json(StatusCode::OK, &told),
            Told::Signed(jwt) => render::with_body(StatusCode::OK, &SIGNED_JWT, Bytes::from(jwt)),
        })
    })
}

/// Takes the fields. RFC 7662 §2.1: a hint at the token's kind may be ignored; its prefix says it.
fn parse(headers: &HeaderMap, mut fields: Fields) -> Result<Introspect, Refusal> {
    let client = client_authentication::take(headers, &mut fields)?;
    let token = fields.secret("token");
    fields.finish(Introspect {
        token,
        client,
        is_signed: accepts_signed(headers),
    })
}

/// Says whether a signed answer is asked for. Whoever names it wants it: nothing else of an `Accept`
/// is weighed.
fn accepts_signed(headers: &HeaderMap) -> bool {
    let listed = headers.get_all(ACCEPT).iter();
    let listed = listed.filter_map(|value| value.to_str().ok());
    let mut ranges = listed.flat_map(|value| value.split(','));
    ranges.any(|range| {
        let (media, _) = range.split_once(';').unwrap_or((range, ""));
        media.trim().eq_ignore_ascii_case(SIGNED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9701_4_whoever_accepts_a_signed_answer_by_name_gets_one() {
        for (accept, wanted) in [
            ("application/token-introspection+jwt", true),
            (
                "application/json, Application/Token-Introspection+JWT;q=0.9",
                true,
            ),
            ("application/json", false),
            ("*/*", false),
            ("application/jwt", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().expect("a header"));
            assert_eq!(accepts_signed(&headers), wanted, "{accept}");
        }
        assert!(!accepts_signed(&HeaderMap::new()));
    }
}
