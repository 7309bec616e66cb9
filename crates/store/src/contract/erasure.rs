//! Claims about erasing deleted tenants.

use std::time::Duration;

use domain::change::ChangeKind;
use domain::event::{Entry, EventKind};
use domain::id::TenantId;
use domain::tenant::{Tenant, TenantStatus};
use domain::time::UnixMillis;

use crate::contract::fixture::{ALL_CHANGES, World, address, at, origin};
use crate::port::Ports;
use crate::port::janitor::Erasure;
use crate::port::tenants::TenantWrite;

super::claims!("erasure":
    gdpr_17_a_deleted_tenant_is_erased_on_its_day_and_no_other,
    an_erasure_deletes_no_more_at_once_than_it_may,
    nobody_has_a_tenant_back_once_its_erasure_began,
    a_tenant_that_was_had_back_stays,
);

const DAY: UnixMillis = at(30 * 86_400);

/// Stores everything that a tenant has, with some thirty rows.
async fn furnish(world: &World) {
    let user = world.register("ada@example.org").await;
    for _ in 0..5 {
        world.sign_in(user.id).await;
    }
    world.bind_everything(user.id).await;
    world.leave_notice(user.id).await;
    world.make_rules().await;
}

async fn load(world: &World) -> Option<Tenant> {
    let found = world.ports.tenants.load_tenant(world.tenant).await;
    found.unwrap()
}

/// Stores how a tenant stands, as the keeper's operators do.
async fn put(world: &World, keeper: &World, tenant: Tenant) -> TenantWrite {
    let entry = Entry::new(EventKind::TenantDeleted, &origin(keeper.tenant, at(0)));
    let written = world.ports.tenants.update_tenant(tenant, entry).await;
    written.unwrap()
}

async fn delete(world: &World, keeper: &World) {
    let mut tenant = load(world).await.unwrap();
    tenant.status = TenantStatus::Deleted;
    tenant.erase_at = Some(DAY);
    assert!(matches!(
        put(world, keeper, tenant).await,
        TenantWrite::Stored(_)
    ));
}

async fn step(world: &World, keeper: &World, now: UnixMillis, limit: u32) -> Erasure {
    let step = world.ports.janitor.erase_tenant(now, keeper.tenant, limit);
    step.await.unwrap()
}

/// Erases until a tenant is gone; gives which and how many rows each step deleted.
async fn erase(world: &World, keeper: &World, limit: u32) -> (TenantId, Vec<u64>) {
    let mut rows = Vec::new();
    loop {
        let done = step(world, keeper, DAY, limit).await;
        rows.push(done.rows);
        if let Some(tenant) = done.tenant {
            return (tenant, rows);
        }
        assert_ne!(done, Erasure::default(), "a step goes on");
    }
}

async fn gdpr_17_a_deleted_tenant_is_erased_on_its_day_and_no_other(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let keeper = world.beside().await;
    furnish(&world).await;
    furnish(&keeper).await;
    let before = (keeper.events().await, load(&keeper).await);
    delete(&world, &keeper).await;
    let early = step(&world, &keeper, DAY - Duration::from_millis(1), 500).await;
    assert_eq!(early, Erasure::default());
    assert!(load(&world).await.is_some());

    let (gone, _) = erase(&world, &keeper, 500).await;
    assert_eq!((gone, load(&world).await), (world.tenant, None));
    assert!(world.events().await.is_empty());
    let address = address("ada@example.org");
    let users = &ports.users;
    let theirs = users.load_credentials(world.tenant, address.clone()).await;
    assert!(theirs.unwrap().is_none());
    let kept = users.load_credentials(keeper.tenant, address).await;
    assert!(kept.unwrap().is_some(), "a neighbour loses nothing");
    assert_eq!(load(&keeper).await, before.1);
    let told = keeper.events().await;
    let (earlier, own) = told.split_at(before.0.len());
    assert_eq!(earlier, before.0);
    assert_eq!(own, ["tenant.deleted", "tenant.erased"]);
    let last = keeper.trail().await.pop().unwrap();
    assert_eq!(last.fields["subject"], world.tenant.to_string());
    let told = ports.changes.load_changes(ALL_CHANGES).await.unwrap();
    let told = told.changes.into_iter();
    let of_them: Vec<_> = told.filter(|change| change.tenant == gone).collect();
    let [last] = &of_them[..] else {
        unreachable!("{of_them:?}")
    };
    assert_eq!(last.what, ChangeKind::TenantChanged);
    assert_eq!(step(&world, &keeper, DAY, 500).await, Erasure::default());
}

async fn an_erasure_deletes_no_more_at_once_than_it_may(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let keeper = world.beside().await;
    furnish(&world).await;
    delete(&world, &keeper).await;
    let (gone, rows) = erase(&world, &keeper, 3).await;
    assert_eq!(gone, world.tenant);
    let (last, full) = rows.split_last().unwrap();
    assert!(
        full.len() > 5 && full.iter().all(|rows| *rows == 3),
        "{rows:?}"
    );
    assert!(*last < 3, "{rows:?}");
}

async fn nobody_has_a_tenant_back_once_its_erasure_began(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let keeper = world.beside().await;
    furnish(&world).await;
    delete(&world, &keeper).await;
    let seen = load(&world).await.unwrap();
    assert_eq!(step(&world, &keeper, DAY, 1).await.rows, 1);
    let begun = load(&world).await.unwrap();
    assert_eq!(begun.erase_at, Some(UnixMillis::default()));
    assert_eq!(begun.version, seen.version + 1);
    for known in [seen, begun] {
        let open = Tenant {
            status: TenantStatus::Suspended,
            erase_at: None,
            ..known
        };
        assert_eq!(put(&world, &keeper, open).await, TenantWrite::Stale);
    }
    // A clock that is behind does not stop it.
    let early = step(&world, &keeper, at(0), 1).await;
    assert_eq!(early.rows, 1);
}

async fn a_tenant_that_was_had_back_stays(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let keeper = world.beside().await;
    furnish(&world).await;
    let before = world.events().await;
    delete(&world, &keeper).await;
    let back = Tenant {
        status: TenantStatus::Suspended,
        erase_at: None,
        ..load(&world).await.unwrap()
    };
    assert!(matches!(
        put(&world, &keeper, back).await,
        TenantWrite::Stored(_)
    ));
    assert_eq!(step(&world, &keeper, DAY, 500).await, Erasure::default());
    assert_eq!(world.events().await, before);
}
