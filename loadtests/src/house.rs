//! The service as a process of its own, on a store of its own.
//!
//! It is started as its users start it, with limits that stand aside: one machine plays everybody. Its
//! secrets are chosen here, so that what was loaded past it (see [`crate::seed`]) carries signatures
//! that it believes. Its log goes nowhere: it is written, formatted and counted, and read by nobody.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use domain::secret::SecretBytes;
use protocol::system_secrets::SystemSecrets;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Watched, resident};
use crate::servers::{Servers, StoreKind, end, free_port};
use crate::wire::Wire;

/// What a house is made of.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The binary of the service.
    pub(crate) program: PathBuf,
    /// The store.
    pub(crate) store: StoreKind,
    /// A PostgreSQL to use instead of a private one.
    pub(crate) postgres: Option<String>,
    /// A Redis to use instead of a private one.
    pub(crate) redis: Option<String>,
    /// How many threads hash.
    pub(crate) threads: usize,
}

/// A service and what it stands on.
pub(crate) struct House {
    /// Its public door.
    pub(crate) public: String,
    /// Its admin door.
    pub(crate) admin: String,
    /// Its gRPC door.
    pub(crate) grpc: String,
    /// What opens the admin door.
    pub(crate) key: String,
    /// What it signs with.
    pub(crate) secrets: SystemSecrets,
    /// Its store.
    pub(crate) servers: Servers,
    /// What it is made of.
    pub(crate) plan: Plan,
    service: Option<Child>,
    settings: BTreeMap<String, String>,
    directory: TempDir,
}

/// The one system secret and the one pepper, as configuration spells them.
const SECRET: &str = "a system secret of load tests and of nothing else";
const PEPPER: &str = "a password pepper of load tests and of nothing else";
/// How long the service may take to get ready.
const PATIENCE: Duration = Duration::from_mins(2);

// === impl House ===

impl House {
    /// Makes a store and starts the service on it for the first time.
    ///
    /// # Errors
    /// A sentence when the store or the service does not start.
    pub(crate) async fn open(plan: &Plan) -> Result<Self, String> {
        let postgres = plan.postgres.as_deref();
        let servers = Servers::start(plan.store, postgres, plan.redis.as_deref()).await?;
        let directory = tempfile::tempdir().map_err(|error| format!("no directory: {error}"))?;
        let ports = [free_port()?, free_port()?, free_port()?];
        let [public, admin, grpc] = ports.map(|port| format!("127.0.0.1:{port}"));
        let secret = SecretBytes::new(SECRET.as_bytes().to_vec());
        let mut house = Self {
            public,
            admin,
            grpc,
            key: String::new(),
            secrets: SystemSecrets::new(&[secret]).map_err(|error| error.to_string())?,
            settings: settings(plan, ports, &servers, directory.path()),
            servers,
            plan: plan.clone(),
            service: None,
            directory,
        };
        house.start().await?;
        house.key = house.await_key().await?;
        Ok(house)
    }

    /// Starts the service; gives how long it took to get ready.
    ///
    /// # Errors
    /// A sentence when it does not.
    pub(crate) async fn start(&mut self) -> Result<Duration, String> {
        let failed = |error: std::io::Error| format!("the service does not start: {error}");
        let log = |name: &str| File::create(self.directory.path().join(name)).map_err(failed);
        // What a first start says is needed; what later ones log would fill the disk.
        let (out, errors) = if self.key.is_empty() {
            (log("out")?.into(), log("errors")?.into())
        } else {
            (Stdio::null(), Stdio::null())
        };
        let begun = Instant::now();
        let service = Command::new(&self.plan.program)
            .envs(&self.settings)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("{}: {error}", self.plan.program.display()))?;
        self.service = Some(service);
        while !is_ready(&self.public).await {
            if begun.elapsed() > PATIENCE {
                let errors = fs::read_to_string(self.directory.path().join("errors"));
                return Err(format!(
                    "the service does not get ready:\n{}",
                    errors.unwrap_or_default()
                ));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(begun.elapsed())
    }

    /// Stops it in order.
    pub(crate) fn stop(&mut self) {
        if let Some(mut service) = self.service.take() {
            end(&mut service, Signal::TERM);
        }
    }

    /// Gives the processes whose costs are told.
    pub(crate) fn watched(&self) -> Watched {
        Watched {
            server: self.process(),
            stores: self.servers.processes(),
        }
    }

    /// Gives the process of the service.
    pub(crate) fn process(&self) -> Option<u32> {
        self.service.as_ref().map(Child::id)
    }

    /// Gives how many bytes of it are in memory.
    pub(crate) fn resident(&self) -> u64 {
        self.process().map_or(0, resident)
    }

    /// Gives the file of the embedded store.
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("data").join("auth.db")
    }

    /// Finds the key that a first start prints once its doors are open.
    async fn await_key(&self) -> Result<String, String> {
        for _ in 0..100 {
            let said = fs::read_to_string(self.directory.path().join("out")).unwrap_or_default();
            let key = said
                .lines()
                .map(str::trim)
                .find(|line| line.starts_with("qf_ak_"));
            if let Some(key) = key {
                return Ok(key.to_owned());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("the service prints no key for its admin door; is its store new?".to_owned())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop();
    }
}

fn settings(
    plan: &Plan,
    [public, admin, grpc]: [u16; 3],
    servers: &Servers,
    directory: &Path,
) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> = [
        ("DATA_DIR", directory.join("data").display().to_string()),
        ("PUBLIC_HOST", "127.0.0.1".to_owned()),
        ("PUBLIC_PORT", public.to_string()),
        ("ADMIN_PORT", admin.to_string()),
        ("GRPC_PORT", grpc.to_string()),
        ("SYSTEM_SECRETS", SECRET.to_owned()),
        ("PASSWORD_PEPPER", PEPPER.to_owned()),
        ("LOG_FORMAT", "json".to_owned()),
        ("RATE_LIMIT_RPS", "1000000".to_owned()),
        ("RATE_LIMIT_BURST", "1000000".to_owned()),
        ("HASHING_THREADS", plan.threads.to_string()),
        ("HASHING_QUEUE", "64".to_owned()),
        ("TRUSTED_PROXIES", "127.0.0.0/8".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let mut add = |name: &str, value: &str| settings.insert(name.to_owned(), value.to_owned());
    if let Some(address) = &servers.postgres {
        for word in address.split_whitespace() {
            let Some((name, value)) = word.split_once('=') else {
                continue;
            };
            let name = if name == "dbname" { "db" } else { name };
            add(&format!("POSTGRES_{}", name.to_ascii_uppercase()), value);
        }
    }
    if let Some((host, port)) = servers.redis.as_deref().and_then(|it| it.rsplit_once(':')) {
        add("REDIS_HOST", host);
        add("REDIS_PORT", port);
    }
    settings
}

async fn is_ready(address: &str) -> bool {
    let request = b"GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n";
    match Wire::open(address).await {
        Ok(mut wire) => wire.ask(request).await.is_ok_and(|it| it.is_success()),
        Err(_) => false,
    }
}
