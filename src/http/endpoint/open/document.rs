//! GET /openapi.json: the contract of a door for programs. GET /docs: the same for people.
//!
//! The page is one file without a foreign host: its style and script are in it and named by their
//! hashes in its content security policy, so nothing else can run there.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use super::super::{Answer, Visit};
use crate::http::render::{self, Reply};

/// The public door's contract.
pub(in crate::http) const PUBLIC: &str = include_str!("../../../../api/openapi-public.json");
/// The admin door's contract.
pub(in crate::http) const ADMIN: &str = include_str!("../../../../api/openapi-admin.json");

const PAGE: &str = include_str!("document/page.html");
const STYLE: &str = include_str!("document/page.css");
const SCRIPT: &str = include_str!("document/page.js");

static JSON: HeaderValue = HeaderValue::from_static("application/json");
static HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
static A_WHILE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The page with its style and script in place, and what it may run and load.
static READY: LazyLock<(Bytes, HeaderValue)> = LazyLock::new(|| {
    let page = PAGE.replace("{style}", STYLE).replace("{script}", SCRIPT);
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    (
        Bytes::from(page),
        HeaderValue::try_from(policy).unwrap_or(nothing),
    )
});

/// Gives the door's document.
#[expect(
    clippy::needless_pass_by_value,
    reason = "every endpoint is given its request whole"
)]
pub(in crate::http) fn json(visit: Visit) -> Answer {
    Box::pin(async move {
        let text = if visit.is_admin_door { ADMIN } else { PUBLIC };
        let body = Bytes::from_static(text.as_bytes());
        let mut reply = render::with_body(StatusCode::OK, &JSON, body);
        reply.headers_mut().insert(CACHE_CONTROL, A_WHILE.clone());
        Ok(reply)
    })
}

/// Gives the page that shows the document.
pub(in crate::http) fn page(_: Visit) -> Answer {
    Box::pin(std::future::ready(Ok(render_page())))
}

fn render_page() -> Reply {
    let (page, policy) = &*READY;
    let mut reply = render::empty(StatusCode::OK);
    *reply.body_mut() = page.clone().into();
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HTML.clone());
    headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    headers.insert(CACHE_CONTROL, A_WHILE.clone());
    reply
}

fn hash(text: &str) -> String {
    STANDARD.encode(digest(&SHA256, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_runs_and_loads_nothing_but_its_own() {
        let (page, policy) = &*READY;
        let page = std::str::from_utf8(page).expect("text");
        for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
            let start = page.find(open).expect(open) + open.len();
            let end = page.find(close).expect(close);
            let policy = policy.to_str().expect("text");
            assert!(policy.contains(&hash(&page[start..end])), "{open}");
        }
        assert!(
            !page.contains("http://") && !page.contains("https://"),
            "a foreign host"
        );
        assert!(!page.contains(" style=") && !page.contains("onclick"));
    }
}
