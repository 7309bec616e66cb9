//! Port: API keys. Used by flows; what was used when is written by the task that gathers it.

use domain::api_key::{ApiKey, ApiKeyFilter, ApiKeyUse};
use domain::event::Entry;
use domain::id::{ApiKeyId, TenantId};
use domain::page::{Page, PageRequest};
use domain::time::UnixMillis;

use super::Pending;

/// Stores API keys.
pub trait ApiKeys: Send + Sync + 'static {
    /// Stores a new key.
    fn create_api_key(&self, key: ApiKey, entry: Entry) -> Pending<'_, ()>;

    /// Stores the key if the tenant has none at all; says whether it was stored. For the key that
    /// the first start prints, however many nodes start at once.
    fn ensure_api_key(&self, key: ApiKey, entry: Entry) -> Pending<'_, bool>;

    /// Finds the key that has this signature or had it before its last rotation, live or not.
    fn load_api_key(&self, tenant: TenantId, signature: [u8; 32]) -> Pending<'_, Option<ApiKey>>;

    /// Finds the key of this id, live or not.
    fn find_api_key(&self, tenant: TenantId, key: ApiKeyId) -> Pending<'_, Option<ApiKey>>;

    /// Lists the tenant's keys, newest first.
    fn list_api_keys(
        &self,
        tenant: TenantId,
        filter: ApiKeyFilter,
        page: PageRequest,
    ) -> Pending<'_, Page<ApiKey>>;

    /// Stores name, scopes, limit, end, signatures and prefix if the stored version is `key.version` and
    /// the key is live at the entry's instant; counts the version up and writes an `ApiKeyChanged` change.
    /// False, and nothing written, otherwise.
    fn update_api_key(&self, key: ApiKey, entry: Entry) -> Pending<'_, bool>;

    /// Revokes a key, and writes an `ApiKeyChanged` change. Says whether there was a live one.
    fn revoke_api_key(
        &self,
        tenant: TenantId,
        key: ApiKeyId,
        now: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, bool>;

    /// Notes when keys were used, never an earlier instant than is noted. No change and no entry: nobody
    /// decides anything by it.
    fn note_api_keys_used(&self, uses: Vec<ApiKeyUse>) -> Pending<'_, ()>;
}
