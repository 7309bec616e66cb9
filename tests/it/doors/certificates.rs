//! Certificates of a test: an authority, what it signs, and the files a door reads.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Signs certificates.
pub struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
pub struct Pair {
    pub certificate: CertificateDer<'static>,
    certificate_pem: String,
    key: KeyPair,
}

/// Where a door's files are.
pub struct Files(TempDir);

// === impl Authority ===

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    /// Makes a certificate for a name.
    pub fn sign(&self, name: &str) -> Pair {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let key = KeyPair::generate().expect("a key");
        let made = params.signed_by(&key, &self.issuer).expect("a certificate");
        Pair {
            certificate: made.der().clone(),
            certificate_pem: made.pem(),
            key,
        }
    }

    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// As [`client`](Self::client), speaking one version alone.
    pub fn client_of_version(&self, version: &'static SupportedProtocolVersion) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let anchor = self.certificate.der().clone();
        roots.add(anchor).expect("a trust anchor");
        ClientConfig::builder_with_protocol_versions(&[version])
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// What a client is set up with that trusts this authority; `own` is shown to who asks.
    pub fn client(&self, own: Option<&Pair>, protocols: &[&str]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.certificate.der().clone())
            .expect("a trust anchor");
        let builder = ClientConfig::builder().with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let key = PrivatePkcs8KeyDer::from(pair.key.serialize_der());
                builder
                    .with_client_auth_cert(
                        vec![pair.certificate.clone()],
                        PrivateKeyDer::Pkcs8(key),
                    )
                    .expect("a pair")
            }
        };
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        config
    }
}

// === impl Pair ===

impl Pair {
    /// What a server is set up with that shows this pair.
    pub fn server(&self) -> ServerConfig {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], PrivateKeyDer::Pkcs8(key))
            .expect("a pair")
    }
}

// === impl Files ===

impl Files {
    pub fn new(pair: &Pair) -> Self {
        let files = Self(tempfile::tempdir().expect("a directory"));
        files.put(pair);
        files
    }

    /// Replaces the pair.
    pub fn put(&self, pair: &Pair) {
        self.write("key.pem", &pair.key.serialize_pem());
        self.write("cert.pem", &pair.certificate_pem);
    }

    /// Writes a file beside them and gives its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// The settings of doors that read these files.
    pub fn settings(&self) -> [(&'static str, String); 3] {
        [
            ("TLS_ENABLED", "true".to_owned()),
            ("TLS_CERT_PATH", self.path("cert.pem").display().to_string()),
            ("TLS_KEY_PATH", self.path("key.pem").display().to_string()),
        ]
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Shakes hands.
///
/// # Errors
/// What the other side refused with.
pub async fn shake_hands(
    to: SocketAddr,
    config: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(to).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// The certificate that the other side showed.
pub fn shown_by(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    let (_, session) = stream.get_ref();
    session.peer_certificates().expect("certificates")[0]
        .clone()
        .into_owned()
}
