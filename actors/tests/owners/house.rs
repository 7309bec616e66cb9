//! A house to test owners in: the embedded store in a temporary directory, a clock that stands, and
//! trees to hang owners in.

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actors::deadline::Deadline;
use actors::keys::{Keys, KeysConfig, KeysNeeds, Sealing, keys};
use actors::limits::{Limits, LimitsConfig, limits};
use actors::supervision::{ChildSpec, Tree};
use actors::tenants::{Tenants, TenantsConfig, TenantsNeeds, tenants};
use actors::tree::{Branches, root};
use domain::attempt::AttemptPolicy;
use domain::id::TenantId;
use domain::key::Algorithm;
use domain::rejection::Fault;
use domain::secret::SecretBytes;
use domain::time::{Clock, ManualClock, UnixMillis};
use futures_util::FutureExt;
use protocol::entropy::SystemRandom;
use protocol::system_secrets::SystemSecrets;
use store::contract::fixture::{self, World};
use store::memory::Memory;
use store::port::{Pending, Ports};
use store::sqlite::Sqlite;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

/// The service's default rule for failed sign-ins.
pub(crate) const POLICY: AttemptPolicy = AttemptPolicy {
    delay_after: 5,
    lock_after: 10,
    lockout: Duration::from_mins(15),
    disable_after: 100,
};

/// What an owner takes at most to be back, and a change to be known, whatever else the machine does.
pub(crate) const SOON: Duration = Duration::from_secs(10);

pub(crate) struct House {
    pub(crate) store: Sqlite,
    pub(crate) ports: Ports,
    pub(crate) world: World,
    pub(crate) clock: Arc<ManualClock>,
    _writer: Tree,
    _directory: TempDir,
}

impl House {
    pub(crate) async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let store = Sqlite::open(&directory.path().join("auth.db")).unwrap();
        store.migrate().unwrap();
        let writes = store.clone();
        let writer = ChildSpec::task("writer", move |stop| {
            let serve = writes.serve_writes();
            async move {
                tokio::select! {
                    () = serve => {}
                    () = stop.cancelled() => {}
                }
            }
            .boxed()
        });
        let memory = Branches {
            memory: vec![writer],
            ..Branches::default()
        };
        let writer = Tree::start(root(memory)).await;
        let ports = store.ports();
        Self {
            world: World::new(ports.clone()).await,
            clock: Arc::new(ManualClock::new(fixture::at(0))),
            store,
            ports,
            _writer: writer,
            _directory: directory,
        }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    pub(crate) fn tenants(&self) -> (Tenants, ChildSpec) {
        let config = TenantsConfig {
            default: None,
            cache_ttl: Duration::from_mins(5),
        };
        let needs = TenantsNeeds {
            tenants: self.ports.tenants.clone(),
            clients: self.ports.clients.clone(),
            clock: self.clock.clone(),
            random: Arc::new(SystemRandom),
        };
        tenants(config, needs)
    }

    pub(crate) fn keys_config(&self) -> KeysConfig {
        let tenant = self.world.tenant;
        KeysConfig {
            tenant: Arc::new(move || Some(tenant)),
            algorithm: Algorithm::Es256,
            rotation_interval: Duration::from_hours(90 * 24),
            retired_for: Duration::from_hours(1),
            jwks_max_age: Duration::from_mins(10),
            import_pem: None,
        }
    }

    pub(crate) fn keys_needs(&self, secrets: &[u8]) -> KeysNeeds {
        KeysNeeds {
            store: self.ports.keys.clone(),
            secrets: secrets_of(secrets),
            sealing: Arc::new(Plainly),
            clock: self.clock.clone(),
            random: Arc::new(SystemRandom),
        }
    }

    pub(crate) fn keys(&self) -> (Keys, ChildSpec) {
        keys(self.keys_config(), self.keys_needs(&[1])).unwrap()
    }

    pub(crate) fn limits(&self) -> (Limits, ChildSpec) {
        let config = LimitsConfig {
            per_second: NonZeroU32::new(50).unwrap(),
            burst: NonZeroU32::new(100).unwrap(),
            max_failures: 10,
            lockout: Duration::from_mins(15),
        };
        let shared = Arc::new(Memory::new(self.clock.clone()));
        limits(config, shared, self.clock.clone())
    }
}

/// Seals for a tenant and a context by writing them down: the vault has tests of its own.
struct Plainly;

impl Sealing for Plainly {
    fn seal(&self, tenant: TenantId, context: String, plain: SecretBytes) -> Pending<'_, Vec<u8>> {
        let label = format!("{tenant} {context} ").into_bytes();
        Box::pin(async move { Ok([label, plain.expose().to_vec()].concat()) })
    }

    fn open(
        &self,
        tenant: TenantId,
        context: String,
        sealed: Vec<u8>,
    ) -> Pending<'_, Zeroizing<Vec<u8>>> {
        let label = format!("{tenant} {context} ").into_bytes();
        let plain = sealed.strip_prefix(label.as_slice()).map(<[u8]>::to_vec);
        let plain = plain.ok_or_else(|| Fault::Broken("another's".to_owned()));
        Box::pin(async move { plain.map(Zeroizing::new) })
    }
}

/// Hangs owners in a tree as the service does.
pub(crate) async fn raise(owners: Vec<ChildSpec>) -> Tree {
    let branches = Branches {
        owners,
        ..Branches::default()
    };
    Tree::start(root(branches)).await
}

/// Hangs what works off the request path in a tree as the service does.
pub(crate) async fn raise_outflow(outflow: Vec<ChildSpec>) -> Tree {
    let branches = Branches {
        outflow,
        ..Branches::default()
    };
    Tree::start(root(branches)).await
}

pub(crate) fn secrets_of(seeds: &[u8]) -> Arc<SystemSecrets> {
    let list: Vec<_> = seeds
        .iter()
        .map(|seed| SecretBytes::new(vec![*seed; 32]))
        .collect();
    Arc::new(SystemSecrets::new(&list).unwrap())
}

/// A deadline that no test should reach.
pub(crate) fn in_time() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// Asks until the answer is yes, says how long that took, and fails when it takes longer than `within`.
///
/// # Panics
/// If it does.
pub(crate) async fn within<F>(
    within: Duration,
    claim: &str,
    mut asked: impl FnMut() -> F,
) -> Duration
where
    F: Future<Output = bool>,
{
    let began = Instant::now();
    while !asked().await {
        assert!(began.elapsed() < within, "not within {within:?}: {claim}");
        sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

/// Measures up to three times, since the machine may have much else to do, and fails if it never took
/// less than a second. A round is told its number.
///
/// # Panics
/// If it never did.
pub(crate) async fn within_a_second(mut round: impl AsyncFnMut(usize) -> Duration) {
    let mut measured = Vec::new();
    for number in 0..3 {
        let took = round(number).await;
        measured.push(took);
        if took < Duration::from_secs(1) {
            return;
        }
    }
    panic!("never within a second: {measured:?}");
}
