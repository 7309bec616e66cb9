//! Port: signing keys. Held by the keys owner alone.

use domain::event::Entry;
use domain::id::TenantId;
use domain::key::{Algorithm, KeyState, SigningKey};
use domain::time::UnixMillis;

use super::Pending;

/// A step of a rotation.
#[derive(Debug, Clone)]
pub struct KeyRotation {
    /// The tenant.
    pub tenant: TenantId,
    /// The algorithm of the key that is promoted.
    pub algorithm: Algorithm,
    /// The algorithm of the key that retires; another than `algorithm` when what signs access tokens
    /// changes.
    pub instead_of: Algorithm,
    /// The `kid` that is believed to be active, of whatever algorithm; if another is, nothing
    /// happens: another node was first.
    pub expected_active: String,
    /// The `kid` of the next key that becomes active.
    pub promote: String,
    /// The new next key.
    pub next: SigningKey,
    /// The present instant.
    pub now: UnixMillis,
    /// The audit entry.
    pub entry: Entry,
}

/// The end of a key whose private part others may have.
#[derive(Debug, Clone)]
pub struct KeyRevocation {
    /// The tenant.
    pub tenant: TenantId,
    /// Which key.
    pub kid: String,
    /// How far it is believed to have come; if it has come elsewhere, nothing happens.
    pub state: KeyState,
    /// The `kid` of the next key that becomes active in its place; if it is not next, nothing happens.
    pub promote: Option<String>,
    /// What is stored instead of what is then missing.
    pub fresh: Vec<SigningKey>,
    /// The present instant.
    pub now: UnixMillis,
    /// The audit entry.
    pub entry: Entry,
}

/// A tenant's keys as they are stored.
#[derive(Debug, Clone, Default)]
pub struct StoredRing {
    /// Every key that is not revoked.
    pub keys: Vec<SigningKey>,
    /// Until when nodes may have served the tenant that know the default tenant's ring alone; the
    /// beginning of time: never.
    pub shared_until: UnixMillis,
}

/// A ring with a key that has signed for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueRing {
    /// Whose it is.
    pub tenant: TenantId,
    /// Since when the key has signed.
    pub since: UnixMillis,
}

/// Stores signing keys.
pub trait Keys: Send + Sync + 'static {
    /// Loads a tenant's keys.
    fn load_ring(&self, tenant: TenantId) -> Pending<'_, StoredRing>;

    /// Lists up to `limit` rings with a key that has signed since `until` or longer, the oldest first,
    /// beginning after the one that is named; a tenant is listed once for each such key. Those of
    /// deleted tenants are left out.
    fn list_due_rings(
        &self,
        until: UnixMillis,
        after: Option<DueRing>,
        limit: u32,
    ) -> Pending<'_, Vec<DueRing>>;

    /// Stores these keys, all of one tenant and algorithm, and returns whichever keys of that tenant
    /// and algorithm are stored then. For the ring that must exist from the first start, however
    /// many nodes start at once: nothing is stored if there is an active key of the algorithm, or
    /// one as far as the first of these, or if one of these was ever stored before. When the first
    /// is active, it takes over from the keys of `instead_of`, which retire if that is another
    /// algorithm; keys of a third one stay. Writes a `KeysChanged` change when it stored. Nothing is
    /// stored for a tenant that is not there or whose erasure has begun.
    fn ensure_keys(
        &self,
        ring: Vec<SigningKey>,
        instead_of: Algorithm,
        entry: Entry,
    ) -> Pending<'_, Vec<SigningKey>>;

    /// Retires the active key, activates the next one, stores a new next one: one step. Where
    /// `instead_of` is another algorithm, its active and next keys retire; keys of a third one stay.
    /// Writes a `KeysChanged` change. False, and nothing written, when `expected_active` is not
    /// active or `promote` is not next.
    fn rotate_keys(&self, rotation: KeyRotation) -> Pending<'_, bool>;

    /// Revokes a key for good, whatever it has come to: deletes its private part, and keeps its name so
    /// that no import takes it in again; activates another in its place and stores what is missing then:
    /// one step. Writes a `KeysChanged` change. False, and nothing written, when the keys are not as the
    /// revocation believes.
    fn revoke_key(&self, revocation: KeyRevocation) -> Pending<'_, bool>;

    /// Makes an imported key active, retiring what it takes over from as a rotation does; does
    /// nothing if a key with its `kid` was ever stored, purged or not: a key that retired never signs
    /// again. Writes a `KeysChanged` change. Says whether it was stored.
    fn import_key(
        &self,
        key: SigningKey,
        instead_of: Algorithm,
        now: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, bool>;

    /// Stores a key's private part sealed anew, because `SYSTEM_SECRETS` moved on.
    fn reseal_key(&self, tenant: TenantId, kid: String, sealed: Vec<u8>) -> Pending<'_, ()>;

    /// Purges keys that retired before `horizon`: deletes their private parts, and revokes their
    /// names, which stay so that no import takes them in again. Says how many.
    fn purge_keys(&self, horizon: UnixMillis) -> Pending<'_, u64>;
}
