//! The janitor on the real store.

use std::time::Duration;

use actors::janitor::janitor;
use store::contract::fixture::at;

use crate::house::{House, in_time, raise_outflow};

#[tokio::test]
async fn what_has_expired_is_purged_and_the_rest_is_not() {
    let house = House::new().await;
    let (janitor, spec) = janitor(house.ports.janitor.clone(), house.clock.clone());
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
