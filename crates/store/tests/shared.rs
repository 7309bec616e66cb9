//! One suite on every backend of the port `Shared`, and what only Redis has to show.
//!
//! `TEST_REDIS=host:port` names a Redis to run the suite on. With it, the trials that stop, freeze
//! and restart a server, and those on a cluster, run on private servers started from
//! `TEST_REDIS_SERVER` (default: `redis-server` on the `PATH`). Without it only the in-process
//! backend is judged, and the last line says so.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};

#[path = "shared/outage.rs"]
mod outage;
#[path = "shared/server.rs"]
mod server;
#[path = "shared/suite.rs"]
mod suite;

/// What a trial says of itself: nothing, or why the claim in its name does not hold.
type Verdict = Result<(), Failed>;

/// How long a trial may take before it counts as hanging.
const TRIAL_LIMIT: Duration = Duration::from_mins(1);

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = suite::trials("memory", || Ok(suite::Backend::memory()));
    let redis = variable("TEST_REDIS");
    if let Some(address) = redis.clone() {
        trials.extend(suite::trials("redis", move || {
            suite::Backend::redis(&address)
        }));
        // Started by the first trial that needs it, gone with the last.
        let cluster = Arc::new(OnceLock::new());
        trials.extend(suite::trials("cluster", move || {
            suite::Backend::cluster(&cluster)
        }));
        trials.extend(outage::trials());
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if redis.is_none() && !arguments.list {
        println!("not run: shared state on Redis: TEST_REDIS is not set");
    }
    conclusion.exit();
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by its environment which servers it may use"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Makes a trial of an async claim, with a runtime of its own.
fn trial<F, C>(name: String, claim: C) -> Trial
where
    F: Future<Output = Verdict>,
    C: FnOnce() -> F + Send + 'static,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(async {
            tokio::time::timeout(TRIAL_LIMIT, claim())
                .await
                .map_err(|_| Failed::from("it hangs"))?
        })
    })
}

/// Fails with `claim` unless it holds.
fn hold(holds: bool, claim: impl Into<String>) -> Verdict {
    if holds {
        Ok(())
    } else {
        Err(Failed::from(claim.into()))
    }
}
