//! What a tenant says of pages, pictures and resources: judging each.

use domain::tenant::PasskeyAuthenticators;
use url::{Host, Url};

use crate::config::is_origin;
use crate::flow::passkey;
use crate::language::LANGUAGES;

/// The longest address of a page, in bytes.
const MAX_URL: usize = 512;
/// The most resources, and the longest of them.
const MAX_RESOURCES: usize = 50;
/// The most providers that a tenant may list.
const MAX_PROVIDERS: usize = 50;
/// The most origins of web pages: each is compared at each of their calls.
const MAX_ORIGINS: usize = 50;

/// The most certificates, and the most models, of a list of authenticators.
const MAX_AUTHENTICATORS: usize = 100;

/// Checks where a browser may be sent with a challenge: by TLS, or to this machine.
pub(super) fn check_page(text: &str) -> Result<(), &'static str> {
    let url = Url::parse(text).map_err(|_| "must be an address")?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_here;
    let is_bare = url.username().is_empty() && url.password().is_none();
    if !is_safe || !is_bare || url.fragment().is_some() || text.len() > MAX_URL {
        return Err("must be an https address without user information and fragment");
    }
    Ok(())
}

/// Checks where browsers get the picture: by TLS alone, since every page of ours is fetched so.
pub(super) fn check_logo(text: &str) -> Result<(), &'static str> {
    check_page(text)?;
    if Url::parse(text).is_ok_and(|url| url.scheme() == "https") {
        return Ok(());
    }
    Err("must be an https address")
}

pub(super) fn check_authenticators(chosen: &PasskeyAuthenticators) -> Result<(), &'static str> {
    if chosen.roots.len().max(chosen.models.len()) > MAX_AUTHENTICATORS {
        return Err("must have at most 100 roots and 100 models");
    }
    passkey::read_list(chosen).map(drop)
}

/// Checks which web pages may call: each by its origin, exactly as a browser sends it. Neither a pattern nor
/// `*` is one: a tenant names whom it means.
pub(super) fn check_origins(origins: &[String]) -> Result<(), &'static str> {
    if origins.len() > MAX_ORIGINS || !origins.iter().all(|text| is_origin(text)) {
        return Err("must be at most 50 origins such as https://app.example.org, without paths");
    }
    Ok(())
}

pub(super) fn check_colour(text: &str) -> Result<(), &'static str> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err("must be #rrggbb")
}

pub(super) fn check_language(text: &str) -> Result<(), &'static str> {
    if LANGUAGES.contains(&text) {
        return Ok(());
    }
    Err("must be one of the languages that there are: en, de")
}

pub(super) fn check_resources(resources: &[String]) -> Result<(), &'static str> {
    let is_one = |text: &String| {
        let url = Url::parse(text);
        text.len() <= MAX_URL && url.is_ok_and(|url| url.fragment().is_none())
    };
    if resources.len() > MAX_RESOURCES || !resources.iter().all(is_one) {
        return Err("must be at most 50 absolute URIs without a fragment (RFC 8707)");
    }
    Ok(())
}

/// Judges the names of providers. A name that none has allows none: a list may say beforehand who will.
pub(super) fn check_providers(names: &[String]) -> Result<(), &'static str> {
    let is_name = |name: &String| {
        let is_plain = !name.contains(|letter: char| letter.is_whitespace() || letter.is_control());
        (1..=MAX_URL).contains(&name.len()) && is_plain
    };
    if names.len() > MAX_PROVIDERS || !names.iter().all(is_name) {
        return Err("must be at most 50 names of providers");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_sent_to_pages_by_tls_or_on_this_machine() {
        for text in [
            "https://login.example/start?x=1",
            "http://localhost:3000/login",
            "http://127.0.0.1:3000",
        ] {
            assert_eq!(check_page(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "/login",
            "http://login.example/",
            "javascript:alert(1)",
            "https://user@login.example/",
            "https://login.example/#x",
            "data:text/html,x",
        ] {
            assert!(check_page(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_logo_comes_by_tls_and_a_colour_is_a_colour() {
        assert_eq!(check_logo("https://cdn.example/logo.svg"), Ok(()));
        assert!(check_logo("http://localhost/logo.svg").is_err());
        for good in ["#000000", "#aBcDeF"] {
            assert_eq!(check_colour(good), Ok(()), "{good}");
        }
        for odd in ["", "#", "#fff", "red", "#1234567", "#12345g", "#é1234"] {
            assert!(check_colour(odd).is_err(), "{odd}");
        }
    }
}
