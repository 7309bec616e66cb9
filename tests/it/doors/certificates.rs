//! Certificates of a test: an authority, what it signs, and the files a door reads.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as BASE64URL};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SignatureScheme, SupportedProtocolVersion,
};
use serde_json::{Value, json};
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
        Pair::of(&made, key)
    }

    /// Makes a certificate for a client of this common name, of the organization `Garden`.
    pub fn sign_client(&self, name: &str) -> Pair {
        self.sign_with(&client_params(name, Vec::new()), KeyPair::generate())
    }

    /// The same, with other names.
    pub fn sign_client_of(&self, name: &str, names: Vec<SanType>) -> Pair {
        self.sign_with(&client_params(name, names), KeyPair::generate())
    }

    /// The same, over since the year 2020.
    pub fn sign_expired(&self, name: &str) -> Pair {
        let mut params = client_params(name, Vec::new());
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign_with(&params, KeyPair::generate())
    }

    fn sign_with(&self, params: &CertificateParams, key: Result<KeyPair, rcgen::Error>) -> Pair {
        let key = key.expect("a key");
        let made = params.signed_by(&key, &self.issuer).expect("a certificate");
        Pair::of(&made, key)
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

    /// What a client is set up with that shows what it has no key for.
    pub fn client_showing(&self, shown: Arc<dyn ResolvesClientCert>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let anchor = self.certificate.der().clone();
        roots.add(anchor).expect("a trust anchor");
        ClientConfig::builder()
            .with_root_certificates(roots)
            .with_client_cert_resolver(shown)
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

/// What a client's certificate says.
fn client_params(name: &str, names: Vec<SanType>) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    let mut subject = rcgen::DistinguishedName::new();
    subject.push(DnType::OrganizationName, "Garden");
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.subject_alt_names = names;
    params
}

// === impl Pair ===

impl Pair {
    fn of(made: &rcgen::Certificate, key: KeyPair) -> Self {
        Self {
            certificate: made.der().clone(),
            certificate_pem: made.pem(),
            key,
        }
    }

    /// What a server is set up with that shows this pair.
    pub fn server(&self) -> ServerConfig {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], PrivateKeyDer::Pkcs8(key))
            .expect("a pair")
    }

    /// Makes a certificate that nobody vouches for.
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let made = client_params(name, Vec::new()).self_signed(&key);
        Self::of(&made.expect("a certificate"), key)
    }

    /// Makes another certificate for the same key.
    pub fn renewed(&self, name: &str) -> Self {
        let key = KeyPair::try_from(self.key.serialize_der()).expect("the key");
        let made = client_params(name, Vec::new()).self_signed(&key);
        Self::of(&made.expect("a certificate"), key)
    }

    /// The key and its certificate as a JWK set (RFC 7517 §4.7).
    pub fn jwks(&self) -> Value {
        // An uncompressed point: 4, x, y.
        let (x, y) = self.key.public_key_raw()[1..].split_at(32);
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "x": BASE64URL.encode(x), "y": BASE64URL.encode(y),
            "x5c": [BASE64_STANDARD.encode(&self.certificate)],
        }] })
    }

    /// What a proxy forwards it as (RFC 9440).
    pub fn header(&self) -> String {
        format!(":{}:", BASE64_STANDARD.encode(&self.certificate))
    }

    /// The thumbprint that tokens are bound to.
    pub fn thumbprint(&self) -> String {
        use aws_lc_rs::digest::{SHA256, digest};
        BASE64URL.encode(digest(&SHA256, &self.certificate))
    }

    /// This certificate with the key of another: what a thief of certificates has.
    pub fn with_key_of(&self, other: &Self) -> Arc<dyn ResolvesClientCert> {
        let key = PrivatePkcs8KeyDer::from(other.key.serialize_der());
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&PrivateKeyDer::Pkcs8(key));
        let chain = vec![self.certificate.clone()];
        Arc::new(Shown(Arc::new(CertifiedKey::new(
            chain,
            key.expect("a key"),
        ))))
    }
}

/// Shows what it has to whoever asks.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
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
