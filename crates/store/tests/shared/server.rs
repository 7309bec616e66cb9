//! A private Redis that a trial may stop, freeze and start again.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use domain::secret::SecretText;
use store::redis::RedisOptions;

use crate::variable;

/// How often a start is tried at another port.
const STARTS: usize = 3;

/// A Redis of a trial's own, in a directory of its own; gone when dropped.
pub(crate) struct Server {
    port: u16,
    extra: Vec<String>,
    directory: tempfile::TempDir,
    child: Option<Child>,
}

/// Says how to reach a private server on `port`.
pub(crate) fn options(port: u16) -> RedisOptions {
    RedisOptions {
        host: "127.0.0.1".to_owned(),
        port,
        password: None,
        database: 0,
        tls: false,
        cluster: false,
    }
}

/// The same, with a password.
pub(crate) fn options_with_password(port: u16, password: &str) -> RedisOptions {
    RedisOptions {
        password: Some(SecretText::new(password.to_owned())),
        ..options(port)
    }
}

impl Server {
    /// Chooses a free port, but starts nothing on it yet.
    pub(crate) fn prepare(extra: &[&str]) -> Result<Self, String> {
        Ok(Self {
            port: free_port()?,
            extra: extra.iter().map(|&word| word.to_owned()).collect(),
            directory: tempfile::tempdir().map_err(|error| error.to_string())?,
            child: None,
        })
    }

    /// Starts a server and waits until it answers.
    pub(crate) fn start(extra: &[&str]) -> Result<Self, String> {
        let mut why = String::new();
        for _ in 0..STARTS {
            let mut server = Self::prepare(extra)?;
            match server.run() {
                Ok(()) => return Ok(server),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    /// Starts a cluster of one node that owns every slot.
    pub(crate) fn start_cluster() -> Result<Self, String> {
        let bus = Self::prepare(&[])?.port.to_string();
        let extra = ["--cluster-enabled", "yes", "--cluster-port", bus.as_str()];
        let server = Self::start(&extra)?;
        let assigned: redis::RedisResult<()> =
            server.client()?.get_connection().and_then(|mut link| {
                redis::cmd("CLUSTER")
                    .arg("ADDSLOTSRANGE")
                    .arg(0)
                    .arg(16_383)
                    .query(&mut link)
            });
        assigned.map_err(|error| error.to_string())?;
        Ok(server)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A blocking client of the trial's own, beside the one under judgement.
    pub(crate) fn client(&self) -> Result<redis::Client, String> {
        redis::Client::open(("127.0.0.1", self.port)).map_err(|error| error.to_string())
    }

    /// Starts the server on its port and waits until it answers.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        let program = variable("TEST_REDIS_SERVER").unwrap_or_else(|| "redis-server".to_owned());
        let child = Command::new(&program)
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--port", &self.port.to_string(), "--dir"])
            .arg(self.directory.path())
            .args(&self.extra)
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("{program} does not start: {error}"))?;
        self.child = Some(child);
        self.until_it_answers()
    }

    fn until_it_answers(&mut self) -> Result<(), String> {
        for _ in 0..2_000 {
            let ended = self.child.as_mut().map(Child::try_wait);
            if matches!(ended, Some(Ok(Some(_)))) {
                return Err("the private Redis ended at once".to_owned());
            }
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Err("the private Redis does not answer".to_owned())
    }

    /// Kills the server, as a crash does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only if it is dead already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends the server a signal by name: `STOP` freezes it, `CONT` thaws it.
    pub(crate) fn signal(&self, name: &str) -> Result<(), String> {
        let id = self.child.as_ref().ok_or("it is not running")?.id();
        let sent = Command::new("kill")
            .args([format!("-{name}"), id.to_string()])
            .status()
            .map_err(|error| error.to_string())?;
        sent.success()
            .then_some(())
            .ok_or_else(|| format!("kill -{name} failed"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Gives a port that nobody listens at, once in this process. It lies below those that the kernel gives
/// to connections, so that none takes it before the server does.
fn free_port() -> Result<u16, String> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(7_919);
    let places = (0..12_000).map(|_| start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)));
    places
        .filter_map(|place| u16::try_from(20_000 + place % 12_000).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| "every port is taken".to_owned())
}
