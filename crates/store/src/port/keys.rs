//! Port: signing keys. Held by the keys owner alone.

use domain::event::Entry;
use domain::id::TenantId;
use domain::key::{Algorithm, SigningKey};
use domain::time::UnixMillis;

use super::Pending;

/// A step of a rotation.
#[derive(Debug, Clone)]
pub struct KeyRotation {
    /// The tenant.
    pub tenant: TenantId,
    /// The algorithm whose keys move on.
    pub algorithm: Algorithm,
    /// The `kid` that is believed to be active; if another is, nothing happens: another node was
    /// first.
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

/// Stores signing keys.
pub trait Keys: Send + Sync + 'static {
    /// Loads every key of every tenant that is not revoked.
    fn load_keys(&self) -> Pending<'_, Vec<SigningKey>>;

    /// Stores these keys unless the tenant already has an active key of their algorithm, and
    /// returns whichever keys of that tenant and algorithm are stored then. For the ring that must
    /// exist from the first start, however many nodes start at once. Writes a `KeysChanged` change
    /// when it stored.
    fn ensure_keys(&self, ring: Vec<SigningKey>, entry: Entry) -> Pending<'_, Vec<SigningKey>>;

    /// Retires the active key, activates the next one, stores a new next one: one step. Writes a
    /// `KeysChanged` change. False, and nothing written, when `expected_active` is not active or
    /// `promote` is not next.
    fn rotate_keys(&self, rotation: KeyRotation) -> Pending<'_, bool>;

    /// Makes an imported key active, retiring the active one; does nothing if a key with its `kid`
    /// is stored already. Writes a `KeysChanged` change. Says whether it was stored.
    fn import_key(&self, key: SigningKey, now: UnixMillis, entry: Entry) -> Pending<'_, bool>;

    /// Stores a key's private part sealed anew, because `SYSTEM_SECRETS` moved on.
    fn reseal_key(&self, tenant: TenantId, kid: String, sealed: Vec<u8>) -> Pending<'_, ()>;

    /// Deletes retired keys that retired before `horizon`. Says how many.
    fn purge_keys(&self, horizon: UnixMillis) -> Pending<'_, u64>;
}
