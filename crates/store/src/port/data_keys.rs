//! Port: what tenants' secrets are sealed with. Held by the vault alone.

use domain::id::{DataKeyId, TenantId};
use domain::time::UnixMillis;

use super::Pending;

/// A data key as it is stored: wrapped, so that the store alone opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKey {
    /// Whose secrets it seals.
    pub tenant: TenantId,
    /// What sealed values call it.
    pub id: DataKeyId,
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
    /// Whether it seals; every other only opens.
    pub is_active: bool,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// A data key that is wrapped anew.
#[derive(Debug, Clone)]
pub struct Rewrap {
    /// Whose key it is.
    pub tenant: TenantId,
    /// Its name.
    pub id: DataKeyId,
    /// How it is believed to be wrapped; if it is not, nothing happens: another node was first.
    pub was: Vec<u8>,
    /// How it is wrapped from now on.
    pub wrapped: Vec<u8>,
}

/// Stores data keys.
pub trait DataKeys: Send + Sync + 'static {
    /// Loads every data key of a tenant, in the order of their ids.
    fn load_data_keys(&self, tenant: TenantId) -> Pending<'_, Vec<DataKey>>;

    /// Stores the key, which is an active one, unless the tenant has one that is, and gives the one
    /// it has: however many nodes make one at once, all are given the same.
    fn make_data_key(&self, new: DataKey) -> Pending<'_, DataKey>;

    /// Stores how a key is wrapped from now on. False, and nothing written, when it is not wrapped as
    /// is believed.
    fn rewrap_data_key(&self, rewrap: Rewrap) -> Pending<'_, bool>;

    /// Lists up to `limit` data keys of all tenants in the order of tenant and id, beginning after
    /// the one that is named.
    fn list_data_keys(
        &self,
        after: Option<(TenantId, DataKeyId)>,
        limit: u32,
    ) -> Pending<'_, Vec<DataKey>>;
}
