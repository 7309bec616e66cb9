//! `auth-service serve`: the service, from its first line to its last.
//!
//! Signals are listened to before anything is started, so that none is lost, and heard while it
//! starts. While the store is away the service is alive but not ready: that is said once, and it
//! waits; if the store then has an older schema, it ends as if it had found that at once. SIGTERM and
//! SIGINT stop it in order, a second one at once. When the supervision tree gives up the process ends
//! with status 70, and whatever supervises the process starts it again.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::time::Duration;

use actors::supervision::Ended;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::Failure;
use super::prepare;
use crate::boot::{self, Fittings, Running};
use crate::config::Configuration;
use crate::telemetry;

#[cfg(feature = "failpoints")]
mod storm;

/// How long a start usually takes at most; after it the operator is told what it waits for.
const USUAL_START: Duration = Duration::from_secs(3);
/// How long one wait for readiness is after that.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long threads that block may take to end with the process.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Runs the service until it is told to stop.
///
/// # Errors
/// [`Failure`] when it cannot start, gives up, or is told to end before it has stopped.
pub(super) fn run(configuration: &Configuration) -> Result<(), Failure> {
    let mut settings = prepare::settings(configuration)?;
    prepare::complete(&mut settings)?;
    let telemetry = telemetry::start(&settings.log, settings.otel_endpoint.as_ref());
    let _telemetry = telemetry.map_err(|error| Failure::Failed(error.to_string()))?;
    let runtime = prepare::runtime()?;
    let done = runtime.block_on(serve(prepare::fittings(settings)));
    runtime.shutdown_timeout(LAST_MOMENT);
    done
}

async fn serve(fittings: Fittings) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let store = fittings.settings.store.clone();
    let started = tokio::select! {
        started = Box::pin(boot::start(fittings)) => started,
        name = signals.next() => {
            tracing::info!(signal = name, "told to stop before everything was started");
            return Ok(());
        }
    };
    let running = started.map_err(|error| Failure::of_start(&error, &store))?;
    #[cfg(feature = "failpoints")]
    storm::arm(&running);
    tokio::select! {
        ended = running.ended() => judge(ended),
        never = announce(&running) => match never {},
        error = running.refused() => {
            stop(&running, &mut signals).await?;
            Err(Failure::of_start(&error, &store))
        }
        name = signals.next() => {
            tracing::info!(signal = name, "told to stop: answering what is in flight");
            stop(&running, &mut signals).await
        }
    }
}

/// Waits until the service is ready, says so, and never returns.
async fn announce(running: &Running) -> Infallible {
    if let Err(missing) = running.ready(USUAL_START).await {
        tracing::warn!(missing, "not ready yet: waiting for what is missing");
        while running.ready(PATIENCE).await.is_err() {}
    }
    let first_key = running.first_key().await;
    if let Err(failure) = prepare::show(&running.welcome(first_key.as_ref())) {
        let hint = "if an admin API key was made, make another: auth-service admin create-key";
        tracing::error!(%failure, hint, "the welcome could not be written");
    }
    tracing::info!("ready");
    pending().await
}

async fn stop(running: &Running, signals: &mut Signals) -> Result<(), Failure> {
    tokio::select! {
        () = running.stop() => {
            tracing::info!("stopped");
            Ok(())
        }
        name = signals.next() => {
            let text = format!("told to end by a second {name} before everything was answered");
            Err(Failure::Failed(text))
        }
    }
}

fn judge(ended: Ended) -> Result<(), Failure> {
    match ended {
        Ended::Stopped => Ok(()),
        Ended::Failed(cause) => {
            tracing::error!(
                cause,
                "the service gives up: what supervises it must start it again"
            );
            Err(Failure::GaveUp(format!("the service gave up: {cause}")))
        }
    }
}

/// What tells the service to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

// === impl Signals ===

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for a signal and names it.
    ///
    /// # Cancel safety
    /// No signal is lost.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_gives_up_ends_the_process_with_70() {
        let failed = judge(Ended::Failed("owners: too many restarts".to_owned()));
        let expected = "the service gave up: owners: too many restarts".to_owned();
        assert_eq!(failed, Err(Failure::GaveUp(expected)));
        assert_eq!(judge(Ended::Stopped), Ok(()));
    }
}
