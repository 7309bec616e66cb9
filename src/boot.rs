//! The only place that wires: settings in, a running service out.
//!
//! [`start`] opens the stores, makes the owners and gives each its port, builds the flows, binds the
//! doors' sockets, and starts the supervision tree in the order memory → owners → doors → outflow.
//! [`Running`] is what it gives back: where the doors are, whether everything is up, how to stop it.
//! Nothing here reads the environment or a clock of its own: [`Fittings`] bring them, and tests bring
//! others than `main` does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actors::mail::Courier;
use actors::supervision::{Ended, Observer, TaskGroup, Tree};
use actors::tree::{self, Branches};
use domain::random::Random;
use domain::rejection::Fault;
use domain::secret::SecretText;
use domain::time::Clock;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::{Environment, Settings};
use crate::flow::Flows;
use crate::http::hall::Hall;

mod doors;
mod first_key;
mod hashing;
mod owners;
mod schema;
mod sealing;
mod stores;
mod welcome;

use first_key::FirstKey;
use schema::Schema;
use stores::Stores;

/// How long an operator's command waits for the owners.
const OFFICE_OPENS_WITHIN: Duration = Duration::from_secs(15);
/// How often a start looks at what it waits for once the tree is up.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(50);

/// Everything that comes from outside.
pub struct Fittings {
    /// What the operator decided, its secrets complete.
    pub settings: Settings,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes what nobody can guess.
    pub random: Arc<dyn Random>,
    /// Carries mails out; absent means as the settings say.
    pub courier: Option<Arc<dyn Courier>>,
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An operator has to bring the schema up to date first.
    #[error(
        "the database's schema is older than this version (missing: {0}): run `auth-service migrate up`"
    )]
    SchemaBehind(String),
    /// The store cannot be opened.
    #[error("{0}")]
    Store(#[from] Fault),
    /// A door cannot be opened.
    #[error("cannot listen on {0}: {1}")]
    Door(SocketAddr, std::io::Error),
    /// Something that the settings name cannot be used.
    #[error("{0}")]
    Setting(String),
}

/// A running service.
pub struct Running {
    /// Where the public door is.
    pub public: SocketAddr,
    /// Where the admin door is.
    pub admin: SocketAddr,
    /// Where the gRPC door is.
    pub grpc: SocketAddr,
    flows: Arc<Flows>,
    hall: Arc<Hall>,
    tree: Tree,
    tasks: TaskGroup,
    sockets: Vec<doors::Socket>,
    first_key: watch::Receiver<FirstKey>,
    schema: watch::Receiver<Schema>,
    closing: CancellationToken,
    grace: Duration,
    is_tls: bool,
}

/// Starts the service.
///
/// # Errors
/// See [`StartError`]. A database server that is away is no error: the service is alive, not ready,
/// and recovers by itself.
///
/// # Cancel safety
/// What was started by then ends with the runtime; nothing was promised to anybody.
pub async fn start(fittings: Fittings) -> Result<Running, StartError> {
    let Fittings {
        settings,
        clock,
        random,
        courier,
    } = fittings;
    let settings = Arc::new(settings);
    let environment = settings.environment;
    let mut stores = Stores::open(&settings.store, Arc::clone(&clock))?;
    let schema = schema::settle(&mut stores, environment).await?;
    let outside = owners::Outside {
        settings: Arc::clone(&settings),
        clock,
        random,
        courier,
    };
    let (database, shared) = (Arc::clone(&stores.ports.health), Arc::clone(&stores.shared));
    let staff = owners::hire(outside, stores.ports, stores.shared)?;
    let tasks = TaskGroup::new("requests");
    let flows = Arc::clone(&staff.flows);
    let behind = doors::Behind {
        flows,
        tasks: tasks.clone(),
        database,
        shared,
        key_service: staff.key_service,
    };
    let doors = doors::open(behind).await?;
    let (told, first_key) = watch::channel(FirstKey::None);
    let mut outflow = staff.outflow;
    if makes_first_key(environment) {
        told.send_replace(FirstKey::Pending);
        outflow.push(first_key::spec(Arc::clone(&staff.flows), told));
    }
    let spec = tree::root(Branches {
        memory: stores.tasks,
        owners: staff.owners,
        doors: doors.specs,
        outflow,
    });
    let _ = doors.observer.set(spec.observer());
    let tree = Tree::start(spec).await;
    Ok(Running {
        public: doors.public,
        admin: doors.admin,
        grpc: doors.grpc,
        flows: staff.flows,
        hall: doors.hall,
        tree,
        tasks,
        sockets: doors.sockets,
        first_key,
        schema,
        closing: doors.closing,
        grace: settings.shutdown_grace,
        is_tls: settings.tls.is_some(),
    })
}

/// Says whether a start makes the first API key: elsewhere an operator does.
fn makes_first_key(environment: Environment) -> bool {
    matches!(environment, Environment::Development | Environment::Test)
}

/// The owners without the doors: what an operator's command needs.
pub struct Office {
    flows: Arc<Flows>,
    tree: Tree,
}

