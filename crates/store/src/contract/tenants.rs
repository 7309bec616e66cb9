//! Claims about tenants.

use domain::change::ChangeKind;
use domain::event::{Entry, EventKind};
use domain::id::TenantId;
use domain::tenant::{Tenant, TenantFilter, TenantStatus};
use futures_util::future::join_all;

use crate::contract::fixture::{
    ALL_CHANGES, Entropy, HOSTILE, World, after, at, origin, page, tenant,
};
use crate::port::Ports;
use crate::port::tenants::TenantWrite;

super::claims!("tenants":
    a_tenant_is_loaded_as_it_was_stored,
    twenty_nodes_that_ensure_a_tenant_agree_on_one,
    one_of_twenty_tenants_gets_the_slug,
    an_update_counts_the_version_and_is_announced,
    an_update_of_another_version_is_stale,
    an_update_to_a_taken_slug_changes_nothing,
    a_list_is_newest_first_and_narrowed_by_status_and_slug,
    what_another_tenants_operators_do_stands_in_their_trail,
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

async fn a_list_is_newest_first_and_narrowed_by_status_and_slug(ports: Ports) {
    let mut slugs = Vec::new();
    for number in 0_u8..7 {
        let slug = if number % 2 == 0 { "even" } else { "odd" };
        let mut one = tenant(&format!("{slug}-{number}"));
        one.id = TenantId::generate(at(number.into()), &Entropy);
        if number == 3 {
            one.status = TenantStatus::Suspended;
        }
        slugs.insert(0, one.slug.clone());
        let made = entry(&one, EventKind::TenantCreated);
        ports.tenants.create_tenant(one, made).await.unwrap();
    }
    let list = async |status, slug: Option<&str>, asked| {
        let slug = slug.map(str::to_owned);
        let filter = TenantFilter { status, slug };
        let page = ports.tenants.list_tenants(filter, asked).await.unwrap();
        let names: Vec<String> = page.items.into_iter().map(|one| one.slug).collect();
        (names, page.total, page.next)
    };
    let (first, total, next) = list(None, None, page(1, 3)).await;
    assert_eq!((&first[..], total), (&slugs[..3], 7));
    let (second, _, next) = list(None, None, after(next.unwrap(), 3)).await;
    assert_eq!(second, slugs[3..6]);
    let (last, _, none) = list(None, None, after(next.unwrap(), 3)).await;
    assert_eq!((&last[..], none), (&slugs[6..], None));
    assert_eq!(list(None, None, page(2, 3)).await.0, slugs[3..6]);
    let (even, total, _) = list(None, Some("even-"), page(1, 100)).await;
    assert_eq!((even.len(), total), (4, 4));
    let closed = list(Some(TenantStatus::Suspended), Some("odd"), page(1, 100)).await;
    assert_eq!(closed.0, ["odd-3"]);
    for hostile in HOSTILE.iter().chain(&["\0", "odd%", "o_d"]) {
        let found = list(None, Some(hostile), page(1, 100)).await;
        assert_eq!((found.0.len(), found.1), (0, 0), "{hostile:?}");
    }
}

async fn what_another_tenants_operators_do_stands_in_their_trail(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let keeper = world.beside().await;
    let mut wanted = ports
        .tenants
        .load_tenant(world.tenant)
        .await
        .unwrap()
        .unwrap();
    wanted.status = TenantStatus::Deleted;
    wanted.erase_at = Some(at(7));
    let entry = keeper.entry(EventKind::TenantDeleted).about(&wanted.id);
    let written = ports.tenants.update_tenant(wanted.clone(), entry).await;
    wanted.version += 1;
    assert_eq!(
        written.unwrap(),
        TenantWrite::Stored(Box::new(wanted.clone()))
    );
    assert_eq!(load(&ports, "acme").await, Some(wanted));
    assert_eq!(world.events().await, ["tenant.created"]);
    assert_eq!(keeper.events().await, ["tenant.created", "tenant.deleted"]);
    // Nodes are told of the tenant that changed, and of new ones too.
    assert_eq!(world.changes().await, [ChangeKind::TenantChanged]);
    assert!(keeper.changes().await.is_empty());
    let told = ports.changes.load_changes(ALL_CHANGES).await.unwrap();
    assert_eq!(told.changes.len(), 3);
    let missing = TenantId::generate(at(0), &Entropy);
    assert_eq!(ports.tenants.load_tenant(missing).await, Ok(None));
}
