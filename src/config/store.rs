//! The store: PostgreSQL and Redis, or a file in `DATA_DIR` (CONTRACT §2).

use std::path::PathBuf;

use domain::secret::SecretText;

use crate::config::kind::network::{DATABASE_HOST, HOST};
use crate::config::kind::text::{PATH, SECRET, TEXT};
use crate::config::kind::{Choice, FLAG, Parsed, Whole, whole};
use crate::config::mistake::Mistake;
use crate::config::values::Values;
use crate::config::variable::{Required, of, variables};

/// Where state is kept.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// The directory of the embedded store and of generated secrets; `DATA_DIR`, `./data`.
    pub data_dir: PathBuf,
    /// PostgreSQL, in place of the embedded store; absent without `POSTGRES_HOST`.
    pub postgres: Option<PostgresSettings>,
    /// Redis for short-lived shared state; absent without `REDIS_HOST`.
    pub redis: Option<RedisSettings>,
}

/// How PostgreSQL is reached.
#[derive(Debug, Clone)]
pub struct PostgresSettings {
    /// Host name, address, or directory of a Unix socket; `POSTGRES_HOST`.
    pub host: String,
    /// TCP port; `POSTGRES_PORT`, 5432.
    pub port: u16,
    /// Name of the database; `POSTGRES_DB`.
    pub database: String,
    /// Role to sign in as; `POSTGRES_USER`.
    pub user: String,
    /// Its password; `POSTGRES_PASSWORD`, absent where the server asks for none.
    pub password: Option<SecretText>,
    /// Whether the connection is encrypted and the server's name checked; `POSTGRES_SSLMODE`.
    pub ssl_mode: SslMode,
    /// How many connections are kept at most; `POSTGRES_MAX_CONNS`, 10.
    pub max_connections: usize,
}

/// How much TLS a connection to PostgreSQL must have, in libpq's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// None.
    Disable,
    /// If the server offers it; the certificate is not checked.
    Prefer,
    /// Always; the certificate is not checked.
    Require,
    /// Always, with a trusted certificate for this host.
    VerifyFull,
}

/// How Redis is reached.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// Host name or address; of any node of a cluster; `REDIS_HOST`.
    pub host: String,
    /// TCP port; `REDIS_PORT`, 6379.
    pub port: u16,
    /// The password; `REDIS_PASSWORD`, absent where the server asks for none.
    pub password: Option<SecretText>,
    /// Number of the database; `REDIS_DB`, 0.
    pub database: u16,
    /// Whether the connection is encrypted; `REDIS_TLS`, no.
    pub tls: bool,
    /// Whether the host is a node of a cluster; `REDIS_CLUSTER`, no.
    pub cluster: bool,
}

const SSL_MODE: Choice<SslMode> = Choice(&[
    ("disable", SslMode::Disable),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-full", SslMode::VerifyFull),
]);

variables! {
    /// Directory of the embedded store, and of the secrets that development generates.
    DATA_DIR: Parsed<PathBuf> = of(PATH).or("./data");
    /// Host of PostgreSQL (15 or newer). Absent: the embedded store in `DATA_DIR`.
    POSTGRES_HOST: Parsed<String> =
        of(DATABASE_HOST).required(Required::WhenSet("REDIS_HOST"));
    /// Port of PostgreSQL.
    POSTGRES_PORT: Whole<u16> = of(whole(1, u16::MAX)).or("5432");
    /// Name of the database.
    POSTGRES_DB: Parsed<String> = of(TEXT).required(Required::WhenSet("POSTGRES_HOST"));
    /// Role to sign in as.
    POSTGRES_USER: Parsed<String> = of(TEXT).required(Required::WhenSet("POSTGRES_HOST"));
    /// Password of the role. Absent where the server asks for none.
    POSTGRES_PASSWORD: Parsed<SecretText> = of(SECRET).secret();
    /// Encryption of the connection. `prefer` and `require` do not check the server's certificate,
    /// `verify-full` does.
    POSTGRES_SSLMODE: Choice<SslMode> = of(SSL_MODE).or("disable");
    /// Most connections kept to PostgreSQL.
    POSTGRES_MAX_CONNS: Whole<usize> = of(whole(1, 10_000)).or("10");
    /// Host of Redis (7 or newer), which several nodes share. Absent: short-lived state in process.
    REDIS_HOST: Parsed<String> = of(HOST);
    /// Port of Redis.
    REDIS_PORT: Whole<u16> = of(whole(1, u16::MAX)).or("6379");
    /// Password of Redis. Absent where the server asks for none.
    REDIS_PASSWORD: Parsed<SecretText> = of(SECRET).secret();
    /// Number of the Redis database. A cluster has only 0.
    REDIS_DB: Whole<u16> = of(whole(0, u16::MAX)).or("0");
    /// Encrypt the connection to Redis.
    REDIS_TLS: Choice<bool> = of(FLAG).or("false");
    /// `REDIS_HOST` is a node of a Redis cluster.
    REDIS_CLUSTER: Choice<bool> = of(FLAG).or("false");
}

// === impl StoreSettings ===

impl StoreSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            data_dir: values.get(&DATA_DIR)?,
            postgres: PostgresSettings::read(values)?,
            redis: RedisSettings::read(values)?,
        })
    }
}

impl PostgresSettings {
    fn read(values: &Values) -> Result<Option<Self>, Mistake> {
        let Some(host) = values.find(&POSTGRES_HOST)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            host,
            port: values.get(&POSTGRES_PORT)?,
            database: values.get(&POSTGRES_DB)?,
            user: values.get(&POSTGRES_USER)?,
            password: values.find(&POSTGRES_PASSWORD)?,
            ssl_mode: values.get(&POSTGRES_SSLMODE)?,
            max_connections: values.get(&POSTGRES_MAX_CONNS)?,
        }))
    }
}

impl RedisSettings {
    fn read(values: &Values) -> Result<Option<Self>, Mistake> {
        let Some(host) = values.find(&REDIS_HOST)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            host,
            port: values.get(&REDIS_PORT)?,
            password: values.find(&REDIS_PASSWORD)?,
            database: values.get(&REDIS_DB)?,
            tls: values.get(&REDIS_TLS)?,
            cluster: values.get(&REDIS_CLUSTER)?,
        }))
    }
}
