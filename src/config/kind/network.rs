//! Kinds of network names: addresses, hosts, domains, blocks.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::kind::{Parsed, parse_list};

/// An exception to the egress guard (CONTRACT §6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EgressRule {
    /// Every address in a block may be connected to.
    Network(IpNet),
    /// One host may be connected to at one port, whatever its address.
    Endpoint {
        /// The host, as it stands in the URL.
        host: String,
        /// The port.
        port: u16,
    },
}

/// An address to listen at.
pub(in crate::config) const ADDRESS: Parsed<IpAddr> = Parsed {
    expected: "an IPv4 or IPv6 address such as 127.0.0.1 or ::1",
    parse: |text| text.trim().parse().ok(),
};

/// A host to connect to.
pub(in crate::config) const HOST: Parsed<String> = Parsed {
    expected: "a host name or address, without scheme or port",
    parse: parse_host,
};

/// The host of PostgreSQL, which may also be the directory of its socket.
pub(in crate::config) const DATABASE_HOST: Parsed<String> = Parsed {
    expected: "a host name or address, without scheme or port, or the directory of a Unix socket",
    parse: |text| match text.trim() {
        path if path.starts_with('/') => Some(path.to_owned()),
        host => parse_host(host),
    },
};

/// A DNS name.
pub(in crate::config) const DOMAIN: Parsed<String> = Parsed {
    expected: "a domain name such as auth.example.org",
    parse: parse_domain,
};

/// Blocks of addresses.
pub(in crate::config) const NETWORKS: Parsed<Vec<IpNet>> = Parsed {
    expected: "comma-separated addresses or CIDR blocks such as 10.0.0.0/8",
    parse: |text| parse_list(text, parse_network),
};

/// Exceptions to the egress guard.
pub(in crate::config) const EGRESS: Parsed<Vec<EgressRule>> = Parsed {
    expected: "comma-separated CIDR blocks or host:port pairs such as 10.0.0.0/8,hooks.internal:8443",
    parse: |text| parse_list(text, parse_egress),
};

/// A single address is the block that holds nothing else.
fn parse_network(text: &str) -> Option<IpNet> {
    let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse::<IpNet>()
        .ok()
        .map(|net| net.trunc())
        .or_else(single)
}

fn parse_egress(text: &str) -> Option<EgressRule> {
    if let Some(network) = parse_network(text) {
        return Some(EgressRule::Network(network));
    }
    let (host, port) = text.rsplit_once(':')?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host = bare.map_or_else(|| parse_domain(host), parse_host)?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    Some(EgressRule::Endpoint { host, port })
}

fn parse_host(text: &str) -> Option<String> {
    let text = text.trim();
    match text.parse::<IpAddr>() {
        Ok(_) => Some(text.to_owned()),
        Err(_) => parse_domain(text),
    }
}

/// Underscores are no part of a host name (RFC 1123 §2.1), but container networks use them.
fn parse_domain(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    (text.len() <= 253 && text.split('.').all(is_label)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_address_is_a_block_of_one() {
        assert_eq!(parse_network("10.0.0.1"), "10.0.0.1/32".parse().ok());
        assert_eq!(parse_network("10.1.2.3/8"), "10.0.0.0/8".parse().ok());
        assert_eq!(parse_network("10.0.0.1/33"), None);
    }

    #[test]
    fn a_host_has_neither_scheme_nor_port() {
        for text in ["db", "db_1.internal", "192.0.2.1", "::1"] {
            assert_eq!(parse_host(text).as_deref(), Some(text));
        }
        for text in [
            "postgres://db",
            "db:5432",
            "a b",
            "-a",
            "a..b",
            "",
            "/run/db",
        ] {
            assert_eq!(parse_host(text), None, "{text}");
        }
    }

    #[test]
    fn the_host_of_postgresql_may_be_a_socket_directory() {
        let path = "/var/run/postgresql";
        assert_eq!((DATABASE_HOST.parse)(path).as_deref(), Some(path));
    }

    #[test]
    fn egress_takes_blocks_and_endpoints() {
        let endpoint = |host: &str, port| EgressRule::Endpoint {
            host: host.to_owned(),
            port,
        };
        assert_eq!(parse_egress("hooks:8443"), Some(endpoint("hooks", 8443)));
        assert_eq!(parse_egress("[::1]:80"), Some(endpoint("::1", 80)));
        assert!(matches!(
            parse_egress("fd00::/8"),
            Some(EgressRule::Network(_))
        ));
        for text in ["hooks", "hooks:0", "hooks:x", ":80"] {
            assert_eq!(parse_egress(text), None, "{text}");
        }
    }
}
