//! API keys: long-lived credentials of services and operators.

use crate::id::{ApiKeyId, TenantId};
use crate::scope::ScopeSet;
use crate::time::UnixMillis;

/// An API key as it is stored: never the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its name for machines.
    pub id: ApiKeyId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its name for people.
    pub name: String,
    /// The first characters of the key, so that people can tell keys apart.
    pub visible_prefix: String,
    /// HMAC-SHA-256 under `SYSTEM_SECRETS`: what it is found by.
    pub signature: [u8; 32],
    /// What it may be used for; `admin:*` opens the admin door.
    pub scopes: ScopeSet,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it stops working.
    pub expires_at: Option<UnixMillis>,
    /// When it was revoked.
    pub revoked_at: Option<UnixMillis>,
}

impl ApiKey {
    /// Says whether the key may be used now.
    #[must_use]
    pub fn is_live(&self, now: UnixMillis) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}
