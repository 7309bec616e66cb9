//! A disk without room: the embedded store answers 503, loses nothing it acknowledged, and goes on
//! when there is room again.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Site, Store, client, post};
use crate::{servers, trial_of};

/// How many people there are before the disk fills.
const USERS: usize = 30;
/// How many writes in a row must be refused for the disk to count as full.
const FULL: usize = 20;
/// How long the service may take to write again once there is room.
const BACK_WITHIN: Duration = Duration::from_secs(10);

/// A small disk of its own; gone when dropped.
struct Disk(TempDir);

/// The trials of this file, as far as disks can be made here.
pub fn trials() -> Vec<Trial> {
    if Disk::new().is_some() {
        vec![trial_of("a_full_disk_is_an_outage_and_no_loss", fills)]
    } else {
        let why = if servers::is_root() {
            "no disk can be mounted here"
        } else {
            "needs root"
        };
        println!("skipped: a full disk: {why}");
        Vec::new()
    }
}

async fn fills() {
    let disk = Disk::new().expect("a disk");
    let data = disk.0.path().join("data").display().to_string();
    let site = Site::new(Store::Sqlite, &[("DATA_DIR", &data)]).await;
    let (process, _) = site.start().await;
    let http = client();
    let url = |path: &str| format!("{}{path}", site.public);
    let mut users = 0;
    let register = async |n: usize| {
        let answer = http
            .post(url("/auth/register"))
            .json(&person(n))
            .send()
            .await;
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        let may_return = answer.headers().contains_key("retry-after");
        assert!(
            status == 201 || (status == 503 && may_return),
            "{status}\n{}",
            site.log()
        );
        status
    };
    while users < USERS {
        assert_eq!(register(users).await, 201);
        users += 1;
    }
    let (status, body) = post(&http, &url("/auth/login"), &person(0))
        .await
        .expect("an answer");
    assert_eq!(status, 200, "{body}");
    let mut token = refresh_token(&body);

    let mut refused = 0;
    while refused < FULL {
        disk.fill();
        match register(users).await {
            201 => (users, refused) = (users + 1, 0),
            _ => refused += 1,
        }
    }
    let refresh = json!({ "refresh_token": token });
    let (status, _) = post(&http, &url("/auth/token/refresh"), &refresh)
        .await
        .expect("an answer");
    assert_eq!(status, 503, "a rotation that cannot be stored");
    let (status, _) = post(&http, &url("/auth/login"), &person(0))
        .await
        .expect("an answer");
    assert_eq!(status, 503, "a session that cannot be stored");
    let (status, body) = site.probe(&http, "/liveness").await.expect("an answer");
    assert_eq!(status, 200, "{body}");

    disk.empty();
    let begun = Instant::now();
    while register(users).await != 201 {
        assert!(begun.elapsed() < BACK_WITHIN, "{}", site.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    users += 1;
    let back = begun.elapsed();
    let (status, body) = post(&http, &url("/auth/token/refresh"), &refresh)
        .await
        .expect("an answer");
    assert_eq!(status, 200, "the session lives on: {body}");
    token = refresh_token(&body);

    process.kill();
    let (_process, _) = site.start().await;
    for n in 0..users {
        let (status, body) = post(&http, &url("/auth/login"), &person(n))
            .await
            .expect("an answer");
        assert_eq!(status, 200, "an acknowledged user is lost: {body}");
    }
    let refresh = json!({ "refresh_token": token });
    let (status, body) = post(&http, &url("/auth/token/refresh"), &refresh)
        .await
        .expect("an answer");
    assert_eq!(status, 200, "{body}");
    assert!(!site.log().contains("panicked"), "{}", site.log());
    println!("disk full: {users} users acknowledged, 0 lost, writing again in {back:?}");
}

fn person(n: usize) -> Value {
    json!({
        "email": format!("person{n}@example.org"), "password": "a quiet garden in the rain",
        "name": "Ada",
    })
}

fn refresh_token(body: &Value) -> String {
    body["refresh_token"].as_str().expect("a token").to_owned()
}

// === impl Disk ===

impl Disk {
    /// Mounts a disk of four megabytes in memory, which only root may.
    fn new() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(directory.path());
        let output = mount.output().ok()?;
        output.status.success().then_some(Self(directory))
    }

    /// Leaves no room.
    fn fill(&self) {
        let ballast = File::options()
            .create(true)
            .append(true)
            .open(self.ballast());
        let mut ballast = ballast.expect("the ballast");
        while ballast.write_all(&[0; 4096]).is_ok() {}
    }

    /// Makes room again.
    fn empty(&self) {
        std::fs::remove_file(self.ballast()).expect("the ballast");
    }

    fn ballast(&self) -> PathBuf {
        Path::join(self.0.path(), "ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: the service may still be ending.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
