//! Claims about notices and about a server that is slow, stalled or gone.

use std::time::{Duration, Instant};

use domain::event::EventKind;
use domain::rejection::Fault;
use domain::user::UserPatch;
use futures_util::future::{Either, join_all, select};
use store::contract::fixture::{World, at, much_later};
use store::postgres::Postgres;
use tokio::time::timeout;

use super::border::Claim;
use super::server::Database;

/// How long a verb may take to fail (CONTRACT §11).
const PROMISE: Duration = Duration::from_secs(2);
/// How long a test waits for what happens in a moment.
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) fn claims() -> Vec<Claim> {
    vec![
        ("a_change_wakes_whoever_listens", |d| {
            Box::pin(a_change_wakes_whoever_listens(d))
        }),
        ("a_listener_that_is_cut_off_comes_back", |d| {
            Box::pin(a_listener_that_is_cut_off_comes_back(d))
        }),
        ("killed_connections_are_replaced", |d| {
            Box::pin(killed_connections_are_replaced(d))
        }),
        ("a_server_that_is_not_there_is_told_in_time", |d| {
            Box::pin(a_server_that_is_not_there_is_told_in_time(d))
        }),
        ("a_server_that_says_nothing_is_told_in_time", |d| {
            Box::pin(a_server_that_says_nothing_is_told_in_time(d))
        }),
        ("a_lock_that_is_not_given_is_told_in_time", |d| {
            Box::pin(a_lock_that_is_not_given_is_told_in_time(d))
        }),
        ("a_verb_that_is_dropped_leaves_nothing_open", |d| {
            Box::pin(a_verb_that_is_dropped_leaves_nothing_open(d))
        }),
    ]
}

/// Tries up to three times, since the machine may have much else to do, and fails if it never took
/// less than `limit`.
async fn within<F: Future<Output = ()>>(limit: Duration, mut try_it: impl FnMut() -> F) {
    let mut spans = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        try_it().await;
        let took = began.elapsed();
        assert!(took < PATIENCE, "{took:?}");
        if took < limit {
            return;
        }
        spans.push(took);
    }
    panic!("never within {limit:?}: {spans:?}");
}

/// Runs `work` while the store listens.
async fn listening<T>(store: &Postgres, work: impl Future<Output = T>) -> T {
    let listen = std::pin::pin!(store.listen());
    match select(std::pin::pin!(work), listen).await {
        Either::Left((done, _)) => done,
        Either::Right(((), _)) => unreachable!("listening never ends"),
    }
}

async fn rename(world: &World, user: domain::id::UserId) -> Result<(), Fault> {
    let patch = UserPatch {
        name: Some("Countess".to_owned()),
        ..UserPatch::default()
    };
    let entry = world.entry_at(EventKind::UserUpdated, at(1));
    let users = &world.ports.users;
    users
        .update_user(user, patch, much_later(), entry)
        .await
        .map(drop)
}

async fn a_change_wakes_whoever_listens(database: Database) {
    let world = World::new(database.store.ports()).await;
    let user = world.register("ada@example.org").await.id;
    let other = Postgres::connect(database.server.options(&database.name)).unwrap();
    let mut notices = other.ports().changes.notices();
    listening(&other, async {
        // The first bump says that it listens.
        timeout(PATIENCE, notices.changed()).await.unwrap().unwrap();
        notices.borrow_and_update();
        rename(&world, user).await.unwrap();
        timeout(PATIENCE, notices.changed()).await.unwrap().unwrap();
    })
    .await;
    assert!(other.ports().changes.is_shared());
}

async fn cut_off(database: &Database) {
    let admin = database.server.admin(None).await;
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    admin.query(sql, &[&database.name]).await.unwrap();
}

async fn a_listener_that_is_cut_off_comes_back(database: Database) {
    let mut notices = database.store.ports().changes.notices();
    listening(&database.store, async {
        for _ in 0..3 {
            timeout(PATIENCE, notices.changed()).await.unwrap().unwrap();
            notices.borrow_and_update();
            cut_off(&database).await;
        }
    })
    .await;
}

