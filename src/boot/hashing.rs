//! The threads that hash passwords, and the task that has them give their memory back.

use std::num::NonZeroUsize;
use std::sync::Arc;

use actors::supervision::ChildSpec;
use hashing::{Cost, Hashing, HashingConfig, NotStarted};

use super::owners::Outside;
use crate::telemetry::meters::Meters;

/// Starts the threads.
///
/// # Errors
/// See [`NotStarted`].
pub(super) fn start(outside: &Outside, meters: &Arc<Meters>) -> Result<Hashing, NotStarted> {
    let (settings, meters) = (&outside.settings, Arc::clone(meters));
    let config = HashingConfig {
        cost: Cost {
            memory_kib: settings.hashing.memory_kib,
            time: settings.hashing.time,
            parallelism: settings.hashing.parallelism,
        },
        threads: NonZeroUsize::new(settings.hashing.threads).unwrap_or(NonZeroUsize::MIN),
        queue: settings.hashing.queue,
        peppers: settings.secrets.peppers.clone(),
    };
    let watch = Arc::new(move |span| meters.observe_hashing(span));
    Hashing::new(&config, Arc::clone(&outside.random), watch)
}

/// Describes the task that looks whether anybody hashes.
pub(super) fn rest(hashing: Hashing) -> ChildSpec {
    ChildSpec::task("hashing-rest", move |stop| {
        let hashing = hashing.clone();
        Box::pin(async move {
            stop.run_until_cancelled(hashing.rest()).await;
        })
    })
    .tolerant()
}
