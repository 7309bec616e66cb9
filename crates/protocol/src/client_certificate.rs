//! Certificates of clients (RFC 8705): what one is called, which key it is for, its thumbprint.
//!
//! Whoever makes a [`ClientCertificate`] says that the client proved to hold its key. Whether an
//! authority stands behind it is not judged here: chains are for TLS libraries. What is read of it is
//! its subject ([`Subject`], RFC 8705 §2.1.2) and its public key (§2.2). One that cannot be read to its
//! last byte has no subject and no key.

mod name;
mod subject;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

pub use subject::{BadSubject, Subject};

/// The most certificates beside a client's own that are looked at.
const MAX_ABOVE: usize = 4;

/// A certificate whose key a client proved to hold, as DER, and what it sent to build a chain of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    own: Vec<u8>,
    above: Vec<Vec<u8>>,
}

// === impl ClientCertificate ===

impl ClientCertificate {
    /// Takes a client's own certificate and those above it, the nearest first. Of these only a few are
    /// kept: a stranger chooses how many there are, and each costs a signature.
    #[must_use]
    pub fn new(own: Vec<u8>, mut above: Vec<Vec<u8>>) -> Self {
        above.truncate(MAX_ABOVE);
        Self { own, above }
    }

    /// Gives the client's own certificate, in DER.
    #[must_use]
    pub fn own(&self) -> &[u8] {
        &self.own
    }

    /// Gives the certificates above it, in DER.
    #[must_use]
    pub fn above(&self) -> &[Vec<u8>] {
        &self.above
    }

    /// Gives the thumbprint that tokens are bound to: `x5t#S256` (RFC 8705 §3.1).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.own))
    }

    /// Says whether this is what it is called (RFC 8705 §2.1).
    #[must_use]
    pub fn is_called(&self, subject: &Subject) -> bool {
        read(&self.own).is_some_and(|own| subject.is_of(&own))
    }

    /// Gives its public key, as `SubjectPublicKeyInfo` in DER.
    #[must_use]
    pub fn key(&self) -> Option<Vec<u8>> {
        key_of(&self.own)
    }
}

/// Gives the public key of a certificate, as `SubjectPublicKeyInfo` in DER.
pub(crate) fn key_of(der: &[u8]) -> Option<Vec<u8>> {
    read(der).map(|own| own.public_key().raw.to_vec())
}

/// Reads a certificate to its last byte.
fn read(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
