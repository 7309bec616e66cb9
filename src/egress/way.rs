//! Which way a fetch takes: guarded, by an exception of the operator's, or not at all.
//!
//! A host that is written as an address is judged here, because it is never looked up; a name is
//! judged by what it resolves to, by the [`Resolver`] that the connection itself uses.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::address::is_public;
use crate::config::EgressRule;

/// How an address may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Over TLS, at public addresses and those of the operator's blocks.
    Guarded,
    /// Over TLS, wherever it is: the operator named the host and the port.
    Excepted,
    /// In clear text: the operator named the host and the port.
    Plain,
}

/// What the operator opened. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    networks: Arc<[IpNet]>,
    endpoints: Arc<[(String, u16)]>,
}

/// A name has no address that may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the name has no public address")]
pub(super) struct NotPublic;

/// Looks names up, and gives of their addresses those that may be connected to.
pub(super) struct Resolver(Rules);

// === impl Rules ===

impl Rules {
    pub(super) fn new(allow: &[EgressRule]) -> Self {
        let networks = allow.iter().filter_map(|rule| match rule {
            EgressRule::Network(network) => Some(*network),
            EgressRule::Endpoint { .. } => None,
        });
        let endpoints = allow.iter().filter_map(|rule| match rule {
            EgressRule::Network(_) => None,
            EgressRule::Endpoint { host, port } => Some((host.to_ascii_lowercase(), *port)),
        });
        Self {
            networks: networks.collect(),
            endpoints: endpoints.collect(),
        }
    }

    /// Finds the way to an address; `None` where there is none.
    pub(super) fn way_to(&self, url: &Url) -> Option<Way> {
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let (host, port) = (url.host()?, url.port_or_known_default()?);
        let bare = match host {
            Host::Ipv6(address) => address.to_string(),
            Host::Ipv4(address) => address.to_string(),
            Host::Domain(name) => name.to_owned(),
        };
        let is_named = self
            .endpoints
            .iter()
            .any(|known| *known == (bare.clone(), port));
        match (url.scheme(), is_named) {
            ("https", true) => return Some(Way::Excepted),
            ("http", true) => return Some(Way::Plain),
            ("https", false) => {}
            _ => return None,
        }
        let may = match host {
            Host::Ipv4(address) => self.allows(address.into()),
            Host::Ipv6(address) => self.allows(address.into()),
            Host::Domain(_) => true,
        };
        may.then_some(Way::Guarded)
    }

    /// Says whether the operator named a host and a port.
    pub(super) fn names_endpoints(&self) -> bool {
        !self.endpoints.is_empty()
    }

    fn allows(&self, address: IpAddr) -> bool {
        let is_opened = |network: &IpNet| network.contains(&address);
        is_public(address) || self.networks.iter().any(is_opened)
    }
}

// === impl Resolver ===

impl Resolver {
    pub(super) const fn new(rules: Rules) -> Self {
        Self(rules)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let fine: Vec<SocketAddr> = found.filter(|at| rules.allows(at.ip())).collect();
            if fine.is_empty() {
                return Err(NotPublic.into());
            }
            let fine: Addrs = Box::new(fine.into_iter());
            Ok(fine)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(allow: &[EgressRule], text: &str) -> Option<Way> {
        Rules::new(allow).way_to(&Url::parse(text).expect("a URL"))
    }

    fn endpoint(host: &str, port: u16) -> EgressRule {
        EgressRule::Endpoint {
            host: host.to_owned(),
            port,
        }
    }

    #[test]
    fn contract_6_https_only() {
        assert_eq!(way(&[], "https://a.example/x"), Some(Way::Guarded));
        for text in [
            "http://a.example/x",
            "ftp://a.example/",
            "file:///etc/passwd",
            "data:text/plain,x",
            "gopher://a.example/",
            "https://user@a.example/",
            "https://:p@a.example/",
        ] {
            assert_eq!(way(&[], text), None, "{text}");
        }
    }

    #[test]
    fn an_address_in_whatever_spelling_is_judged_before_it_is_asked() {
        for text in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://0/",
        ] {
            assert_eq!(way(&[], text), None, "{text}");
        }
        assert_eq!(way(&[], "https://1.1.1.1/"), Some(Way::Guarded));
    }

    #[test]
    fn a_block_opens_its_addresses_and_keeps_tls() {
        let allow = [EgressRule::Network("10.1.0.0/16".parse().expect("a block"))];
        assert_eq!(way(&allow, "https://10.1.2.3/"), Some(Way::Guarded));
        assert_eq!(way(&allow, "https://10.2.2.3/"), None);
        assert_eq!(way(&allow, "http://10.1.2.3/"), None);
    }

    #[test]
    fn a_named_host_and_port_is_open_and_nothing_beside_it() {
        let allow = [endpoint("hooks", 8443), endpoint("::1", 80)];
        assert_eq!(way(&allow, "https://HOOKS:8443/"), Some(Way::Excepted));
        assert_eq!(way(&allow, "http://hooks:8443/"), Some(Way::Plain));
        assert_eq!(way(&allow, "http://[::1]/"), Some(Way::Plain));
        assert_eq!(way(&allow, "http://hooks:8444/"), None);
        assert_eq!(way(&allow, "http://hooks.:8443/"), None);
        assert_eq!(way(&allow, "http://hooks.evil.example:8443/"), None);
        assert_eq!(way(&allow, "http://u@hooks:8443/"), None);
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let resolve = |allow: &[EgressRule]| {
            let resolver = Resolver::new(Rules::new(allow));
            resolver.resolve("localhost".parse().expect("a name"))
        };
        let refused = resolve(&[]).await.err().expect("refused");
        assert!(refused.is::<NotPublic>());
        let allow = ["127.0.0.0/8", "::1/128"];
        let allow = allow.map(|block| EgressRule::Network(block.parse().expect("a block")));
        assert!(resolve(&allow).await.is_ok_and(|found| found.count() > 0));
    }
}
