//! The contract suite on PostgreSQL, and the claims that only PostgreSQL can make.
//!
//! The server is named by `TEST_POSTGRES`, for example
//! `host=127.0.0.1 port=5432 user=postgres password=postgres`; the role must be a superuser, since
//! each case gets a database of its own. A template is migrated once; each case copies it and drops
//! its copy. Nothing is left behind.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "these are tests: a broken claim panics"
)]

use std::sync::Arc;

use libtest_mimic::Trial;
use store::contract::cases;
use tokio::task::JoinSet;

use super::backend;
use server::{Database, Server, Template};

mod audit_plans;
mod border;
mod gather;
mod outage;
mod pinned;
mod plans;
mod rings;
mod server;

/// Says why the suite cannot run on PostgreSQL, for the last lines of the run.
pub(crate) fn unavailable() -> Option<&'static str> {
    match Server::from_environment() {
        Some(_) => None,
        None => Some("PostgreSQL: TEST_POSTGRES names no server"),
    }
}

/// Lists the trials of this backend; none when there is no server.
pub(crate) fn trials() -> Vec<Trial> {
    let Some(server) = Server::from_environment() else {
        return Vec::new();
    };
    let template = Arc::new(Template::new(server));
    let shared = cases().into_iter().map(|case| {
        trial(case.name, &template, move |database: Database| async move {
            let mut tasks = JoinSet::new();
            tasks.spawn(database.store.listen());
            tasks.spawn(database.store.serve_gathered());
            (case.run)(database.store.ports()).await;
        })
    });
    let own = border::claims()
        .into_iter()
        .chain(outage::claims())
        .chain(gather::claims())
        .chain(plans::claims())
        .chain(audit_plans::claims())
        .chain(pinned::claims())
        .chain(rings::claims());
    let own = own.map(|(name, run)| trial(name, &template, run));
    shared.chain(own).collect()
}

/// Runs a claim on a database of its own.
fn trial<F: Future<Output = ()>>(
    name: &str,
    template: &Arc<Template>,
    run: impl FnOnce(Database) -> F + Send + 'static,
) -> Trial {
    let template = Arc::clone(template);
    backend::trial(format!("postgres::{name}"), move || async move {
        run(template.copy().await).await;
    })
}
