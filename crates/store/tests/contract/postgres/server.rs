//! The server under test, and the databases that come and go on it.

use std::sync::atomic::{AtomicU32, Ordering};

use domain::secret::SecretText;
use store::postgres::{Postgres, PostgresOptions, SslMode};
use tokio::sync::OnceCell;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};

/// A server whose superuser we are.
#[derive(Clone)]
pub(crate) struct Server(Config);

/// A migrated database that others are copied from; dropped with the last trial.
pub(crate) struct Template {
    pub(crate) server: Server,
    name: String,
    made: OnceCell<()>,
}

/// A case's own database; dropped with it, whether the claim held or not.
pub(crate) struct Database {
    pub(crate) server: Server,
    pub(crate) name: String,
    pub(crate) store: Postgres,
}

static COPIES: AtomicU32 = AtomicU32::new(0);

impl Server {
    /// Reads `TEST_POSTGRES`.
    pub(crate) fn from_environment() -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the runner tells tests by environment"
        )]
        let text = std::env::var("TEST_POSTGRES").ok()?;
        Some(Self(text.parse().expect("TEST_POSTGRES is a conninfo")))
    }

    /// Gives what the service would be configured with.
    pub(crate) fn options(&self, database: &str) -> PostgresOptions {
        let host = match self.0.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) => path.to_string_lossy().into_owned(),
            None => "127.0.0.1".to_owned(),
        };
        let password = self.0.get_password().unwrap_or_default();
        PostgresOptions {
            host,
            port: self.0.get_ports().first().copied().unwrap_or(5432),
            database: database.to_owned(),
            user: self.0.get_user().unwrap_or("postgres").to_owned(),
            password: SecretText::new(String::from_utf8(password.to_vec()).unwrap()),
            ssl_mode: SslMode::Disable,
            max_connections: 4,
        }
    }

    /// Connects as the superuser, past every pool, to a database; `None` is the maintenance one.
    pub(crate) async fn admin(&self, database: Option<&str>) -> Client {
        let mut config = self.0.clone();
        config.dbname(database.unwrap_or("postgres"));
        let (client, connection) = config.connect(NoTls).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "it ends with the case's runtime")]
        tokio::spawn(connection);
        client
    }

    /// Makes an empty database.
    pub(crate) async fn create_database(&self, name: &str) {
        let sql = format!("CREATE DATABASE {name}");
        self.admin(None).await.batch_execute(&sql).await.unwrap();
    }

    /// Drops a database and whoever is connected to it. Blocks; it is called when values are dropped,
    /// on whichever runtime that happens, and so runs on a thread and a runtime of its own.
    pub(crate) fn drop_database(&self, name: &str) {
        let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        let work = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async { self.admin(None).await.batch_execute(&sql).await.unwrap() });
        };
        std::thread::scope(|scope| {
            scope.spawn(work);
        });
    }

    /// Makes a name that no other case and no other run has.
    pub(crate) fn fresh_name() -> String {
        let number = COPIES.fetch_add(1, Ordering::Relaxed);
        format!("contract_{}_{number}", std::process::id())
    }
}

impl Template {
    /// Names a template; it is made when the first case needs it.
    pub(crate) fn new(server: Server) -> Self {
        let name = Server::fresh_name();
        let made = OnceCell::new();
        Self { server, name, made }
    }

    /// Makes a copy.
    pub(crate) async fn copy(&self) -> Database {
        self.made.get_or_init(|| self.make()).await;
        let server = self.server.clone();
        let name = Server::fresh_name();
        let sql = format!("CREATE DATABASE {name} TEMPLATE {}", self.name);
        server.admin(None).await.batch_execute(&sql).await.unwrap();
        let store = Postgres::connect(server.options(&name)).unwrap();
        Database {
            server,
            name,
            store,
        }
    }

    async fn make(&self) {
        self.server.create_database(&self.name).await;
        let store = Postgres::connect(self.server.options(&self.name)).unwrap();
        store.migrate().await.unwrap();
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        if self.made.initialized() {
            self.server.drop_database(&self.name);
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.server.drop_database(&self.name);
    }
}
