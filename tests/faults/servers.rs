//! Private servers: a PostgreSQL and a Redis that a trial may kill, stall and start again.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::ports::free_port;

/// How long a server may take to answer after it was started.
const STARTED_WITHIN: Duration = Duration::from_secs(20);

/// A server of the trial's own; killed when dropped. Its data survives its processes.
pub struct Server {
    kind: Kind,
    directory: TempDir,
    port: u16,
    more: Vec<String>,
    child: Option<Child>,
}

enum Kind {
    Postgres { binaries: PathBuf },
    Redis,
}

// === impl Server ===

impl Server {
    /// Makes a cluster and starts a PostgreSQL on it.
    pub fn postgres() -> Self {
        let mut server = Self::postgres_at_rest();
        server.start();
        server
    }

    /// Makes a cluster for a PostgreSQL that is not started yet.
    pub fn postgres_at_rest() -> Self {
        let binaries = postgres_binaries().expect("PostgreSQL's binaries");
        let server = Self::new(Kind::Postgres { binaries });
        let mut initdb = server.command("initdb");
        initdb
            .arg("--pgdata")
            .arg(server.data())
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync"]);
        let made = initdb.status().expect("initdb");
        assert!(made.success(), "initdb: {}", server.log());
        server
    }

    /// Starts a Redis.
    pub fn redis() -> Self {
        let mut server = Self::redis_at_rest();
        server.start();
        server
    }

    /// Prepares a Redis that is not started yet.
    pub fn redis_at_rest() -> Self {
        Self::new(Kind::Redis)
    }

