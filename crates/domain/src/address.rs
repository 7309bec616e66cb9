//! Where a request came from, reduced to what limits and audit need.

use std::fmt::{self, Write};
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

/// An address as text (RFC 5952), written without asking for memory.
#[derive(Debug, Clone, Copy)]
pub struct AddressText {
    bytes: [u8; LONGEST],
    length: usize,
}

/// `0000:0000:0000:0000:0000:ffff:192.168.100.100`
const LONGEST: usize = 45;

// === impl AddressText ===

impl AddressText {
    /// Writes an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let mut text = Self {
            bytes: [0; LONGEST],
            length: 0,
        };
        match address {
            // By hand: formatting numbers costs six times as much, and a line of the log has one of these.
            IpAddr::V4(four) => {
                let [first, rest @ ..] = four.octets();
                text.put_octet(first);
                for octet in rest {
                    text.put(b'.');
                    text.put_octet(octet);
                }
            }
            IpAddr::V6(six) => {
                // It has room for any.
                let _ = write!(text, "{six}");
            }
        }
        text
    }

    /// Gives the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let written = self.bytes.get(..self.length).unwrap_or_default();
        str::from_utf8(written).unwrap_or_default()
    }

    fn put_octet(&mut self, octet: u8) {
        if octet >= 100 {
            self.put(b'0' + octet / 100);
        }
        if octet >= 10 {
            self.put(b'0' + octet / 10 % 10);
        }
        self.put(b'0' + octet % 10);
    }

    fn put(&mut self, byte: u8) {
        if let Some(room) = self.bytes.get_mut(self.length) {
            *room = byte;
            self.length += 1;
        }
    }
}

impl fmt::Write for AddressText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.put(byte));
        Ok(())
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

    #[test]
    fn an_address_is_written_as_the_standard_library_writes_it() {
        let four = (0..=u8::MAX).map(|octet| IpAddr::from([octet, 0, 255 - octet, octet / 3]));
        let six = [
            "::",
            "::1",
            "2001:db8::",
            "fe80::1:2:3:4",
            "::ffff:255.255.255.255",
        ];
        let six = six.iter().filter_map(|text| text.parse().ok());
        let longest = IpAddr::from([u8::MAX; 16]);
        for address in four.chain(six).chain([longest]) {
            assert_eq!(AddressText::of(address).as_str(), address.to_string());
        }
    }
}
