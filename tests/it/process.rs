//! The service as a process of its own, for what only a whole process shows: its log, its traces, its
//! exit status.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::{Client, plain};
use crate::patience::PATIENCE;
use crate::ports::free_port;

/// How often a start is tried.
const STARTS: usize = 3;

/// One running process; killed when dropped.
pub struct Process {
    child: Child,
    public: String,
    directory: Arc<TempDir>,
}

// === impl Process ===

impl Process {
    /// Starts the service on an empty embedded store and waits until it is ready. If it ends instead,
    /// somebody may have taken its port: it is tried again at another.
    pub async fn start(own: &[(&str, &str)]) -> Self {
        let mut log = String::new();
        for _ in 0..STARTS {
            let mut process = Self::launch(own);
            if process.is_up().await {
                return process;
            }
            log = process.log();
        }
        panic!("it does not start:\n{log}");
    }

    /// Starts the service on an empty embedded store.
    fn launch(own: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let mut settings = crate::house::base_settings();
        let mut set = |name: &str, value: String| settings.insert(name.to_owned(), value);
        set(
            "DATA_DIR",
            directory.path().join("data").display().to_string(),
        );
        set("PUBLIC_PORT", port.to_string());
        settings.extend(
            own.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        Self {
            child: launch(&settings, &directory),
            public: format!("http://127.0.0.1:{port}"),
            directory: Arc::new(directory),
        }
    }

    /// Waits until it is ready; false if it ends before.
    async fn is_up(&mut self) -> bool {
        let begun = Instant::now();
        let url = format!("{}/ready", self.public);
        let http = plain().build().expect("a client");
        while self.child.try_wait().expect("it was started").is_none() {
            let answer = http.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return true;
            }
            assert!(begun.elapsed() < PATIENCE * 6, "{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// The public door, as a stranger sees it.
    pub fn public(&self) -> Client {
        Client::new(self.public.clone())
    }

    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        let mut text = String::new();
        let file = std::fs::File::open(self.directory.path().join("log"));
        file.and_then(|mut file| file.read_to_string(&mut text))
            .expect("the log");
        text
    }

    /// Where its embedded store is.
    pub fn store(&self) -> PathBuf {
        self.directory.path().join("data/auth.db")
    }

    /// Asks it to end, and gives the place where it ran, with `data` in it.
    pub async fn keep(self, within: Duration) -> Arc<TempDir> {
        let directory = Arc::clone(&self.directory);
        let (status, log) = self.stop(within).await;
        assert_eq!(status, Some(0), "{log}");
        directory
    }

    /// Asks it to end, and gives its exit status and what it wrote; panics if it takes longer.
    pub async fn stop(mut self, within: Duration) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("kill").success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it was started") {
                return (status.code(), self.log());
            }
            assert!(begun.elapsed() < within, "it does not end:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(settings: &BTreeMap<String, String>, directory: &TempDir) -> Child {
    let log = std::fs::File::create(directory.path().join("log")).expect("a log");
    let child = Command::new(env!("CARGO_BIN_EXE_auth-service"))
        .env_clear()
        .envs(settings)
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    child.expect("the service starts")
}
