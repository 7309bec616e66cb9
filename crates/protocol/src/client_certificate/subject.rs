//! What the certificate of a client is to be called (RFC 8705 §2.1.2).

use std::net::IpAddr;

use domain::client::ClientMetadata;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::name::DistinguishedName;

/// The longest text that may be registered, in bytes.
const MAX_BYTES: usize = 1024;

/// What a certificate is to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Name(DistinguishedName),
    Dns(String),
    Uri(String),
    Ip(Vec<u8>),
    Email(String),
}

/// No certificate could be called what was registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSubject {
    /// Nothing was registered.
    #[error("needs one of the fields tls_client_auth_subject_dn and tls_client_auth_san_*")]
    Missing,
    /// Several were, of which one must be chosen (RFC 8705 §2.1.2).
    #[error("stands beside another: exactly one of the five may")]
    Several(&'static str),
    /// It is not of its kind.
    #[error("is no name of this kind, in the form of RFC 8705 §2.1.2")]
    Malformed(&'static str),
}

type Parse = fn(&str) -> Option<Kind>;

// === impl Subject ===

impl Subject {
    /// Reads what a client registered: exactly one of five fields.
    ///
    /// # Errors
    /// See [`BadSubject`].
    pub fn of(metadata: &ClientMetadata) -> Result<Self, BadSubject> {
        let mut said = fields(metadata)
            .into_iter()
            .filter_map(|(field, text, parse)| Some((field, text.as_deref()?, parse)));
        let (field, text, parse) = said.next().ok_or(BadSubject::Missing)?;
        if let Some((other, ..)) = said.next() {
            return Err(BadSubject::Several(other));
        }
        let kind = Some(text).filter(|text| !text.is_empty() && text.len() <= MAX_BYTES);
        kind.and_then(parse)
            .map(Self)
            .ok_or(BadSubject::Malformed(field))
    }

    /// Says whether this is what a certificate is called.
    pub(super) fn is_of(&self, certificate: &X509Certificate<'_>) -> bool {
        if let Kind::Name(name) = &self.0 {
            return name.is(certificate.subject());
        }
        let Ok(Some(names)) = certificate.subject_alternative_name() else {
            return false;
        };
        let names = &names.value.general_names;
        names.iter().any(|name| self.is_alternative(name))
    }

    fn is_alternative(&self, name: &GeneralName<'_>) -> bool {
        match (&self.0, name) {
            (Kind::Dns(wanted), GeneralName::DNSName(name)) => wanted.eq_ignore_ascii_case(name),
            (Kind::Uri(wanted), GeneralName::URI(name))
            | (Kind::Email(wanted), GeneralName::RFC822Name(name)) => wanted == name,
            (Kind::Ip(wanted), GeneralName::IPAddress(address)) => wanted == address,
            _ => false,
        }
    }
}

// === impl BadSubject ===

impl BadSubject {
    /// Names the field to complain about.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Missing => "tls_client_auth_subject_dn",
            Self::Several(field) | Self::Malformed(field) => field,
        }
    }
}

fn fields(metadata: &ClientMetadata) -> [(&'static str, &Option<String>, Parse); 5] {
    [
        (
            "tls_client_auth_subject_dn",
            &metadata.tls_client_auth_subject_dn,
            |text| DistinguishedName::parse(text).map(Kind::Name),
        ),
        (
            "tls_client_auth_san_dns",
            &metadata.tls_client_auth_san_dns,
            |text| is_host(text).then(|| Kind::Dns(text.to_owned())),
        ),
        (
            "tls_client_auth_san_uri",
            &metadata.tls_client_auth_san_uri,
            |text| is_uri(text).then(|| Kind::Uri(text.to_owned())),
        ),
        (
            "tls_client_auth_san_ip",
            &metadata.tls_client_auth_san_ip,
            parse_ip,
        ),
        (
            "tls_client_auth_san_email",
            &metadata.tls_client_auth_san_email,
            |text| is_address(text).then(|| Kind::Email(text.to_owned())),
        ),
    ]
}

/// Takes a host name; a pattern is none, because it would be the name of many.
fn is_host(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    text.bytes().all(fine)
}

fn is_uri(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic()) && url::Url::parse(text).is_ok()
}

fn is_address(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic()) && text.contains('@')
}

fn parse_ip(text: &str) -> Option<Kind> {
    Some(Kind::Ip(match text.parse().ok()? {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }))
}
