//! Connections as we want them, and the migrations that make the tables.
//!
//! The process holds the lock of the file (see [`Sqlite::open`](super::Sqlite::open)), so no two
//! processes migrate at once.

use std::path::Path;
use std::time::Duration;

use domain::rejection::Fault;
use refinery::{Migration, Runner};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::folding;

/// Each migration by name and text, in order. A released one is never edited.
pub(super) const MIGRATIONS: [(&str, &str); 20] = [
    (
        "V1__foundation",
        include_str!("../../../../migrations/sqlite/0001_foundation.sql"),
    ),
    (
        "V2__unended_sessions",
        include_str!("../../../../migrations/sqlite/0002_unended_sessions.sql"),
    ),
    (
        "V3__feed_pages",
        include_str!("../../../../migrations/sqlite/0003_feed_pages.sql"),
    ),
    (
        "V4__authorization",
        include_str!("../../../../migrations/sqlite/0004_authorization.sql"),
    ),
    (
        "V5__devices",
        include_str!("../../../../migrations/sqlite/0005_devices.sql"),
    ),
    (
        "V6__subjects_and_notices",
        include_str!("../../../../migrations/sqlite/0006_subjects_and_notices.sql"),
    ),
    (
        "V7__operators",
        include_str!("../../../../migrations/sqlite/0007_operators.sql"),
    ),
    (
        "V8__data_keys",
        include_str!("../../../../migrations/sqlite/0008_data_keys.sql"),
    ),
    (
        "V9__factors",
        include_str!("../../../../migrations/sqlite/0009_factors.sql"),
    ),
    (
        "V10__proofs",
        include_str!("../../../../migrations/sqlite/0010_proofs.sql"),
    ),
    (
        "V11__passwords",
        include_str!("../../../../migrations/sqlite/0011_passwords.sql"),
    ),
    (
        "V12__activity_and_erasure",
        include_str!("../../../../migrations/sqlite/0012_activity_and_erasure.sql"),
    ),
    (
        "V13__roles",
        include_str!("../../../../migrations/sqlite/0013_roles.sql"),
    ),
    (
        "V14__api_keys",
        include_str!("../../../../migrations/sqlite/0014_api_keys.sql"),
    ),
    (
        "V15__audit_checkpoints",
        include_str!("../../../../migrations/sqlite/0015_audit_checkpoints.sql"),
    ),
    (
        "V16__tenants",
        include_str!("../../../../migrations/sqlite/0016_tenants.sql"),
    ),
    (
        "V17__operators_manners",
        include_str!("../../../../migrations/sqlite/0017_operators_manners.sql"),
    ),
    (
        "V18__rings",
        include_str!("../../../../migrations/sqlite/0018_rings.sql"),
    ),
    (
        "V19__identities",
        include_str!("../../../../migrations/sqlite/0019_identities.sql"),
    ),
    (
        "V20__audit_indexes",
        include_str!("../../../../migrations/sqlite/0020_audit_indexes.sql"),
    ),
];

/// How many prepared statements a connection keeps; more than all ports have.
const STATEMENTS: usize = 256;
/// How much of the file the writer keeps in memory, and how much each reader. The system keeps what is read
/// often besides: four times as much answered no faster, with two thousand accounts and with a million.
const WRITER_CACHE_KIB: u32 = 4 * 1024;
const READER_CACHE_KIB: u32 = 1024;

/// Opens the connection that writes.
///
/// `synchronous=FULL` flushes at every commit: an answer outlives a power cut. The file of the log keeps room for a
/// full one and what comes while that is [folded back](super::folding).
pub(super) fn connect_writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = {};
         PRAGMA journal_size_limit = 134217728;
         PRAGMA cache_size = -{WRITER_CACHE_KIB};",
        folding::FULL
    ))?;
    Ok(connection)
}

/// Opens the connection that folds the log back; what it copies is on the disk before the log begins anew.
pub(super) fn connect_folder(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path)?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA query_only = ON;")?;
    Ok(connection)
}

/// Opens a connection that cannot write.
pub(super) fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path)?;
    connection.execute_batch(&format!(
        "PRAGMA query_only = ON;
         PRAGMA cache_size = -{READER_CACHE_KIB};"
    ))?;
    Ok(connection)
}

/// What all connections share. The file is there already: a missing one is not made anew, for it
/// would be empty and world-readable.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // One plan for a statement, whatever is bound to it. Otherwise SQLite plans some of them anew at
    // every run, which costs more than running them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;",
    )?;
    Ok(connection)
}

/// Applies what is missing and names it.
pub(super) fn migrate(path: &Path) -> Result<Vec<String>, Fault> {
    let mut connection = connect_writer(path).map_err(|error| failed(&error))?;
    let report = runner()?
        .run(&mut connection)
        .map_err(|error| failed(&error))?;
    Ok(names(report.applied_migrations()))
}

/// Names what is missing.
pub(super) fn pending(path: &Path) -> Result<Vec<String>, Fault> {
    let mut connection = connect_writer(path).map_err(|error| failed(&error))?;
    let runner = runner()?;
    let begun = connection
        .table_exists(None, "refinery_schema_history")
        .map_err(|error| failed(&error))?;
    let applied = if begun {
        let applied = runner.get_applied_migrations(&mut connection);
        names(&applied.map_err(|error| failed(&error))?)
    } else {
        Vec::new()
    };
    let mut all = names(runner.get_migrations());
    all.retain(|name| !applied.contains(name));
    Ok(all)
}

fn runner() -> Result<Runner, Fault> {
    let migrations: Result<Vec<Migration>, _> = MIGRATIONS
        .iter()
        .map(|(name, text)| Migration::unapplied(name, text))
        .collect();
    Ok(Runner::new(&migrations.map_err(|error| failed(&error))?))
}

fn names(migrations: &[Migration]) -> Vec<String> {
    migrations.iter().map(ToString::to_string).collect()
}

fn failed(error: &dyn std::fmt::Display) -> Fault {
    Fault::Store(format!("migrating: {error}"))
}
