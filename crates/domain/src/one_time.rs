//! One-time tokens sent by mail: what resets a password, what proves an address, what recovers a lost second
//! factor.

use std::time::Duration;

use crate::id::{TenantId, UserId};
use crate::time::UnixMillis;

/// What a one-time token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Choosing a new password.
    ResetPassword,
    /// Proving that an address is one's own.
    VerifyEmail,
    /// Letting go of second factors that were lost.
    RecoverFactors,
}

impl Purpose {
    /// Gives the word a store keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResetPassword => "reset_password",
            Self::VerifyEmail => "verify_email",
            Self::RecoverFactors => "recover_factors",
        }
    }

    /// Gives how long such a token lives (CONTRACT §5; NIST SP 800-63B-4 §4.2.1.2 allows a mailed code a
    /// day).
    #[must_use]
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::ResetPassword => Duration::from_mins(30),
            Self::VerifyEmail => Duration::from_hours(24),
            Self::RecoverFactors => Duration::from_mins(10),
        }
    }
}

/// A one-time token as it is stored: its signature, never the token. A user has at most one of each
/// purpose; issuing another replaces it.
#[derive(Debug, Clone)]
pub struct OneTime {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Whose it is.
    pub user: UserId,
    /// What it is for.
    pub purpose: Purpose,
    /// HMAC-SHA-256 under `SYSTEM_SECRETS`: what it is found by.
    pub signature: [u8; 32],
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it stops working.
    pub expires_at: UnixMillis,
}