/// Starts the stores and the owners, and waits until they are up.
///
/// # Errors
/// See [`StartError`]; here a database server that is away is an error too.
pub async fn office(fittings: Fittings) -> Result<Office, StartError> {
    let Fittings {
        settings,
        clock,
        random,
        courier,
    } = fittings;
    let environment = settings.environment;
    let stores = Stores::open(&settings.store, Arc::clone(&clock))?;
    if schema::bring_up(&stores.durable, environment).await? == Schema::Unknown {
        let away = "the database cannot be reached";
        return Err(StartError::Store(Fault::Store(away.to_owned())));
    }
    let outside = owners::Outside {
        settings: Arc::new(settings),
        clock,
        random,
        courier,
    };
    let staff = owners::hire(outside, stores.ports, stores.shared)?;
    let branches = Branches {
        memory: stores.tasks,
        owners: staff.owners,
        ..Branches::default()
    };
    let tree = Tree::start(tree::root(branches)).await;
    let office = Office {
        flows: staff.flows,
        tree,
    };
    let observer = office.tree.observer();
    let up = wait_until_up(&observer, &office.flows);
    if timeout(OFFICE_OPENS_WITHIN, up).await.is_ok() {
        return Ok(office);
    }
    let failing = observer.failing().join(", ");
    office.stop().await;
    let text = format!("not up: {failing}");
    Err(StartError::Store(Fault::Store(text)))
}

/// Applies every missing migration, and names them.
///
/// # Errors
/// [`StartError::Store`] when the store cannot be reached or refuses one.
pub async fn migrate(fittings: &Fittings) -> Result<Vec<String>, StartError> {
    let stores = Stores::open(&fittings.settings.store, Arc::clone(&fittings.clock))?;
    Ok(stores.durable.migrate().await?)
}

/// Names every migration that is missing.
///
/// # Errors
/// [`StartError::Store`] when the store cannot be reached.
pub async fn pending_migrations(fittings: &Fittings) -> Result<Vec<String>, StartError> {
    let stores = Stores::open(&fittings.settings.store, Arc::clone(&fittings.clock))?;
    Ok(stores.durable.pending().await?)
}

// === impl Running ===

impl Running {
    /// Gives what flows may use.
    #[must_use]
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// Waits until the service says that it is ready, for `limit` and one look at most. Whoever asks
    /// `/ready` afterwards is given the same answer until something changes.
    ///
    /// # Errors
    /// The names of what is missing.
    pub async fn ready(&self, limit: Duration) -> Result<(), String> {
        let observer = self.tree.observer();
        let ready = async {
            wait_until_up(&observer, &self.flows).await;
            while !self.hall.becomes_ready().await {
                sleep(LOOKED_AT_EVERY).await;
            }
        };
        if timeout(limit, ready).await.is_ok() {
            return Ok(());
        }
        let missing = self.hall.missing().await;
        if missing.is_empty() {
            return Ok(());
        }
        Err(missing.join(", "))
    }

    /// Gives the API key that this start made, once the store is up; `None` if it made none.
    pub async fn first_key(&self) -> Option<SecretText> {
        let mut told = self.first_key.clone();
        let known = told
            .wait_for(|key| !matches!(key, FirstKey::Pending))
            .await
            .ok()?;
        match &*known {
            FirstKey::Made(key) => Some(key.clone()),
            FirstKey::Pending | FirstKey::None => None,
        }
    }

    /// Writes what a start says to the person who made it.
    #[must_use]
    pub fn welcome(&self, first_key: Option<&SecretText>) -> String {
        let (public, admin, grpc) = (self.public, self.admin, self.grpc);
        welcome::render(
            welcome::Doors {
                public,
                admin,
                grpc,
                is_tls: self.is_tls,
            },
            first_key,
        )
    }

    /// Waits until the tree ends by itself, which it only does when it gives up.
    pub async fn ended(&self) -> Ended {
        self.tree.ended().await
    }

    /// Waits until the service must not go on: its store was away at the start and turns out to need
    /// an operator. Until then it is not ready; whoever started it stops it.
    pub async fn refused(&self) -> StartError {
        schema::behind(self.schema.clone()).await
    }

    /// Stops in reverse order: the doors stop accepting, close their sockets and answer what is in
    /// flight, then the owners stop, then the stores.
    pub async fn stop(&self) {
        for socket in &self.sockets {
            socket.take_back();
        }
        self.closing.cancel();
        self.tree.stop(self.grace).await;
        self.tasks.drain(Duration::from_secs(1)).await;
    }
}

// === impl Office ===

impl Office {
    /// Gives what flows may use.
    #[must_use]
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// Stops the owners and closes the stores.
    pub async fn stop(&self) {
        self.tree.stop(Duration::from_secs(5)).await;
    }
}

/// Waits until the tree is healthy and a key can sign.
async fn wait_until_up(observer: &Observer, flows: &Flows) {
    while !observer.is_healthy() || flows.keys.ring().signer().is_none() {
        sleep(Duration::from_millis(2)).await;
    }
}
