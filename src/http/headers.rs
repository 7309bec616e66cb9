//! Headers that answers carry whatever they are about.
//!
//! Nothing we answer is to be sniffed, framed, cached or told to other sites unless its endpoint says
//! otherwise: most of it is a token or somebody's data.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What an endpoint may set otherwise.
static USUAL: [(HeaderName, HeaderValue); 5] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// How many headers all but a few answers have at most.
const MOST: usize = 12;

/// Two years, as browsers' preload lists ask for (RFC 6797 §6.1).
static HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Makes room for what most answers carry: a map that grows is made twice.
pub(super) fn room() -> HeaderMap {
    HeaderMap::with_capacity(MOST)
}

/// Adds what is missing. RFC 6797 §7.2: HSTS only over TLS.
pub(super) fn complete(headers: &mut HeaderMap, is_tls: bool) {
    for (name, value) in &USUAL {
        headers.entry(name).or_insert_with(|| value.clone());
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
}
