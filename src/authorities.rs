//! The authorities that vouch for clients' certificates (RFC 8705 §2.1), from `TLS_CLIENT_CA_PATH`.
//!
//! A chain is judged by webpki, and only when a client authenticates by it: at that moment, under the
//! authorities of that moment. So a connection that has been open for long outlives neither its
//! certificate nor an authority that was taken out of the file. It makes no difference whether the
//! certificate came by our own TLS or through a proxy; see `docs/decisions/0011-client-certificates.md`.
//!
//! The file is read again when it changes. One that cannot be used leaves the authorities from before
//! in force and is said so once.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::time::UnixMillis;
use protocol::client_certificate::ClientCertificate;
use rustls::RootCertStore;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio_util::sync::CancellationToken;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The authorities in force.
pub struct ClientAuthorities {
    path: PathBuf,
    live: ArcSwap<Trust>,
}

/// What one reading of the file gave.
struct Trust {
    pem: Vec<u8>,
    verifier: Arc<dyn ClientCertVerifier>,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadAuthorities {
    /// It cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It holds no certificate in PEM, or one that is no authority's.
    #[error("it holds no usable certificate in PEM")]
    Unusable,
    /// They cannot be trusted.
    #[error("they cannot be used: {0}")]
    Untrusted(#[from] VerifierBuilderError),
}

// === impl ClientAuthorities ===

impl ClientAuthorities {
    /// Reads the file.
    ///
    /// # Errors
    /// See [`BadAuthorities`].
    pub fn load(path: PathBuf) -> Result<Self, BadAuthorities> {
        let pem = std::fs::read(&path).map_err(|error| unreadable(&path, error))?;
        Ok(Self {
            live: ArcSwap::from_pointee(Trust::of(pem)?),
            path,
        })
    }

    /// Looks at the file until it is stopped, and puts a new one in force.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut seen = self.live.load().pem.clone();
        while stop
            .run_until_cancelled(tokio::time::sleep(LOOK))
            .await
            .is_some()
        {
            match tokio::fs::read(&self.path).await {
                Ok(pem) if pem == seen => {}
                Ok(pem) => {
                    seen.clone_from(&pem);
                    self.renew(pem);
                }
                Err(error) => {
                    let error = unreadable(&self.path, error);
                    tracing::warn!(%error, "the old client authorities stay in force");
                }
            }
        }
    }

    /// Says whether an authority stands behind a certificate, for a client and at this instant.
    #[must_use]
    pub fn vouch_for(&self, certificate: &ClientCertificate, now: UnixMillis) -> bool {
        let Ok(seconds) = u64::try_from(now.as_seconds()) else {
            return false;
        };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let own = CertificateDer::from(certificate.own());
        let above: Vec<_> = certificate
            .above()
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        let trust = self.live.load();
        trust.verifier.verify_client_cert(&own, &above, now).is_ok()
    }

    fn renew(&self, pem: Vec<u8>) {
        match Trust::of(pem) {
            Ok(trust) => {
                self.live.store(Arc::new(trust));
                tracing::info!("new client authorities are in force");
            }
            Err(error) => tracing::error!(%error, "the old client authorities stay in force"),
        }
    }
}

impl fmt::Debug for ClientAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAuthorities")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

// === impl Trust ===

impl Trust {
    fn of(pem: Vec<u8>) -> Result<Self, BadAuthorities> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|_| BadAuthorities::Unusable)?;
            roots
                .add(certificate)
                .map_err(|_| BadAuthorities::Unusable)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        Ok(Self { pem, verifier })
    }
}

