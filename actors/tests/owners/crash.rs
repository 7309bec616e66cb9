//! What a crash loses: for each owner, a panic under requests. Nothing acknowledged is lost, the
//! others go on, and it is back within a second.
#![cfg(feature = "failpoints")]

use std::sync::Arc;
use std::time::Duration;

use actors::attempts::{Claimed, attempts};
use actors::audit::audit;
use actors::failpoint::{Action, FailPoint};
use actors::janitor::janitor;
use actors::keys::Rotated;
use actors::sessions::{Sessions, sessions};
use actors::supervision::{State, TreeView};
use domain::attempt::AttemptKey;
use domain::event::EventKind;
use domain::rejection::Fault;
use domain::session::Family;
use futures_util::future::join_all;
use store::contract::fixture::{at, bytes, origin};
use store::port::sessions::Rotation;
use tokio::sync::Barrier;

use crate::audit::{first_break, needs, sealed};
use crate::house::{House, POLICY, SOON, in_time, raise, raise_outflow, within};
use crate::limits::network;
use crate::tenants::client;

/// How many messages a crash may leave unanswered: those that were posted to it. Whoever is told so
/// may come again.
fn is_told_to_come_again(fault: &Fault) -> bool {
    matches!(fault, Fault::Restarting(_))
}

fn crash_next(point: &FailPoint) {
    point.arm(Action::Panic, 1);
}

