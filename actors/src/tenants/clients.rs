//! Remembered clients: those that were asked for lately.

use std::sync::Arc;
use std::time::Duration;

use domain::client::Client;
use domain::id::TenantId;
use domain::rejection::Fault;
use store::port::clients::Clients;

use crate::remembered::Remembered;

/// How many clients are remembered: of ten thousand tenants more than one each.
const CAPACITY: u64 = 20_000;

/// The clients that were asked for lately. Clones share them.
#[derive(Clone)]
pub(super) struct RememberedClients {
    remembered: Remembered<(TenantId, String), Client>,
    store: Arc<dyn Clients>,
}

// === impl RememberedClients ===

impl RememberedClients {
    /// Remembers each client for `ttl`.
    pub(super) fn new(store: Arc<dyn Clients>, ttl: Duration) -> Self {
        let remembered = Remembered::new(CAPACITY, ttl);
        Self { remembered, store }
    }

    /// Gives a client that is remembered.
    pub(super) fn find(&self, tenant: TenantId, id: &str) -> Option<Arc<Client>> {
        self.remembered.find(&(tenant, id.to_owned()))
    }

    /// Gives a client, from the store if need be.
    ///
    /// # Errors
    /// The store's. The next caller asks again.
    pub(super) async fn load(
        &self,
        tenant: TenantId,
        id: &str,
    ) -> Result<Option<Arc<Client>>, Fault> {
        let load = || self.store.load_client(tenant, id.to_owned());
        self.remembered.load((tenant, id.to_owned()), load).await
    }

    /// Forgets a client that changed.
    pub(super) fn forget(&self, tenant: TenantId, id: &str) {
        self.remembered.forget(&(tenant, id.to_owned()));
    }

    /// Forgets every client.
    pub(super) fn clear(&self) {
        self.remembered.clear();
    }
}