fn unreadable(path: &Path, source: io::Error) -> BadAuthorities {
    BadAuthorities::Unreadable {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;

    struct Authority {
        pem: String,
        der: Vec<u8>,
        issuer: Issuer<'static, KeyPair>,
    }

    impl Authority {
        fn new() -> Self {
            let key = KeyPair::generate().expect("a key");
            let mut params = CertificateParams::new(Vec::new()).expect("parameters");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let made = params.self_signed(&key).expect("a certificate");
            let (pem, der) = (made.pem(), made.der().to_vec());
            let issuer = Issuer::new(params, key);
            Self { pem, der, issuer }
        }

        /// An authority that this one vouches for.
        fn below(&self) -> Self {
            let key = KeyPair::generate().expect("a key");
            let mut params = CertificateParams::new(Vec::new()).expect("parameters");
            params
                .distinguished_name
                .push(rcgen::DnType::CommonName, "below");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let made = params.signed_by(&key, &self.issuer).expect("signs");
            let (pem, der) = (made.pem(), made.der().to_vec());
            let issuer = Issuer::new(params, key);
            Self { pem, der, issuer }
        }

        fn sign(&self) -> Vec<u8> {
            self.sign_until(2100)
        }

        fn sign_until(&self, year: i32) -> Vec<u8> {
            let names = vec!["robot.example".to_owned()];
            let mut params = CertificateParams::new(names).expect("parameters");
            params.not_after = date_time_ymd(year, 1, 1);
            let key = KeyPair::generate().expect("a key");
            let made = params.signed_by(&key, &self.issuer).expect("signs");
            made.der().to_vec()
        }
    }

    fn trusting(pem: &str) -> (tempfile::TempDir, Result<ClientAuthorities, BadAuthorities>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("clients.pem");
        fs::write(&path, pem).expect("a file");
        (folder, ClientAuthorities::load(path))
    }

    fn alone(der: Vec<u8>) -> ClientCertificate {
        ClientCertificate::new(der, Vec::new())
    }

    /// 2030-01-01.
    const NOW: UnixMillis = UnixMillis::from_seconds(1_893_456_000);

    #[test]
    fn rfc_8705_2_1_an_authority_of_ours_must_stand_behind_a_certificate() {
        let (ours, other) = (Authority::new(), Authority::new());
        let (_folder, trusted) = trusting(&ours.pem);
        let trusted = trusted.expect("fine authorities");
        assert!(trusted.vouch_for(&alone(ours.sign()), NOW));
        assert!(!trusted.vouch_for(&alone(other.sign()), NOW));
        assert!(!trusted.vouch_for(&alone(ours.sign_until(2029)), NOW));
        assert!(!trusted.vouch_for(&alone(b"nonsense".to_vec()), NOW));
        let before = UnixMillis::from_seconds(-1);
        assert!(!trusted.vouch_for(&alone(ours.sign()), before));
    }

    #[test]
    fn a_chain_needs_what_stands_between() {
        let ours = Authority::new();
        let below = ours.below();
        let (_folder, trusted) = trusting(&ours.pem);
        let trusted = trusted.expect("fine authorities");
        let own = below.sign();
        assert!(!trusted.vouch_for(&alone(own.clone()), NOW));
        let foreign = Authority::new().below().der;
        let wrong = ClientCertificate::new(own.clone(), vec![foreign]);
        assert!(!trusted.vouch_for(&wrong, NOW));
        let whole = ClientCertificate::new(own, vec![below.der]);
        assert!(trusted.vouch_for(&whole, NOW));
    }

    #[test]
    fn new_authorities_are_put_in_force_and_broken_ones_are_not() {
        let (old, new) = (Authority::new(), Authority::new());
        let (_folder, trusted) = trusting(&old.pem);
        let trusted = trusted.expect("fine authorities");
        let shown = alone(old.sign());
        trusted.renew(b"-----BEGIN nothing".to_vec());
        assert!(trusted.vouch_for(&shown, NOW));
        trusted.renew(new.pem.into_bytes());
        assert!(!trusted.vouch_for(&shown, NOW));
    }

    #[test]
    fn a_file_without_authorities_is_refused() {
        for odd in ["", "nonsense"] {
            let (_folder, refused) = trusting(odd);
            assert!(matches!(refused, Err(BadAuthorities::Untrusted(_))));
        }
        let missing = ClientAuthorities::load("/nonexistent/ca.pem".into());
        assert!(matches!(missing, Err(BadAuthorities::Unreadable { .. })));
    }
}
