//! Cookies of our own (RFC 6265, draft 6265bis §4.1.3.2).
//!
//! All have the prefix `__Host-`: `Secure`, for this host alone, for every path, so neither another
//! host nor a page without TLS can set one. Browsers treat `localhost` as secure.

use cookie::{Cookie, SameSite};
use domain::tenant::{DEFAULT_SLUG, Tenant};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::http::render::Reply;

/// A cookie's name without the tenant's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Kind {
    /// Names the sign-in.
    Session,
    /// Names the browser, so that forms can be bound to it.
    Visitor,
    /// Holds a sign-in in progress.
    SignIn,
    /// Holds who is signed in to the console.
    Console,
    /// Names the browser to the console. Ports of one host share their cookies, so it is another.
    ConsoleVisitor,
}

/// Reads one of our cookies. Two of one name are none: who put the second there?
pub(in crate::http) fn read(headers: &HeaderMap, tenant: &Tenant, kind: Kind) -> Option<String> {
    let name = name_of(tenant, kind);
    let texts = headers.get_all(COOKIE).iter();
    let texts = texts.filter_map(|value| value.to_str().ok());
    let mut found = texts
        .flat_map(Cookie::split_parse)
        .flatten()
        .filter(|cookie| cookie.name() == name);
    match (found.next(), found.next()) {
        (Some(cookie), None) => Some(cookie.value().to_owned()),
        _ => None,
    }
}

/// Sets a cookie that lives as long as the browser.
pub(in crate::http) fn set(reply: &mut Reply, tenant: &Tenant, kind: Kind, value: String) {
    append(reply, &Cookie::build((name_of(tenant, kind), value)));
}

/// Forgets a cookie.
pub(in crate::http) fn clear(reply: &mut Reply, tenant: &Tenant, kind: Kind) {
    let gone = Cookie::build((name_of(tenant, kind), "")).max_age(cookie::time::Duration::ZERO);
    append(reply, &gone);
}

fn append(reply: &mut Reply, cookie: &cookie::CookieBuilder<'_>) {
    let cookie = cookie
        .clone()
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .build();
    if let Ok(value) = HeaderValue::try_from(cookie.to_string()) {
        reply.headers_mut().append(SET_COOKIE, value);
    }
}

/// Tenants that share a host by their paths have cookies of their own.
fn name_of(tenant: &Tenant, kind: Kind) -> String {
    let word = match kind {
        Kind::Session => "__Host-session",
        Kind::Visitor => "__Host-visitor",
        Kind::SignIn => "__Host-sign-in",
        Kind::Console => "__Host-console",
        Kind::ConsoleVisitor => "__Host-console-visitor",
    };
    if tenant.slug == DEFAULT_SLUG {
        word.to_owned()
    } else {
        format!("{word}-{}", tenant.slug)
    }
}

#[cfg(test)]
mod tests {
    use domain::id::TenantId;
    use domain::random::Counting;
    use domain::tenant::{TenantConfig, TenantStatus};
    use domain::time::UnixMillis;

    use super::*;
    use crate::http::render;

    fn tenant(slug: &str) -> Tenant {
        let now = UnixMillis::from_millis(1);
        Tenant {
            id: TenantId::generate(now, &Counting::default()),
            slug: slug.to_owned(),
            name: slug.to_owned(),
            status: TenantStatus::Active,
            config: TenantConfig::default(),
            version: 1,
            created_at: now,
            erase_at: None,
        }
    }

    #[test]
    fn nist_a_session_cookie_is_secure_http_only_same_site_and_for_this_host() {
        let mut reply = render::empty(http::StatusCode::OK);
        set(
            &mut reply,
            &tenant("default"),
            Kind::Session,
            "x".to_owned(),
        );
        let cookie = reply.headers()[SET_COOKIE].to_str().expect("text");
        let expected = "__Host-session=x; HttpOnly; SameSite=Lax; Secure; Path=/";
        assert_eq!(cookie, expected);
        clear(&mut reply, &tenant("acme"), Kind::Session);
        let last = reply.headers().get_all(SET_COOKIE).iter().next_back();
        let last = last.and_then(|value| value.to_str().ok()).expect("text");
        assert!(last.starts_with("__Host-session-acme=;") && last.contains("Max-Age=0"));
    }

    #[test]
    fn a_cookie_given_twice_or_of_another_tenant_is_none() {
        let of = |text: &str, slug: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, text.parse().expect("a header"));
            read(&headers, &tenant(slug), Kind::Session)
        };
        assert_eq!(of("a=b; __Host-session=x", "default").as_deref(), Some("x"));
        assert_eq!(of("__Host-session=x; __Host-session=y", "default"), None);
        assert_eq!(of("__Host-session=x", "acme"), None);
        assert_eq!(of("__host-session=x", "default"), None);
    }
}
