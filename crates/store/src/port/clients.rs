//! Port: clients. Held by the tenants owner alone.

use domain::client::{Client, ClientPatch};
use domain::event::Entry;
use domain::id::TenantId;
use domain::page::{Page, PageRequest};

use super::Pending;

/// What became of a change to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientWrite {
    /// It is stored; this is how it stands.
    Stored(Box<Client>),
    /// There is no such client.
    Missing,
    /// Another version is stored than the change was based on.
    Stale,
}

/// Stores clients.
pub trait Clients: Send + Sync + 'static {
    /// Stores a new client. Its id is random, so it cannot be taken.
    fn create_client(&self, client: Client, entry: Entry) -> Pending<'_, ()>;

    /// Stores a client that described itself, unless the tenant has `most` of those already; false, and
    /// nothing written, then. What several nodes store at the same moment may be too many by their
    /// number.
    fn register_client(&self, client: Client, most: u32, entry: Entry) -> Pending<'_, bool>;

    /// Loads a client.
    fn load_client(&self, tenant: TenantId, client: String) -> Pending<'_, Option<Client>>;

    /// Lists clients, newest first.
    fn list_clients(&self, tenant: TenantId, page: PageRequest) -> Pending<'_, Page<Client>>;

    /// Applies a patch, counts the version up, and writes a `ClientChanged` change. The tenant and
    /// the instant are the entry's.
    fn update_client(
        &self,
        client: String,
        patch: ClientPatch,
        entry: Entry,
    ) -> Pending<'_, ClientWrite>;

    /// Deletes a client and writes a `ClientChanged` change. The tenant and the instant are the
    /// entry's. Says whether there was one, of the version that is expected if one is.
    fn delete_client(
        &self,
        client: String,
        expected: Option<i64>,
        entry: Entry,
    ) -> Pending<'_, bool>;
}
