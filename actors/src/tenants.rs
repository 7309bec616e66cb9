//! The tenants owner: it alone writes tenants and clients.
//!
//! A write goes store → publish → reply, so an administrator sees their own write at the next look,
//! and other nodes hear of it through the feed. At its first start the owner makes sure that the
//! default tenant exists.
//!
//! A restart loses nothing: the directory is loaded from the store again, and until then the last
//! published one goes on answering. While the store is away at the first start the directory is
//! empty and every tenant unknown.
//!
//! Read past the mailbox: the directory (a snapshot with every tenant) and single clients (a bounded
//! cache; a client is loaded once however many ask, a missing one is not remembered). Lists of
//! tenants and of clients are read from the store. Only writes and reloads queue, and one tenant's change
//! costs the same however many there are.
//!
//! Next: `directory`, `clients` for the cache, `owner` for the shell.

use std::sync::Arc;
use std::time::Duration;

use domain::client::{Client, ClientPatch};
use domain::event::Entry;
use domain::id::TenantId;
use domain::page::{Page, PageRequest};
use domain::random::Random;
use domain::rejection::Fault;
use domain::tenant::{Tenant, TenantFilter};
use domain::time::Clock;
use futures_util::FutureExt;
use store::port::clients as client_port;
use store::port::clients::ClientWrite;
use store::port::tenants as tenant_port;
use store::port::tenants::TenantWrite;

use crate::deadline::Deadline;
use crate::handle::Handle;
use crate::patience::answered;
use crate::snapshot::{Snapshot, publish};
use crate::supervision::ChildSpec;

mod clients;
mod directory;
mod message;
mod owner;

pub use directory::Directory;

use clients::RememberedClients;
use message::Message;
use owner::{Parts, Registrar};

/// How many commands may wait.
const CREDITS: usize = 256;

/// What the owner goes by.
#[derive(Debug, Clone)]
pub struct TenantsConfig {
    /// The default tenant (`TENANT_DEFAULT_ID`); absent means the one with the slug `default`.
    pub default: Option<NamedTenant>,
    /// How long a client is remembered (`TENANT_CACHE_TTL`).
    pub cache_ttl: Duration,
}

/// How a tenant is named that may not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedTenant {
    /// By its id.
    Id(TenantId),
    /// By its slug.
    Slug(String),
}

/// Everything the owner needs from outside.
pub struct TenantsNeeds {
    /// The tenants' port, held by this owner alone.
    pub tenants: Arc<dyn tenant_port::Tenants>,
    /// The clients' port, held by this owner alone.
    pub clients: Arc<dyn client_port::Clients>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub random: Arc<dyn Random>,
}

/// Speaks to the tenants owner. Clones speak to the same one.
#[derive(Clone)]
pub struct Tenants {
    handle: Handle<Message>,
    directory: Snapshot<Directory>,
    remembered: RememberedClients,
    clients: Arc<dyn client_port::Clients>,
    store: Arc<dyn tenant_port::Tenants>,
}

/// Makes the handle and the owner's child spec.
#[must_use]
pub fn tenants(config: TenantsConfig, needs: TenantsNeeds) -> (Tenants, ChildSpec) {
    let (publisher, directory) = publish(Directory::default());
    let remembered = RememberedClients::new(Arc::clone(&needs.clients), config.cache_ttl);
    let tenants = Tenants {
        handle: Handle::new("tenants", CREDITS),
        directory,
        remembered: remembered.clone(),
        clients: Arc::clone(&needs.clients),
        store: Arc::clone(&needs.tenants),
    };
    let parts = Arc::new(Parts {
        default: config.default,
        tenants: needs.tenants,
        clients: needs.clients,
        remembered,
        clock: needs.clock,
        random: needs.random,
        publisher,
    });
    let spec = ChildSpec::owner("tenants", tenants.handle.clone(), move || {
        Registrar::start(Arc::clone(&parts)).boxed()
    });
    (tenants, spec.patient())
}

// === impl NamedTenant ===

impl From<&str> for NamedTenant {
    /// What reads as an id is one; anything else is a slug.
    fn from(name: &str) -> Self {
        name.parse()
            .map_or_else(|_| Self::Slug(name.to_owned()), Self::Id)
    }
}

// === impl Tenants ===

impl Tenants {
    /// Gives every tenant at this moment. Never queues.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// Gives a client; from memory, or else from the store. Never queues.
    ///
    /// # Errors
    /// The store's, or [`Fault::Late`].
    ///
    /// # Cancel safety
    /// Reads only; another caller's load of the same client goes on.
    pub async fn client(
        &self,
        tenant: TenantId,
        id: &str,
        deadline: Deadline,
    ) -> Result<Option<Arc<Client>>, Fault> {
        if let Some(known) = self.remembered.find(tenant, id) {
            return Ok(Some(known));
        }
        // Boxed, so that whoever asks is no larger for what is seldom done.
        Box::pin(answered(deadline, self.remembered.load(tenant, id))).await
    }

    /// Gives a client as it is stored now, whatever is remembered: for a node that does not hear
    /// what others change.
    ///
    /// # Errors
    /// As [`client`](Self::client).
    ///
    /// # Cancel safety
    /// As [`client`](Self::client).
    pub async fn client_anew(
        &self,
        tenant: TenantId,
        id: &str,
        deadline: Deadline,
    ) -> Result<Option<Arc<Client>>, Fault> {
        self.remembered.forget(tenant, id);
        self.client(tenant, id, deadline).await
    }