async fn killed_connections_are_replaced(database: Database) {
    let world = World::new(database.store.ports()).await;
    let user = world.register("ada@example.org").await.id;
    for _ in 0..3 {
        let health = &world.ports.health;
        join_all((0..8).map(|_| health.check())).await;
        cut_off(&database).await;
        let began = Instant::now();
        let mut failures = 0;
        while let Err(fault) = rename(&world, user).await {
            assert!(matches!(fault, Fault::Store(_)), "{fault:?}");
            failures += 1;
            assert!(failures <= 8, "no more failures than connections: {fault}");
        }
        assert!(began.elapsed() < PATIENCE);
        assert!(health.check().await.is_ok());
    }
}

async fn a_server_that_is_not_there_is_told_in_time(database: Database) {
    // Held and not listened at, so that nobody else answers there either.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut options = database.server.options(&database.name);
    "127.0.0.1".clone_into(&mut options.host);
    options.port = closed.local_addr().unwrap().port();
    let store = Postgres::connect(options).unwrap();
    within(PROMISE, || async {
        let answer = store.ports().health.check().await;
        assert!(matches!(answer, Err(Fault::Store(_))), "{answer:?}");
    })
    .await;
    assert!(matches!(store.migrate().await, Err(Fault::Store(_))));
}

async fn a_server_that_says_nothing_is_told_in_time(database: Database) {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = database.server.options(&database.name);
    "127.0.0.1".clone_into(&mut options.host);
    options.port = silent.local_addr().unwrap().port();
    options.max_connections = 2;
    let ports = Postgres::connect(options).unwrap().ports();
    within(PROMISE, || async {
        for answer in join_all((0..6).map(|_| ports.health.check())).await {
            let expected = matches!(answer, Err(Fault::Store(_) | Fault::Busy(_)));
            assert!(expected, "{answer:?}");
        }
    })
    .await;
}

/// Holds the user's row in a transaction of its own.
async fn hold(database: &Database, user: domain::id::UserId) -> tokio_postgres::Client {
    let holder = database.server.admin(Some(&database.name)).await;
    holder.batch_execute("BEGIN").await.unwrap();
    let sql = "SELECT id FROM users WHERE id = $1 FOR UPDATE";
    holder.query_one(sql, &[&user.as_uuid()]).await.unwrap();
    holder
}

async fn a_lock_that_is_not_given_is_told_in_time(database: Database) {
    let world = World::new(database.store.ports()).await;
    let user = world.register("ada@example.org").await.id;
    let holder = hold(&database, user).await;
    within(PROMISE * 2, || async {
        let answer = rename(&world, user).await;
        assert!(matches!(answer, Err(Fault::Store(_))), "{answer:?}");
        let new = world.sign_in_at(user, at(1));
        let answer = world.ports.sessions.begin_session(new).await;
        assert!(matches!(answer, Err(Fault::Store(_))), "{answer:?}");
    })
    .await;
    holder.batch_execute("ROLLBACK").await.unwrap();
    rename(&world, user).await.unwrap();
    assert_eq!(world.count_events(EventKind::LoginSucceeded).await, 0);
}

async fn a_verb_that_is_dropped_leaves_nothing_open(database: Database) {
    let mut options = database.server.options(&database.name);
    options.max_connections = 1;
    let store = Postgres::connect(options).unwrap();
    let world = World::new(store.ports()).await;
    let user = world.register("ada@example.org").await.id;
    let holder = hold(&database, user).await;
    for _ in 0..3 {
        let early = timeout(Duration::from_millis(100), rename(&world, user)).await;
        assert!(
            early.is_err(),
            "the row is held, so the verb cannot have ended"
        );
        let begin = world
            .ports
            .sessions
            .begin_session(world.sign_in_at(user, at(1)));
        let early = timeout(Duration::from_millis(100), begin).await;
        assert!(
            early.is_err(),
            "the row is held, so the verb cannot have ended"
        );
        world.ports.health.check().await.unwrap();
    }
    holder.batch_execute("ROLLBACK").await.unwrap();
    rename(&world, user).await.unwrap();
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = $1 AND application_name = 'auth-service'
          AND state LIKE 'idle in transaction%'";
    let row = holder.query_one(open, &[&database.name]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
}
