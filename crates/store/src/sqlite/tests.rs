//! Claims about the writer, the readers and the plans that the ports cannot make.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::page::{PageRequest, PageStart};
use domain::user::{UserFilter, UserSort, UserStatus};
use futures_util::future::{FutureExt, join_all};
use rusqlite::types::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::*;

mod folding;
mod many;
mod plans;
mod rings;

/// A migrated file with its writer running.
struct Store {
    sqlite: Sqlite,
    task: JoinSet<()>,
    _directory: TempDir,
}

fn empty() -> (Sqlite, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(&directory.path().join("auth.db")).unwrap();
    (sqlite, directory)
}

fn store() -> Store {
    let (sqlite, directory) = empty();
    sqlite.migrate().unwrap();
    let mut task = JoinSet::new();
    task.spawn(sqlite.serve_writes());
    Store {
        sqlite,
        task,
        _directory: directory,
    }
}

/// Counts a failed sign-in under a number, once for each call.
fn count(step: &Step<'_>, number: i64) -> rusqlite::Result<usize> {
    step.prepare_cached(
        "INSERT INTO attempts (tenant_id, key, failures, last_at) VALUES (x'00', ?1, 1, 0)",
    )?
    .execute([number.to_be_bytes()])
}

async fn counted(sqlite: &Sqlite) -> i64 {
    let count = sqlite.read(|connection| {
        connection.query_row("SELECT COUNT(*) FROM attempts", [], |row| row.get(0))
    });
    count.await.unwrap()
}

#[tokio::test]
async fn an_order_that_fails_harms_no_other() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    let orders = (0..20).map(|number| {
        sqlite.write(move |step| {
            count(step, number)?;
            match number {
                7 => Err(rusqlite::Error::InvalidQuery),
                _ => Ok(number),
            }
        })
    });
    let mut task = JoinSet::new();
    let mut answers = join_all(orders);
    // All are queued before the writer begins: they are one batch.
    assert!((&mut answers).now_or_never().is_none());
    task.spawn(sqlite.serve_writes());
    for (number, answer) in (0..).zip(answers.await) {
        match number {
            7 => assert!(matches!(answer, Err(Fault::Store(_)))),
            _ => assert_eq!(answer, Ok(number)),
        }
    }
    assert_eq!(counted(&sqlite).await, 19);
}

#[tokio::test]
async fn orders_that_wait_share_one_commit() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    let orders = (0..200).map(|number| sqlite.write(move |step| count(step, number)));
    let mut answers = join_all(orders);
    assert!((&mut answers).now_or_never().is_none());
    let mut task = JoinSet::new();
    task.spawn(sqlite.serve_writes());
    assert!(answers.await.iter().all(Result::is_ok));
    let expected = Written {
        commits: 1,
        orders: 200,
    };
    assert_eq!(sqlite.written(), expected);
}

#[tokio::test]
async fn a_full_disk_fails_the_batch_and_the_writer_lives_on() {
    let store = store();
    let sqlite = &store.sqlite;
    let limit = |pages: i64| {
        sqlite.write(move |step| {
            step.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        })
    };
    limit(1).await.unwrap();
    let fill = |number: i64| {
        sqlite.write(move |step| {
            count(step, number)?;
            step.execute(
                "INSERT INTO changes VALUES (NULL, x'00', '', ?1, 0, 0)",
                ["x".repeat(100_000)],
            )
        })
    };
    let answers = join_all((0..10).map(fill)).await;
    for answer in answers {
        assert!(matches!(answer, Err(Fault::Store(_))), "{answer:?}");
    }
    assert_eq!(counted(sqlite).await, 0, "nothing is half written");
    limit(1_000_000).await.unwrap();
    assert_eq!(sqlite.write(|step| count(step, 1)).await, Ok(1));
    assert_eq!(counted(sqlite).await, 1);
}

