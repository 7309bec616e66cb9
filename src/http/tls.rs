//! TLS of the doors: certificates from files, read again when the files change.
//!
//! Each handshake takes the configuration of its moment, so a new certificate serves new connections
//! and disturbs none that is open. Files that cannot be used leave the old ones in force and are
//! said so once; a pair that is being replaced file by file is simply tried again.
//!
//! Where client certificates are of use (`TLS_CLIENT_CA_PATH`) they are asked for; a client need not
//! have one. What one is worth is judged later: see `any_certificate`.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use any_certificate::AnyCertificate;

use crate::config::TlsSettings;

mod any_certificate;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The certificates in force.
pub struct Tls {
    files: TlsSettings,
    /// Whether clients are asked for certificates.
    asks: bool,
    live: ArcSwap<ServerConfig>,
    /// What was read first, so that the watch notices a change since then.
    first: Fingerprint,
}

/// The files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadTls {
    /// One cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// One holds no PEM of the right kind.
    #[error("{0} holds nothing usable in PEM")]
    Unusable(&'static str),
    /// They do not fit together.
    #[error("the certificate and the key cannot be used: {0}")]
    Mismatch(#[from] rustls::Error),
}

type Fingerprint = [u8; 32];

/// The files' content.
struct Content {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

// === impl Tls ===

impl Tls {
    /// Reads the files; says whether clients are asked for certificates.
    ///
    /// # Errors
    /// See [`BadTls`].
    pub async fn load(files: TlsSettings, asks: bool) -> Result<Self, BadTls> {
        let content = Content::read(&files).await?;
        Ok(Self {
            live: ArcSwap::from_pointee(content.to_config(asks)?),
            first: content.fingerprint(),
            files,
            asks,
        })
    }

    /// Looks at the files until it is stopped, and puts new ones in force.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut seen = self.first;
        while stop
            .run_until_cancelled(tokio::time::sleep(LOOK))
            .await
            .is_some()
        {
            match Content::read(&self.files).await {
                Ok(content) if content.fingerprint() == seen => {}
                Ok(content) => {
                    seen = content.fingerprint();
                    self.renew(&content);
                }
                Err(error) => tracing::warn!(%error, "the old certificate stays in force"),
            }
        }
    }

    /// Gives what accepts a handshake now.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.live.load_full())
    }

    fn renew(&self, content: &Content) {
        match content.to_config(self.asks) {
            Ok(config) => {
                self.live.store(Arc::new(config));
                tracing::info!("a new certificate is in force");
            }
            Err(error) => tracing::error!(%error, "the old certificate stays in force"),
        }
    }
}

// === impl Content ===

impl Content {
    async fn read(files: &TlsSettings) -> Result<Self, BadTls> {
        Ok(Self {
            certificate: read(&files.certificate).await?,
            key: Zeroizing::new(read(&files.key).await?),
        })
    }

    /// Gives one hash over all of it, which is no secret.
    fn fingerprint(&self) -> Fingerprint {
        let parts = [self.certificate.as_slice(), self.key.as_slice()];
        let hashes = parts.map(|part| digest(&SHA256, part));
        let joined: Vec<u8> = hashes.iter().flat_map(AsRef::as_ref).copied().collect();
        let mut fingerprint = Fingerprint::default();
        fingerprint.copy_from_slice(digest(&SHA256, &joined).as_ref());
        fingerprint
    }

    fn to_config(&self, asks: bool) -> Result<ServerConfig, BadTls> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = parse_certificates(&self.certificate, "TLS_CERT_PATH")?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| BadTls::Unusable("TLS_KEY_PATH"))?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = if asks {
            builder.with_client_cert_verifier(Arc::new(AnyCertificate(provider)))
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, BadTls> {
    tokio::fs::read(path)
        .await
        .map_err(|source| BadTls::Unreadable {
            path: path.display().to_string(),
            source,
        })
}

fn parse_certificates(
    pem: &[u8],
    name: &'static str,
) -> Result<Vec<CertificateDer<'static>>, BadTls> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(BadTls::Unusable(name)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = Self(tempfile::tempdir().expect("a folder"));
            folder.renew();
            folder
        }

        fn renew(&self) {
            let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
            let made = made.expect("a certificate");
            self.write("cert.pem", &made.cert.pem());
            self.write("key.pem", &made.signing_key.serialize_pem());
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.0.path().join(name), text).expect("a file");
        }

        fn settings(&self) -> TlsSettings {
            TlsSettings {
                certificate: self.0.path().join("cert.pem"),
                key: self.0.path().join("key.pem"),
            }
        }
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_put_in_force() {
        let folder = Folder::new();
        let tls = Tls::load(folder.settings(), false)
            .await
            .expect("fine files");
        let before = tls.live.load_full();
        folder.renew();
        tls.renew(&Content::read(&tls.files).await.expect("readable"));
        assert!(!Arc::ptr_eq(&before, &tls.live.load_full()));
    }

    #[tokio::test]
    async fn a_broken_file_leaves_the_old_certificate_in_force() {
        let folder = Folder::new();
        let tls = Tls::load(folder.settings(), false)
            .await
            .expect("fine files");
        let before = tls.live.load_full();
        folder.write("cert.pem", "-----BEGIN nothing");
        tls.renew(&Content::read(&tls.files).await.expect("readable"));
        assert!(Arc::ptr_eq(&before, &tls.live.load_full()));
        assert!(Tls::load(folder.settings(), false).await.is_err());
    }

    #[tokio::test]
    async fn a_key_of_another_certificate_is_refused() {
        let (one, other) = (Folder::new(), Folder::new());
        let mut files = one.settings();
        files.key = other.settings().key;
        assert!(matches!(
            Tls::load(files, false).await,
            Err(BadTls::Mismatch(_))
        ));
    }

    #[tokio::test]
    async fn the_doors_speak_http2_and_http1() {
        let tls = Tls::load(Folder::new().settings(), true)
            .await
            .expect("fine files");
        assert_eq!(
            tls.live.load().alpn_protocols,
            [b"h2".to_vec(), b"http/1.1".to_vec()]
        );
    }
}
