//! Factors: the ways to prove who one is, as they are bound to an account (NIST SP 800-63B-4 §3).
//!
//! A password is something known, kept with the [`user`](crate::user). The others are something had: an
//! authenticator app that shows a code ([`Totp`], RFC 6238), a [`Passkey`] (WebAuthn Level 3), and, for
//! the day when those are lost, a list of backup codes. [`Factors`] is what an account has bound;
//! [`Proved`] is that one of them was shown. Which of them suffice is judged by `protocol::assurance`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{PasskeyId, TenantId, UserId};
use crate::time::UnixMillis;

/// A way to prove who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// Something known.
    Password,
    /// A code that an app computes from a secret and the time (RFC 6238).
    Totp,
    /// A code of a list that was given out, each good once (NIST SP 800-63B-4 §3.1.2).
    BackupCode,
    /// A passkey that only found that somebody was there.
    Passkey,
    /// A passkey that found out who was there, by a PIN or by what they are: two factors in one.
    VerifyingPasskey,
}

/// That a factor was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proved {
    /// Which.
    pub factor: Factor,
    /// When.
    pub at: UnixMillis,
}

/// What a tenant or a client asks beside a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MfaPolicy {
    /// Nobody is offered a second factor. Whoever has bound one is still asked for it.
    Off,
    /// Whoever wants one binds one, and is asked for it from then on.
    #[default]
    Offer,
    /// Everybody binds one before they get in.
    Require,
}

/// An authenticator app that shows codes. An account has one at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Whose it is.
    pub user: UserId,
    /// Its secret, sealed by the vault for the context `totp/{user}`.
    pub sealed_secret: Vec<u8>,
    /// Digits of a code: 6 or 8.
    pub digits: u8,
    /// Seconds that a code lasts.
    pub period: u32,
    /// When its secret was made; with the account, it names it.
    pub created_at: UnixMillis,
    /// When a code of it was shown for the first time; before, it proves nothing.
    pub confirmed_at: Option<UnixMillis>,
    /// The newest time step whose code was taken: no code of it or of one before is taken again.
    pub last_step: Option<u64>,
}

/// A passkey: a key pair whose private half an authenticator keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Passkey {
    /// What we call it.
    pub id: PasskeyId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Whose it is.
    pub user: UserId,
    /// What the authenticator calls it (WebAuthn §4, credential id); unique in the tenant.
    pub credential_id: Vec<u8>,
    /// What its owner calls it.
    pub name: String,
    /// Its public key and what is remembered of it, as the rules of WebAuthn keep it.
    pub credential: Value,
    /// How often it signed, as it says itself; zero: it does not count (WebAuthn §6.1.1).
    pub sign_count: u32,
    /// Whether it may be copied to other devices of its owner (WebAuthn §6.1.3).
    pub is_backup_eligible: bool,
    /// Whether it is copied now.
    pub is_backed_up: bool,
    /// When it was bound.
    pub created_at: UnixMillis,
    /// When it was last used.
    pub last_used_at: Option<UnixMillis>,
}

/// What an account has bound beside its password.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Factors {
    /// The app, confirmed or not.
    pub totp: Option<Totp>,
    /// The passkeys, oldest first.
    pub passkeys: Vec<Passkey>,
    /// How many backup codes are left.
    pub backup_codes: u32,
}

// === impl Factor ===

impl Factor {
    /// Gives the word that a store keeps and JSON shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::BackupCode => "backup_code",
            Self::Passkey => "passkey",
            Self::VerifyingPasskey => "verifying_passkey",
        }
    }
}

// === impl Factors ===

impl Factors {
    /// Gives the app, if a code of it was shown.
    #[must_use]
    pub fn confirmed_totp(&self) -> Option<&Totp> {
        self.totp
            .as_ref()
            .filter(|totp| totp.confirmed_at.is_some())
    }

    /// Says whether anything is bound that can be asked for beside a password. Backup codes alone are
    /// none: they stand in for what they were given out with.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.confirmed_totp().is_some() || !self.passkeys.is_empty()
    }
}
