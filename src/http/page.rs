//! Hosted pages: plain HTML forms that work without JavaScript, for a person in a browser.
//!
//! A page is a template in `ui/templates/page` filled by a struct of [`views`]. It runs and loads
//! nothing but what its own response names by a nonce ([`script`]), cannot be framed, and may post only
//! to us and to where the answer to a client goes. Text comes from [`texts`], in the language that the
//! client or the browser asks for, else in the tenant's; name, picture and colour are the tenant's.
//!
//! A form is ours if the browser says so (`tower_http::csrf`) and if it carries the token that
//! [`guard`] gave this browser. A sign-in is remembered by [`session`].

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, LOCATION, REFRESH};
use http::{HeaderMap, HeaderValue, StatusCode};
use url::Url;

use super::render::{self, Reply};
use crate::brand::Brand;
use crate::flow::{Act, Flows, console};

pub(super) mod cookies;
pub(super) mod device;
pub(super) mod error;
pub(super) mod forgery;
pub(super) mod guard;
mod script;
pub(super) mod session;
pub(super) mod sheet;
pub(super) mod texts;
pub(super) mod views;
pub(super) mod when;

pub(super) use script::Page;
use texts::Texts;

/// What every page has around its content.
pub(super) struct Frame {
    pub(super) texts: &'static Texts,
    brand: Brand,
    /// What stands before the paths of this tenant.
    pub(super) base: String,
    nonce: String,
    style: String,
}

/// What a page may do beyond showing itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Leave<'a> {
    /// Where its forms may end up beside us: browsers hold redirects after a form to it too.
    pub(super) posts_to: Option<&'a str>,
    /// What it opens in frames.
    pub(super) frames: &'a [String],
}

const STYLE: &str = include_str!("../../ui/static/page.css");
const CONSOLE_STYLE: &str = include_str!("../../ui/static/console.css");
static HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

// === impl Frame ===

impl Frame {
    /// Makes the frame for a request.
    pub(super) fn new(flows: &Flows, act: &Act, headers: &HeaderMap, wanted: &[String]) -> Self {
        let brand = Brand::of(&act.tenant);
        let of_tenant = act.tenant.config.branding.language.as_deref();
        let nonce: [u8; 16] = flows.random.array();
        Self {
            texts: texts::choose(wanted, headers.get(ACCEPT_LANGUAGE), of_tenant),
            base: base_of(&act.issuer),
            nonce: URL_SAFE_NO_PAD.encode(nonce),
            style: format!("{STYLE}{}", brand.style()),
            brand,
        }
    }

    /// Makes the frame of a page of the console, which speaks one language.
    pub(super) fn console(flows: &Flows, act: &Act) -> Self {
        let brand = Brand::of(&act.tenant);
        Self {
            base: console::base_of(&flows.settings, &act.tenant),
            style: format!("{STYLE}{CONSOLE_STYLE}{}", brand.style()),
            brand,
            ..Self::plain(flows, texts::choose(&[], None, None))
        }
    }

    /// Makes a frame for a request whose tenant may not be known.
    fn plain(flows: &Flows, texts: &'static Texts) -> Self {
        let nonce: [u8; 16] = flows.random.array();
        Self {
            texts,
            brand: Brand::ours(),
            base: String::new(),
            nonce: URL_SAFE_NO_PAD.encode(nonce),
            style: STYLE.to_owned(),
        }
    }

    /// Makes one for a test, in a language.
    #[cfg(test)]
    pub(super) fn sample(language: &str) -> Self {
        Self {
            texts: texts::choose(&[language.to_owned()], None, None),
            brand: Brand::ours(),
            base: "/t/acme".to_owned(),
            nonce: "n0nce".to_owned(),
            style: STYLE.to_owned(),
        }
    }

    fn policy(&self, runs_script: bool, leave: Leave<'_>) -> Option<HeaderValue> {
        let nonce = &self.nonce;
        let script = if runs_script {
            format!("script-src 'nonce-{nonce}'; ")
        } else {
            String::new()
        };
        let target = leave.posts_to.and_then(source_of);
        let target = target.map_or_else(String::new, |target| format!(" {target}"));
        let frames = frame_sources(leave.frames);
        let text = format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; {script}{frames}img-src https: data:; \
             form-action 'self'{target}; base-uri 'none'; frame-ancestors 'none'"
        );
        HeaderValue::try_from(text).ok()
    }
}

