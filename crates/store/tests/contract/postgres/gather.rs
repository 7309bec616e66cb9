//! Claims about orders that share transactions.

use std::time::Duration;

use domain::event::EventKind;
use domain::rejection::Fault;
use domain::user::User;
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
        ("accounts_that_are_wanted_together_share_a_statement", |d| {
            Box::pin(accounts_that_are_wanted_together_share_a_statement(d))
        }),
        (
            "an_account_that_cannot_be_read_harms_none_of_its_neighbours",
            |d| {
                Box::pin(an_account_that_cannot_be_read_harms_none_of_its_neighbours(
                    d,
                ))
            },
        ),
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
    // So many that a batch has more statements than are polled in their order by themselves.
    let mut worlds = Vec::from(two(database.store.ports()).await);
    while worlds.len() < 30 {
        let slug = format!("tenant-{}", worlds.len());
        worlds.push(worlds[0].beside_as(&slug).await);
    }
    let appends = (0..300).map(|n: usize| append(&worlds[n % worlds.len()]));
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
        assert_eq!(count(&database, &own).await, 10, "each in its own tenant");
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

/// Runs the task, and waits until it serves: what is read is not queued for nobody.
async fn serve(database: &Database, world: &World, tasks: &mut JoinSet<()>) {
    write(database, tasks);
    append(world).await.unwrap();
}

async fn accounts_that_are_wanted_together_share_a_statement(database: Database) {
    let worlds = two(database.store.ports()).await;
    let mut wanted = Vec::new();
    for n in 0..40_usize {
        let email = format!("person{n}@example.org");
        let user = worlds[n % 2].register(&email).await;
        // Twice in its own tenant, and once in the other, which has nobody of that name.
        wanted.extend([
            (n % 2, user.clone()),
            (n % 2, user.clone()),
            (1 - n % 2, user),
        ]);
    }
    let load = |(place, user): &(usize, User)| {
        let world: &World = &worlds[*place];
        world.ports.users.load_user(world.tenant, user.id)
    };
    let alone = load(&wanted[0]).await;
    assert_eq!(alone.unwrap().as_ref(), Some(&wanted[0].1), "nobody serves");
    let mut tasks = JoinSet::new();
    serve(&database, &worlds[0], &mut tasks).await;
    let mut admin = database.server.admin(Some(&database.name)).await;
    let locked = admin.transaction().await.unwrap();
    locked.batch_execute("LOCK TABLE users").await.unwrap();
    let waiting = async {
        let name = &database.name;
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = '{name}' AND wait_event_type = 'Lock'"
        );
        while count(&database, &sql).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let waiting = count(&database, &sql).await;
        locked.commit().await.unwrap();
        waiting
    };
    let (found, waiting) = tokio::join!(join_all(wanted.iter().map(load)), waiting);
    assert_eq!(waiting, 1, "all of them in one transaction");
    for (n, (found, (place, user))) in found.into_iter().zip(&wanted).enumerate() {
        let is_own = worlds[*place].tenant == user.tenant;
        assert_eq!(found.unwrap().as_ref(), is_own.then_some(user), "{n}");
    }
}

async fn an_account_that_cannot_be_read_harms_none_of_its_neighbours(database: Database) {
    let world = World::new(database.store.ports()).await;
    let good = world.register("good@example.org").await;
    let bad = world.register("bad@example.org").await;
    let admin = database.server.admin(Some(&database.name)).await;
    // Past the triggers, which would find it.
    let past = "SET session_replication_role = replica";
    admin.batch_execute(past).await.unwrap();
    let spoil = "UPDATE users SET roles = '{}' WHERE email = 'bad@example.org'";
    assert_eq!(admin.execute(spoil, &[]).await.unwrap(), 1);
    let mut tasks = JoinSet::new();
    serve(&database, &world, &mut tasks).await;
    let load = |user: &User| world.ports.users.load_user(world.tenant, user.id);
    let (first, spoilt, last) = tokio::join!(load(&good), load(&bad), load(&good));
    assert!(matches!(spoilt, Err(Fault::Broken(_))), "{spoilt:?}");
    assert_eq!(first.unwrap().as_ref(), Some(&good));
    assert_eq!(last.unwrap().as_ref(), Some(&good));
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
