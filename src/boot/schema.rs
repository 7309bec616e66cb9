//! Bringing the store's schema up to date before anything relies on it.
//!
//! The embedded store, and any store in development, is migrated here. Elsewhere migrations are an
//! operator's step (`auth-service migrate up`), and a node that finds an older schema than it needs
//! does not start. A server that cannot be reached yet is waited for: the node is alive but not
//! ready meanwhile.

use std::time::Duration;

use actors::supervision::ChildSpec;
use domain::rejection::Fault;
use tokio::time::{Instant, sleep};

use super::StartError;
use super::stores::Durable;
use crate::config::Environment;

/// How long between two looks at a server that is away.
const RETRY: Duration = Duration::from_secs(1);
/// How often the log is reminded of a server that is away for long.
const REMIND_EVERY: Duration = Duration::from_secs(30);

/// What the schema needs before the store can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// Nothing: it is as this version needs it.
    Current,
    /// The server cannot be reached; look again later.
    Unknown,
}

/// Looks once, and migrates if that is ours to do.
///
/// # Errors
/// [`StartError::SchemaBehind`] when an operator has to migrate first, [`StartError::Store`] when
/// the embedded store cannot be migrated.
pub(crate) async fn bring_up(
    durable: &Durable,
    environment: Environment,
) -> Result<Readiness, StartError> {
    match step(durable, environment).await {
        Ok(missing) if missing.is_empty() => Ok(Readiness::Current),
        Ok(missing) => Err(StartError::SchemaBehind(missing.join(", "))),
        Err(fault) if durable.is_embedded() => Err(StartError::Store(fault)),
        Err(fault) => {
            tracing::warn!(%fault, "PostgreSQL cannot be used yet; trying again every second");
            Ok(Readiness::Unknown)
        }
    }
}

/// Describes the task that waits for a server that was away at the start.
pub(crate) fn gate(durable: Durable, environment: Environment) -> ChildSpec {
    ChildSpec::task("schema", move |stop| {
        let durable = durable.clone();
        Box::pin(async move {
            tokio::select! {
                () = wait(&durable, environment) => stop.cancelled().await,
                () = stop.cancelled() => {}
            }
        })
    })
}

/// That the server is away was said by [`bring_up`], so it is said again only after a while; that an
/// operator has to migrate is said at once.
async fn wait(durable: &Durable, environment: Environment) {
    let (mut away_told, mut behind_told) = (Instant::now(), None::<Instant>);
    loop {
        match step(durable, environment).await {
            Ok(missing) if missing.is_empty() => return,
            Ok(missing) => {
                if behind_told.is_none_or(|told| told.elapsed() >= REMIND_EVERY) {
                    let missing = missing.join(", ");
                    let hint = "run `auth-service migrate up`";
                    tracing::error!(missing, hint, "the schema is older than this version");
                    behind_told = Some(Instant::now());
                }
            }
            Err(fault) if away_told.elapsed() >= REMIND_EVERY => {
                tracing::warn!(%fault, "PostgreSQL still cannot be used; trying every second");
                away_told = Instant::now();
            }
            Err(_) => {}
        }
        sleep(RETRY).await;
    }
}

/// Migrates where that is ours to do, and names what is missing after it.
async fn step(durable: &Durable, environment: Environment) -> Result<Vec<String>, Fault> {
    let missing = durable.pending().await?;
    let is_ours = durable.is_embedded()
        || matches!(environment, Environment::Development | Environment::Test);
    if missing.is_empty() || !is_ours {
        return Ok(missing);
    }
    let applied = durable.migrate().await?;
    tracing::info!(
        applied = applied.join(", "),
        "the schema was brought up to date"
    );
    Ok(Vec::new())
}
