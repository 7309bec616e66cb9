//! Signing keys as they are stored: next → active → retired.

use serde_json::Value;

use crate::id::TenantId;
use crate::time::UnixMillis;

/// The algorithms we sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// Ed25519 (RFC 8037 §3.1).
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3): for ID tokens of clients that ask for it
    /// (OpenID Connect Core §15.1).
    Rs256,
}

impl Algorithm {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// Gives the `alg` value (RFC 7518 §3.1).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    /// Reads an `alg` value.
    #[must_use]
    pub fn from_stored(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == word)
    }
}

/// How far a key has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, not yet signing.
    Next,
    /// Signing. At most one key of a tenant and algorithm.
    Active,
    /// Verifying what it signed, until that has expired.
    Retired,
    /// Revoked: neither signs nor verifies.
    Revoked,
}

impl KeyState {
    /// Gives the word a store keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }

    /// Reads the word a store kept; anything unknown is revoked, because checks fail closed.
    #[must_use]
    pub fn from_stored(word: &str) -> Self {
        match word {
            "next" => Self::Next,
            "active" => Self::Active,
            "retired" => Self::Retired,
            _ => Self::Revoked,
        }
    }
}

/// One key of a ring.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// Its name: the RFC 7638 thumbprint.
    pub kid: String,
    /// The tenant whose tokens it signs.
    pub tenant: TenantId,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// How far it has come.
    pub state: KeyState,
    /// The PKCS#8 private key, sealed under a key derived from `SYSTEM_SECRETS`.
    pub sealed_private: Vec<u8>,
    /// The public JWK.
    pub public_jwk: Value,
    /// When it was made, and so first published.
    pub created_at: UnixMillis,
    /// When it began to sign.
    pub activated_at: Option<UnixMillis>,
    /// When it stopped signing.
    pub retired_at: Option<UnixMillis>,
}

// === impl SigningKey ===

impl SigningKey {
    /// Says whether a ring that begins with this key comes too late: of its algorithm there is an
    /// active key, or one as far as this.
    #[must_use]
    pub fn is_forestalled(&self, stored: &[Self]) -> bool {
        stored.iter().any(|key| {
            let is_as_far = key.state == KeyState::Active || key.state == self.state;
            key.algorithm == self.algorithm && is_as_far
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7518_3_1_an_algorithm_survives_its_name() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
            assert_eq!(Algorithm::from_stored(algorithm.as_str()), Some(algorithm));
        }
        for other in ["none", "HS256", "es256", ""] {
            assert_eq!(Algorithm::from_stored(other), None, "{other}");
        }
    }
}
