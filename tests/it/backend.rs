//! The stores that a case is judged on, and an empty one for each case.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::OnceCell;

/// A store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
    PostgresRedis,
}

/// The variables that name an empty store of its own.
pub type StoreSettings = BTreeMap<String, String>;

// === impl Backend ===

impl Backend {
    /// Every store this machine offers.
    pub fn available() -> Vec<Self> {
        let mut backends = vec![Self::Sqlite];
        if setting("TEST_POSTGRES").is_some() {
            backends.push(Self::Postgres);
            if setting("TEST_REDIS").is_some() {
                backends.push(Self::PostgresRedis);
            }
        }
        backends
    }

    /// Makes an empty store and gives the variables that name it.
    pub async fn prepare(self) -> StoreSettings {
        let mut settings = StoreSettings::new();
        if self != Self::Sqlite {
            settings.extend(empty_database().await);
        }
        if self == Self::PostgresRedis {
            let address = setting("TEST_REDIS").expect("TEST_REDIS");
            let (host, port) = address.rsplit_once(':').expect("host:port");
            settings.insert("REDIS_HOST".to_owned(), host.to_owned());
            settings.insert("REDIS_PORT".to_owned(), port.to_owned());
        }
        settings
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::PostgresRedis => "postgres_redis",
        })
    }
}

/// Reads an environment variable of the test run.
pub fn setting(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are configured by their script"
    )]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Copies the migrated template database.
async fn empty_database() -> StoreSettings {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let template = template().await;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("{template}_{number}");
    execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    settings_of(&name)
}

/// Makes and migrates the template once.
async fn template() -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let name = format!("it_{}", std::process::id());
            execute(&format!("CREATE DATABASE {name}")).await;
            crate::house::migrate(&settings_of(&name)).await;
            name
        })
        .await
}

fn settings_of(database: &str) -> StoreSettings {
    let conninfo = setting("TEST_POSTGRES").expect("TEST_POSTGRES");
    let part = |key: &str| {
        let pair = conninfo
            .split_whitespace()
            .find_map(|part| part.strip_prefix(key));
        pair.unwrap_or_default().to_owned()
    };
    let pairs = [
        ("POSTGRES_HOST", part("host=")),
        ("POSTGRES_PORT", part("port=")),
        ("POSTGRES_USER", part("user=")),
        ("POSTGRES_PASSWORD", part("password=")),
        ("POSTGRES_DB", database.to_owned()),
        ("POSTGRES_MAX_CONNS", "6".to_owned()),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Runs one statement on the server's own database.
pub async fn execute(statement: &str) {
    let conninfo = setting("TEST_POSTGRES").expect("TEST_POSTGRES");
    let config: tokio_postgres::Config = conninfo.parse().expect("a conninfo");
    let (session, connection) = config
        .connect(tokio_postgres::NoTls)
        .await
        .expect("PostgreSQL");
    let work = async move {
        session
            .batch_execute(statement)
            .await
            .expect("the statement runs");
    };
    let ((), _) = tokio::join!(work, connection);
}
