//! How small the service is: its binary, its memory, its start.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::Suite;
use crate::bench::{Effort, measure_service};
use crate::estate::{Estate, PASSWORD};
use crate::message::Message;
use crate::numbers::{float, median};
use crate::pace::Pace;
use crate::report::Row;
use crate::scenario::table;
use crate::seed;
use crate::wire::Wire;

const MIB: f64 = 1_048_576.0;
/// The scenarios that hash passwords.
const HASHING: [&str; 3] = ["login", "register", "mixed"];
/// How long somebody waits who asks alone, in milliseconds.
pub(crate) struct Waits {
    search: Vec<f64>,
    list: Vec<f64>,
    login: Vec<f64>,
}

/// What an operator may look for, from one account to all of them.
const SEARCHES: [&str; 7] = [
    "/admin/users?search=somebody0123456",
    "/admin/users?search=somebody01",
    "/admin/users?search=s",
    "/admin/users?search=nobody",
    "/admin/users?search=somebody&status=locked",
    "/admin/users?status=active&email_verified=true",
    "/admin/users?search=somebody&mfa=true&created_from=2020-01-01T00:00:00Z",
];
/// What they may leaf through.
const LISTS: [&str; 4] = [
    "/admin/users",
    "/admin/users?per_page=100",
    "/admin/users?sort=email",
    "/admin/users?page=40",
];
/// How often each is asked.
const OFTEN: usize = 20;
/// How long refreshes fill the memory with sessions.
const FILLING: Duration = Duration::from_secs(10);
/// How long the service may tidy up.
const REST: Duration = Duration::from_secs(2);

impl Suite<'_> {
    /// Adds what a service on an empty store is.
    ///
    /// # Errors
    /// A sentence when the binary is gone, or nobody is answered.
    pub(crate) async fn sizes(&mut self, estate: &Rc<Estate>) -> Result<Waits, String> {
        let store = estate.house.plan.store.name();
        let binary = stripped(&self.program)?;
        let figures = [
            (
                "binary_mib",
                "the binary, stripped",
                vec![binary / MIB],
                "MiB",
            ),
            (
                "idle_mib",
                "memory of an idle service on an empty store",
                vec![float(estate.idle[0]) / MIB],
                "MiB",
            ),
            (
                "start_ms",
                "from exec to ready on an existing store",
                millis(&estate.starts[0]),
                "ms",
            ),
        ];
        for (name, about, figures, unit) in figures {
            self.add(Row::of_figures(name, store, about, &figures).of(unit));
        }
        let waits = Waits::measure(estate).await?;
        self.add_waits(store, "", &waits);
        Ok(waits)
    }

    /// Adds what one on a grown store is.
    ///
    /// # Errors
    /// A sentence when nothing can be measured.
    pub(crate) async fn grown_sizes(
        &mut self,
        estate: &Rc<Estate>,
        small: &Waits,
    ) -> Result<(), String> {
        let store = estate.house.plan.store.name();
        let more = float(estate.idle[1]) - float(estate.idle[0]);
        let figures = [
            (
                "tenants_mib",
                "memory that the tenants of a grown store take",
                vec![more / MIB],
                "MiB",
            ),
            (
                "grown_start_ms",
                "from exec to ready on a grown store",
                millis(&estate.starts[1]),
                "ms",
            ),
        ];
        for (name, about, figures, unit) in figures {
            self.add(Row::of_figures(name, store, about, &figures).of(unit));
        }
        let waits = Waits::measure(estate).await?;
        self.add_waits(store, "grown_", &waits);
        for ((kind, about, grown), (_, _, small)) in waits.each().into_iter().zip(small.each()) {
            let ratio = median(grown.iter().copied()) / median(small.iter().copied());
            let row = Row::of_figures(&format!("slower:{kind}"), store, about, &[ratio]);
            self.add(row.of("of the small store's median"));
        }
        self.session_bytes(estate).await
    }

    fn add_waits(&mut self, store: &str, prefix: &str, waits: &Waits) {
        for (kind, about, spans) in waits.each() {
            let row = Row::of_figures(&format!("{prefix}{kind}_ms"), store, about, spans);
            self.add(row.worst().of("ms at worst"));
        }
    }

    /// Adds how much memory the loads took whose rows were added from a place on: before the first that hashes
    /// passwords, and from there on, for what hashing takes is kept for ten to twenty seconds.
    pub(crate) fn memory_under_load(&mut self, store: &str, from: usize) {
        let rows = || self.report.rows.iter().skip(from);
        let is_before = |row: &&Row| !HASHING.contains(&row.name.as_str());
        let figures = [
            (
                "load_mib",
                "memory under any load that hashes nothing",
                most_memory(rows().take_while(is_before)),
            ),
            (
                "hashing_mib",
                "memory under loads of which some hash, two at once",
                most_memory(rows().skip_while(is_before)),
            ),
        ];
        for (name, about, most) in figures {
            let row = Row::of_figures(name, store, about, &[float(most) / MIB]);
            self.add(row.of("MiB at most"));
        }
    }

    /// Refreshes as many families as it can, each once, and looks at what memory that takes.
    async fn session_bytes(&mut self, estate: &Rc<Estate>) -> Result<(), String> {
        let scenarios = table(estate.house.plan.store.has_postgres());
        let refresh = scenarios.iter().find(|scenario| scenario.name == "refresh");
        let refresh = refresh.ok_or("nothing refreshes")?;
        let effort = Effort {
            span: FILLING,
            pace: Pace::Closed,
            ..self.effort()
        };
        // What is made once, by the first requests, is no session's.
        let warm = Effort {
            span: Duration::from_secs(1),
            ..effort
        };
        let warmed = measure_service(refresh, estate, warm).await?;
        tokio::time::sleep(REST).await;
        let before = estate.house.resident();
        let filled = measure_service(refresh, estate, effort).await?;
        tokio::time::sleep(REST).await;
        let grown = float(estate.house.resident()) - float(before);
        let families = filled.answers.saturating_sub(warmed.answers).max(1);
        let about = "memory of a session that was refreshed lately, caches and all";
        let store = estate.house.plan.store.name();
        let row = Row::of_figures("session_bytes", store, about, &[grown / float(families)]);
        self.add(row.of("bytes"));
        Ok(())
    }
}