/// Renders a page.
pub(super) fn show(status: StatusCode, frame: &Frame, page: &impl Page, leave: Leave<'_>) -> Reply {
    // Writing into a string does not fail.
    let body = page.render().unwrap_or_default();
    let mut reply = render::with_body(status, &HTML, Bytes::from(body));
    let headers = reply.headers_mut();
    if let Some(policy) = frame.policy(page.runs_script(), leave) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if let Ok(language) = HeaderValue::try_from(frame.texts.lang.as_str()) {
        headers.insert(CONTENT_LANGUAGE, language);
    }
    reply
}

/// Sends the browser on with a GET (RFC 9110 §15.4.4; RFC 9700 §4.12: never 307 after a form).
pub(super) fn see_other(location: &str) -> Reply {
    let mut reply = render::empty(StatusCode::SEE_OTHER);
    // What cannot be a header leads nowhere instead of somewhere else.
    let location = HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/"));
    reply.headers_mut().insert(LOCATION, location);
    reply
}

/// Has the browser go on by itself once what the page opens had a moment (HTML §4.2.5.3: the header says
/// what a `meta` element would).
pub(super) fn go_on_soon(reply: &mut Reply, location: &str) {
    if let Ok(value) = HeaderValue::try_from(format!("2; url={location}")) {
        reply.headers_mut().insert(REFRESH, value);
    }
}

/// Names the places that a page opens in frames, and no others; a page that opens none says nothing, so
/// that none may be opened.
fn frame_sources(frames: &[String]) -> String {
    let sources: BTreeSet<String> = frames.iter().filter_map(|uri| source_of(uri)).collect();
    if sources.is_empty() {
        return String::new();
    }
    let sources: Vec<String> = sources.into_iter().collect();
    format!("frame-src {}; ", sources.join(" "))
}

/// Gives the path of an issuer, which its pages begin with.
pub(super) fn base_of(issuer: &str) -> String {
    let path = Url::parse(issuer).map(|url| url.path().trim_end_matches('/').to_owned());
    path.unwrap_or_default()
}

/// Gives what a content security policy calls the place of a redirect URI (CSP3 §2.3.1): its origin,
/// or the scheme of an application's own.
fn source_of(redirect_uri: &str) -> Option<String> {
    let url = Url::parse(redirect_uri).ok()?;
    let source = if url.has_host() && matches!(url.scheme(), "http" | "https") {
        url.origin().ascii_serialization()
    } else {
        format!("{}:", url.scheme())
    };
    // A host may hold characters that end a directive.
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-._+:/[]".contains(&b);
    source.bytes().all(fine).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_an_origin_or_a_scheme_and_nothing_that_ends_it() {
        let of = |text| source_of(text).unwrap_or_default();
        assert_eq!(of("https://app.example/cb?x=1"), "https://app.example");
        assert_eq!(of("http://127.0.0.1:4711/cb"), "http://127.0.0.1:4711");
        assert_eq!(of("com.example.app:/cb"), "com.example.app:");
        for odd in [
            "https://a;b.example/",
            "https://a,b.example/",
            "https://a'b.example/",
        ] {
            assert_eq!(of(odd), "", "{odd}");
        }
        assert_eq!(source_of("no uri"), None);
    }

    #[test]
    fn a_page_may_open_the_origins_of_its_frames_each_once_and_no_other() {
        let frames = |uris: &[&str]| {
            let uris: Vec<String> = uris.iter().map(ToString::to_string).collect();
            frame_sources(&uris)
        };
        assert_eq!(frames(&[]), "");
        assert_eq!(frames(&["https://a;b.example/"]), "");
        assert_eq!(
            frames(&[
                "https://b.example/x?iss=y",
                "https://a.example:8443/out",
                "https://b.example/z"
            ]),
            "frame-src https://a.example:8443 https://b.example; "
        );
    }

    #[test]
    fn the_pages_of_a_tenant_begin_with_its_path() {
        assert_eq!(base_of("http://localhost:4000"), "");
        assert_eq!(base_of("https://id.example.org/t/acme"), "/t/acme");
    }

    #[test]
    fn what_follows_a_form_is_a_get() {
        let reply = see_other("https://app.example/cb?code=x");
        assert_eq!(reply.status(), StatusCode::SEE_OTHER);
        assert_eq!(reply.headers()[LOCATION], "https://app.example/cb?code=x");
        assert_eq!(see_other("a\r\nb").headers()[LOCATION], "/");
    }
}
