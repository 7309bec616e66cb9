//! GET /.well-known/jwks.json: the keys that verify a tenant's tokens (RFC 7517 §5), its own alone.
//!
//! The text and its entity tag are made when the keys change, not when somebody asks. `max-age` is what
//! the keys owner waits before a new key signs, so a verifier that caches never meets an unknown one.

use std::sync::LazyLock;

use actors::keys::Jwks;
use domain::rejection::Fault;
use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::super::{Answer, Call};
use crate::flow::token::mint::JWKS_MAX_AGE;
use crate::http::render::{self, Reply};

static JWK_SET: HeaderValue = HeaderValue::from_static("application/json");
static CACHEABLE: LazyLock<HeaderValue> = LazyLock::new(|| {
    let text = format!("public, max-age={}", JWKS_MAX_AGE.as_secs());
    // A number and fixed words are always a header; not to be remembered is right besides.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("no-store"))
});

/// Gives the key set.
pub(in crate::http) fn answer(call: Call) -> Answer {
    Box::pin(async move {
        let ring = call.flows().ring(&call.act).await?;
        ring.signer().ok_or(Fault::Restarting("keys"))?;
        Ok(render(ring.jwks(), &call.headers))
    })
}

fn render(jwks: &Jwks, headers: &HeaderMap) -> Reply {
    let mut reply = if is_known(headers, &jwks.etag) {
        render::empty(StatusCode::NOT_MODIFIED)
    } else {
        render::with_body(StatusCode::OK, &JWK_SET, jwks.sent.clone())
    };
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, CACHEABLE.clone());
    if let Ok(etag) = HeaderValue::try_from(jwks.etag.as_str()) {
        headers.insert(ETAG, etag);
    }
    reply
}

/// RFC 9110 §13.1.2: weak comparison, a list, or `*`.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let mut tags = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    tags.any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9110_13_1_2_a_known_set_is_not_sent_again() {
        let jwks = Jwks {
            body: "{\"keys\":[]}".to_owned(),
            sent: "{\"keys\":[]}".into(),
            etag: "\"abc\"".to_owned(),
        };
        let mut headers = HeaderMap::new();
        assert_eq!(render(&jwks, &headers).status(), StatusCode::OK);
        for (tags, status) in [
            ("\"abc\"", 304),
            ("W/\"abc\"", 304),
            ("\"x\", \"abc\"", 304),
            ("*", 304),
            ("\"x\"", 200),
            ("abc", 200),
        ] {
            headers.insert(IF_NONE_MATCH, tags.parse().expect("a header"));
            let reply = render(&jwks, &headers);
            assert_eq!(reply.status().as_u16(), status, "{tags}");
            assert_eq!(reply.headers()[ETAG], "\"abc\"");
            assert_eq!(reply.headers()[CACHE_CONTROL], "public, max-age=600");
        }
    }
}
