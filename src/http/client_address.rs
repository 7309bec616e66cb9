//! Which address a request really comes from (CONTRACT §1).
//!
//! The peer's own, unless the peer is a trusted proxy: then the entries that proxies have appended
//! are walked from the right, since only what our own proxies wrote is true, and the first that is
//! no trusted proxy is the client. Both `Forwarded` (RFC 7239) and `X-Forwarded-For` are read. A
//! proxy maintains one of them and passes the other on as the client sent it, so where they name
//! different clients neither is believed and the proxy itself is taken.

use std::net::{IpAddr, SocketAddr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Says whether the peer's word on addresses is taken.
pub(super) fn is_trusted(trusted: &[IpNet], peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|block| block.contains(&peer))
}

/// Finds the client's address.
pub(super) fn find_client(trusted: &[IpNet], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(trusted, peer) {
        return peer;
    }
    let by_standard = walk(
        trusted,
        peer,
        entries(headers, &FORWARDED).map(parse_forwarded),
    );
    let by_custom = walk(
        trusted,
        peer,
        entries(headers, &X_FORWARDED_FOR).map(parse_address),
    );
    match (by_standard, by_custom) {
        (Some(one), Some(other)) if one == other => one,
        (Some(only), None) | (None, Some(only)) => only,
        _ => peer,
    }
}

/// Gives the entries of a list header, right-most first. A line that is no text is one entry that
/// cannot be read.
fn entries<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter();
    lines
        .rev()
        .flat_map(|line| line.to_str().unwrap_or_default().rsplit(','))
}

/// Walks leftwards over trusted proxies; stops at the first other address, or at the last address
/// known when an entry names none. `None` if there is no entry.
fn walk(
    trusted: &[IpNet],
    peer: IpAddr,
    entries: impl Iterator<Item = Option<IpAddr>>,
) -> Option<IpAddr> {
    let mut nearest = None;
    for entry in entries {
        let Some(address) = entry else {
            return Some(nearest.unwrap_or(peer));
        };
        nearest = Some(address);
        if !is_trusted(trusted, address) {
            break;
        }
    }
    nearest
}

/// Reads one `forwarded-element`: the address of its `for` parameter.
fn parse_forwarded(element: &str) -> Option<IpAddr> {
    let node = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value)
    })?;
    parse_address(node.trim().trim_matches('"'))
}

/// Reads an address with or without a port, IPv6 with or without brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>();
    let address = address.or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let trusted = ["10.0.0.0/8", "2001:db8:ffff::/48"];
        let trusted: Vec<IpNet> = trusted
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("a header"));
        }
        find_client(&trusted, peer.parse().expect("an address"), &headers).to_string()
    }

    #[test]
    fn a_stranger_cannot_name_an_address() {
        let headers = [("x-forwarded-for", "1.2.3.4"), ("forwarded", "for=1.2.3.4")];
        assert_eq!(find("192.0.2.9", &headers), "192.0.2.9");
        assert_eq!(find("::ffff:192.0.2.9", &headers), "192.0.2.9");
    }

    #[test]
    fn the_right_most_untrusted_entry_is_the_client() {
        let forged = [("x-forwarded-for", "1.1.1.1, 203.0.113.7, 10.9.9.9")];
        assert_eq!(find("10.0.0.1", &forged), "203.0.113.7");
        let lines = [
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "203.0.113.7"),
        ];
        assert_eq!(find("10.0.0.1", &lines), "203.0.113.7");
    }

    #[test]
    fn rfc_7239_4_forwarded_is_read_with_ports_quotes_and_brackets() {
        let headers = [(
            "forwarded",
            r#"for=1.1.1.1, For="[2001:db8::7]:4711";proto=https"#,
        )];
        assert_eq!(find("10.0.0.1", &headers), "2001:db8::7");
        let headers = [("forwarded", "proto=http;for=203.0.113.7;by=10.0.0.1")];
        assert_eq!(find("2001:db8:ffff::1", &headers), "203.0.113.7");
    }

    #[test]
    fn an_entry_without_an_address_ends_the_walk_at_the_last_known_one() {
        let headers = [("x-forwarded-for", "203.0.113.7, unknown, 10.2.2.2")];
        assert_eq!(find("10.0.0.1", &headers), "10.2.2.2");
        assert_eq!(
            find("10.0.0.1", &[("forwarded", "for=_hidden")]),
            "10.0.0.1"
        );
    }

    #[test]
    fn where_everybody_is_trusted_the_left_most_is_the_client() {
        let headers = [("x-forwarded-for", "10.1.1.1, 10.2.2.2")];
        assert_eq!(find("10.0.0.1", &headers), "10.1.1.1");
        assert_eq!(find("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn two_headers_that_disagree_are_both_not_believed() {
        let headers = [
            ("forwarded", "for=1.2.3.4"),
            ("x-forwarded-for", "203.0.113.7"),
        ];
        assert_eq!(find("10.0.0.1", &headers), "10.0.0.1");
        let headers = [
            ("forwarded", "for=203.0.113.7"),
            ("x-forwarded-for", "203.0.113.7"),
        ];
        assert_eq!(find("10.0.0.1", &headers), "203.0.113.7");
    }
}
