//! Tenants: the default tenant, own writes, remembered clients, and a store that is away at first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actors::tenants::{NamedTenant, TenantsConfig, TenantsNeeds, tenants};
use domain::client::{Client, ClientMetadata, ClientPatch, ClientType};
use domain::event::{Entry, EventKind};
use domain::id::TenantId;
use domain::page::{Page, PageRequest};
use domain::rejection::Fault;
use domain::tenant::{DEFAULT_SLUG, Tenant, TenantFilter};
use futures_util::future::join_all;
use protocol::entropy::SystemRandom;
use store::contract::fixture::{at, page};
use store::port::Pending;
use store::port::clients::{ClientWrite, Clients};
use store::port::tenants::{TenantWrite, Tenants as TenantsPort};

use crate::house::{House, SOON, in_time, raise, within};

pub(crate) fn client(tenant: TenantId, id: &str) -> Client {
    Client {
        tenant,
        id: id.to_owned(),
        name: "Robot".to_owned(),
        client_type: ClientType::Service,
        disabled: false,
        metadata: ClientMetadata::default(),
        secrets: Vec::new(),
        created_at: at(0),
        updated_at: at(0),
        version: 1,
    }
}

/// A store whose tenants cannot be loaded the first few times, and that counts the clients asked for.
struct Slow {
    inner: store::port::Ports,
    away: AtomicU32,
    loads: AtomicU32,
}

impl TenantsPort for Slow {
    fn load_tenants(&self) -> Pending<'_, Vec<Tenant>> {
        let is_away = self
            .away
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if is_away.is_ok() {
            return Box::pin(async { Err(Fault::Store("away".to_owned())) });
        }
        self.inner.tenants.load_tenants()
    }

    fn load_tenant(&self, tenant: TenantId) -> Pending<'_, Option<Tenant>> {
        self.inner.tenants.load_tenant(tenant)
    }

    fn list_tenants(&self, filter: TenantFilter, page: PageRequest) -> Pending<'_, Page<Tenant>> {
        self.inner.tenants.list_tenants(filter, page)
    }

    fn ensure_tenant(&self, tenant: Tenant, entry: Entry) -> Pending<'_, Tenant> {
        self.inner.tenants.ensure_tenant(tenant, entry)
    }

    fn create_tenant(&self, tenant: Tenant, entry: Entry) -> Pending<'_, TenantWrite> {
        self.inner.tenants.create_tenant(tenant, entry)
    }

    fn update_tenant(&self, tenant: Tenant, entry: Entry) -> Pending<'_, TenantWrite> {
        self.inner.tenants.update_tenant(tenant, entry)
    }
}

impl Clients for Slow {
    fn create_client(&self, client: Client, entry: Entry) -> Pending<'_, ()> {
        self.inner.clients.create_client(client, entry)
    }

    fn register_client(&self, client: Client, most: u32, entry: Entry) -> Pending<'_, bool> {
        self.inner.clients.register_client(client, most, entry)
    }

    fn load_client(&self, tenant: TenantId, client: String) -> Pending<'_, Option<Client>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.inner.clients.load_client(tenant, client)
    }

    fn list_clients(&self, tenant: TenantId, page: PageRequest) -> Pending<'_, Page<Client>> {
        self.inner.clients.list_clients(tenant, page)
    }

    fn update_client(
        &self,
        client: String,
        patch: ClientPatch,
        entry: Entry,
    ) -> Pending<'_, ClientWrite> {
        self.inner.clients.update_client(client, patch, entry)
    }

    fn delete_client(
        &self,
        client: String,
        expected: Option<i64>,
        entry: Entry,
    ) -> Pending<'_, bool> {
        self.inner.clients.delete_client(client, expected, entry)
    }
}

fn slow(house: &House, away: u32) -> Arc<Slow> {
    Arc::new(Slow {
        inner: house.ports.clone(),
        away: AtomicU32::new(away),
        loads: AtomicU32::new(0),
    })
}

fn on(house: &House, slow: &Arc<Slow>) -> TenantsNeeds {
    TenantsNeeds {
        tenants: slow.clone(),
        clients: slow.clone(),
        clock: house.clock.clone(),
        random: Arc::new(SystemRandom),
    }
}

const CONFIG: TenantsConfig = TenantsConfig {
    default: None,
    cache_ttl: Duration::from_mins(5),
};

#[tokio::test]
async fn the_first_start_makes_the_default_tenant_and_later_ones_find_it() {
    let house = House::new().await;
    let (first, spec) = house.tenants();
    assert!(first.directory().default_tenant().is_none());
    raise(vec![spec]).await.stop(SOON).await;
    let (second, spec) = house.tenants();
    let _tree = raise(vec![spec]).await;
    let (first, second) = (first.directory(), second.directory());
    assert_eq!(first.default_tenant().unwrap().slug, DEFAULT_SLUG);
    assert_eq!(first.default_tenant(), second.default_tenant());
    assert!(second.by_id(house.world.tenant).is_some());
}

