//! The service as a process: started, asked, killed.

use std::fmt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::ports::free_port;

/// Which store a run is on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Store {
    Sqlite,
    Postgres,
}

/// A place where the service lives: its data, its ports, its settings. Survives its processes.
pub struct Site {
    directory: Arc<TempDir>,
    settings: Vec<(String, String)>,
    pub public: String,
    pub admin: String,
    log: PathBuf,
}

/// One running process; killed when dropped.
pub struct Process {
    child: Child,
}

// === impl Store ===

impl Store {
    /// The stores this machine offers: PostgreSQL when `TEST_POSTGRES` names one.
    pub fn available() -> Vec<Self> {
        match setting("TEST_POSTGRES") {
            Some(_) => vec![Self::Sqlite, Self::Postgres],
            None => vec![Self::Sqlite],
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}

// === impl Site ===

impl Site {
    /// Prepares an empty store and free ports.
    pub async fn new(store: Store, more: &[(&'static str, &str)]) -> Self {
        let owned = more
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        Self::with(store, owned.collect()).await
    }

    /// Prepares an empty store and free ports, with settings that were made meanwhile.
    pub async fn with(store: Store, more: Vec<(&'static str, String)>) -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("a directory"));
        let data = directory.path().join("data");
        let mut settings = vec![
            ("APP_ENV", "test".to_owned()),
            ("DATA_DIR", data.display().to_string()),
            ("PUBLIC_HOST", "127.0.0.1".to_owned()),
            ("ARGON2_MEMORY", "64".to_owned()),
            ("ARGON2_TIME", "1".to_owned()),
            ("RATE_LIMIT_RPS", "100000".to_owned()),
            ("RATE_LIMIT_BURST", "100000".to_owned()),
            ("HASHING_QUEUE", "512".to_owned()),
        ];
        if store == Store::Postgres {
            settings.extend(postgres_settings().await);
        }
        settings.extend(more);
        let owned = settings.into_iter();
        let owned = owned.map(|(name, value)| (name.to_owned(), value));
        Self::at(directory, owned.collect())
    }

    /// Prepares another node on the same store, with the same secrets.
    pub fn twin(&self) -> Self {
        Self::at(Arc::clone(&self.directory), self.settings.clone())
    }

    /// Finds free ports and a log for a node.
    fn at(directory: Arc<TempDir>, mut settings: Vec<(String, String)>) -> Self {
        let ports = [(); 3].map(|()| free_port());
        for (name, port) in ["PUBLIC_PORT", "ADMIN_PORT", "GRPC_PORT"]
            .into_iter()
            .zip(ports)
        {
            settings.push((name.to_owned(), port.to_string()));
        }
        Self {
            log: directory.path().join(format!("log-{}", ports[0])),
            directory,
            settings,
            public: format!("http://127.0.0.1:{}", ports[0]),
            admin: format!("http://127.0.0.1:{}", ports[1]),
        }
    }

    /// Starts the service without waiting for it.
    pub fn launch(&self) -> Process {
        self.start_as(self.command())
    }

    /// The same, with so many descriptors and no more.
    pub fn launch_with(&self, descriptors: u32) -> Process {
        let mut command = Command::new("sh");
        let limited = format!("ulimit -n {descriptors} && exec \"$0\"");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_auth-service")]);
        self.start_as(self.surrounded(command))
    }

    fn start_as(&self, mut command: Command) -> Process {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log);
        let log = log.expect("a log file");
        let child = command
            .stdout(log.try_clone().expect("the log"))
            .stderr(log)
            .spawn();
        Process {
            child: child.expect("the service starts"),
        }
    }

    /// Starts another build of the service, and waits until it is ready.
    pub async fn start_build(&self, program: &str) -> Process {
        let process = self.start_as(self.surrounded(Command::new(program)));
        self.wait_for("/ready", 200, Duration::from_secs(30)).await;
        process
    }

    /// Runs the binary as an operator does, to its end, and gives what it was asked for.
    pub fn operate(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output();
        let output = output.expect("the command starts");
        let notes = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {notes}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn command(&self) -> Command {
        self.surrounded(Command::new(env!("CARGO_BIN_EXE_auth-service")))
    }

    /// Gives a command the site's settings and place.
    fn surrounded(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// Starts the service and waits until it is ready; says how long that took.
    pub async fn start(&self) -> (Process, Duration) {
        let begun = Instant::now();
        let process = self.launch();
        self.wait_for("/ready", 200, Duration::from_secs(30)).await;
        (process, begun.elapsed())
    }

    /// Asks a probe.
    pub async fn probe(&self, http: &reqwest::Client, path: &str) -> Option<(u16, Value)> {
        let answer = http.get(format!("{}{path}", self.public)).send().await;
        let answer = answer.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Waits until a probe answers with a status, and says how long that took.
    pub async fn wait_for(&self, path: &str, status: u16, limit: Duration) -> Duration {
        let begun = Instant::now();
        let http = client();
        loop {
            let answer = http.get(format!("{}{path}", self.public)).send().await;
            if answer.is_ok_and(|answer| answer.status().as_u16() == status) {
                return begun.elapsed();
            }
            assert!(
                begun.elapsed() < limit,
                "{path} is not {status}:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the service wrote so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

// === impl Process ===

impl Process {
    /// Kills it at once: SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("it was running");
        self.child.wait().expect("it ended");
    }

    /// Asks it to end: SIGTERM.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("kill");
        assert!(sent.success());
    }

    /// Waits for it to end by itself and gives its exit status.
    pub async fn exit_status(mut self, limit: Duration) -> Option<i32> {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if let Some(status) = self.child.try_wait().expect("it was started") {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    /// Gives the resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that waits no longer than a person would.
pub fn client() -> reqwest::Client {
    plain()
        .pool_max_idle_per_host(128)
        .build()
        .expect("a client")
}

/// Begins such a client. It speaks plain HTTP and therefore reads none of the system's certificates,
/// which costs a busy machine more than all a client here does.
pub fn plain() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .timeout(Duration::from_secs(40))
}

/// Posts JSON; `None` when no complete answer came.
pub async fn post(http: &reqwest::Client, url: &str, body: &Value) -> Option<(u16, Value)> {
    let answer = http.post(url).json(body).send().await.ok()?;
    let status = answer.status().as_u16();
    let text = answer.text().await.ok()?;
    Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}

/// Reads an environment variable of the test run.
pub fn setting(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are configured by their script"
    )]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Makes a database for one site and gives the settings that name it.
async fn postgres_settings() -> Vec<(&'static str, String)> {
    let conninfo = setting("TEST_POSTGRES").expect("TEST_POSTGRES");
    let config: tokio_postgres::Config = conninfo.parse().expect("a conninfo");
    let (session, connection) = config
        .connect(tokio_postgres::NoTls)
        .await
        .expect("PostgreSQL");
    let name = format!("faults_{}_{}", std::process::id(), free_port());
    #[expect(
        clippy::disallowed_methods,
        reason = "the connection of a test ends with it"
    )]
    let running = tokio::spawn(connection);
    session
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .expect("a database");
    drop(session);
    let _ = running.await;
    let part = |key: &str| {
        let pair = conninfo
            .split_whitespace()
            .find_map(|part| part.strip_prefix(key));
        pair.unwrap_or_default().to_owned()
    };
    vec![
        ("POSTGRES_HOST", part("host=")),
        ("POSTGRES_PORT", part("port=")),
        ("POSTGRES_USER", part("user=")),
        ("POSTGRES_PASSWORD", part("password=")),
        ("POSTGRES_DB", name),
    ]
}
