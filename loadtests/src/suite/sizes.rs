//! How small the service is: its binary, its memory, its start.

use std::fs;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Suite;
use crate::bench::{Effort, measure_service};
use crate::estate::Estate;
use crate::message::Message;
use crate::numbers::float;
use crate::pace::Pace;
use crate::report::Row;
use crate::scenario::table;
use crate::wire::Wire;

const MIB: f64 = 1_048_576.0;
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
    "/admin/users?page=90",
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
    /// When the binary is gone.
    pub(crate) fn sizes(&mut self, estate: &Rc<Estate>) -> Result<(), String> {
        let store = estate.house.plan.store.name();
        let binary = fs::metadata(&self.program).map_err(|error| error.to_string())?;
        let figures = [
            ("binary_mib", "the binary", float(binary.len()) / MIB, "MiB"),
            (
                "idle_mib",
                "memory of an idle service on an empty store",
                float(estate.idle[0]) / MIB,
                "MiB",
            ),
            (
                "start_ms",
                "from exec to ready on an existing store",
                estate.starts[0].as_secs_f64() * 1e3,
                "ms",
            ),
        ];
        for (name, about, figure, unit) in figures {
            self.add(Row::of_figures(name, store, about, &[figure]).of(unit));
        }
        Ok(())
    }

    /// Adds what one on a grown store is.
    ///
    /// # Errors
    /// A sentence when nothing can be measured.
    pub(crate) async fn grown_sizes(&mut self, estate: &Rc<Estate>) -> Result<(), String> {
        let store = estate.house.plan.store.name();
        let more = float(estate.idle[1]) - float(estate.idle[0]);
        let figures = [
            (
                "tenants_mib",
                "memory that the tenants of a grown store take",
                more / MIB,
                "MiB",
            ),
            (
                "grown_start_ms",
                "from exec to ready on a grown store",
                estate.starts[1].as_secs_f64() * 1e3,
                "ms",
            ),
        ];
        for (name, about, figure, unit) in figures {
            self.add(Row::of_figures(name, store, about, &[figure]).of(unit));
        }
        self.lists(estate).await?;
        self.session_bytes(estate).await
    }

    /// Adds how long an operator waits for a page of accounts, at worst.
    async fn lists(&mut self, estate: &Rc<Estate>) -> Result<(), String> {
        let store = estate.house.plan.store.name();
        for (name, about, paths) in [
            (
                "grown_search_ms",
                "GET /admin/users, searched by address, name, status and day",
                &SEARCHES[..],
            ),
            (
                "grown_list_ms",
                "GET /admin/users, and pages of it far behind",
                &LISTS[..],
            ),
        ] {
            let mut spans = Vec::new();
            for path in paths {
                spans.extend(ask_often(estate, path).await?);
            }
            let row = Row::of_figures(name, store, about, &spans);
            self.add(row.worst().of("ms"));
        }
        Ok(())
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

/// Asks the admin door for one path, again and again; gives how many milliseconds each answer took.
async fn ask_often(estate: &Estate, path: &str) -> Result<Vec<f64>, String> {
    let failed = |error: std::io::Error| format!("{path}: {error}");
    let message = Message::new("GET", path).with("x-api-key", &estate.house.key);
    let mut request = Vec::new();
    message.write(&mut request, &[], None);
    let mut wire = Wire::open(&estate.house.admin).await.map_err(failed)?;
    let mut spans = Vec::new();
    for _ in 0..OFTEN {
        let begun = Instant::now();
        let answer = wire.ask(&request).await.map_err(failed)?;
        if !answer.is_success() {
            let said = String::from_utf8_lossy(answer.body);
            return Err(format!("{path} was answered {}: {said}", answer.status));
        }
        spans.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(spans)
}
