//! The shell of the tenants owner: store, publish, reply.

use std::sync::Arc;

use domain::client::Client;
use domain::event::{Actor, Entry, EventKind, Origin};
use domain::id::{RequestId, TenantId};
use domain::random::Random;
use domain::rejection::Fault;
use domain::tenant::{DEFAULT_SLUG, Tenant, TenantConfig, TenantStatus};
use domain::time::Clock;
use store::port::clients::{ClientWrite, Clients};
use store::port::tenants::{TenantWrite, Tenants};

use super::NamedTenant;
use super::clients::RememberedClients;
use super::directory::Directory;
use super::message::Message;
use crate::patience::patiently;
use crate::snapshot::Publisher;
use crate::supervision::Owner;

/// What the owner is made from at each start.
pub(super) struct Parts {
    /// The configured default tenant; else the one with the slug `default`.
    pub(super) default: Option<NamedTenant>,
    pub(super) tenants: Arc<dyn Tenants>,
    pub(super) clients: Arc<dyn Clients>,
    pub(super) remembered: RememberedClients,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) publisher: Publisher<Directory>,
}

/// Writes tenants and clients, one order at a time.
pub(super) struct Registrar {
    parts: Arc<Parts>,
    default: TenantId,
    directory: Directory,
}

// === impl Registrar ===

impl Owner for Registrar {
    type Message = Message;

    async fn handle(&mut self, message: Message) -> Result<(), Fault> {
        match message {
            Message::CreateTenant { order, reply } => {
                let (tenant, entry) = *order;
                let written = patiently(self.parts.tenants.create_tenant(tenant, entry)).await;
                reply.send(self.published(written));
            }
            Message::UpdateTenant { order, reply } => {
                let (tenant, entry) = *order;
                let written = patiently(self.parts.tenants.update_tenant(tenant, entry)).await;
                reply.send(self.published(written));
            }
            Message::Reload { of, reply } => reply.send(self.reload(of).await),
            Message::CreateClient { order, reply } => {
                reply.send(self.create_client(order.0, order.1).await);
            }
            Message::RegisterClient { order, reply } => {
                let (client, most, entry) = *order;
                reply.send(self.register_client(client, most, entry).await);
            }
            Message::UpdateClient { order, reply } => {
                let (client, patch, entry) = *order;
                let (tenant, id) = (entry.origin.tenant, client.clone());
                let verb = self.parts.clients.update_client(client, patch, entry);
                let written: Result<ClientWrite, Fault> = patiently(verb).await;
                self.parts.remembered.forget(tenant, &id);
                reply.send(written);
            }
            Message::DeleteClient { order, reply } => {
                let (client, expected, entry) = *order;
                let (tenant, id) = (entry.origin.tenant, client.clone());
                let verb = self.parts.clients.delete_client(client, expected, entry);
                let deleted = patiently(verb).await;
                self.parts.remembered.forget(tenant, &id);
                reply.send(deleted);
            }
        }
        Ok(())
    }
}

impl Registrar {
    /// Makes sure that there is a default tenant, loads and publishes all.
    pub(super) async fn start(parts: Arc<Parts>) -> Result<Self, Fault> {
        let mut tenants = patiently(parts.tenants.load_tenants()).await?;
        let is_default = |tenant: &&Tenant| match &parts.default {
            Some(NamedTenant::Id(id)) => tenant.id == *id,
            Some(NamedTenant::Slug(slug)) => tenant.slug == *slug,
            None => false,
        };
        let default = if let Some(tenant) = tenants.iter().find(is_default) {
            tenant.id
        } else {
            let default = ensure_default(&parts).await?;
            let id = default.id;
            tenants.retain(|tenant| tenant.id != id);
            tenants.push(default);
            id
        };
        let owner = Self {
            directory: Directory::new(tenants, default),
            default,
            parts,
        };
        owner.parts.publisher.publish(owner.directory.clone());
        Ok(owner)
    }

    async fn reload(&mut self, of: Option<TenantId>) -> Result<(), Fault> {
        let Some(id) = of else {
            let tenants = patiently(self.parts.tenants.load_tenants()).await?;
            self.publish(Directory::new(tenants, self.default));
            return Ok(());
        };
        self.publish(match patiently(self.parts.tenants.load_tenant(id)).await? {
            Some(tenant) => self.directory.with(tenant),
            None => self.directory.without(id),
        });
        Ok(())
    }

    async fn create_client(&self, client: Client, entry: Entry) -> Result<(), Fault> {
        let (tenant, id) = (client.tenant, client.id.clone());
        let created = patiently(self.parts.clients.create_client(client, entry)).await;
        self.parts.remembered.forget(tenant, &id);
        created
    }

    async fn register_client(
        &self,
        client: Client,
        most: u32,
        entry: Entry,
    ) -> Result<bool, Fault> {
        let (tenant, id) = (client.tenant, client.id.clone());
        let verb = self.parts.clients.register_client(client, most, entry);
        let registered = patiently(verb).await;
        self.parts.remembered.forget(tenant, &id);
        registered
    }

    /// Shows what was stored to every reader before it is answered.
    fn published(&mut self, written: Result<TenantWrite, Fault>) -> Result<TenantWrite, Fault> {
        if let Ok(TenantWrite::Stored(tenant)) = &written {
            self.publish(self.directory.with(tenant.as_ref().clone()));
        }
        written
    }

    fn publish(&mut self, directory: Directory) {
        self.directory = directory.clone();
        self.parts.publisher.publish(directory);
    }
}

/// Stores the default tenant unless its slug is taken, and gives whichever tenant has it.
///
/// # Errors
/// The store's; [`Fault::Broken`] when another tenant than the configured one has the slug.
async fn ensure_default(parts: &Parts) -> Result<Tenant, Fault> {
    let now = parts.clock.now();
    let (configured, slug) = match &parts.default {
        Some(NamedTenant::Id(id)) => (Some(*id), DEFAULT_SLUG),
        Some(NamedTenant::Slug(slug)) => (None, slug.as_str()),
        None => (None, DEFAULT_SLUG),
    };
    let id = configured.unwrap_or_else(|| TenantId::generate(now, &*parts.random));
    let tenant = Tenant {
        id,
        slug: slug.to_owned(),
        name: "QuantFlow Studio".to_owned(),
        status: TenantStatus::Active,
        config: TenantConfig::default(),
        version: 1,
        created_at: now,
        erase_at: None,
    };
    let origin = Origin {
        tenant: id,
        actor: Actor::System,
        address: None,
        user_agent: None,
        request: RequestId::generate(now, &*parts.random),
        claimed_in: None,
        at: now,
    };
    let entry = Entry::new(EventKind::TenantCreated, &origin).about(&id);
    let stored = patiently(parts.tenants.ensure_tenant(tenant, entry)).await?;
    match configured {
        Some(id) if stored.id != id => Err(Fault::Broken(
            "TENANT_DEFAULT_ID names no tenant, and the slug `default` is taken".to_owned(),
        )),
        _ => Ok(stored),
    }
}
