//! Opening the stores that the settings name, and bringing their schema up to date.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use actors::supervision::ChildSpec;
use domain::rejection::Fault;
use domain::secret::SecretText;
use domain::time::Clock;
use store::memory::Memory;
use store::port::Ports;
use store::port::shared::SharedState;
use store::postgres::{Postgres, PostgresOptions, SslMode};
use store::redis::{Redis, RedisOptions};
use store::sqlite::Sqlite;

use crate::config;
use crate::config::{PostgresSettings, RedisSettings, StoreSettings};

/// The stores of one process.
pub(crate) struct Stores {
    /// The durable store, taken apart by port.
    pub(crate) ports: Ports,
    /// The short-lived state that nodes share.
    pub(crate) shared: SharedState,
    /// The durable store itself, for its schema.
    pub(crate) durable: Durable,
    /// What must run for the stores to work.
    pub(crate) tasks: Vec<ChildSpec>,
}

/// The durable store.
#[derive(Clone)]
pub(crate) enum Durable {
    /// Embedded.
    Sqlite(Sqlite),
    /// A server.
    Postgres(Postgres),
}

/// The database file of the embedded store, in `DATA_DIR`.
const FILE: &str = "auth.db";

// === impl Stores ===

impl Stores {
    /// Opens the stores. Servers need not be up: their connections are made when they are needed.
    ///
    /// # Errors
    /// [`Fault::Store`] when the embedded store or its directory cannot be opened or made, or an
    /// option makes no sense.
    pub(crate) fn open(settings: &StoreSettings, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        let mut tasks = Vec::new();
        let durable = if let Some(server) = &settings.postgres {
            let postgres = Postgres::connect(postgres_options(server))?;
            let (listener, writer) = (postgres.clone(), postgres.clone());
            tasks.push(task("postgres-listen", move || listener.listen()));
            tasks.push(task("postgres-gather", move || writer.serve_gathered()));
            Durable::Postgres(postgres)
        } else {
            make_private(&settings.data_dir)?;
            let sqlite = Sqlite::open(&settings.data_dir.join(FILE))?;
            let writer = sqlite.clone();
            tasks.push(task("sqlite-writer", move || writer.serve_writes()));
            Durable::Sqlite(sqlite)
        };
        let shared: SharedState = match &settings.redis {
            Some(server) => {
                let redis = Redis::connect(&redis_options(server))?;
                let link = redis.clone();
                let link = move || {
                    let link = link.clone();
                    async move { link.keep_link().await }
                };
                tasks.push(task("redis-link", link).tolerant());
                Arc::new(redis)
            }
            None => Arc::new(Memory::new(clock)),
        };
        Ok(Self {
            ports: durable.ports(),
            shared,
            durable,
            tasks,
        })
    }
}

// === impl Durable ===

impl Durable {
    /// Takes the store apart.
    fn ports(&self) -> Ports {
        match self {
            Self::Sqlite(sqlite) => sqlite.ports(),
            Self::Postgres(postgres) => postgres.ports(),
        }
    }

    /// Applies every migration that is missing and names them.
    ///
    /// # Errors
    /// [`Fault::Store`] when the store cannot be reached or refuses one.
    pub(crate) async fn migrate(&self) -> Result<Vec<String>, Fault> {
        match self {
            Self::Sqlite(sqlite) => sqlite.migrate(),
            Self::Postgres(postgres) => postgres.migrate().await,
        }
    }

    /// Names the migrations that are missing.
    ///
    /// # Errors
    /// [`Fault::Store`] when the store cannot be reached.
    pub(crate) async fn pending(&self) -> Result<Vec<String>, Fault> {
        match self {
            Self::Sqlite(sqlite) => sqlite.pending_migrations(),
            Self::Postgres(postgres) => postgres.pending_migrations().await,
        }
    }

    /// Says whether the store is the process's own, so that nobody else migrates it.
    pub(crate) const fn is_embedded(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

/// Describes a task of the store that runs until it is cancelled.
fn task<F>(name: &'static str, work: impl Fn() -> F + Send + Sync + 'static) -> ChildSpec
where
    F: Future<Output = ()> + Send + 'static,
{
    ChildSpec::task(name, move |stop| {
        let work = work();
        Box::pin(async move {
            tokio::select! {
                () = work => {}
                () = stop.cancelled() => {}
            }
        })
    })
}

/// Makes a directory for its owner alone, if there is none.
fn make_private(directory: &Path) -> Result<(), Fault> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    made.map_err(|error| Fault::Store(format!("{}: {error}", directory.display())))
}

fn postgres_options(settings: &PostgresSettings) -> PostgresOptions {
    PostgresOptions {
        host: settings.host.clone(),
        port: settings.port,
        database: settings.database.clone(),
        user: settings.user.clone(),
        password: settings
            .password
            .clone()
            .unwrap_or_else(|| SecretText::new(String::new())),
        ssl_mode: match settings.ssl_mode {
            config::SslMode::Disable => SslMode::Disable,
            config::SslMode::Prefer => SslMode::Prefer,
            config::SslMode::Require => SslMode::Require,
            config::SslMode::VerifyFull => SslMode::VerifyFull,
        },
        max_connections: settings.max_connections,
    }
}

fn redis_options(settings: &RedisSettings) -> RedisOptions {
    RedisOptions {
        host: settings.host.clone(),
        port: settings.port,
        password: settings.password.clone(),
        database: i64::from(settings.database),
        tls: settings.tls,
        cluster: settings.cluster,
    }
}
