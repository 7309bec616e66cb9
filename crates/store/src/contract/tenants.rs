//! Claims about tenants.

use domain::change::ChangeKind;
use domain::event::{Entry, EventKind};
use domain::tenant::{Tenant, TenantStatus};
use futures_util::future::join_all;

use crate::contract::fixture::{HOSTILE, World, at, origin, tenant};
use crate::port::Ports;
use crate::port::tenants::TenantWrite;

super::claims!("tenants":
    a_tenant_is_loaded_as_it_was_stored,
    twenty_nodes_that_ensure_a_tenant_agree_on_one,
    one_of_twenty_tenants_gets_the_slug,
    an_update_counts_the_version_and_is_announced,
    an_update_of_another_version_is_stale,
    an_update_to_a_taken_slug_changes_nothing,
);

fn entry(tenant: &Tenant, kind: EventKind) -> Entry {
    Entry::new(kind, &origin(tenant.id, at(0)))
}

async fn load(ports: &Ports, slug: &str) -> Option<Tenant> {
    let all = ports.tenants.load_tenants().await.unwrap();
    all.into_iter().find(|tenant| tenant.slug == slug)
}

async fn a_tenant_is_loaded_as_it_was_stored(ports: Ports) {
    for (number, text) in HOSTILE.iter().enumerate() {
        let mut one = tenant(&format!("tenant-{number}"));
        (*text).clone_into(&mut one.name);
        one.status = TenantStatus::Suspended;
        one.config.silent_registration = true;
        let made = entry(&one, EventKind::TenantCreated);
        let written = ports.tenants.create_tenant(one.clone(), made).await;
        assert_eq!(written.unwrap(), TenantWrite::Stored(Box::new(one.clone())));
        assert_eq!(load(&ports, &one.slug).await, Some(one));
    }
    let all = ports.tenants.load_tenants().await.unwrap();
    assert_eq!(all.len(), HOSTILE.len());
}

async fn twenty_nodes_that_ensure_a_tenant_agree_on_one(ports: Ports) {
    let ensured = join_all((0..20).map(|_| {
        let one = tenant("default");
        let made = entry(&one, EventKind::TenantCreated);
        ports.tenants.ensure_tenant(one, made)
    }))
    .await;
    let stored = load(&ports, "default").await.unwrap();
    for answer in ensured {
        assert_eq!(answer.unwrap(), stored);
    }
    assert_eq!(ports.tenants.load_tenants().await.unwrap().len(), 1);
    let world = World {
        ports,
        tenant: stored.id,
    };
    assert_eq!(world.events().await, ["tenant.created"]);
}

async fn one_of_twenty_tenants_gets_the_slug(ports: Ports) {
    let written = join_all((0..20).map(|_| {
        let one = tenant("acme");
        let made = entry(&one, EventKind::TenantCreated);
        ports.tenants.create_tenant(one, made)
    }))
    .await;
    let stored = written
        .iter()
        .filter(|answer| matches!(answer, Ok(TenantWrite::Stored(_))));
    assert_eq!(stored.count(), 1);
    let taken = written
        .iter()
        .filter(|answer| matches!(answer, Ok(TenantWrite::SlugTaken)));
    assert_eq!(taken.count(), 19);
    assert_eq!(ports.tenants.load_tenants().await.unwrap().len(), 1);
}

async fn an_update_counts_the_version_and_is_announced(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let mut wanted = load(&ports, "acme").await.unwrap();
    "acme-2".clone_into(&mut wanted.slug);
    wanted.status = TenantStatus::Suspended;
    wanted.config.silent_registration = true;
    let made = entry(&wanted, EventKind::TenantUpdated);
    let written = ports.tenants.update_tenant(wanted.clone(), made).await;
    wanted.version += 1;
    assert_eq!(
        written.unwrap(),
        TenantWrite::Stored(Box::new(wanted.clone()))
    );
    assert_eq!(load(&ports, "acme-2").await, Some(wanted));
    assert!(world.changes().await.contains(&ChangeKind::TenantChanged));
    assert_eq!(world.events().await, ["tenant.created", "tenant.updated"]);
}

async fn an_update_of_another_version_is_stale(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let mut late = load(&ports, "acme").await.unwrap();
    late.version += 7;
    let made = entry(&late, EventKind::TenantUpdated);
    let written = ports.tenants.update_tenant(late, made).await.unwrap();
    assert_eq!(written, TenantWrite::Stale);

    let unknown = tenant("nobody");
    let made = entry(&unknown, EventKind::TenantUpdated);
    let written = ports.tenants.update_tenant(unknown, made).await.unwrap();
    assert_eq!(written, TenantWrite::Stale);
    assert_eq!(world.events().await, ["tenant.created"]);
}

async fn an_update_to_a_taken_slug_changes_nothing(ports: Ports) {
    let world = World::new(ports.clone()).await;
    world.beside().await;
    let before = load(&ports, "acme").await.unwrap();
    let mut wanted = before.clone();
    "globex".clone_into(&mut wanted.slug);
    let made = entry(&wanted, EventKind::TenantUpdated);
    let written = ports.tenants.update_tenant(wanted, made).await.unwrap();
    assert_eq!(written, TenantWrite::SlugTaken);
    assert_eq!(load(&ports, "acme").await, Some(before));
    assert_eq!(world.events().await, ["tenant.created"]);
}