/// Gives how many bytes a program has without its symbols, whatever the profile leaves in it.
fn stripped(program: &Path) -> Result<f64, String> {
    let copy = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let strip = Command::new("strip")
        .arg("-o")
        .args([copy.path(), program])
        .status();
    match strip {
        Ok(status) if status.success() => {
            let size = fs::metadata(copy.path()).map_err(|error| error.to_string())?;
            Ok(float(size.len()))
        }
        Ok(status) => Err(format!("strip ended with {status}")),
        Err(error) => Err(format!(
            "strip, which comes with a C compiler, did not start: {error}"
        )),
    }
}

// === impl Waits ===

impl Waits {
    async fn measure(estate: &Estate) -> Result<Self, String> {
        let mut waits = Self {
            search: Vec::new(),
            list: Vec::new(),
            login: Vec::new(),
        };
        for path in SEARCHES {
            waits.search.extend(ask_often(estate, path).await?);
        }
        for path in LISTS {
            waits.list.extend(ask_often(estate, path).await?);
        }
        let message = Message::new("POST", "/auth/login").json();
        for turn in 0..OFTEN {
            // Those of even numbers are at home in the default tenant.
            let person = u32::try_from(turn * 2).unwrap_or(0);
            let body = json!({ "email": seed::email(person), "password": PASSWORD }).to_string();
            let mut request = Vec::new();
            message.write(&mut request, &[], Some(&body));
            let asked = time(&estate.house.public, &request, 1).await;
            waits.login.extend(asked?);
        }
        Ok(waits)
    }

    fn each(&self) -> [(&'static str, &'static str, &[f64]); 3] {
        [
            (
                "search",
                "GET /admin/users, searched by address, name, status and day",
                &self.search,
            ),
            (
                "list",
                "GET /admin/users, and pages of it far behind",
                &self.list,
            ),
            ("login", "POST /auth/login, nobody else asking", &self.login),
        ]
    }
}

/// Asks the admin door for one path, again and again.
async fn ask_often(estate: &Estate, path: &str) -> Result<Vec<f64>, String> {
    let message = Message::new("GET", path).with("x-api-key", &estate.house.key);
    let mut request = Vec::new();
    message.write(&mut request, &[], None);
    let asked = time(&estate.house.admin, &request, OFTEN).await;
    asked.map_err(|problem| format!("{path}: {problem}"))
}

/// Gives how many milliseconds each answer took.
async fn time(address: &str, request: &[u8], often: usize) -> Result<Vec<f64>, String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut wire = Wire::open(address).await.map_err(failed)?;
    let mut spans = Vec::new();
    for _ in 0..often {
        let begun = Instant::now();
        let answer = wire.ask(request).await.map_err(failed)?;
        if !answer.is_success() {
            let said = String::from_utf8_lossy(answer.body);
            return Err(format!("answered {}: {said}", answer.status));
        }
        spans.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(spans)
}

fn millis(spans: &[Duration]) -> Vec<f64> {
    spans.iter().map(|span| span.as_secs_f64() * 1e3).collect()
}

fn most_memory<'a>(rows: impl Iterator<Item = &'a Row>) -> u64 {
    let sides = rows.filter_map(|row| row.service.as_ref());
    sides
        .flat_map(|side| &side.memory)
        .copied()
        .max()
        .unwrap_or(0)
}
