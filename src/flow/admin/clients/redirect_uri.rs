//! Where codes and people may be sent: which redirect URIs and which pages may be registered (RFC 6749
//! §3.1.2, RFC 8252 §7, OAuth 2.1 §2.3, RFC 7591 §2).

use domain::client::ClientType;
use url::{Host, Url};

/// The longest address, in bytes.
const MAX_BYTES: usize = 2_000;

/// Checks one redirect URI: absolute, without fragment and user information; https, or http to this
/// very machine, or a private scheme of a native application.
///
/// # Errors
/// What is wrong, in words for people.
pub(super) fn check_redirect_uri(client_type: ClientType, text: &str) -> Result<(), &'static str> {
    let url = parse_address(text)?;
    if url.fragment().is_some() {
        return Err("must have no fragment");
    }
    match url.scheme() {
        "https" if names_one_host(&url) => Ok(()),
        "https" => Err("must name one host"),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err("must use https, or name this very machine (127.0.0.1, [::1], localhost)"),
        scheme if client_type == ClientType::Native && is_private(scheme) => Ok(()),
        _ => Err("must use https; only native clients may have a scheme of their own, with a dot"),
    }
}

/// Checks the address of a page that people are shown: https, absolute, without user information.
///
/// # Errors
/// What is wrong, in words for people.
pub(super) fn check_page(text: &str) -> Result<(), &'static str> {
    let url = parse_address(text)?;
    if url.scheme() == "https" && names_one_host(&url) {
        return Ok(());
    }
    Err("must use https and name one host")
}

/// Checks an address that we fetch something from; what it leads to is judged when it is fetched. In
/// clear text only where the operator opened such places.
///
/// # Errors
/// What is wrong, in words for people.
pub(in crate::flow::admin) fn check_fetched(
    text: &str,
    takes_clear_text: bool,
) -> Result<(), &'static str> {
    let url = parse_address(text)?;
    let is_open = takes_clear_text && url.scheme() == "http";
    if (url.scheme() == "https" || is_open) && names_one_host(&url) && url.fragment().is_none() {
        return Ok(());
    }
    Err("must use https, name one host and have no fragment")
}

fn parse_address(text: &str) -> Result<Url, &'static str> {
    // They are compared byte for byte (RFC 9700 §4.1.3), so what a parser would quietly mend, such
    // as a line break, a backslash or a letter beyond ASCII, must not get in.
    if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') || text.len() > MAX_BYTES {
        return Err("must be a URI of 2000 ASCII characters at most");
    }
    let url = Url::parse(text).map_err(|_| "must be an absolute URI")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must have no user information");
    }
    Ok(url)
}

fn names_one_host(url: &Url) -> bool {
    url.host_str().is_some_and(|host| !host.contains('*'))
}

/// RFC 8252 §7.3: a native application listens on the loopback interface for its answer.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// RFC 8252 §7.1: a private scheme is a domain name in reverse, so it has a dot. That also shuts out
/// `javascript:`, `data:` and whatever else a browser would run.
fn is_private(scheme: &str) -> bool {
    scheme.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(client_type: ClientType, text: &str) -> bool {
        check_redirect_uri(client_type, text).is_ok()
    }

    #[test]
    fn https_and_loopback_http_are_for_everybody() {
        for text in [
            "https://app.example.org/callback",
            "https://app.example.org:8443/cb?x=1",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:49152/cb",
            "http://[::1]:3000/cb",
            "http://localhost:3000/cb",
        ] {
            assert!(accepts(ClientType::Web, text), "{text}");
        }
    }

    #[test]
    fn rfc_8252_7_1_a_private_scheme_is_a_native_applications() {
        assert!(accepts(ClientType::Native, "org.example.app:/callback"));
        assert!(accepts(ClientType::Native, "org.example.app://callback"));
        assert!(!accepts(ClientType::Web, "org.example.app:/callback"));
        assert!(!accepts(ClientType::Native, "app:/callback"));
    }

    #[test]
    fn rfc_6749_3_1_2_a_redirect_uri_is_absolute_and_has_no_fragment() {
        for text in [
            "",
            "/callback",
            "app.example.org/cb",
            "https://app.example.org/cb#x",
            "https://app.example.org/cb#",
        ] {
            assert!(!accepts(ClientType::Web, text), "{text}");
        }
    }

    #[test]
    fn rfc_7591_2_a_page_is_shown_over_https() {
        assert!(check_page("https://app.example.org/terms#2").is_ok());
        for text in [
            "",
            "http://app.example.org/",
            "http://127.0.0.1/",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://user@app.example.org/",
            "https://*.example.org/",
            "org.example.app:/terms",
        ] {
            assert!(check_page(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_could_send_a_code_elsewhere_is_refused() {
        for text in [
            "http://app.example.org/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://localhost.evil.example/cb",
            "https://user:password@app.example.org/cb",
            "https://user@app.example.org/cb",
            "https://*.example.org/cb",
            "https://app.example.org\\@evil.example/cb",
            "https://app.example.org/c\tb",
            " https://app.example.org/cb",
            "https://äpp.example.org/cb",
            "https://",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
        ] {
            assert!(!accepts(ClientType::Native, text), "{text}");
            assert!(!accepts(ClientType::Web, text), "{text}");
        }
        let long = format!("https://app.example.org/{}", "a".repeat(2_000));
        assert!(!accepts(ClientType::Web, &long));
    }
}
