//! Headers that answers carry whatever they are about.
//!
//! Nothing we answer is to be sniffed, framed, cached or told to other sites unless its endpoint says
//! otherwise: most of it is a token or somebody's data.

use std::sync::LazyLock;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

use super::arrival::X_REQUEST_ID;

/// What an endpoint may set otherwise.
static USUAL: LazyLock<HeaderMap> = LazyLock::new(|| {
    let usual = [
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    let mut headers = HeaderMap::with_capacity(MOST);
    headers.extend(usual.map(|(name, value)| (name, HeaderValue::from_static(value))));
    headers
});

/// The usual ones, and room for what an answer with a body has besides: a list that grows is made twice.
static WITH_BODY: LazyLock<HeaderMap> = LazyLock::new(|| {
    let mut headers = USUAL.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(""));
    headers.insert(&X_REQUEST_ID, HeaderValue::from_static(""));
    headers
});

/// How many headers all but a few answers have at most: a table that is too small is made anew.
const MOST: usize = 12;

/// Two years, as browsers' preload lists ask for (RFC 6797 §6.1).
static HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Begins the headers of an answer with a body: to copy the usual ones together costs a third of adding
/// each. The request's id is set at the end.
pub(super) fn with_body(media: &HeaderValue) -> HeaderMap {
    let mut headers = WITH_BODY.clone();
    headers.insert(CONTENT_TYPE, media.clone());
    headers
}

/// Adds what is missing. RFC 6797 §7.2: HSTS only over TLS.
pub(super) fn complete(headers: &mut HeaderMap, is_tls: bool) {
    // Whoever begins with the usual ones takes none away.
    if !headers.contains_key(X_FRAME_OPTIONS) {
        for (name, value) in &*USUAL {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
    if is_tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_never_cached_sniffed_or_framed_by_default() {
        let mut headers = HeaderMap::new();
        complete(&mut headers, false);
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(!headers.contains_key(STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn an_endpoint_may_say_otherwise_and_tls_is_kept() {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=600"));
        complete(&mut headers, true);
        assert_eq!(headers[CACHE_CONTROL], "max-age=600");
        assert!(headers.contains_key(STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn an_answer_with_a_body_begins_with_what_it_would_end_with() {
        let media = HeaderValue::from_static("application/json");
        let mut ended = HeaderMap::from_iter([(CONTENT_TYPE, media.clone())]);
        complete(&mut ended, false);
        let mut begun = with_body(&media);
        complete(&mut begun, false);
        begun.remove(&X_REQUEST_ID);
        assert_eq!(begun, ended);
    }
}
