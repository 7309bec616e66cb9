//! What can go wrong with a statement, sorted by what the caller can do about it.

use std::error::Error as _;

use domain::rejection::Fault;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

/// Why a transaction came to nothing.
#[derive(Debug)]
pub(in crate::postgres) enum Failure {
    /// A row with the same unique key exists; this is the constraint's name.
    Duplicate(String),
    /// Anything else.
    Fault(Fault),
}

/// The classes of SQLSTATE that an outage, an overload or a schema that is not there yet produce.
/// Everything else means that a statement of ours is wrong.
const OUTAGES: [&str; 9] = [
    "08", // connection exception
    "25", // a server that is read-only after a failover
    "28", // authentication
    "3D", // no such database
    "40", // serialization failure, deadlock
    "53", // out of connections, memory, disk
    "55", // a lock was not to be had in time
    "57", // shutting down, starting up, statement timeout
    "58", // the server's own system failed
];

impl Failure {
    /// The link was used after it was given back.
    pub(super) fn given_back() -> Self {
        Self::Fault(Fault::Broken("a link was used after its end".to_owned()))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.as_db_error() {
            Some(db) if *db.code() == SqlState::UNIQUE_VIOLATION => {
                Self::Duplicate(db.constraint().unwrap_or_default().to_owned())
            }
            Some(db) => Self::Fault(database_fault(db)),
            None => Self::Fault(client_fault(&error)),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fault(fault) => fault,
            Failure::Duplicate(constraint) => {
                Self::Broken(format!("a row exists already, by {constraint}"))
            }
        }
    }
}

/// Tells why there is no connection: whatever the reason, it is an outage.
pub(in crate::postgres) fn connection_fault(error: &Error) -> Fault {
    Fault::Store(describe(error))
}

/// The server's own message can quote a value, so only outages show theirs; the others are known by
/// their code and the names of what they concern.
fn database_fault(db: &DbError) -> Fault {
    let code = db.code().code();
    let missing_schema = *db.code() == SqlState::UNDEFINED_TABLE;
    let class = code.get(..2).unwrap_or_default();
    if OUTAGES.contains(&class) || missing_schema {
        return Fault::Store(format!("PostgreSQL {code}: {}", db.message()));
    }
    let table = db.table().unwrap_or("-");
    let constraint = db.constraint().unwrap_or("-");
    Fault::Broken(format!(
        "PostgreSQL {code}, table {table}, constraint {constraint}"
    ))
}

/// An error without a server's answer: the connection broke, unless it is one of encoding.
fn client_fault(error: &Error) -> Fault {
    let broken = error.is_closed()
        || error
            .source()
            .is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
    if broken {
        return Fault::Store(describe(error));
    }
    Fault::Broken(format!("PostgreSQL: {}", describe(error)))
}

fn describe(error: &Error) -> String {
    match error.source() {
        Some(cause) => format!("PostgreSQL: {error}: {cause}"),
        None => format!("PostgreSQL: {error}"),
    }
}
