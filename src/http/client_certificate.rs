//! The certificate that the client of a request proved to hold: to us, or to the proxy before us.
//!
//! A proxy that speaks TLS for us forwards it in `Client-Cert`, and what the client sent to build a
//! chain of in `Client-Cert-Chain` (RFC 9440). They are read from trusted proxies alone, and only where
//! certificates are taken at all; a proxy's own certificate is never the client's. What cannot be read,
//! or is there twice, is none.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use protocol::client_certificate::ClientCertificate;
use rustls_pki_types::CertificateDer;

static CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
static CLIENT_CERT_CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");

/// Takes what a client showed in a handshake, its own certificate first.
pub(super) fn of_handshake(shown: Option<&[CertificateDer<'_>]>) -> Option<Arc<ClientCertificate>> {
    let (own, above) = shown?.split_first()?;
    let above = above.iter().map(|der| der.to_vec()).collect();
    Some(Arc::new(ClientCertificate::new(own.to_vec(), above)))
}

/// Reads what a proxy forwards (RFC 9440 §2.2, §2.3).
pub(super) fn forwarded(headers: &HeaderMap) -> Option<Arc<ClientCertificate>> {
    let mut values = headers.get_all(&CLIENT_CERT).iter();
    let (Some(own), None) = (values.next(), values.next()) else {
        return None;
    };
    let own = parse_bytes(own.to_str().ok()?)?;
    let mut above = Vec::new();
    for line in headers.get_all(&CLIENT_CERT_CHAIN) {
        for item in line.to_str().ok()?.split(',') {
            above.push(parse_bytes(item)?);
        }
    }
    Some(Arc::new(ClientCertificate::new(own, above)))
}

/// Reads a byte sequence (RFC 9651 §3.3.5), without parameters: RFC 9440 defines none.
fn parse_bytes(item: &str) -> Option<Vec<u8>> {
    let item = item.trim_matches([' ', '\t']);
    let text = item.strip_prefix(':')?.strip_suffix(':')?;
    STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[(&'static str, &str)]) -> Option<(Vec<u8>, usize)> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("a header"));
        }
        let read = forwarded(&headers)?;
        Some((read.own().to_vec(), read.above().len()))
    }

    #[test]
    fn rfc_9440_2_2_a_certificate_is_one_byte_sequence() {
        assert_eq!(
            read(&[("client-cert", ":YWJj:")]),
            Some((b"abc".to_vec(), 0))
        );
        for odd in [
            "",
            "YWJj",
            ":YWJj",
            "YWJj:",
            ":YW Jj:",
            "::",
            ":",
            ":YWJj:;a=1",
            ":YWJj:, :YWJj:",
            ":_-8=:",
            "\"abc\"",
        ] {
            assert_eq!(read(&[("client-cert", odd)]), None, "{odd}");
        }
        let twice = [("client-cert", ":YWJj:"), ("client-cert", ":ZGVm:")];
        assert_eq!(read(&twice), None);
        assert_eq!(read(&[("client-cert-chain", ":YWJj:")]), None);
    }

    #[test]
    fn rfc_9440_2_3_a_chain_is_a_list_of_them() {
        let own = ("client-cert", ":YWJj:");
        let chain = |line| ("client-cert-chain", line);
        let of = |lines: &[_]| read(lines).map(|(_, above)| above);
        assert_eq!(of(&[own, chain(":YWJj:")]), Some(1));
        assert_eq!(
            of(&[own, chain(":YWJj:, :ZGVm:"), chain(":Z2hp:")]),
            Some(3)
        );
        for odd in ["", "YWJj", ":YWJj:,", ":YWJj: :ZGVm:"] {
            assert_eq!(of(&[own, chain(odd)]), None, "{odd}");
        }
    }
}
