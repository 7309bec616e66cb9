//! Whether a request that changes something comes from a page of ours, as the browser says it
//! (`Sec-Fetch-Site`, `Origin`): the judgement is tower-http's, the refusal ours.

use std::convert::Infallible;

use http::request::Parts;
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::csrf::CsrfLayer;

use domain::rejection::Refusal;

use super::guard::forged;

/// Judges a request by its head.
///
/// # Errors
/// 403 for a request that another site's page sent.
pub(in crate::http) async fn check(parts: &Parts) -> Result<(), Refusal> {
    let mut head = Request::new(());
    *head.method_mut() = parts.method.clone();
    *head.uri_mut() = parts.uri.clone();
    *head.headers_mut() = parts.headers.clone();
    let judged = CsrfLayer::new().layer(service_fn(pass));
    let judged = judged.oneshot(head).await;
    match judged {
        Ok(reply) if reply.status().is_success() => Ok(()),
        _ => Err(forged()),
    }
}

/// Answers what was let through.
async fn pass(_: Request<()>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(String::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_ours(lines: &[(&'static str, &str)]) -> bool {
        let mut request = Request::post("/sign-in").header("host", "id.example.org");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        check(&parts).await.is_ok()
    }

    #[tokio::test]
    async fn a_strangers_page_cannot_post_our_forms() {
        assert!(is_ours(&[("sec-fetch-site", "same-origin")]).await);
        assert!(is_ours(&[("origin", "https://id.example.org")]).await);
        assert!(is_ours(&[]).await, "no browser");
        for foreign in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            assert!(!is_ours(&[foreign]).await, "{foreign:?}");
        }
    }
}
