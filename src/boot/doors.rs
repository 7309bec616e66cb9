//! Opening the doors: sockets are bound here and lent to the accept loops, so that a loop which is
//! restarted loses no waiting connection. When the service ends they are taken back, and the last
//! accept loop to let go closes them.
//!
//! The tree stops its children one after the other. So that a request which is slow at one door
//! does not eat the time of the others, all doors begin to close at once, when [`Doors::closing`] is
//! cancelled, and only their ends are waited for in turn.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use actors::supervision::{ChildSpec, Observer, TaskGroup};
use store::port::Health;
use store::port::shared::SharedState;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::StartError;
use crate::config::{DoorSettings, Settings};
use crate::flow::Flows;
use crate::grpc::GrpcDoor;
use crate::http::front::Front;
use crate::http::hall::{Hall, Probed};
use crate::http::listener::{Answers, Door, DoorParts, serve};
use crate::http::tls::Tls;

/// The doors, ready to be supervised.
pub(crate) struct Doors {
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) specs: Vec<ChildSpec>,
    /// To be cancelled when the service stops: every door begins to close.
    pub(crate) closing: CancellationToken,
    /// What the doors open into: it knows whether the service is ready.
    pub(crate) hall: Arc<Hall>,
    /// To be told of the tree once it is described: `/ready` and `/admin/actors` show it.
    pub(crate) observer: Arc<OnceLock<Observer>>,
    /// To be taken back when the service ends.
    pub(crate) sockets: Vec<Socket>,
}

/// A bound socket that is lent to accept loops until it is taken back.
#[derive(Clone)]
pub(crate) struct Socket(Arc<Mutex<Option<Arc<TcpListener>>>>);

/// What the doors open into.
pub(crate) struct Behind {
    pub(crate) flows: Arc<Flows>,
    /// Runs the flows that must not be cut in half.
    pub(crate) tasks: TaskGroup,
    pub(crate) database: Arc<dyn Health>,
    pub(crate) shared: SharedState,
    pub(crate) key_service: Option<Arc<dyn Health>>,
}

/// Binds every socket and describes every accept loop.
///
/// # Errors
/// [`StartError::Door`] when an address is taken, [`StartError::Setting`] when a certificate cannot
/// be used.
pub(crate) async fn open(behind: Behind) -> Result<Doors, StartError> {
    let settings = Arc::clone(&behind.flows.settings);
    let tls = load_tls(&settings).await?;
    let observer = Arc::new(OnceLock::new());
    let probed = Probed {
        database: behind.database,
        shared: behind.shared,
        key_service: behind.key_service,
        observer: Arc::clone(&observer),
    };
    let hall = Arc::new(Hall::new(Arc::clone(&behind.flows), behind.tasks, probed));
    let parts = Parts {
        flows: behind.flows,
        tls,
        closing: CancellationToken::new(),
    };

    let (public, public_socket) = bind(&settings.public).await?;
    let (admin, admin_socket) = bind(&settings.admin).await?;
    let (grpc, grpc_socket) = bind(&settings.grpc).await?;
    let collide = |error: matchit::InsertError| StartError::Setting(error.to_string());
    let public_front = Front::public(Arc::clone(&hall)).map_err(collide)?;
    let admin_front = Front::admin(Arc::clone(&hall)).map_err(collide)?;
    let health = GrpcDoor::new(Arc::clone(&hall));
    let health = Arc::new(health.map_err(|error| StartError::Setting(error.to_string()))?);
    let mut specs = vec![
        parts.door("public", public_socket.clone(), Arc::new(public_front)),
        parts.door("admin", admin_socket.clone(), Arc::new(admin_front)),
        parts.door("grpc", grpc_socket.clone(), Arc::clone(&health)),
        ChildSpec::task("grpc-health", move |stop| {
            let health = Arc::clone(&health);
            Box::pin(async move { health.follow(stop).await })
        }),
    ];
    specs.extend(watches(&parts));
    Ok(Doors {
        public,
        admin,
        grpc,
        specs,
        closing: parts.closing,
        hall,
        observer,
        sockets: vec![public_socket, admin_socket, grpc_socket],
    })
}

/// Describes what looks at the certificates' files.
fn watches(parts: &Parts) -> Vec<ChildSpec> {
    let mut specs = Vec::new();
    if let Some(tls) = parts.tls.clone() {
        specs.push(ChildSpec::task("certificates", move |stop| {
            Box::pin(Arc::clone(&tls).watch(stop))
        }));
    }
    if let Some(authorities) = parts.flows.client_authorities.clone() {
        specs.push(ChildSpec::task("client-authorities", move |stop| {
            Box::pin(Arc::clone(&authorities).watch(stop))
        }));
    }
    specs
}

/// What every door has.
struct Parts {
    flows: Arc<Flows>,
    tls: Option<Arc<Tls>>,
    closing: CancellationToken,
}

// === impl Parts ===

impl Parts {
    /// Describes one accept loop. Each start gets a door of its own on the socket that is lent.
    fn door<A: Answers>(&self, name: &'static str, socket: Socket, answers: Arc<A>) -> ChildSpec {
        let (flows, tls) = (Arc::clone(&self.flows), self.tls.clone());
        let closing = self.closing.clone();
        let grace = flows.settings.shutdown_grace;
        let spec = ChildSpec::task(name, move |stop| {
            let Some(listener) = socket.lend() else {
                return Box::pin(async move { stop.cancelled().await });
            };
            let door = Door::new(DoorParts {
                name,
                answers: Arc::clone(&answers),
                tls: tls.clone(),
                trusted_proxies: flows.settings.trusted_proxies.clone(),
                grace,
                meters: Arc::clone(&flows.meters),
            });
            let closing = closing.child_token();
            Box::pin(async move {
                let told = async {
                    stop.cancelled().await;
                    closing.cancel();
                };
                // It ends only when it is stopped itself: any other end would be a crash.
                tokio::join!(serve(listener, Arc::new(door), closing.clone()), told);
            })
        });
        spec.stopping_within(grace)
    }
}

// === impl Socket ===

impl Socket {
    fn new(listener: TcpListener) -> Self {
        Self(Arc::new(Mutex::new(Some(Arc::new(listener)))))
    }

    /// Takes it back: no accept loop gets it any more, and it is closed by the last that has it.
    pub(crate) fn take_back(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn lend(&self) -> Option<Arc<TcpListener>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn bind(settings: &DoorSettings) -> Result<(SocketAddr, Socket), StartError> {
    let wanted = SocketAddr::new(settings.host, settings.port);
    let refused = |error| StartError::Door(wanted, error);
    let listener = TcpListener::bind(wanted).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((bound, Socket::new(listener)))
}

async fn load_tls(settings: &Settings) -> Result<Option<Arc<Tls>>, StartError> {
    let Some(files) = settings.tls.clone() else {
        return Ok(None);
    };
    let tls = Tls::load(files, settings.client_ca.is_some()).await;
    tls.map(|tls| Some(Arc::new(tls)))
        .map_err(|error| StartError::Setting(error.to_string()))
}