#[tokio::test]
async fn a_panic_costs_the_orders_taken_and_the_next_writer_serves_the_rest() {
    let mut store = store();
    let sqlite = store.sqlite.clone();
    let fatal = sqlite.write::<(), _>(|_| panic!("a bug"));
    let lost = fatal.await;
    assert!(matches!(lost, Err(Fault::Store(_))), "{lost:?}");
    let ended = store.task.join_next().await.unwrap();
    assert!(ended.unwrap_err().is_panic(), "the supervisor sees it");

    let mut waiting = sqlite.write(|step| count(step, 1));
    assert!((&mut waiting).now_or_never().is_none());
    store.task.spawn(sqlite.serve_writes());
    assert_eq!(waiting.await, Ok(1));
}

#[tokio::test]
async fn a_stopped_writer_answers_what_was_queued_first() {
    let mut store = store();
    let sqlite = store.sqlite.clone();
    sqlite.check().await.unwrap(); // it has begun
    let mut answers =
        join_all((0..300).map(|number| sqlite.write(move |step| count(step, number))));
    assert!((&mut answers).now_or_never().is_none());
    store.task.shutdown().await;
    assert!(answers.await.iter().all(Result::is_ok));
    assert_eq!(counted(&sqlite).await, 300);
}

#[tokio::test]
async fn an_order_whose_caller_left_is_not_run() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let mut order = sqlite.write(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    assert!((&mut order).now_or_never().is_none());
    drop(order);
    let mut task = JoinSet::new();
    task.spawn(sqlite.serve_writes());
    sqlite.check().await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_full_queue_is_busy_and_nothing_is_written() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    let mut waiting = join_all((0..WRITES_WAITING).map(|_| sqlite.check()));
    assert!((&mut waiting).now_or_never().is_none());
    let refused = sqlite.write(|step| count(step, 1)).await;
    assert_eq!(refused, Err(Fault::Busy("sqlite writer")));
    let mut task = JoinSet::new();
    task.spawn(sqlite.serve_writes());
    assert!(waiting.await.iter().all(Result::is_ok));
    assert_eq!(counted(&sqlite).await, 0);
}

#[tokio::test]
async fn a_query_that_panics_costs_its_own_answer_only() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    for _ in 0..4 {
        let lost = sqlite.read::<(), _>(|_| panic!("a bug")).await;
        assert!(matches!(lost, Err(Fault::Store(_))));
    }
    let answers = join_all((0..8).map(|_| counted(&sqlite))).await;
    assert_eq!(answers, [0; 8]);
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    let refused = sqlite.read(|connection| connection.execute("DELETE FROM users", []));
    assert!(matches!(refused.await, Err(Fault::Store(_))));
}

#[tokio::test]
async fn a_missing_file_is_not_made_anew_behind_our_back() {
    let missing = Path::new("/nonexistent/auth.db");
    assert!(schema::connect_writer(missing).is_err());
    assert!(matches!(Sqlite::open(missing), Err(Fault::Store(_))));
}

#[test]
fn migrations_are_pending_until_they_are_applied_once() {
    let (sqlite, _directory) = empty();
    let all = [
        "V1__foundation",
        "V2__unended_sessions",
        "V3__feed_pages",
        "V4__authorization",
        "V5__devices",
        "V6__subjects_and_notices",
        "V7__operators",
        "V8__data_keys",
        "V9__factors",
        "V10__proofs",
        "V11__passwords",
        "V12__activity_and_erasure",
        "V13__roles",
        "V14__api_keys",
        "V15__audit_checkpoints",
        "V16__tenants",
        "V17__operators_manners",
        "V18__rings",
        "V19__identities",
        "V20__audit_indexes",
    ];
    assert_eq!(sqlite.pending_migrations().unwrap(), all);
    assert_eq!(sqlite.migrate().unwrap(), all);
    assert!(sqlite.pending_migrations().unwrap().is_empty());
    assert!(sqlite.migrate().unwrap().is_empty());
}

