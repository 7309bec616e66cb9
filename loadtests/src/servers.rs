//! The store that the service is measured on: none but its own file, or PostgreSQL and Redis, private
//! ones that are started here or those that were named.
//!
//! A private PostgreSQL syncs what it commits, as one that people rely on does; a private Redis keeps
//! nothing on disk. Both run as a user without privileges and end with this program.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreKind {
    /// SQLite, in the service's own directory
    Embedded,
    /// PostgreSQL
    Postgres,
    /// PostgreSQL, and Redis for what lives shortly
    #[value(name = "postgres+redis")]
    PostgresRedis,
}

/// Servers that run.
pub(crate) struct Servers {
    /// How PostgreSQL is reached: `host=… port=… user=… password=… dbname=…`.
    pub(crate) postgres: Option<String>,
    /// How Redis is reached: `host:port`.
    pub(crate) redis: Option<String>,
    children: Vec<Server>,
    directory: TempDir,
}

/// A server of ours; it is stopped with its owner.
struct Server {
    child: Child,
    end: Signal,
}

/// Whom servers run as.
#[derive(Debug, Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);
const PASSWORD: &str = "of-this-run-alone";

// === impl StoreKind ===

impl StoreKind {
    /// Gives its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Postgres => "postgres",
            Self::PostgresRedis => "postgres+redis",
        }
    }

    /// Says whether PostgreSQL is part of it.
    pub(crate) fn has_postgres(self) -> bool {
        self != Self::Embedded
    }
}

// === impl Servers ===

impl Servers {
    /// Starts what the store needs and was not given.
    ///
    /// # Errors
    /// A sentence when a server is not installed or does not start.
    pub(crate) async fn start(
        kind: StoreKind,
        postgres: Option<&str>,
        redis: Option<&str>,
    ) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|error| format!("no directory: {error}"))?;
        let open = fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755));
        open.map_err(|error| format!("no directory: {error}"))?;
        let mut servers = Self {
            postgres: None,
            redis: None,
            children: Vec::new(),
            directory,
        };
        let place = servers.directory.path().to_owned();
        if kind.has_postgres() {
            servers.postgres = Some(match postgres {
                Some(given) => given.to_owned(),
                None => servers.start_postgres(&place).await?,
            });
        }
        if kind == StoreKind::PostgresRedis {
            servers.redis = Some(match redis {
                Some(given) => given.to_owned(),
                None => servers.start_redis(&place)?,
            });
        }
        Ok(servers)
    }

    /// Gives the processes whose costs are the store's; those of given servers are not seen.
    pub(crate) fn processes(&self) -> [Option<u32>; 2] {
        let mut ids = self.children.iter().map(|server| server.child.id());
        [ids.next(), ids.next()]
    }

    async fn start_postgres(&mut self, place: &Path) -> Result<String, String> {
        let programs = find_postgres().ok_or("no PostgreSQL is installed; name one: --postgres")?;
        let home = own_directory(&place.join("postgres"))?;
        let (data, secret) = (home.join("data"), home.join("password"));
        fs::write(&secret, PASSWORD).map_err(|error| error.to_string())?;
        give_away(&secret)?;
        let mut initdb = unprivileged(&programs.join("initdb"), &home);
        initdb
            .args(["--username=postgres", "--auth=scram-sha-256", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C"])
            .arg(format!("--pgdata={}", data.display()))
            .arg(format!("--pwfile={}", secret.display()));
        let made = initdb.stdout(Stdio::null()).output();
        let made = made.map_err(|error| format!("initdb: {error}"))?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into_owned());
        }
        let port = free_port()?;
        let mut postgres = unprivileged(&programs.join("postgres"), &home);
        postgres.arg("-D").arg(&data).args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
            "-c",
            "max_connections=300",
            "-c",
            &format!("port={port}"),
        ]);
        self.keep(&mut postgres, Signal::INT)?;
        let address =
            format!("host=127.0.0.1 port={port} user=postgres password={PASSWORD} dbname=postgres");
        await_postgres(&address).await?;
        Ok(address)
    }

    fn start_redis(&mut self, place: &Path) -> Result<String, String> {
        let home = own_directory(&place.join("redis"))?;
        let port = free_port()?;
        let mut redis = unprivileged(Path::new("redis-server"), &home);
        redis
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--port")
            .arg(port.to_string());
        self.keep(&mut redis, Signal::TERM)?;
        let address = format!("127.0.0.1:{port}");
        let begun = Instant::now();
        while std::net::TcpStream::connect(&address).is_err() {
            if begun.elapsed() > PATIENCE {
                return Err("Redis does not start".to_owned());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(address)
    }

    fn keep(&mut self, command: &mut Command, end: Signal) -> Result<(), String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        self.children.push(Server { child, end });
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child, self.end);
    }
}

/// Sends a signal and waits for the end.
pub(crate) fn end(child: &mut Child, signal: Signal) {
    if let Some(process) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(process, signal);
    }
    let _ = child.wait();
}

/// Finds a port on which nothing listens now.
pub(crate) fn free_port() -> Result<u16, String> {
    let found = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    found
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}

async fn await_postgres(address: &str) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        match tokio_postgres::connect(address, tokio_postgres::NoTls).await {
            Ok(_) => return Ok(()),
            Err(error) if begun.elapsed() > PATIENCE => {
                return Err(format!("PostgreSQL does not start: {error}"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Finds the newest installed PostgreSQL.
fn find_postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let installed = versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .chain([PathBuf::from("/usr/local/bin"), PathBuf::from("/usr/bin")]);
    installed
        .filter(|place| place.join("initdb").exists() && place.join("postgres").exists())
        .max()
}

/// A command that is run in a directory by a user without privileges: PostgreSQL refuses to run as
/// root.
fn unprivileged(program: &Path, place: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(place);
    if let Some(user) = server_user() {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

fn own_directory(path: &Path) -> Result<PathBuf, String> {
    fs::create_dir(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o700)))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    give_away(path)?;
    Ok(path.to_owned())
}

fn give_away(path: &Path) -> Result<(), String> {
    let Some(user) = server_user() else {
        return Ok(());
    };
    chown(path, Some(user.uid), Some(user.gid))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Whom servers run as, when we are root.
fn server_user() -> Option<User> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    ["postgres", "nobody"].into_iter().find_map(|name| {
        let line = users.lines().find(|line| line.starts_with(name))?;
        let mut fields = line.split(':').skip(2);
        Some(User {
            uid: fields.next()?.parse().ok()?,
            gid: fields.next()?.parse().ok()?,
        })
    })
}
