//! `SYSTEM_SECRETS`: what our own tokens are signed with.
//!
//! The newest secret signs, every listed one verifies, so a secret is replaced by putting a new one
//! in front and dropping the old one when nothing signed by it is alive. Each use has a label of its
//! own mixed in (a key derived by HKDF, RFC 5869), so a signature made for one purpose is worthless
//! for another.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use domain::secret::SecretBytes;

/// The length of a signature, in bytes.
pub const SIGNATURE_BYTES: usize = 32;

/// What a signature or a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Refresh tokens.
    RefreshToken,
    /// Tokens sent by mail.
    OneTimeToken,
    /// API keys.
    ApiKey,
    /// Client secrets.
    ClientSecret,
    /// Authorization codes.
    AuthorizationCode,
    /// Device codes (RFC 8628).
    DeviceCode,
    /// What people type to name a device.
    UserCode,
    /// The `request_uri` of pushed requests.
    RequestUri,
    /// What opens a client's registration.
    Registration,
    /// Browser sessions.
    SessionCookie,
    /// Page cursors.
    Cursor,
    /// The counters of failed sign-ins.
    AttemptKey,
    /// Nonces of DPoP proofs (RFC 9449 §8).
    DpopNonce,
    /// Forms of our own pages.
    Form,
    /// Backup codes.
    BackupCode,
    /// Mailed codes for whoever lost a second factor.
    RecoveryCode,
    /// What was asked under an `Idempotency-Key`.
    Idempotency,
    /// Checkpoints of the audit trail.
    Checkpoint,
    /// That entries of the audit trail may be gone.
    AuditPurge,
    /// Sealing what is stored (see [`crate::seal`]).
    Sealing,
}

impl Label {
    const ALL: [Self; 20] = [
        Self::RefreshToken,
        Self::OneTimeToken,
        Self::ApiKey,
        Self::ClientSecret,
        Self::AuthorizationCode,
        Self::DeviceCode,
        Self::UserCode,
        Self::RequestUri,
        Self::Registration,
        Self::SessionCookie,
        Self::Cursor,
        Self::AttemptKey,
        Self::DpopNonce,
        Self::Form,
        Self::BackupCode,
        Self::RecoveryCode,
        Self::Idempotency,
        Self::Checkpoint,
        Self::AuditPurge,
        Self::Sealing,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::RefreshToken => "auth-service/v1/refresh-token",
            Self::OneTimeToken => "auth-service/v1/one-time-token",
            Self::ApiKey => "auth-service/v1/api-key",
            Self::ClientSecret => "auth-service/v1/client-secret",
            Self::AuthorizationCode => "auth-service/v1/authorization-code",
            Self::DeviceCode => "auth-service/v1/device-code",
            Self::UserCode => "auth-service/v1/user-code",
            Self::RequestUri => "auth-service/v1/request-uri",
            Self::Registration => "auth-service/v1/registration",
            Self::SessionCookie => "auth-service/v1/session-cookie",
            Self::Cursor => "auth-service/v1/cursor",
            Self::AttemptKey => "auth-service/v1/attempt-key",
            Self::DpopNonce => "auth-service/v1/dpop-nonce",
            Self::Form => "auth-service/v1/form",
            Self::BackupCode => "auth-service/v1/backup-code",
            Self::RecoveryCode => "auth-service/v1/recovery-code",
            Self::Idempotency => "auth-service/v1/idempotency",
            Self::Checkpoint => "auth-service/v1/checkpoint",
            Self::AuditPurge => "auth-service/v1/audit-purge",
            Self::Sealing => "auth-service/v1/sealing",
        }
    }
}

/// There was no secret at all; configuration refuses that before it gets here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("SYSTEM_SECRETS is empty")]
pub struct NoSecrets;

/// The configured secrets, with the keys of every label derived once.
pub struct SystemSecrets {
    newest: Derived,
    older: Vec<Derived>,
}

/// The keys that one secret gives.
struct Derived {
    signing: Vec<(Label, hmac::Key)>,
    sealing: [u8; 32],
}

struct Bytes32;

// === impl SystemSecrets ===

impl SystemSecrets {
    /// Takes the secrets, newest first.
    ///
    /// # Errors
    /// [`NoSecrets`] when the list is empty.
    pub fn new(secrets: &[SecretBytes]) -> Result<Self, NoSecrets> {
        let (newest, older) = secrets.split_first().ok_or(NoSecrets)?;
        Ok(Self {
            newest: Derived::from(newest),
            older: older.iter().map(Derived::from).collect(),
        })
    }

