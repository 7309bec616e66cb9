//! Migrations: embedded in the binary, applied by one node at a time.
//!
//! They run as the role that connects, which owns what they make; the pool works as another role
//! that may not. The bookkeeping library takes no lock, so an advisory lock is held on the same
//! connection: it goes with the connection however the migration ends.
//!
//! A server that takes a connection and then says nothing is away like one that takes none:
//! connecting, and asking how far the schema is, are given [`ANSWER_WITHIN`]. A migration may take as
//! long as it needs.

use std::pin::pin;
use std::time::Duration;

use domain::rejection::Fault;
use futures_util::future::{Either, select};
use refinery::{Migration, Runner};
use tokio::time::timeout;
use tokio_postgres::Client;

use super::Postgres;
use super::pool::failure::{Failure, connection_fault};

/// How long connecting, or saying how far the schema is, may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Two numbers that nothing else locks by: `auth` and `sche` in ASCII.
const LOCK: &str = "
    SET lock_timeout = '60s';
    SELECT pg_advisory_lock(1635087464, 1935894629)";

/// The library's table is not made before its first run.
const HAS_HISTORY: &str = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";

fn runner() -> Result<Runner, Fault> {
    let foundation = include_str!("../../../../migrations/postgres/0001_foundation.sql");
    let unended = include_str!("../../../../migrations/postgres/0002_unended_sessions.sql");
    let pages = include_str!("../../../../migrations/postgres/0003_feed_pages.sql");
    let authorization = include_str!("../../../../migrations/postgres/0004_authorization.sql");
    let devices = include_str!("../../../../migrations/postgres/0005_devices.sql");
    let notices = include_str!("../../../../migrations/postgres/0006_subjects_and_notices.sql");
    let operators = include_str!("../../../../migrations/postgres/0007_operators.sql");
    let data_keys = include_str!("../../../../migrations/postgres/0008_data_keys.sql");
    let factors = include_str!("../../../../migrations/postgres/0009_factors.sql");
    let proofs = include_str!("../../../../migrations/postgres/0010_proofs.sql");
    let passwords = include_str!("../../../../migrations/postgres/0011_passwords.sql");
    let activity = include_str!("../../../../migrations/postgres/0012_activity_and_erasure.sql");
    let roles = include_str!("../../../../migrations/postgres/0013_roles.sql");
    let api_keys = include_str!("../../../../migrations/postgres/0014_api_keys.sql");
    let checkpoints = include_str!("../../../../migrations/postgres/0015_audit_checkpoints.sql");
    let tenants = include_str!("../../../../migrations/postgres/0016_tenants.sql");
    let manners = include_str!("../../../../migrations/postgres/0017_operators_manners.sql");
    let rings = include_str!("../../../../migrations/postgres/0018_rings.sql");
    let identities = include_str!("../../../../migrations/postgres/0019_identities.sql");
    let all = [
        ("V1__foundation", foundation),
        ("V2__unended_sessions", unended),
        ("V3__feed_pages", pages),
        ("V4__authorization", authorization),
        ("V5__devices", devices),
        ("V6__subjects_and_notices", notices),
        ("V7__operators", operators),
        ("V8__data_keys", data_keys),
        ("V9__factors", factors),
        ("V10__proofs", proofs),
        ("V11__passwords", passwords),
        ("V12__activity_and_erasure", activity),
        ("V13__roles", roles),
        ("V14__api_keys", api_keys),
        ("V15__audit_checkpoints", checkpoints),
        ("V16__tenants", tenants),
        ("V17__operators_manners", manners),
        ("V18__rings", rings),
        ("V19__identities", identities),
    ];
    let migrations: Result<Vec<_>, _> = all
        .into_iter()
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect();
    migrations
        .map(|list| Runner::new(&list))
        .map_err(|error| broken(&error))
}

fn broken(error: &refinery::Error) -> Fault {
    match error.kind() {
        refinery::error::Kind::Connection(context, cause) => {
            Fault::Store(format!("{context}: {cause}"))
        }
        _ => Fault::Broken(error.to_string()),
    }
}

async fn apply(client: &mut Client) -> Result<Vec<String>, Fault> {
    client.batch_execute(LOCK).await.map_err(Failure::from)?;
    let report = runner()?
        .run_async(client)
        .await
        .map_err(|error| broken(&error))?;
    let applied = report.applied_migrations();
    Ok(applied.iter().map(ToString::to_string).collect())
}

async fn compare(client: &mut Client) -> Result<Vec<String>, Fault> {
    let runner = runner()?;
    let row = client
        .query_one(HAS_HISTORY, &[])
        .await
        .map_err(Failure::from)?;
    let applied = if super::row::get_at(&row, 0)? {
        let known = runner.get_applied_migrations_async(client).await;
        known.map_err(|error| broken(&error))?
    } else {
        Vec::new()
    };
    let is_applied = |one: &Migration| applied.iter().any(|known| known.version() == one.version());
    let all = runner.get_migrations().iter();
    Ok(all
        .filter(|one| !is_applied(one))
        .map(ToString::to_string)
        .collect())
}

/// Gives a server that says nothing up.
async fn answered<T>(answer: impl Future<Output = T>) -> Result<T, Fault> {
    let seconds = ANSWER_WITHIN.as_secs();
    let silent = |_| Fault::Store(format!("PostgreSQL did not answer within {seconds} s"));
    timeout(ANSWER_WITHIN, answer).await.map_err(silent)
}

impl Postgres {
    /// Applies what is missing, one node after the other, and names what it applied.
    ///
    /// # Errors
    /// [`Fault::Store`] when the server cannot be reached or a statement fails; [`Fault::Broken`]
    /// when what was applied is not what this version knows.
    ///
    /// # Cancel safety
    /// Each migration is one transaction; dropping the future leaves it whole or not there.
    pub fn migrate(&self) -> impl Future<Output = Result<Vec<String>, Fault>> + Send {
        self.on_own_connection(async |client| apply(client).await)
    }

    /// Names the migrations that are not applied yet. Changes nothing.
    ///
    /// # Errors
    /// [`Fault::Store`] when the server cannot be reached or says nothing.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, Fault> {
        self.on_own_connection(async |client| answered(Box::pin(compare(client))).await?)
            .await
    }

    /// Connects as the role that was configured, past the pool and its role, for one piece of work.
    async fn on_own_connection<T>(
        &self,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let connected = answered(Box::pin(self.0.config.connect(self.0.tls.clone()))).await?;
        let (mut client, connection) = connected.map_err(|error| connection_fault(&error))?;
        let work = pin!(work(&mut client));
        match select(work, pin!(connection)).await {
            Either::Left((done, _)) => done,
            Either::Right((Err(error), _)) => Err(connection_fault(&error)),
            Either::Right((Ok(()), _)) => Err(Fault::Store("the server hung up".to_owned())),
        }
    }
}
