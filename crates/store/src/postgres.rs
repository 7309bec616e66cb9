//! The PostgreSQL backend (15 or newer).
//!
//! A verb is one network round trip: `BEGIN`, the tenant, the statements and `COMMIT` are sent
//! together on one pooled connection ([`pool`]). A statement that changes something writes its audit
//! and feed rows in the same statement. Rare verbs that must look before they write take two round
//! trips in one transaction. What belongs to no other verb and comes often
//! shares transactions ([`gather`]).
//!
//! The border between tenants is drawn twice: every statement names its tenant, and row-level
//! security lets a transaction see only the tenant it named ([`scope`]). The pool works as a role
//! that cannot pass that security, and refuses to work as one that can.
//!
//! # Failure and cancellation
//! Within two seconds a verb answers or fails with [`Fault::Store`] (unreachable, stalled, shutting
//! down) or [`Fault::Busy`] (every connection is taken). A connection on which a verb was cut short
//! is thrown away, never reused. Nothing needs a restart when the server comes back.
//!
//! Start with [`sessions`] for the hottest verb, [`users`] for the plain ones, [`schema`] for the
//! migrations, and [`listen`] and [`gather`] for the supervised tasks this backend has.

use std::fmt;
use std::sync::Arc;

use domain::rejection::Fault;
use domain::secret::SecretText;
use tokio::sync::watch;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::port::sessions::Turn;
use crate::port::{Health, Pending, Ports};

mod api_keys;
mod attempts;
mod audit;
mod authorizations;
mod changes;
mod checkpoints;
mod clients;
mod data_keys;
mod devices;
mod ending;
mod erasure;
mod factors;
mod gather;
mod idempotency;
mod identities;
mod janitor;
mod keys;
mod listen;
mod notices;
mod one_time;
mod outbox;
mod pool;
mod roles;
mod row;
mod salts;
mod schema;
mod scope;
mod sessions;
mod spent;
mod tallies;
mod tenants;
mod tls;
mod users;

/// What searches the audit trail, for a test to have its plans shown.
#[cfg(feature = "contract")]
pub const AUDIT_SEARCH: &str = audit::find::FIND;
#[cfg(feature = "contract")]
pub use users::{LISTS_OF_USERS, SEARCHES_OF_USERS};

use audit::Lines;
use gather::Gather;
use pool::Pool;
use scope::Scope;
use users::Wanted;

/// Where the server is and how to speak to it.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Its name or address; a path that begins with `/` is a directory of Unix sockets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The role that connects. It owns the tables if it migrates.
    pub user: String,
    /// The role's password; empty for none.
    pub password: SecretText,
    /// How the connection is protected.
    pub ssl_mode: SslMode,
    /// How many connections the pool keeps at most.
    pub max_connections: usize,
}

/// How the connection is protected: the words and meanings of libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Never encrypted.
    Disable,
    /// Encrypted if the server can, without asking who it is.
    Prefer,
    /// Encrypted, without asking who the server is: safe from listeners, not from impostors.
    Require,
    /// Encrypted, and the server's certificate must be valid for its name under the roots that the
    /// system trusts (or those of `SSL_CERT_FILE`).
    VerifyFull,
}

/// A PostgreSQL store. Clones share one pool.
#[derive(Clone)]
pub struct Postgres(Arc<Inner>);

struct Inner {
    pool: Pool,
    config: Config,
    tls: MakeRustlsConnect,
    notices: watch::Sender<u64>,
    trail: Gather<Lines>,
    turns: Gather<Turn>,
    accounts: Gather<Wanted>,
}

/// Shows nothing of the options: they hold a password.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl Postgres {
    /// Prepares a pool. Nothing is connected yet, so the server need not be up.
    ///
    /// # Errors
    /// [`Fault::Broken`] when the options cannot be used: no roots to verify the server by, or no
    /// connection allowed.
    pub fn connect(options: PostgresOptions) -> Result<Self, Fault> {
        let tls = tls::connector(options.ssl_mode)?;
        let max = options.max_connections;
        let config = pool::config(options);
        let pool = Pool::new(&config, tls.clone(), max)?;
        let notices = watch::Sender::new(0);
        Ok(Self(Arc::new(Inner {
            pool,
            config,
            tls,
            notices,
            trail: Gather::new(),
            turns: Gather::new(),
            accounts: Gather::new(),
        })))
    }

    /// Does what verbs of this store gather, for ever: writes refreshes, and audit entries that belong to no
    /// other verb, and reads accounts. To be run under a supervisor; nothing is written of these without it.
    ///
    /// # Cancel safety
    /// Whether what is in work is written is then unknown to those who wait for it; nothing else is
    /// lost.
    pub fn serve_gathered(&self) -> impl Future<Output = ()> + Send + use<> {
        let store = self.clone();
        async move {
            let Inner {
                pool,
                trail,
                turns,
                accounts,
                ..
            } = store.0.as_ref();
            tokio::join!(trail.serve(pool), turns.serve(pool), accounts.serve(pool));
        }
    }

    /// Gives the ports.
    #[must_use]
    pub fn ports(&self) -> Ports {
        let store = Arc::new(self.clone());
        Ports {
            tenants: store.clone(),
            users: store.clone(),
            factors: store.clone(),
            identities: store.clone(),
            one_time: store.clone(),
            sessions: store.clone(),
            authorizations: store.clone(),
            devices: store.clone(),
            salts: store.clone(),
            data_keys: store.clone(),
            idempotency: store.clone(),
            spent: store.clone(),
            attempts: store.clone(),
            clients: store.clone(),
            roles: store.clone(),
            api_keys: store.clone(),
            keys: store.clone(),
            outbox: store.clone(),
            notices: store.clone(),
            audit: store.clone(),
            checkpoints: store.clone(),
            changes: store.clone(),
            janitor: store.clone(),
            tallies: store.clone(),
            health: store,
        }
    }

    fn pool(&self) -> &Pool {
        &self.0.pool
    }
}

impl Health for Postgres {
    fn check(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            // Asks a table, so that a server without our schema is not called healthy.
            let sql = "SELECT 1 FROM tenants LIMIT 1";
            self.pool().run(Scope::System, sql, &[]).await.map(drop)
        })
    }

    fn name(&self) -> &'static str {
        "postgres"
    }
}
