//! Claims about orders that share transactions.

use std::time::Duration;

use domain::event::EventKind;
use domain::rejection::Fault;
use futures_util::future::join_all;
use store::contract::fixture::{World, at};
use store::port::Ports;
use store::port::sessions::Rotation;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::border::Claim;
use super::server::Database;

/// How long a test waits for what happens in a moment.
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) fn claims() -> Vec<Claim> {
    vec![
        ("entries_that_wait_together_share_commits", |d| {
            Box::pin(entries_that_wait_together_share_commits(d))
        }),
        ("refreshes_that_wait_together_share_commits", |d| {
            Box::pin(refreshes_that_wait_together_share_commits(d))
        }),
        ("a_bad_entry_harms_none_of_its_neighbours", |d| {
            Box::pin(a_bad_entry_harms_none_of_its_neighbours(d))
        }),
        ("what_waits_outlives_the_task_that_writes_it", |d| {
            Box::pin(what_waits_outlives_the_task_that_writes_it(d))
        }),
        ("too_many_that_wait_are_told_to_come_back", |d| {
            Box::pin(too_many_that_wait_are_told_to_come_back(d))
        }),
    ]
}

/// Runs the task that writes; it ends with the set.
fn write(database: &Database, tasks: &mut JoinSet<()>) -> AbortHandle {
    tasks.spawn(database.store.serve_gathered())
}

async fn append(world: &World) -> Result<(), Fault> {
    let entry = world.entry(EventKind::TokenIssued);
    world.ports.audit.append(vec![entry]).await
}

/// Two tenants on one store.
async fn two(ports: Ports) -> [World; 2] {
    let one = World::new(ports).await;
    let other = one.beside().await;
    [one, other]
}

async fn count(database: &Database, sql: &str) -> i64 {
    let admin = database.server.admin(Some(&database.name)).await;
    admin.query_one(sql, &[]).await.unwrap().get(0)
}

const ISSUED: &str = "SELECT count(*) FROM audit WHERE fields ->> 'event' = 'token.issued'";

async fn entries_that_wait_together_share_commits(database: Database) {
    let worlds = two(database.store.ports()).await;
    let appends = (0..300).map(|n: usize| append(&worlds[n % 2]));
    let mut tasks = JoinSet::new();
    let written = async {
        tokio::task::yield_now().await;
        write(&database, &mut tasks);
    };
    let (outcomes, ()) = tokio::join!(join_all(appends), written);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(count(&database, ISSUED).await, 300);
    let commits = "SELECT count(DISTINCT xmin::text) FROM audit \
                   WHERE fields ->> 'event' = 'token.issued'";
    // All of them waited when the task began: a batch of 256 and the rest.
    assert_eq!(count(&database, commits).await, 2);
    for world in &worlds {
        let own = format!("{ISSUED} AND tenant_id = '{}'", world.tenant.as_uuid());
        assert_eq!(count(&database, &own).await, 150, "each in its own tenant");
    }
}

async fn refreshes_that_wait_together_share_commits(database: Database) {
    let worlds = two(database.store.ports()).await;
    let mut tasks = JoinSet::new();
    let mut turns = Vec::new();
    for n in 0..40_usize {
        let world = &worlds[n % 2];
        let user = world.register(&format!("person{n}@example.org")).await;
        let (_, family) = world.sign_in(user.id).await;
        let mut turn = world.turn(&family, 1, at(60));
        if n == 8 {
            "another".clone_into(&mut turn.client);
        }
        turns.push((world, turn));
    }
    // One that is there three times advances once.
    turns.push((turns[6].0, turns[6].1.clone()));
    turns.push((turns[6].0, turns[6].1.clone()));
    let rotate = turns
        .into_iter()
        .map(|(world, turn)| world.ports.sessions.rotate_refresh(turn));
    let written = async {
        tokio::task::yield_now().await;
        write(&database, &mut tasks);
    };
    let (rotations, ()) = tokio::join!(join_all(rotate), written);
    for (n, rotation) in rotations.into_iter().enumerate() {
        match rotation.unwrap() {
            Rotation::Granted(granted) => assert_eq!(granted.advanced, n < 40, "{n}"),
            Rotation::Unknown => assert_eq!(n, 8),
            other => panic!("{n}: {other:?}"),
        }
    }
    let refreshed = "FROM audit WHERE fields ->> 'event' = 'token.refreshed'";
    let count_of = async |what: &str| count(&database, &format!("SELECT {what} {refreshed}")).await;
    assert_eq!(count_of("count(*)").await, 39);
    assert_eq!(count_of("count(DISTINCT xmin::text)").await, 1);
    let own = format!(
        "count(*) FILTER (WHERE tenant_id = '{}')",
        worlds[1].tenant.as_uuid()
    );
    assert_eq!(count_of(&own).await, 20, "each in its own tenant");
}

async fn a_bad_entry_harms_none_of_its_neighbours(database: Database) {
    let [good, bad] = two(database.store.ports()).await;
    let admin = database.server.admin(Some(&database.name)).await;
    let id = bad.tenant.as_uuid();
    let sql = format!("ALTER TABLE audit ADD CHECK (tenant_id <> '{id}') NOT VALID");
    admin.batch_execute(&sql).await.unwrap();
    let mut tasks = JoinSet::new();
    let written = async {
        tokio::task::yield_now().await;
        write(&database, &mut tasks);
    };
    let appends = (0..20).map(|n| append(if n == 7 { &bad } else { &good }));
    let (outcomes, ()) = tokio::join!(join_all(appends), written);
    for (n, outcome) in outcomes.iter().enumerate() {
        assert_eq!(
            matches!(outcome, Err(Fault::Broken(_))),
            n == 7,
            "{n}: {outcome:?}"
        );
        assert_eq!(outcome.is_ok(), n != 7, "{n}: {outcome:?}");
    }
    assert_eq!(count(&database, ISSUED).await, 19);
}

async fn what_waits_outlives_the_task_that_writes_it(database: Database) {
    let world = World::new(database.store.ports()).await;
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        let task = write(&database, &mut tasks);
        append(&world).await.unwrap();
        task.abort();
        while tasks.join_next().await.is_some() {}
        let waiting = append(&world);
        let again = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            write(&database, &mut tasks);
        };
        let (outcome, ()) = tokio::join!(timeout(PATIENCE, waiting), again);
        assert_eq!(outcome.unwrap(), Ok(()));
        tasks.abort_all();
        while tasks.join_next().await.is_some() {}
    }
    assert_eq!(count(&database, ISSUED).await, 6);
}

async fn too_many_that_wait_are_told_to_come_back(database: Database) {
    let world = World::new(database.store.ports()).await;
    let flood = join_all((0..5_000).map(|_| append(&world)));
    let busy = async {
        tokio::task::yield_now().await;
        append(&world).await
    };
    tokio::select! {
        biased;
        _ = flood => panic!("nobody writes"),
        outcome = busy => assert!(matches!(outcome, Err(Fault::Busy(_))), "{outcome:?}"),
    }
    // Those who left are not written by whoever comes.
    let mut tasks = JoinSet::new();
    write(&database, &mut tasks);
    let taken = async {
        while append(&world).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, taken).await.unwrap();
    assert_eq!(count(&database, ISSUED).await, 1);
}
