//! Port: API keys. Used by flows.

use domain::api_key::ApiKey;
use domain::event::Entry;
use domain::id::{ApiKeyId, TenantId};
use domain::time::UnixMillis;

use super::Pending;

/// Stores API keys.
pub trait ApiKeys: Send + Sync + 'static {
    /// Stores a new key.
    fn create_api_key(&self, key: ApiKey, entry: Entry) -> Pending<'_, ()>;

    /// Stores the key if the tenant has none at all; says whether it was stored. For the key that
    /// the first start prints, however many nodes start at once.
    fn ensure_api_key(&self, key: ApiKey, entry: Entry) -> Pending<'_, bool>;

    /// Finds the key with this signature, live or not.
    fn load_api_key(&self, tenant: TenantId, signature: [u8; 32]) -> Pending<'_, Option<ApiKey>>;

    /// Lists the tenant's keys, live or not, oldest first.
    fn list_api_keys(&self, tenant: TenantId) -> Pending<'_, Vec<ApiKey>>;

    /// Revokes a key, and writes an `ApiKeyChanged` change. Says whether there was a live one.
    fn revoke_api_key(
        &self,
        tenant: TenantId,
        key: ApiKeyId,
        now: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, bool>;
}