#[tokio::test]
async fn a_configured_default_tenant_is_the_default() {
    let house = House::new().await;
    let config = TenantsConfig {
        default: Some(NamedTenant::Id(house.world.tenant)),
        ..CONFIG
    };
    let (tenants, spec) = tenants(config, on(&house, &slow(&house, 0)));
    let _tree = raise(vec![spec]).await;
    let directory = tenants.directory();
    assert_eq!(directory.default_tenant().unwrap().id, house.world.tenant);
}

#[tokio::test]
async fn while_the_store_is_away_the_directory_is_empty_and_then_it_recovers_alone() {
    let house = House::new().await;
    let slow = slow(&house, 3);
    let (tenants, spec) = tenants(CONFIG, on(&house, &slow));
    let tree = raise(vec![spec]).await;
    assert!(tenants.directory().default_tenant().is_none());
    assert!(!tree.is_healthy());
    within(3 * SOON, "the directory is there", || async {
        tenants.directory().default_tenant().is_some() && tree.is_healthy()
    })
    .await;
}

#[tokio::test]
async fn an_administrator_sees_their_own_write() {
    let house = House::new().await;
    let (tenants, spec) = house.tenants();
    let _tree = raise(vec![spec]).await;
    let mut tenant = (**tenants.directory().by_id(house.world.tenant).unwrap()).clone();
    tenant.slug = "renamed".to_owned();
    let entry = house.world.entry(EventKind::TenantUpdated);
    let written = tenants.update_tenant(tenant.clone(), entry.clone(), in_time());
    assert!(matches!(written.await, Ok(TenantWrite::Stored(_))));
    let directory = tenants.directory();
    assert_eq!(directory.by_slug("renamed").unwrap().id, house.world.tenant);
    assert!(directory.by_slug("acme").is_none());
    let stale = tenants.update_tenant(tenant, entry, in_time()).await;
    assert_eq!(stale, Ok(TenantWrite::Stale));
}

#[tokio::test]
async fn a_client_is_loaded_once_however_many_ask() {
    let house = House::new().await;
    let slow = slow(&house, 0);
    let (tenants, spec) = tenants(CONFIG, on(&house, &slow));
    let _tree = raise(vec![spec]).await;
    let tenant = house.world.tenant;
    let entry = house.world.entry(EventKind::ClientCreated);
    let created = tenants.create_client(client(tenant, "client_a"), entry, in_time());
    assert_eq!(created.await, Ok(()));
    let asked = join_all((0..50).map(|_| tenants.client(tenant, "client_a", in_time()))).await;
    assert!(asked.iter().all(|found| matches!(found, Ok(Some(_)))));
    assert_eq!(slow.loads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_changed_a_deleted_and_a_late_client_are_seen_at_once() {
    let house = House::new().await;
    let (tenants, spec) = house.tenants();
    let _tree = raise(vec![spec]).await;
    let tenant = house.world.tenant;
    let look = || async {
        let found = tenants.client(tenant, "client_a", in_time()).await.unwrap();
        found.map(|client| client.disabled)
    };
    let entry = || house.world.entry(EventKind::ClientUpdated);
    assert_eq!(look().await, None);
    let created = tenants.create_client(client(tenant, "client_a"), entry(), in_time());
    created.await.unwrap();
    assert_eq!(look().await, Some(false), "its absence was not remembered");

    let patch = ClientPatch {
        disabled: Some(true),
        ..ClientPatch::default()
    };
    let updated = tenants.update_client("client_a".to_owned(), patch, entry(), in_time());
    assert!(matches!(updated.await, Ok(ClientWrite::Stored(_))));
    assert_eq!(look().await, Some(true));
    let listed = tenants.list_clients(tenant, page(1, 10), in_time()).await;
    assert_eq!(listed.map(|page| page.total), Ok(1));

    let deleted = tenants.delete_client("client_a".to_owned(), None, entry(), in_time());
    assert_eq!(deleted.await, Ok(true));
    assert_eq!(look().await, None);
}

#[tokio::test]
async fn a_node_that_hears_nothing_asks_the_store_for_a_client_it_remembers() {
    let house = House::new().await;
    let ((here, spec_here), (there, spec_there)) = (house.tenants(), house.tenants());
    let _trees = tokio::join!(raise(vec![spec_here]), raise(vec![spec_there]));
    let tenant = house.world.tenant;
    let entry = || house.world.entry(EventKind::ClientUpdated);
    let created = here.create_client(client(tenant, "client_a"), entry(), in_time());
    created.await.unwrap();
    let is_disabled = |found: Result<Option<Arc<Client>>, Fault>| found.unwrap().unwrap().disabled;
    assert!(!is_disabled(
        there.client(tenant, "client_a", in_time()).await
    ));

    let patch = ClientPatch {
        disabled: Some(true),
        ..ClientPatch::default()
    };
    let updated = here.update_client("client_a".to_owned(), patch, entry(), in_time());
    assert!(matches!(updated.await, Ok(ClientWrite::Stored(_))));
    let remembered = there.client(tenant, "client_a", in_time()).await;
    assert!(!is_disabled(remembered), "nobody told it");
    let anew = there.client_anew(tenant, "client_a", in_time()).await;
    assert!(is_disabled(anew));
    assert!(is_disabled(
        there.client(tenant, "client_a", in_time()).await
    ));
}
