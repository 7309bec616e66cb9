//! Audit: every entry is sealed, the chain verifies, and tampering is found.

use actors::audit::{Audit, audit, seal_of};
use domain::event::EventKind;
use serde_json::json;
use store::port::audit::AuditRow;

use crate::house::{House, SOON, raise_outflow, within};

/// Gives the place of the first row whose seal does not follow from the one before.
pub(crate) fn first_break(rows: &[AuditRow]) -> Option<usize> {
    let mut previous = [0; 32];
    for (place, row) in rows.iter().enumerate() {
        let seal = seal_of(&previous, row);
        if row.seal != Some(seal) {
            return Some(place);
        }
        previous = seal;
    }
    None
}

/// Waits until all of the tenant's entries are sealed, and gives them in the chain's order.
pub(crate) async fn sealed(house: &House, audit: &Audit) -> Vec<AuditRow> {
    within(3 * SOON, "everything is sealed", || async {
        audit.nudge();
        let trail = house.world.trail().await;
        trail.iter().all(|row| row.seal.is_some())
    })
    .await;
    let mut rows = house.world.trail().await;
    rows.sort_by_key(|row| row.chain_no);
    rows
}

#[tokio::test]
async fn the_chain_of_a_tenant_verifies_and_grows() {
    let house = House::new().await;
    let (audit, spec) = audit(house.ports.audit.clone());
    let _tree = raise_outflow(vec![spec]).await;
    house.world.register("ada@example.org").await;
    assert_eq!(first_break(&sealed(&house, &audit).await), None);
    house.world.register("bo@example.org").await;
    let rows = sealed(&house, &audit).await;
    assert_eq!(first_break(&rows), None);
    let places: Vec<_> = rows.iter().map(|row| row.chain_no.unwrap()).collect();
    assert_eq!(places, [1, 2, 3]);
}

#[tokio::test]
async fn tampering_is_found_where_it_happened() {
    let house = House::new().await;
    let (audit, spec) = audit(house.ports.audit.clone());
    let _tree = raise_outflow(vec![spec]).await;
    for name in ["ada", "bo", "cy"] {
        house.world.register(&format!("{name}@example.org")).await;
    }
    let rows = sealed(&house, &audit).await;
    let mut changed = rows.clone();
    changed[2].fields["event"] = json!("login.succeeded");
    assert_eq!(first_break(&changed), Some(2));
    let mut shortened = rows.clone();
    shortened.remove(1);
    assert_eq!(first_break(&shortened), Some(1));
    let mut swapped = rows;
    swapped.swap(1, 2);
    assert_eq!(first_break(&swapped), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_seal_one_chain() {
    let house = House::new().await;
    let ((one, spec_one), (two, spec_two)) = (
        audit(house.ports.audit.clone()),
        audit(house.ports.audit.clone()),
    );
    let _trees = tokio::join!(raise_outflow(vec![spec_one]), raise_outflow(vec![spec_two]));
    for _ in 0..20 {
        let entry = house.world.entry(EventKind::LoginFailed).failed();
        house.ports.audit.append(vec![entry]).await.unwrap();
        one.nudge();
        two.nudge();
    }
    let rows = sealed(&house, &one).await;
    assert_eq!((rows.len(), first_break(&rows)), (21, None));
}
