//! The janitor on the real store.

use std::sync::Arc;
use std::time::Duration;

use actors::janitor::janitor;
use domain::event::EventKind;
use domain::tenant::{Tenant, TenantStatus};
use domain::time::Clock;
use store::contract::fixture::at;

use crate::house::{House, in_time, raise_outflow};

#[tokio::test]
async fn what_has_expired_is_purged_and_the_rest_is_not() {
    let house = House::new().await;
    let (store, clock) = (house.ports.janitor.clone(), house.clock.clone());
    let (janitor, spec) = janitor(store, Arc::new(|| None), clock);
    let _tree = raise_outflow(vec![spec]).await;
    let user = house.world.register("ada@example.org").await;
    house.world.sign_in(user.id).await;
    let early = janitor.sweep(in_time()).await.unwrap();
    assert_eq!((early.sessions, early.families), (0, 0));
    house.clock.advance(Duration::from_hours(40 * 24));
    let late = janitor.sweep(in_time()).await.unwrap();
    assert_eq!((late.sessions, late.families), (1, 1));
    let (tenant, sessions) = (house.world.tenant, &house.ports.sessions);
    let left = sessions.list_sessions(tenant, user.id, at(1)).await;
    assert_eq!(left, Ok(Vec::new()));
}

#[tokio::test]
async fn a_deleted_tenant_is_erased_on_its_day_and_the_default_one_says_so() {
    let house = House::new().await;
    let keeper = house.world.beside().await;
    let (store, clock) = (house.ports.janitor.clone(), house.clock.clone());
    let known = keeper.tenant;
    let (janitor, spec) = janitor(store, Arc::new(move || Some(known)), clock);
    let _tree = raise_outflow(vec![spec]).await;
    let user = house.world.register("ada@example.org").await;
    house.world.sign_in(user.id).await;
    let tenants = &house.ports.tenants;
    let id = house.world.tenant;
    let found = tenants.load_tenant(id).await.unwrap().unwrap();
    let deleted = Tenant {
        status: TenantStatus::Deleted,
        erase_at: Some(house.clock.now() + Duration::from_hours(24)),
        ..found
    };
    let entry = keeper.entry(EventKind::TenantDeleted);
    tenants.update_tenant(deleted, entry).await.unwrap();
    janitor.sweep(in_time()).await.unwrap();
    assert!(tenants.load_tenant(id).await.unwrap().is_some());
    house.clock.advance(Duration::from_hours(24));
    janitor.sweep(in_time()).await.unwrap();
    assert_eq!(tenants.load_tenant(id).await, Ok(None));
    let told = keeper.trail().await.pop().unwrap();
    assert_eq!(told.fields["event"], "tenant.erased");
    assert_eq!(told.fields["subject"], id.to_string());
}