/// What a tenant has must go with it, whatever table is made next.
#[tokio::test]
async fn an_erasure_knows_every_table_whose_rows_belong_to_a_tenant() {
    let store = store();
    let named = store.sqlite.read(|connection| {
        let mut statement = connection.prepare(
            "SELECT m.name
            FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
            WHERE m.type = 'table' AND c.name = 'tenant_id' AND m.name <> 'tenants'",
        )?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        names.collect::<rusqlite::Result<BTreeSet<_>>>()
    });
    let known = erasure::TABLES.iter().map(|(name, _)| (*name).to_owned());
    assert_eq!(known.collect::<BTreeSet<_>>(), named.await.unwrap());
    let prepared = store.sqlite.read(|connection| {
        let prepare = |(_, sql): &(&str, &str)| connection.prepare(sql).map(drop);
        erasure::TABLES.iter().try_for_each(prepare)
    });
    prepared.await.unwrap();
}

/// Tells how SQLite finds the rows of a statement.
async fn plan(sqlite: &Sqlite, sql: String, values: Vec<Value>) -> Vec<String> {
    let plan = sqlite.read(move |connection| {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let rows = statement.query_map(rusqlite::params_from_iter(values), |row| {
            row.get::<_, String>(3)
        })?;
        rows.collect::<rusqlite::Result<Vec<String>>>()
    });
    plan.await.unwrap()
}

#[tokio::test]
async fn a_text_is_looked_for_by_the_indexes_of_addresses_and_names() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    let found = plan(&sqlite, users::FOUND.to_owned(), vec![Value::Null; 4]).await;
    let found = found.join("\n");
    for index in [
        "sqlite_autoindex_users_2 (tenant_id=? AND email_key>? AND email_key<?)",
        "users_by_name (tenant_id=? AND name_key>? AND name_key<?)",
    ] {
        assert!(found.contains(index), "{found}");
    }
}

/// A scan here would cost every request; each hot query must find its rows by an index.
#[tokio::test]
async fn hot_queries_search_and_never_scan() {
    let (sqlite, _directory) = empty();
    sqlite.migrate().unwrap();
    for sql in [
        sessions::SELECT_FAMILY,
        sessions::SELECT_CODE,
        authorizations::SELECT_LIVE,
        devices::FIND,
        devices::SELECT_POLLED,
        factors::LOAD,
        factors::FIND_PASSKEY,
        identities::FIND,
        identities::LIST,
        factors::USE_TOTP,
        factors::USE_PASSKEY,
        factors::USE_BACKUP_CODE,
        sessions::LIST,
        sessions::COUNT_LIVE,
        sessions::END_OLDEST,
        clients::COUNT_SELF_REGISTERED,
        sessions::DELETE_CODES,
        sessions::END_FAMILIES_OF_CLIENT,
        changes::SELECT,
        changes::SELECT_REVOCATIONS,
        changes::IS_REVOKED,
        users::SELECT_BY_EMAIL,
        api_keys::LOAD,
        api_keys::LIST,
        api_keys::LIST_OF_CLIENT,
        audit::LIST_TOLD,
        audit::COUNT_TOLD,
        checkpoints::LIST,
        checkpoints::PURGEABLE,
        janitor::FIND_ACCOUNTS,
        keys::LOAD,
        keys::DUE,
    ] {
        let plan = explain(&sqlite, sql.to_owned()).await;
        assert!(plan.iter().any(|line| line.starts_with("SEARCH")));
        let scans = plan.iter().filter(|line| line.starts_with("SCAN"));
        // The roles of one user are a table of a few rows.
        let scans: Vec<_> = scans.filter(|line| !line.contains("json_each")).collect();
        assert!(scans.is_empty(), "{sql}: {scans:?}");
    }
}

async fn explain(sqlite: &Sqlite, sql: String) -> Vec<String> {
    let plan = sqlite.read(move |connection| {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let none: Vec<Option<i64>> = vec![None; statement.parameter_count()];
        let mut plan = Vec::new();
        let mut rows = statement.query(rusqlite::params_from_iter(none))?;
        while let Some(row) = rows.next()? {
            plan.push(row.get(3)?);
        }
        Ok(plan)
    });
    plan.await.unwrap()
}