    fn new(kind: Kind) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        if let Some((user, group)) = unprivileged() {
            std::os::unix::fs::chown(directory.path(), Some(user), Some(group))
                .expect("the directory is the server's");
        }
        Self {
            kind,
            directory,
            port: free_port(),
            more: Vec::new(),
            child: None,
        }
    }

    /// Adds words to the command line that it is started with.
    pub fn told(mut self, words: &[&str]) -> Self {
        self.more.extend(words.iter().map(|&word| word.to_owned()));
        self
    }

    /// Writes a file that the server alone may read, and says where.
    pub fn give(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        let mut options = std::fs::OpenOptions::new();
        let file = options.create_new(true).write(true).mode(0o600).open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.expect("the server's file");
        if let Some((user, group)) = unprivileged() {
            std::os::unix::fs::chown(&path, Some(user), Some(group)).expect("it is the server's");
        }
        path.display().to_string()
    }

    /// Where it listens on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What a Redis says first to one command.
    pub fn says(&self, command: &str) -> String {
        redis_says(self.port, command).expect("Redis answers")
    }

    /// The settings that name it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let (host, port) = ("127.0.0.1".to_owned(), self.port.to_string());
        match self.kind {
            Kind::Postgres { .. } => vec![
                ("POSTGRES_HOST", host),
                ("POSTGRES_PORT", port),
                ("POSTGRES_USER", "postgres".to_owned()),
                ("POSTGRES_PASSWORD", "unused".to_owned()),
                ("POSTGRES_DB", "postgres".to_owned()),
            ],
            Kind::Redis => vec![("REDIS_HOST", host), ("REDIS_PORT", port)],
        }
    }

    /// Starts it and waits until it answers.
    pub fn start(&mut self) {
        let begun = Instant::now();
        while !self.tries_to_start() {
            let is_late = begun.elapsed() > STARTED_WITHIN;
            assert!(!is_late, "the server does not start:\n{}", self.log());
        }
    }

    /// Starts it once; false if it ended again, as one does that meets remains of the last.
    fn tries_to_start(&mut self) -> bool {
        let child = match &self.kind {
            Kind::Postgres { .. } => self
                .command("postgres")
                .arg("-D")
                .arg(self.data())
                .args(["-c", "listen_addresses=127.0.0.1", "-c"])
                .arg(format!("port={}", self.port))
                .args(["-c", "unix_socket_directories=", "-c", "fsync=off"])
                .args(["-c", "max_connections=100"])
                .args(&self.more)
                .spawn(),
            Kind::Redis => self
                .command("redis-server")
                .args(["--bind", "127.0.0.1", "--save", "", "--port"])
                .arg(self.port.to_string())
                .arg("--dir")
                .arg(self.directory.path())
                .args(&self.more)
                .spawn(),
        };
        let child = self.child.insert(child.expect("the server starts"));
        let begun = Instant::now();
        while begun.elapsed() < STARTED_WITHIN {
            let answers = match &self.kind {
                Kind::Postgres { .. } => postgres_answers(self.port),
                Kind::Redis => redis_says(self.port, "PING")
                    .is_some_and(|said| said.starts_with("+PONG") || said.starts_with("-NOAUTH")),
            };
            if answers {
                return true;
            }
            if child.try_wait().expect("it was started").is_some() {
                std::thread::sleep(Duration::from_millis(50));
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Kills it and all its processes: SIGKILL.
    pub fn kill(&mut self) {
        self.signal("KILL");
        if let Some(mut child) = self.child.take() {
            child.wait().expect("it ended");
        }
    }

    /// Stops it as an operator does who wants it back at once (PostgreSQL's fast shutdown).
    pub fn stop(&mut self) {
        let mut child = self.child.take().expect("it runs");
        send("INT", &[child.id()]);
        child.wait().expect("it ended");
    }

    /// Stalls it and all its processes, connections and all: SIGSTOP.
    pub fn stall(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    /// Makes a Redis forget everything.
    pub fn flush(&self) {
        let answer = self.says("FLUSHALL");
        assert!(answer.starts_with("+OK"), "{answer}");
    }

    fn signal(&self, signal: &str) {
        let Some(child) = &self.child else { return };
        let mut processes = vec![child.id()];
        processes.extend(children_of(child.id()));
        send(signal, &processes);
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Prepares one of its programs, run by nobody special.
    fn command(&self, program: &str) -> Command {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.directory.path().join("log"))
            .expect("a log");
        let mut command = match &self.kind {
            Kind::Postgres { binaries } => Command::new(binaries.join(program)),
            Kind::Redis => Command::new(program),
        };
        command
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log"))
            .stderr(log);
        if let Some((user, group)) = unprivileged() {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Says whether this machine has a PostgreSQL to start.
pub fn has_postgres() -> bool {
    postgres_binaries().is_some()
}

/// Says whether this machine has a Redis to start.
pub fn has_redis() -> bool {
    let version = Command::new("redis-server").arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

/// Says whether the tests run as root.
pub fn is_root() -> bool {
    id(&["-u"]) == Some(0)
}

/// Whom a server runs as: PostgreSQL refuses to be root. None where we are nobody special.
fn unprivileged() -> Option<(u32, u32)> {
    if !is_root() {
        return None;
    }
    let of = |user| Some((id(&["-u", user])?, id(&["-g", user])?));
    of("postgres").or_else(|| of("nobody"))
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Finds the newest PostgreSQL.
fn postgres_binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let numbered = versions.filter_map(|entry| {
        let path = entry.ok()?.path();
        let version: u32 = path.file_name()?.to_str()?.parse().ok()?;
        let binaries = path.join("bin");
        binaries
            .join("initdb")
            .exists()
            .then_some((version, binaries))
    });
    numbered.max().map(|(_, binaries)| binaries)
}

/// The processes that a process started and that still run.
fn children_of(parent: u32) -> Vec<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = std::fs::read_to_string(Path::new(&path)).unwrap_or_default();
    let ids = children.split_whitespace();
    ids.filter_map(|id| id.parse().ok()).collect()
}

/// Signals processes. One that has ended meanwhile is no mistake.
fn send(signal: &str, processes: &[u32]) {
    let ids = processes.iter().map(ToString::to_string);
    let mut kill = Command::new("kill");
    kill.arg(format!("-{signal}")).args(ids);
    let _ = kill.stderr(Stdio::null()).status().expect("kill");
}

/// Greets as a client does: `R` is how a PostgreSQL answers that is past its recovery.
fn postgres_answers(port: u16) -> bool {
    let greet = || -> std::io::Result<bool> {
        let mut stream = connect(port)?;
        let body = b"\0\x03\0\0user\0postgres\0database\0postgres\0\0";
        let length = u32::try_from(body.len() + 4).expect("a short greeting");
        stream.write_all(&length.to_be_bytes())?;
        stream.write_all(body)?;
        let mut letter = [0];
        stream.read_exact(&mut letter)?;
        Ok(letter == *b"R")
    };
    greet().unwrap_or(false)
}

fn redis_says(port: u16, command: &str) -> Option<String> {
    let mut stream = connect(port).ok()?;
    stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[..length]).into_owned())
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    Ok(stream)
}