/// Refreshes one family so often, coming again when told to. Gives the last acknowledged number.
async fn refresh(house: &House, sessions: &Sessions, family: &Family, times: u32) -> u32 {
    let (mut held, mut done) = (1, 0);
    while done < times {
        let turn = house.world.turn(family, held, at(1));
        match sessions.rotate(turn, in_time()).await {
            Ok(Rotation::Granted(granted)) => {
                assert_eq!(granted.family.generation, held + 1);
                held += 1;
                done += 1;
            }
            Ok(other) => panic!("an acknowledged token was lost: {other:?}"),
            Err(fault) => assert!(is_told_to_come_again(&fault), "{fault}"),
        }
    }
    held
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sessions_shard_that_crashes_loses_no_acknowledged_rotation() {
    let house = House::new().await;
    let (sessions, specs) = sessions(house.ports.sessions.clone(), false);
    let tree = raise(specs).await;
    let mut families = Vec::new();
    for email in ["ada@example.org", "bob@example.org"] {
        let user = house.world.register(email).await;
        families.extend(join_all((0..100).map(|_| house.world.sign_in(user.id))).await);
    }
    let families: Vec<Family> = families.into_iter().map(|(_, family)| family).collect();
    // Four of sixty-four shards, each of which several families fall to.
    sessions.failpoints().step_by(16).for_each(crash_next);
    let held = join_all(families.iter().map(|f| refresh(&house, &sessions, f, 5))).await;
    within(SOON, "every shard is back", || async { tree.is_healthy() }).await;
    let crashed = restarts(&tree.observe());
    assert!((1..=4).contains(&crashed), "{crashed} crashes");
    sessions.failpoints().for_each(FailPoint::disarm);
    for (family, held) in families.iter().zip(held) {
        let turn = house.world.turn(family, held, at(2));
        let next = sessions.rotate(turn, in_time()).await;
        assert!(matches!(next, Ok(Rotation::Granted(g)) if g.family.generation == held + 1));
    }
}

#[tokio::test]
async fn the_denylist_outlives_every_shard() {
    let house = House::new().await;
    let (sessions, specs) = sessions(house.ports.sessions.clone(), false);
    let tree = raise(specs).await;
    let tenant = house.world.tenant;
    let revoke = |jti: &str| {
        let entry = house.world.entry(EventKind::TokenRevoked);
        sessions.revoke_access(tenant, jti.to_owned(), at(900), entry, in_time())
    };
    revoke("first").await.unwrap();
    sessions.failpoints().for_each(crash_next);
    assert_eq!(revoke("second").await, Err(Fault::Restarting("sessions")));
    sessions.failpoints().for_each(FailPoint::disarm);
    within(SOON, "the shard is back", || async { tree.is_healthy() }).await;
    assert!(sessions.denylist().is_refused("first", None, None));
    assert!(!sessions.denylist().is_refused("second", None, None));
    assert_eq!(revoke("second").await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempts_shard_that_crashes_gives_no_guess_away() {
    let house = House::new().await;
    let (attempts, specs) = attempts(&house.ports.attempts, POLICY);
    let tree = raise(specs).await;
    let (tenant, key) = (house.world.tenant, AttemptKey(bytes()));
    let guess = || async {
        match attempts.claim(tenant, key, at(0), in_time()).await {
            Ok(Claimed::Granted(ticket)) => {
                drop(ticket);
                1
            }
            Ok(_) => 0,
            Err(fault) => {
                let is_expected = is_told_to_come_again(&fault) || fault == Fault::Busy("attempts");
                assert!(is_expected, "{fault}");
                0
            }
        }
    };
    let mut looks = 0;
    for _ in 0..3 {
        attempts.failpoints().for_each(crash_next);
        looks += join_all((0..20).map(|_| guess())).await.iter().sum::<u32>();
        attempts.failpoints().for_each(FailPoint::disarm);
        within(SOON, "the shard is back", || async { tree.is_healthy() }).await;
    }
    looks += join_all((0..20).map(|_| guess())).await.iter().sum::<u32>();
    assert_eq!(restarts(&tree.observe()), 3);
    assert!(looks <= POLICY.delay_after, "{looks} looks");
    let judged = attempts.claim(tenant, key, at(0), in_time()).await;
    assert!(matches!(judged, Ok(Claimed::Delayed { .. })), "{judged:?}");
}

#[tokio::test]
async fn a_keys_owner_that_crashes_keeps_signing_and_loses_no_key() {
    let house = House::new().await;
    let (keys, spec) = house.keys();
    let tree = raise(vec![spec]).await;
    let before = keys.ring();
    house.clock.advance(Duration::from_mins(10));
    crash_next(keys.failpoint());
    let by = || origin(house.world.tenant, house.now());
    let crashed = keys.rotate(by(), in_time()).await;
    assert_eq!(crashed, Err(Fault::Restarting("keys")));
    assert!(
        keys.ring().signer().is_some(),
        "the snapshot is still there"
    );
    within(SOON, "the owner is back", || async { tree.is_healthy() }).await;
    assert_eq!(keys.ring().list(), before.list());
    let rotated = keys.rotate(by(), in_time()).await;
    assert!(matches!(rotated, Ok(Rotated::Done { .. })));
}

#[tokio::test]
async fn a_tenants_owner_that_crashes_goes_on_answering_and_loses_no_write() {
    let house = House::new().await;
    let (tenants, spec) = house.tenants();
    let tree = raise(vec![spec]).await;
    let tenant = house.world.tenant;
    let create = |id: &str| {
        let entry = house.world.entry(EventKind::ClientCreated);
        tenants.create_client(client(tenant, id), entry, in_time())
    };
    create("client_a").await.unwrap();
    crash_next(tenants.failpoint());
    assert_eq!(create("client_b").await, Err(Fault::Restarting("tenants")));
    assert!(tenants.directory().by_id(tenant).is_some());
    let known = tenants.client(tenant, "client_a", in_time()).await;
    assert!(matches!(known, Ok(Some(_))), "look-ups do not queue");
    within(SOON, "the owner is back", || async { tree.is_healthy() }).await;
    assert_eq!(create("client_b").await, Ok(()));
}

#[tokio::test]
async fn a_limits_owner_that_crashes_keeps_its_bans() {
    let house = House::new().await;
    let (limits, spec) = house.limits();
    let tree = raise(vec![spec]).await;
    let until = house.now() + Duration::from_mins(1);
    limits.ban(network(1), until, in_time()).await.unwrap();
    crash_next(limits.failpoint());
    let crashed = limits.ban(network(2), until, in_time()).await;
    assert_eq!(crashed, Err(Fault::Restarting("limits")));
    within(SOON, "the owner is back", || async { tree.is_healthy() }).await;
    limits.ban(network(3), until, in_time()).await.unwrap();
    let refused: Vec<bool> = (1..4).map(|n| limits.check(network(n)).is_err()).collect();
    assert_eq!(refused, [true, false, true]);
}

#[tokio::test]
async fn an_audit_owner_that_crashes_leaves_no_entry_unsealed() {
    let house = House::new().await;
    let (audit, spec) = audit(needs(&house));
    let tree = raise_outflow(vec![spec]).await;
    crash_next(audit.failpoint());
    house.world.register("ada@example.org").await;
    audit.nudge();
    within(SOON, "the owner is back", || async {
        tree.observe().children.iter().any(has_restarted)
    })
    .await;
    let rows = sealed(&house, &audit).await;
    assert_eq!((rows.len(), first_break(&rows)), (2, None));
}

/// Counts the restarts of a node and all below it.
fn restarts(view: &TreeView) -> u32 {
    view.restarts + view.children.iter().map(restarts).sum::<u32>()
}

fn has_restarted(branch: &TreeView) -> bool {
    branch
        .children
        .iter()
        .any(|child| child.restarts == 1 && child.state == State::Running)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_crashes_takes_no_other_along() {
    let house = House::new().await;
    let (sessions, mut specs) = sessions(house.ports.sessions.clone(), false);
    let (limits, limits_spec) = house.limits();
    specs.push(limits_spec);
    let tree = raise(specs).await;
    let user = house.world.register("ada@example.org").await;
    let (_, family) = house.world.sign_in(user.id).await;
    let barrier = Arc::new(Barrier::new(2));
    let crashing = async {
        barrier.wait().await;
        for _ in 0..3 {
            crash_next(limits.failpoint());
            let banned = limits.ban(network(1), at(60), in_time()).await;
            assert_eq!(banned, Err(Fault::Restarting("limits")));
        }
    };
    let refreshing = async {
        barrier.wait().await;
        for generation in 1..50 {
            let turn = house.world.turn(&family, generation, at(1));
            let rotated = sessions.rotate(turn, in_time()).await;
            assert!(matches!(rotated, Ok(Rotation::Granted(_))), "{rotated:?}");
        }
    };
    tokio::join!(crashing, refreshing);
    within(SOON, "the owner is back", || async { tree.is_healthy() }).await;
}

#[tokio::test]
async fn a_janitor_that_crashes_is_back_and_sweeps() {
    let house = House::new().await;
    let (store, clock) = (house.ports.janitor.clone(), house.clock.clone());
    let (janitor, spec) = janitor(store, Arc::new(|| None), clock);
    let tree = raise_outflow(vec![spec]).await;
    crash_next(janitor.failpoint());
    let crashed = janitor.sweep(in_time()).await;
    assert_eq!(crashed, Err(Fault::Restarting("janitor")));
    within(SOON, "the owner is back", || async {
        tree.observe().children.iter().any(has_restarted)
    })
    .await;
    assert!(janitor.sweep(in_time()).await.is_ok());
}
