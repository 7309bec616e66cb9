//! Bringing the store's schema up to date before anything relies on it.
//!
//! The embedded store, and any store in development, is migrated here. Elsewhere migrations are an
//! operator's step (`auth-service migrate up`), and a node that finds an older schema than it needs
//! does not start. A server that cannot be reached yet is waited for: the node is alive but not
//! ready until it knows the schema, and ends like one that did not start if that turns out older.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use actors::supervision::ChildSpec;
use domain::rejection::Fault;
use store::port::{Health, Pending};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::StartError;
use super::stores::{Durable, Stores};
use crate::config::Environment;

/// How long between two looks at a server that is away.
const RETRY: Duration = Duration::from_secs(1);
/// How often the log is reminded of a server that is away for long.
const REMIND_EVERY: Duration = Duration::from_secs(30);

/// What is known of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Schema {
    /// It is as this version needs it.
    Current,
    /// The server cannot be reached; look again later.
    Unknown,
    /// An operator has to apply these migrations first.
    Behind(String),
}

/// A store that is not fine before its schema is known to be.
struct Judged {
    store: Arc<dyn Health>,
    schema: watch::Receiver<Schema>,
}

// === impl Judged ===

impl Health for Judged {
    fn check(&self) -> Pending<'_, ()> {
        if *self.schema.borrow() == Schema::Current {
            return self.store.check();
        }
        let unknown = "the schema is not known to be current";
        Box::pin(async move { Err(Fault::Store(unknown.to_owned())) })
    }

    fn name(&self) -> &'static str {
        self.store.name()
    }
}

/// Brings the schema up to date. Where that is not known yet, adds what waits for it to the stores'
/// tasks; their health is not fine before.
///
/// # Errors
/// As [`bring_up`].
pub(crate) async fn settle(
    stores: &mut Stores,
    environment: Environment,
) -> Result<watch::Receiver<Schema>, StartError> {
    let known = bring_up(&stores.durable, environment).await?;
    let (told, schema) = watch::channel(known);
    if *schema.borrow() == Schema::Unknown {
        let gate = gate(stores.durable.clone(), environment, told);
        stores.tasks.push(gate);
        stores.ports.health = Arc::new(Judged {
            store: Arc::clone(&stores.ports.health),
            schema: schema.clone(),
        });
    }
    Ok(schema)
}

/// Looks once, and migrates if that is ours to do.
///
/// # Errors
/// [`StartError::SchemaBehind`] when an operator has to migrate first, [`StartError::Store`] when
/// the embedded store cannot be migrated.
pub(crate) async fn bring_up(
    durable: &Durable,
    environment: Environment,
) -> Result<Schema, StartError> {
    match step(durable, environment).await {
        Ok(missing) if missing.is_empty() => Ok(Schema::Current),
        Ok(missing) => Err(StartError::SchemaBehind(missing.join(", "))),
        Err(fault) if durable.is_embedded() => Err(StartError::Store(fault)),
        Err(fault) => {
            tracing::warn!(%fault, "PostgreSQL cannot be used yet; trying again every second");
            Ok(Schema::Unknown)
        }
    }
}

/// Describes the task that waits for a server that was away at the start, and tells what it finds.
fn gate(durable: Durable, environment: Environment, told: watch::Sender<Schema>) -> ChildSpec {
    ChildSpec::task("schema", move |stop| {
        let (durable, told) = (durable.clone(), told.clone());
        Box::pin(async move {
            tokio::select! {
                schema = wait(&durable, environment) => {
                    told.send_replace(schema);
                    stop.cancelled().await;
                }
                () = stop.cancelled() => {}
            }
        })
    })
}

/// Waits until an operator has to migrate first, and never ends if nobody has to.
pub(crate) async fn behind(mut schema: watch::Receiver<Schema>) -> StartError {
    let found = schema.wait_for(|schema| matches!(schema, Schema::Behind(_)));
    let missing = match found.await.as_deref() {
        Ok(Schema::Behind(missing)) => Some(missing.clone()),
        _ => None,
    };
    match missing {
        Some(missing) => StartError::SchemaBehind(missing),
        None => pending().await,
    }
}

/// That the server is away was said by [`bring_up`], so it is said again only after a while.
async fn wait(durable: &Durable, environment: Environment) -> Schema {
    let mut away_told = Instant::now();
    loop {
        match step(durable, environment).await {
            Ok(missing) if missing.is_empty() => return Schema::Current,
            Ok(missing) => return Schema::Behind(missing.join(", ")),
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