    /// Signs with the newest secret.
    #[must_use]
    pub fn sign(&self, label: Label, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.newest.sign(label, message)
    }

    /// Checks a signature against every secret, in constant time for each.
    #[must_use]
    pub fn is_signed(&self, label: Label, message: &[u8], signature: &[u8]) -> bool {
        self.each()
            .any(|derived| derived.verify(label, message, signature))
    }

    /// Gives the signature of a message under the newest secret, and those under the older ones:
    /// what a stored signature may equal.
    #[must_use]
    pub fn signatures(
        &self,
        label: Label,
        message: &[u8],
    ) -> ([u8; SIGNATURE_BYTES], Vec<[u8; SIGNATURE_BYTES]>) {
        let sign = |derived: &Derived| derived.sign(label, message);
        (sign(&self.newest), self.older.iter().map(sign).collect())
    }

    /// Gives the sealing keys, newest first.
    pub(crate) fn sealing_keys(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.each().map(|derived| &derived.sealing)
    }

    fn each(&self) -> impl Iterator<Item = &Derived> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

// === impl Derived ===

impl From<&SecretBytes> for Derived {
    fn from(secret: &SecretBytes) -> Self {
        let key = |label: Label| hmac::Key::new(hmac::HMAC_SHA256, &derive(secret, label));
        Self {
            signing: Label::ALL
                .into_iter()
                .map(|label| (label, key(label)))
                .collect(),
            sealing: derive(secret, Label::Sealing),
        }
    }
}

impl Derived {
    fn key(&self, label: Label) -> Option<&hmac::Key> {
        self.signing
            .iter()
            .find(|(known, _)| *known == label)
            .map(|(_, key)| key)
    }

    fn sign(&self, label: Label, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let mut signature = [0; SIGNATURE_BYTES];
        if let Some(key) = self.key(label) {
            signature.copy_from_slice(hmac::sign(key, message).as_ref());
        }
        signature
    }

    fn verify(&self, label: Label, message: &[u8], signature: &[u8]) -> bool {
        self.key(label)
            .is_some_and(|key| hmac::verify(key, message, signature).is_ok())
    }
}

impl KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

fn derive(secret: &SecretBytes, label: Label) -> [u8; 32] {
    let mut bytes = [0; 32];
    let root = Salt::new(HKDF_SHA256, b"").extract(secret.expose());
    #[expect(
        clippy::expect_used,
        reason = "HKDF refuses only outputs above 255 hashes (RFC 5869)"
    )]
    root.expand(&[label.as_str().as_bytes()], Bytes32)
        .and_then(|output| output.fill(&mut bytes))
        .expect("32 bytes are within the limit of HKDF");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(seeds: &[u8]) -> SystemSecrets {
        let list: Vec<_> = seeds
            .iter()
            .map(|s| SecretBytes::new(vec![*s; 32]))
            .collect();
        SystemSecrets::new(&list).expect("one secret at least")
    }

    #[test]
    fn the_newest_signs_and_older_ones_still_verify() {
        let old = secrets(&[1]).sign(Label::ApiKey, b"m");
        let both = secrets(&[2, 1]);
        assert!(both.is_signed(Label::ApiKey, b"m", &old));
        assert_ne!(both.sign(Label::ApiKey, b"m"), old);
        assert!(!secrets(&[2]).is_signed(Label::ApiKey, b"m", &old));
    }

    #[test]
    fn a_signature_for_one_purpose_is_worthless_for_another() {
        let all = secrets(&[1]);
        let signature = all.sign(Label::RefreshToken, b"m");
        let fits = |label: &&Label| all.is_signed(**label, b"m", &signature);
        assert_eq!(Label::ALL.iter().filter(fits).count(), 1);
    }

    #[test]
    fn every_label_is_listed() {
        let all = secrets(&[1]);
        assert!(
            Label::ALL
                .iter()
                .all(|label| all.sign(*label, b"m") != [0; 32])
        );
    }

    #[test]
    fn a_short_or_empty_signature_is_no_signature() {
        let all = secrets(&[1]);
        let signature = all.sign(Label::Cursor, b"m");
        for length in 0..SIGNATURE_BYTES {
            assert!(!all.is_signed(Label::Cursor, b"m", &signature[..length]));
        }
    }

    #[test]
    fn no_secret_is_an_error() {
        assert!(SystemSecrets::new(&[]).is_err());
    }
}
