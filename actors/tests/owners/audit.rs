//! Audit: every entry is sealed, the chain verifies, and tampering is found.

use std::time::Duration;

use actors::audit::{Audit, AuditNeeds, audit, is_signed, may_be_gone, seal_of};
use actors::deadline::Deadline;
use domain::event::EventKind;
use serde_json::json;
use store::port::audit::AuditRow;
use store::port::checkpoints::Checkpoint;

use crate::house::{House, SOON, raise_outflow, secrets_of, within};

const DAY: Duration = Duration::from_hours(24);

/// What the owner needs, with ten days of retention.
pub(crate) fn needs(house: &House) -> AuditNeeds {
    AuditNeeds {
        trail: house.ports.audit.clone(),
        checkpoints: house.ports.checkpoints.clone(),
        secrets: secrets_of(&[1]),
        clock: house.clock.clone(),
        retention: 10 * DAY,
    }
}

async fn checkpoints(house: &House) -> Vec<Checkpoint> {
    let port = &house.ports.checkpoints;
    let loaded = port.load_checkpoints(house.world.tenant, 0, 100).await;
    loaded.unwrap()
}

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
    let (audit, spec) = audit(needs(&house));
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
    let (audit, spec) = audit(needs(&house));
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
    let ((one, spec_one), (two, spec_two)) = (audit(needs(&house)), audit(needs(&house)));
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

#[tokio::test]
async fn how_far_a_chain_has_come_is_signed_once_for_each_day() {
    let house = House::new().await;
    let (audit, spec) = audit(needs(&house));
    let _tree = raise_outflow(vec![spec]).await;
    let mut ends = Vec::new();
    for day in 0..3 {
        for name in ["ada", "bo"] {
            house
                .world
                .register(&format!("{name}{day}@example.org"))
                .await;
            ends.push(sealed(&house, &audit).await.pop().unwrap());
        }
        house.clock.advance(DAY);
    }
    let signed = checkpoints(&house).await;
    let places: Vec<_> = signed.iter().map(|one| one.head.chain_no).collect();
    // The tenant's creation, and two people each day.
    assert_eq!(places, [3, 5, 7]);
    for (one, end) in signed.iter().zip(ends.iter().skip(1).step_by(2)) {
        assert_eq!(Some(one.head.seal), end.seal);
        assert!(is_signed(&secrets_of(&[1]), one) && !is_signed(&secrets_of(&[2]), one));
    }
}

#[tokio::test]
async fn what_is_old_goes_up_to_a_checkpoint_and_the_chain_goes_on() {
    let house = House::new().await;
    let (audit, spec) = audit(needs(&house));
    let _tree = raise_outflow(vec![spec]).await;
    for day in 0..3 {
        house.world.register(&format!("ada{day}@example.org")).await;
        sealed(&house, &audit).await;
        house.clock.advance(DAY);
    }
    let deadline = || Deadline::after(SOON);
    assert_eq!(
        audit.purge(deadline()).await,
        Ok(0),
        "nothing is old enough"
    );
    house.clock.advance(8 * DAY + DAY / 2);
    assert_eq!(
        audit.purge(deadline()).await,
        Ok(3),
        "two days of three are"
    );
    assert_eq!(audit.purge(deadline()).await, Ok(0));
    let rows = sealed(&house, &audit).await;
    let told = rows.last().unwrap();
    assert_eq!(told.fields["event"], "audit.purged");
    assert_eq!(told.fields["detail"]["chain_no"], 3);
    let places: Vec<_> = rows.iter().map(|row| row.chain_no.unwrap()).collect();
    assert_eq!(places, [4, 5]);
    let signed = checkpoints(&house).await;
    let gone: Vec<_> = signed
        .iter()
        .map(|one| may_be_gone(&secrets_of(&[1]), one))
        .collect();
    assert_eq!(gone, [true, false, false]);
    let start = signed[0].head;
    assert_eq!(
        (start.chain_no, rows[0].seal),
        (3, Some(seal_of(&start.seal, &rows[0])))
    );

    house.clock.advance(30 * DAY);
    assert_eq!(audit.purge(deadline()).await, Ok(2), "all of it");
    let rows = sealed(&house, &audit).await;
    let places: Vec<_> = rows.iter().map(|row| row.chain_no.unwrap()).collect();
    assert_eq!(places, [6], "no place is taken twice");
}

#[tokio::test]
async fn nothing_goes_on_the_word_of_a_checkpoint_that_is_not_ours() {
    let house = House::new().await;
    let (audit, spec) = audit(needs(&house));
    let _tree = raise_outflow(vec![spec]).await;
    house.world.register("ada@example.org").await;
    sealed(&house, &audit).await;
    let mut forged = checkpoints(&house).await;
    forged[0].signature = [0; 32];
    house
        .ports
        .checkpoints
        .renew_checkpoints(forged)
        .await
        .unwrap();
    house.clock.advance(30 * DAY);
    assert_eq!(audit.purge(Deadline::after(SOON)).await, Ok(0));
    assert_eq!(house.world.trail().await.len(), 2);
}

#[tokio::test]
async fn a_start_under_a_new_secret_signs_anew_what_older_ones_signed() {
    let house = House::new().await;
    let (first, spec) = audit(needs(&house));
    let tree = raise_outflow(vec![spec]).await;
    house.world.register("ada@example.org").await;
    sealed(&house, &first).await;
    tree.stop(SOON).await;
    let rotated = AuditNeeds {
        secrets: secrets_of(&[2, 1]),
        ..needs(&house)
    };
    let (_, spec) = audit(rotated);
    let _tree = raise_outflow(vec![spec]).await;
    within(SOON, "the older secret can go", || async {
        let signed = checkpoints(&house).await;
        signed.iter().all(|one| is_signed(&secrets_of(&[2]), one))
    })
    .await;
}
