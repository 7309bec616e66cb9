//! Where a request came from, reduced to what limits and audit need.

use std::net::{IpAddr, Ipv6Addr};

/// The network a caller is counted under: one IPv4 address, or one IPv6 /64.
///
/// A household or a phone is given a whole /64, so counting single IPv6 addresses would count
/// nothing at all. IPv4 addresses that arrive mapped into IPv6 count as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// Gives the network an address belongs to.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(six) => {
                let high = six.to_bits() & (u128::MAX << 64);
                Self(IpAddr::V6(Ipv6Addr::from_bits(high)))
            }
            four @ IpAddr::V4(_) => Self(four),
        }
    }

    /// Gives the network's first address.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Option<Network> {
        text.parse().ok().map(Network::of)
    }

    #[test]
    fn ipv6_addresses_count_by_their_64() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }

    #[test]
    fn a_mapped_ipv4_address_is_that_ipv4_address() {
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
