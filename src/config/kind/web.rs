//! Kinds of web names: URLs, origins, methods, headers.

use domain::secret::SecretText;
use http::{HeaderName, Method};
use url::{Host, Url};

use crate::config::kind::{Parsed, parse_list};

/// Which origins a browser may let read our answers (Fetch standard, CORS protocol).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Any: `*`.
    Any,
    /// These, written as a browser sends them: scheme, host and port without a slash.
    Listed(Vec<String>),
}

/// An issuer identifier (RFC 8414 §2), kept to the letter because clients compare it so.
pub(in crate::config) const ISSUER: Parsed<String> = Parsed {
    expected: "an http or https URL without user, query, fragment or trailing slash",
    parse: parse_issuer,
};

/// The URL of a web service.
pub(in crate::config) const HTTP_URL: Parsed<Url> = Parsed {
    expected: "an http or https URL without user, password or fragment",
    parse: parse_http_url,
};

/// The URL of a web service that is told secrets: in clear text on this machine only.
pub(in crate::config) const LINK_URL: Parsed<Url> = Parsed {
    expected: "an https URL without user, password, query or fragment, or an http one of this machine",
    parse: parse_link_url,
};

/// The URL of a mail server. Secret: it carries the password.
pub(in crate::config) const SMTP_URL: Parsed<SecretText> = Parsed {
    expected: "a URL such as smtps://user:password@mail.example.org:465 or smtp://mail.example.org:587?tls=required",
    parse: parse_smtp_url,
};

/// Origins of web pages, or any.
pub(in crate::config) const ORIGINS: Parsed<Origins> = Parsed {
    expected: "* alone, or comma-separated origins such as https://app.example.org, without paths",
    parse: parse_origins,
};

/// Origins of web pages.
pub(in crate::config) const ORIGIN_LIST: Parsed<Vec<String>> = Parsed {
    expected: "comma-separated origins such as https://app.example.org, without paths",
    parse: |text| parse_list(text, parse_origin),
};

/// The origin of a web page.
pub(in crate::config) const ORIGIN: Parsed<String> = Parsed {
    expected: "an origin such as https://admin.example.org, without a path",
    parse: parse_origin,
};

/// Methods of HTTP.
pub(in crate::config) const METHODS: Parsed<Vec<Method>> = Parsed {
    expected: "comma-separated HTTP methods such as GET,POST",
    parse: |text| parse_list(text, parse_method),
};

/// Names of HTTP headers.
pub(in crate::config) const HEADERS: Parsed<Vec<HeaderName>> = Parsed {
    expected: "comma-separated names of HTTP headers such as Content-Type",
    parse: |text| parse_list(text, |name| HeaderName::try_from(name).ok()),
};

fn parse_issuer(text: &str) -> Option<String> {
    let text = text.trim();
    let url = parse_http_url(text)?;
    let is_exact = url.query().is_none() && !text.ends_with('/') && !text.contains(['?', '#']);
    // Lower-case host, no default port, no dots: what the parser would write is what clients see.
    let is_normal = url.as_str().trim_end_matches('/') == text;
    (is_exact && is_normal).then(|| text.to_owned())
}

fn parse_http_url(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let is_fine = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    is_fine.then_some(url)
}

fn parse_link_url(text: &str) -> Option<Url> {
    let url = parse_http_url(text).filter(|url| url.query().is_none())?;
    let is_here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    (url.scheme() == "https" || is_here).then_some(url)
}

fn parse_smtp_url(text: &str) -> Option<SecretText> {
    let text = text.trim();
    let url = Url::parse(text).ok()?;
    let is_fine = matches!(url.scheme(), "smtp" | "smtps") && url.has_host();
    is_fine.then(|| SecretText::new(text.to_owned()))
}

fn parse_origins(text: &str) -> Option<Origins> {
    match text.trim() {
        "*" => Some(Origins::Any),
        list => parse_list(list, parse_origin).map(Origins::Listed),
    }
}

fn parse_origin(text: &str) -> Option<String> {
    let url = parse_http_url(text)?;
    let origin = url.origin().ascii_serialization();
    // A browser never sends a pattern, so one would silently match nothing.
    let is_exact = origin.eq_ignore_ascii_case(text) && !origin.contains('*');
    is_exact.then_some(origin)
}

/// Says whether a text is an origin exactly as a browser sends it.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    parse_origin(text).is_some_and(|origin| origin == text)
}

/// Methods are case-sensitive and all that we serve are upper case (RFC 9110 §9.1).
fn parse_method(text: &str) -> Option<Method> {
    let is_word = text.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
    Method::from_bytes(text.as_bytes())
        .ok()
        .filter(|_| is_word || text == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8414_2_an_issuer_has_no_query_or_fragment() {
        for text in [
            "http://localhost:4000",
            "https://id.example.org/t/acme",
            "http://[::1]:4000",
        ] {
            assert_eq!(parse_issuer(text).as_deref(), Some(text));
        }
        for text in [
            "https://id.example.org/",
            "https://id.example.org?a=b",
            "https://id.example.org?",
            "https://id.example.org#f",
            "https://id.example.org#",
            "https://u:p@id.example.org",
            "https://ID.example.org",
            "https://id.example.org:443",
            "id.example.org",
            "ftp://id.example.org",
        ] {
            assert_eq!(parse_issuer(text), None, "{text}");
        }
    }

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        let listed = |origin: &str| Some(Origins::Listed(vec![origin.to_owned()]));
        assert_eq!(parse_origins("*"), Some(Origins::Any));
        assert_eq!(
            parse_origins("https://A.example"),
            listed("https://a.example")
        );
        assert!(is_origin("https://a.example") && !is_origin("https://A.example"));
        for text in [
            "https://a.example/",
            "https://a.example/x",
            "a.example",
            "null",
            "*,https://a.example",
            "https://*.example",
        ] {
            assert_eq!(parse_origins(text), None, "{text}");
            assert!(!is_origin(text), "{text}");
        }
    }

    #[test]
    fn secrets_are_told_in_clear_text_on_this_machine_only() {
        for text in [
            "https://vault.internal:8200",
            "http://127.0.0.1:8200",
            "http://[::1]:8200",
            "http://localhost:8200/behind",
        ] {
            assert!(parse_link_url(text).is_some(), "{text}");
        }
        for text in [
            "http://vault.internal:8200",
            "http://10.0.0.1:8200",
            "http://localhost.example:8200",
            "http://127.0.0.1.example",
            "https://token@vault.internal",
            "https://vault.internal?a=b",
            "https://vault.internal#a",
            "vault.internal:8200",
        ] {
            assert_eq!(parse_link_url(text), None, "{text}");
        }
    }

    #[test]
    fn methods_are_upper_case() {
        assert_eq!(parse_method("PATCH"), Some(Method::PATCH));
        assert_eq!(parse_method("get"), None);
        assert_eq!(parse_method("G ET"), None);
    }

    #[test]
    fn a_mail_server_is_named_by_an_smtp_url() {
        assert!(parse_smtp_url("smtps://u:p@mail.example.org").is_some());
        assert!(parse_smtp_url("https://mail.example.org").is_none());
        assert!(parse_smtp_url("smtp:").is_none());
    }
}
