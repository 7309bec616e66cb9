//! Comparing `htu` with the URI of the request (RFC 9449 §4.3).
//!
//! Both are normalised by syntax and by scheme (RFC 3986 §6.2.2, §6.2.3): case of scheme and host,
//! percent-encoding, dot segments, default port, empty path. Query and fragment do not count. What a
//! lenient parser would mend (blanks, backslashes, a missing authority, credentials) is refused: two
//! readers could mend it differently.

use url::Url;

/// Tells whether both texts name one target.
pub(super) fn is_same(found: &str, expected: &str) -> bool {
    let expected = normalise(expected);
    expected.is_some() && normalise(found) == expected
}

fn normalise(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, _) = rest.split_at_checked(end)?;
    if !is_web || authority.is_empty() || authority.contains('@') || !is_uri(text) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let origin = url.origin().ascii_serialization();
    Some(origin + &normalise_percent(url.path())?)
}

/// Tells whether every character may stand in a URI (RFC 3986 §2).
fn is_uri(text: &str) -> bool {
    let is_other = |byte| br#""<>\^`{|}"#.contains(&byte);
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && !is_other(byte))
}

/// Decodes what needs no encoding and writes the rest with capitals (RFC 3986 §6.2.2.1, §6.2.2.2).
fn normalise_percent(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut normal = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let byte = char::from(u8::from_str_radix(digits, 16).ok()?);
        if byte.is_ascii_alphanumeric() || "-._~".contains(byte) {
            normal.push(byte);
        } else {
            normal.push('%');
            normal.push_str(&digits.to_ascii_uppercase());
        }
        normal.push_str(rest);
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "https://server.example.com/oauth/token";

    #[test]
    fn rfc_3986_6_2_2_and_6_2_3_equivalent_uris_are_the_same() {
        for same in [
            "HTTPS://Server.EXAMPLE.com/oauth/token",
            "https://server.example.com:443/oauth/token",
            "https://server.example.com:/oauth/token",
            "https://server.example.com/oauth/%74oken",
            "https://server.example.com/a/../oauth/./token",
            "https://server.example.com/oauth/token?a=b",
            "https://server.example.com/oauth/token#f",
        ] {
            assert!(is_same(same, TOKEN), "{same}");
        }
        assert!(is_same("http://a.example", "http://a.example:80/"));
        assert!(is_same("http://[::1]:4000/t", "http://[0:0::1]:4000/t"));
        assert!(is_same(
            "https://a.example/%c3%a4",
            "https://a.example/%C3%A4"
        ));
    }

    #[test]
    fn rfc_9449_4_3_another_uri_is_not_the_same() {
        for other in [
            "http://server.example.com/oauth/token",
            "https://server.example.com:8443/oauth/token",
            "https://other.example.com/oauth/token",
            "https://server.example.com/oauth/token/",
            "https://server.example.com/oauth/Token",
            "https://server.example.com//oauth/token",
            "https://server.example.com/oauth%2Ftoken",
            "https://server.example.com.evil.example/oauth/token",
            "/oauth/token",
            "",
        ] {
            assert!(!is_same(other, TOKEN), "{other}");
        }
    }

    #[test]
    fn what_a_lenient_parser_would_mend_is_refused() {
        for odd in [
            " https://server.example.com/oauth/token",
            "https://server.example.com/oauth/tok\ten",
            "https:\\\\server.example.com\\oauth\\token",
            "https:/server.example.com/oauth/token",
            "https:///server.example.com/oauth/token",
            "https://user@server.example.com/oauth/token",
            "https://@server.example.com/oauth/token",
            "https://server.example.com/oauth/token%",
            "https://server.example.com/oauth/token%+1",
            "https://ſerver.example.com/oauth/token",
        ] {
            assert!(!is_same(odd, TOKEN), "{odd}");
            assert!(!is_same(odd, odd), "{odd} is nothing to compare with");
        }
    }
}
