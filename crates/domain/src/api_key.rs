//! API keys: long-lived credentials of services and operators.

use std::num::NonZeroU32;

use crate::id::{ApiKeyId, TenantId};
use crate::scope::ScopeSet;
use crate::time::UnixMillis;

/// The scope of a key that may ask what a token is worth.
pub const SCOPE_INTROSPECT: &str = "tokens:introspect";
/// The scope of a key that may revoke its client's tokens.
pub const SCOPE_REVOKE: &str = "tokens:revoke";

/// An API key as it is stored: never the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its name for machines.
    pub id: ApiKeyId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The client it belongs to, and is refused with; none: it is an operator's own.
    pub client: Option<String>,
    /// Its name for people.
    pub name: String,
    /// The first characters of the key, so that people can tell keys apart.
    pub visible_prefix: String,
    /// HMAC-SHA-256 under `SYSTEM_SECRETS`: what it is found by.
    pub signature: [u8; 32],
    /// The key that it replaced at its last rotation.
    pub superseded: Option<Superseded>,
    /// What it may be used for; `admin:*` opens the admin door.
    pub scopes: ScopeSet,
    /// How often it may be used each minute; as often as anybody, when absent.
    pub rate_limit: Option<NonZeroU32>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it stops working.
    pub expires_at: Option<UnixMillis>,
    /// When it was revoked.
    pub revoked_at: Option<UnixMillis>,
    /// When it was used last, to within a minute or so.
    pub last_used_at: Option<UnixMillis>,
    /// Counts changes, from 1.
    pub version: i64,
}

/// The key before the last rotation, which works a while longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// As [`ApiKey::signature`].
    pub signature: [u8; 32],
    /// When it stops working.
    pub works_until: UnixMillis,
}

/// Which keys a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiKeyFilter {
    /// Only keys of this client.
    pub client: Option<String>,
    /// Only keys that may be used at this instant (true), or only others.
    pub live: Option<(bool, UnixMillis)>,
}

/// When a key was used last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiKeyUse {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Which one.
    pub key: ApiKeyId,
    /// When.
    pub at: UnixMillis,
}

impl ApiKey {
    /// Says whether the key may be used now.
    #[must_use]
    pub fn is_live(&self, now: UnixMillis) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Says whether what has this signature may be used now as the key: the newest, or the one before
    /// it for as long as the rotation let it.
    #[must_use]
    pub fn accepts(&self, signature: &[u8; 32], now: UnixMillis) -> bool {
        let superseded = self.superseded.as_ref();
        let is_former = superseded
            .is_some_and(|former| former.signature == *signature && now < former.works_until);
        self.is_live(now) && (self.signature == *signature || is_former)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Counting;

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    fn rotated() -> ApiKey {
        ApiKey {
            id: ApiKeyId::generate(at(0), &Counting::default()),
            tenant: TenantId::generate(at(0), &Counting::default()),
            client: None,
            name: "ci".to_owned(),
            visible_prefix: "qf_ak_ab12".to_owned(),
            signature: [2; 32],
            superseded: Some(Superseded {
                signature: [1; 32],
                works_until: at(100),
            }),
            scopes: ScopeSet::from_stored(vec!["admin:*".to_owned()]),
            rate_limit: None,
            created_at: at(0),
            expires_at: Some(at(1_000)),
            revoked_at: None,
            last_used_at: None,
            version: 2,
        }
    }

    #[test]
    fn the_key_before_a_rotation_works_until_its_grace_is_over() {
        let key = rotated();
        assert!(key.accepts(&[1; 32], at(99)) && key.accepts(&[2; 32], at(99)));
        assert!(!key.accepts(&[1; 32], at(100)) && key.accepts(&[2; 32], at(100)));
        assert!(!key.accepts(&[3; 32], at(99)));
    }

    #[test]
    fn what_ends_a_key_ends_the_one_before_it() {
        let key = ApiKey {
            revoked_at: Some(at(5)),
            ..rotated()
        };
        assert!(!key.accepts(&[1; 32], at(9)) && !key.accepts(&[2; 32], at(9)));
        let key = ApiKey {
            expires_at: Some(at(50)),
            ..rotated()
        };
        assert!(key.accepts(&[1; 32], at(49)));
        assert!(!key.accepts(&[1; 32], at(50)) && !key.accepts(&[2; 32], at(50)));
    }
}
