//! How small the service is: its binary, its memory, its start.

use std::fs;
use std::rc::Rc;
use std::time::Duration;

use super::Suite;
use crate::bench::{Effort, measure_service};
use crate::estate::Estate;
use crate::numbers::float;
use crate::pace::Pace;
use crate::report::Row;
use crate::scenario::table;

const MIB: f64 = 1_048_576.0;
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
        self.session_bytes(estate).await
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
