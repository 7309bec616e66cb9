//! Remembered clients: a bounded cache in front of the store.
//!
//! Each entry is a cell that is loaded once, however many ask at the same moment. Forgetting takes
//! the cell out of the cache, so a load that began before a change may still answer those who asked
//! before it, and nobody who asks after. That a client does not exist is not remembered.

use std::sync::Arc;
use std::time::Duration;

use domain::client::Client;
use domain::id::TenantId;
use domain::rejection::Fault;
use moka::sync::Cache;
use store::port::clients::Clients;
use tokio::sync::OnceCell;

use crate::patience::patiently;

/// How many clients are remembered.
const CAPACITY: u64 = 10_000;

type Key = (TenantId, String);
type Cell = Arc<OnceCell<Option<Arc<Client>>>>;

/// The clients that were asked for lately. Clones share them.
#[derive(Clone)]
pub(super) struct RememberedClients {
    cells: Cache<Key, Cell>,
    store: Arc<dyn Clients>,
}

// === impl RememberedClients ===

impl RememberedClients {
    /// Remembers each client for `ttl`.
    pub(super) fn new(store: Arc<dyn Clients>, ttl: Duration) -> Self {
        let cells = Cache::builder()
            .max_capacity(CAPACITY)
            .time_to_live(ttl)
            .build();
        Self { cells, store }
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
        let key = (tenant, id.to_owned());
        let cell = self.cells.get_with_by_ref(&key, Cell::default);
        let load = || async {
            let loaded = patiently(self.store.load_client(tenant, id.to_owned())).await?;
            Ok::<_, Fault>(loaded.map(Arc::new))
        };
        let client = cell.get_or_try_init(load).await?.clone();
        if client.is_none() {
            self.cells.invalidate(&key);
        }
        Ok(client)
    }

    /// Forgets a client that changed.
    pub(super) fn forget(&self, tenant: TenantId, id: &str) {
        self.cells.invalidate(&(tenant, id.to_owned()));
    }

    /// Forgets every client.
    pub(super) fn clear(&self) {
        self.cells.invalidate_all();
    }
}
