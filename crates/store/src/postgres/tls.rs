//! TLS to the server, in the meanings of libpq's `sslmode`.

use std::sync::Arc;

use domain::rejection::Fault;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use rustls_platform_verifier::Verifier;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::SslMode;

/// Makes what opens TLS on a connection. Whether it is used is in the connection's settings.
pub(super) fn connector(mode: SslMode) -> Result<MakeRustlsConnect, Fault> {
    client_config(mode)
        .map(MakeRustlsConnect::new)
        .map_err(|error| Fault::Broken(format!("TLS to PostgreSQL cannot be set up: {error}")))
}

fn client_config(mode: SslMode) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match mode {
        SslMode::VerifyFull => Arc::new(Verifier::new(provider.clone())?),
        SslMode::Disable | SslMode::Prefer | SslMode::Require => {
            Arc::new(EncryptOnly(provider.clone()))
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

/// Takes any certificate, as libpq does for `require`: the server must still hold its private key,
/// but nobody asks whether it is the right server.
#[derive(Debug)]
struct EncryptOnly(Arc<CryptoProvider>);

impl ServerCertVerifier for EncryptOnly {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::{ClientConnection, ServerConfig, ServerConnection};
    use rustls_pki_types::PrivateKeyDer;

    use super::*;

    /// Makes a server whose certificate nobody vouches for.
    fn impostor() -> ServerConnection {
        let made = rcgen::generate_simple_self_signed(["db.example.org".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        ServerConnection::new(Arc::new(config)).unwrap()
    }

    /// Shakes hands in memory.
    fn meet_impostor(mode: SslMode) -> Result<(), rustls::Error> {
        let name = ServerName::try_from("db.example.org").unwrap();
        let mut client = ClientConnection::new(Arc::new(client_config(mode)?), name)?;
        let mut server = impostor();
        while client.is_handshaking() || server.is_handshaking() {
            let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
            client.write_tls(&mut to_server).unwrap();
            server.read_tls(&mut to_server.as_slice()).unwrap();
            server.process_new_packets()?;
            server.write_tls(&mut to_client).unwrap();
            client.read_tls(&mut to_client.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        Ok(())
    }

    #[test]
    fn require_encrypts_whoever_the_server_is() {
        assert_eq!(meet_impostor(SslMode::Require), Ok(()));
        assert_eq!(meet_impostor(SslMode::Prefer), Ok(()));
    }

    #[test]
    fn verify_full_refuses_a_certificate_that_nobody_vouches_for() {
        let refused = meet_impostor(SslMode::VerifyFull);
        let by_certificate = matches!(refused, Err(rustls::Error::InvalidCertificate(_)));
        assert!(by_certificate, "{refused:?}");
    }
}
