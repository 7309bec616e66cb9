//! What a client shows in TLS: what its certificate is called, and whether its tokens are bound to it
//! (RFC 8705 §2.1.2, §2.2.2, §3.4).
//!
//! Where the service takes no certificates (`TLS_CLIENT_CA_PATH`) none of it is registered, because it
//! could not be kept.

use domain::client::ClientMetadata;
use protocol::client_certificate::Subject;
use protocol::jose::foreign::ForeignKeys;

use super::Terms;
use super::policy::set;
use crate::flow::account::Mistakes;
use crate::flow::token::client_auth::{METHOD_SELF_SIGNED_TLS, METHOD_TLS};

/// What is said about a client's certificate; `None` leaves a field alone, `Some(None)` takes it away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificatesPatch {
    /// Whether its tokens must be bound to it.
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    /// Its subject, in the form of RFC 4514.
    pub tls_client_auth_subject_dn: Option<Option<String>>,
    /// A host name that it is for.
    pub tls_client_auth_san_dns: Option<Option<String>>,
    /// A URI that it is for.
    pub tls_client_auth_san_uri: Option<Option<String>>,
    /// An IP address that it is for.
    pub tls_client_auth_san_ip: Option<Option<String>>,
    /// An e-mail address that it is for.
    pub tls_client_auth_san_email: Option<Option<String>>,
}

// === impl CertificatesPatch ===

impl CertificatesPatch {
    /// Lays what is said over what stands.
    pub(super) fn lay_over(self, metadata: &mut ClientMetadata) {
        set(
            &mut metadata.tls_client_certificate_bound_access_tokens,
            self.tls_client_certificate_bound_access_tokens,
        );
        set(
            &mut metadata.tls_client_auth_subject_dn,
            self.tls_client_auth_subject_dn,
        );
        set(
            &mut metadata.tls_client_auth_san_dns,
            self.tls_client_auth_san_dns,
        );
        set(
            &mut metadata.tls_client_auth_san_uri,
            self.tls_client_auth_san_uri,
        );
        set(
            &mut metadata.tls_client_auth_san_ip,
            self.tls_client_auth_san_ip,
        );
        set(
            &mut metadata.tls_client_auth_san_email,
            self.tls_client_auth_san_email,
        );
    }
}

/// Says whether a client authenticates by certificate.
pub(super) fn is_by_certificate(metadata: &ClientMetadata) -> bool {
    [METHOD_TLS, METHOD_SELF_SIGNED_TLS].contains(&metadata.token_endpoint_auth_method.as_str())
}

/// Judges what is registered about the certificate as it would stand.
pub(super) fn check(metadata: &ClientMetadata, terms: Terms, mistakes: &mut Mistakes) {
    check_offer(metadata, terms, mistakes);
    match metadata.token_endpoint_auth_method.as_str() {
        METHOD_TLS => {
            if let Err(bad) = Subject::of(metadata) {
                mistakes.add(bad.field(), bad.to_string());
            }
        }
        method => {
            if method == METHOD_SELF_SIGNED_TLS {
                check_registered(metadata, mistakes);
            }
            check_no_subject(metadata, mistakes);
        }
    }
}

fn check_offer(metadata: &ClientMetadata, terms: Terms, mistakes: &mut Mistakes) {
    if terms.takes_certificates {
        return;
    }
    let message = "is not offered: this service takes no client certificates (TLS_CLIENT_CA_PATH)";
    if is_by_certificate(metadata) {
        mistakes.add("token_endpoint_auth_method", message);
    }
    if metadata.tls_client_certificate_bound_access_tokens {
        mistakes.add("tls_client_certificate_bound_access_tokens", message);
    }
}

/// RFC 8705 §2.2.2: the certificates stand in the key set, as `x5c`.
fn check_registered(metadata: &ClientMetadata, mistakes: &mut Mistakes) {
    let jwks = metadata.jwks.as_ref();
    let keys = jwks.and_then(|jwks| ForeignKeys::parse(jwks).ok());
    if keys.is_some_and(|keys| !keys.has_certificates()) {
        let message = format!("must hold a certificate (x5c) for {METHOD_SELF_SIGNED_TLS}");
        mistakes.add("jwks", message);
    }
}

fn check_no_subject(metadata: &ClientMetadata, mistakes: &mut Mistakes) {
    for (field, said) in [
        (
            "tls_client_auth_subject_dn",
            &metadata.tls_client_auth_subject_dn,
        ),
        ("tls_client_auth_san_dns", &metadata.tls_client_auth_san_dns),
        ("tls_client_auth_san_uri", &metadata.tls_client_auth_san_uri),
        ("tls_client_auth_san_ip", &metadata.tls_client_auth_san_ip),
        (
            "tls_client_auth_san_email",
            &metadata.tls_client_auth_san_email,
        ),
    ] {
        if said.is_some() {
            let message = format!("is for clients that authenticate by {METHOD_TLS}");
            mistakes.add(field, message);
        }
    }
}