    /// Stores a new client.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store; whether it is stored is then unknown.
    ///
    /// # Cancel safety
    /// Once posted it is stored whether or not anybody waits.
    pub async fn create_client(
        &self,
        client: Client,
        entry: Entry,
        deadline: Deadline,
    ) -> Result<(), Fault> {
        let order = Box::new((client, entry));
        self.handle
            .ask(deadline, |reply| Message::CreateClient { order, reply })
            .await?
    }

    /// Stores a client that described itself, unless its tenant has `most` of those already; false then.
    ///
    /// # Errors
    /// As [`create_client`](Self::create_client).
    ///
    /// # Cancel safety
    /// As [`create_client`](Self::create_client).
    pub async fn register_client(
        &self,
        client: Client,
        most: u32,
        entry: Entry,
        deadline: Deadline,
    ) -> Result<bool, Fault> {
        let order = Box::new((client, most, entry));
        self.handle
            .ask(deadline, |reply| Message::RegisterClient { order, reply })
            .await?
    }

    /// Changes a client of the entry's tenant.
    ///
    /// # Errors
    /// As [`create_client`](Self::create_client).
    ///
    /// # Cancel safety
    /// As [`create_client`](Self::create_client).
    pub async fn update_client(
        &self,
        client: String,
        patch: ClientPatch,
        entry: Entry,
        deadline: Deadline,
    ) -> Result<ClientWrite, Fault> {
        let order = Box::new((client, patch, entry));
        self.handle
            .ask(deadline, |reply| Message::UpdateClient { order, reply })
            .await?
    }

    /// Deletes a client of the entry's tenant. Says whether there was one, of the version that is expected
    /// if one is.
    ///
    /// # Errors
    /// As [`create_client`](Self::create_client).
    ///
    /// # Cancel safety
    /// As [`create_client`](Self::create_client).
    pub async fn delete_client(
        &self,
        client: String,
        expected: Option<i64>,
        entry: Entry,
        deadline: Deadline,
    ) -> Result<bool, Fault> {
        let order = Box::new((client, expected, entry));
        self.handle
            .ask(deadline, |reply| Message::DeleteClient { order, reply })
            .await?
    }

    /// Lists a tenant's clients, newest first. Read past the mailbox.
    ///
    /// # Errors
    /// The store's, or [`Fault::Late`].
    ///
    /// # Cancel safety
    /// Reads only.
    pub async fn list_clients(
        &self,
        tenant: TenantId,
        page: PageRequest,
        deadline: Deadline,
    ) -> Result<Page<Client>, Fault> {
        answered(deadline, self.clients.list_clients(tenant, page)).await
    }

    /// Stores a new tenant.
    ///
    /// # Errors
    /// As [`create_client`](Self::create_client).
    ///
    /// # Cancel safety
    /// As [`create_client`](Self::create_client).
    pub async fn create_tenant(
        &self,
        tenant: Tenant,
        entry: Entry,
        deadline: Deadline,
    ) -> Result<TenantWrite, Fault> {
        let order = Box::new((tenant, entry));
        self.handle
            .ask(deadline, |reply| Message::CreateTenant { order, reply })
            .await?
    }

    /// Changes a tenant, if the stored version is `tenant.version`.
    ///
    /// # Errors
    /// As [`create_client`](Self::create_client).
    ///
    /// # Cancel safety
    /// As [`create_client`](Self::create_client).
    pub async fn update_tenant(
        &self,
        tenant: Tenant,
        entry: Entry,
        deadline: Deadline,
    ) -> Result<TenantWrite, Fault> {
        let order = Box::new((tenant, entry));
        self.handle
            .ask(deadline, |reply| Message::UpdateTenant { order, reply })
            .await?
    }

    /// Lists tenants, newest first. Read past the mailbox.
    ///
    /// # Errors
    /// The store's, or [`Fault::Late`].
    ///
    /// # Cancel safety
    /// Reads only.
    pub async fn list_tenants(
        &self,
        filter: TenantFilter,
        page: PageRequest,
        deadline: Deadline,
    ) -> Result<Page<Tenant>, Fault> {
        answered(deadline, self.store.list_tenants(filter, page)).await
    }

    /// Loads a tenant again that another node changed, or every one.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store; the last directory stays.
    ///
    /// # Cancel safety
    /// As [`create_client`](Self::create_client).
    pub async fn reload(&self, of: Option<TenantId>, deadline: Deadline) -> Result<(), Fault> {
        self.handle
            .ask(deadline, |reply| Message::Reload { of, reply })
            .await?
    }

    /// Forgets a client that another node changed.
    pub fn forget_client(&self, tenant: TenantId, id: &str) {
        self.remembered.forget(tenant, id);
    }

    /// Forgets every client.
    pub(crate) fn forget_clients(&self) {
        self.remembered.clear();
    }

    /// Gives the owner's failpoint, for a test to arm.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn failpoint(&self) -> &crate::failpoint::FailPoint {
        self.handle.failpoint()
    }
}
