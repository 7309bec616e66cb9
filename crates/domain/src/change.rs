//! The feed of changes that every node must hear of within a second.
//!
//! A change is written in the same commit as what it tells of. Nodes are woken by a notice and
//! besides re-read the feed at short intervals, so a missed notice is never a missed revocation.

use crate::id::{ApiKeyId, FamilyId, SessionId, TenantId, UserId};
use crate::time::UnixMillis;

/// One entry of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    /// The tenant it happened in.
    pub tenant: TenantId,
    /// What happened.
    pub what: ChangeKind,
    /// When the store wrote it, by the store's own clock.
    pub at: UnixMillis,
    /// When it may be forgotten: nothing that it could matter for is alive any more.
    pub expires_at: UnixMillis,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// The access token with this `jti` is refused from now on.
    AccessRevoked(String),
    /// Every token with this `sid` is refused from now on.
    SessionEnded(SessionId),
    /// Every token of this refresh family is refused from now on.
    GrantEnded(FamilyId),
    /// The account changed; forget what was remembered of it.
    UserChanged(UserId),
    /// The client changed; forget what was remembered of it.
    ClientChanged(String),
    /// The API key changed; forget what was remembered of it.
    ApiKeyChanged(ApiKeyId),
    /// The tenant changed; load it again.
    TenantChanged,
    /// The tenant's roles or policies changed; load them again.
    RolesChanged,
    /// The key ring changed; load it again.
    KeysChanged,
}

impl ChangeKind {
    /// Gives the two texts a store keeps: the kind, and what it is about.
    #[must_use]
    pub fn to_stored(&self) -> (&'static str, String) {
        match self {
            Self::AccessRevoked(jti) => ("access_revoked", jti.clone()),
            Self::SessionEnded(id) => ("session_ended", id.to_string()),
            Self::GrantEnded(id) => ("grant_ended", id.to_string()),
            Self::UserChanged(id) => ("user_changed", id.to_string()),
            Self::ClientChanged(id) => ("client_changed", id.clone()),
            Self::ApiKeyChanged(id) => ("api_key_changed", id.to_string()),
            Self::TenantChanged => ("tenant_changed", String::new()),
            Self::RolesChanged => ("roles_changed", String::new()),
            Self::KeysChanged => ("keys_changed", String::new()),
        }
    }

    /// Reads the two texts a store kept. A kind this version does not know is `None`: a newer node
    /// wrote it.
    #[must_use]
    pub fn from_stored(kind: &str, about: &str) -> Option<Self> {
        Some(match kind {
            "access_revoked" => Self::AccessRevoked(about.to_owned()),
            "session_ended" => Self::SessionEnded(about.parse().ok()?),
            "grant_ended" => Self::GrantEnded(about.parse().ok()?),
            "user_changed" => Self::UserChanged(about.parse().ok()?),
            "client_changed" => Self::ClientChanged(about.to_owned()),
            "api_key_changed" => Self::ApiKeyChanged(about.parse().ok()?),
            "tenant_changed" => Self::TenantChanged,
            "roles_changed" => Self::RolesChanged,
            "keys_changed" => Self::KeysChanged,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Counting;

    #[test]
    fn every_kind_survives_the_store() {
        let (now, random) = (UnixMillis::from_millis(5), Counting::default());
        let kinds = [
            ChangeKind::AccessRevoked("jti".to_owned()),
            ChangeKind::SessionEnded(SessionId::generate(now, &random)),
            ChangeKind::GrantEnded(FamilyId::generate(now, &random)),
            ChangeKind::UserChanged(UserId::generate(now, &random)),
            ChangeKind::ClientChanged("client_x".to_owned()),
            ChangeKind::ApiKeyChanged(ApiKeyId::generate(now, &random)),
            ChangeKind::TenantChanged,
            ChangeKind::RolesChanged,
            ChangeKind::KeysChanged,
        ];
        for kind in kinds {
            let (word, about) = kind.to_stored();
            assert_eq!(ChangeKind::from_stored(word, &about), Some(kind));
        }
        assert_eq!(ChangeKind::from_stored("from_the_future", ""), None);
    }
}
