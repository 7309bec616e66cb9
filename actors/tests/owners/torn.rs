//! A keys owner that dies at any point of a rotation, or of a revocation: before the step of the store,
//! after its commit, or at the reading that follows. What it leaves is a ring that works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actors::keys::{Keys, KeysNeeds, Rotated, keys};
use actors::supervision::Tree;
use domain::event::Entry;
use domain::id::TenantId;
use domain::key::{Algorithm, KeyState, SigningKey};
use domain::time::UnixMillis;
use serde_json::Value;
use store::contract::fixture::origin;
use store::port::Pending;
use store::port::keys as port;
use store::port::keys::{KeyRevocation, KeyRotation};

use crate::house::{House, SOON, in_time, raise, within};

/// Where the owner dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tear {
    BeforeTheStep,
    AfterTheCommit,
    AtTheNextReading,
}

const TEARS: [Tear; 3] = [
    Tear::BeforeTheStep,
    Tear::AfterTheCommit,
    Tear::AtTheNextReading,
];

/// A store at which its owner dies once.
struct Torn {
    inner: Arc<dyn port::Keys>,
    tear: Tear,
    is_armed: AtomicBool,
    /// The step was committed, and the next reading is the one.
    is_due: AtomicBool,
}

impl Torn {
    fn dies_at(&self, tear: Tear) -> bool {
        self.tear == tear && self.is_armed.swap(false, Ordering::SeqCst)
    }

    async fn step(&self, verb: Pending<'_, bool>) -> Result<bool, domain::rejection::Fault> {
        assert!(!self.dies_at(Tear::BeforeTheStep), "before the step");
        let done = verb.await?;
        assert!(!self.dies_at(Tear::AfterTheCommit), "after the commit");
        self.is_due.store(true, Ordering::SeqCst);
        Ok(done)
    }
}

impl port::Keys for Torn {
    fn load_keys(&self) -> Pending<'_, Vec<SigningKey>> {
        let is_due = self.is_due.load(Ordering::SeqCst);
        assert!(
            !(is_due && self.dies_at(Tear::AtTheNextReading)),
            "at the reading"
        );
        self.inner.load_keys()
    }

    fn ensure_keys(
        &self,
        ring: Vec<SigningKey>,
        instead_of: Algorithm,
        entry: Entry,
    ) -> Pending<'_, Vec<SigningKey>> {
        self.inner.ensure_keys(ring, instead_of, entry)
    }

    fn rotate_keys(&self, rotation: KeyRotation) -> Pending<'_, bool> {
        Box::pin(self.step(self.inner.rotate_keys(rotation)))
    }

    fn revoke_key(&self, revocation: KeyRevocation) -> Pending<'_, bool> {
        Box::pin(self.step(self.inner.revoke_key(revocation)))
    }

    fn import_key(
        &self,
        key: SigningKey,
        instead_of: Algorithm,
        now: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, bool> {
        self.inner.import_key(key, instead_of, now, entry)
    }

    fn reseal_key(&self, tenant: TenantId, kid: String, sealed: Vec<u8>) -> Pending<'_, ()> {
        self.inner.reseal_key(tenant, kid, sealed)
    }

    fn purge_keys(&self, horizon: UnixMillis) -> Pending<'_, u64> {
        self.inner.purge_keys(horizon)
    }
}

struct Patient {
    house: House,
    keys: Keys,
    tree: Tree,
}

impl Patient {
    async fn with(tear: Tear) -> Self {
        let house = House::new().await;
        let store = Torn {
            inner: house.ports.keys.clone(),
            tear,
            is_armed: AtomicBool::new(true),
            is_due: AtomicBool::new(false),
        };
        let needs = KeysNeeds {
            store: Arc::new(store),
            ..house.keys_needs(&[1])
        };
        let (keys, spec) = keys(house.keys_config(), needs).unwrap();
        let tree = raise(vec![spec]).await;
        house.clock.advance(house.keys_config().jwks_max_age);
        Self { house, keys, tree }
    }

    fn signing(&self) -> String {
        let ring = self.keys.ring();
        ring.signer().unwrap().key().kid().to_owned()
    }

    fn published(&self) -> Vec<String> {
        let set: Value = serde_json::from_str(&self.keys.ring().jwks().body).unwrap();
        let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
        set["keys"].as_array().unwrap().iter().map(kid).collect()
    }

    /// The owner is back, one key of the stored ring signs, one is next, and both are published.
    async fn has_a_ring_that_works(&self) {
        within(SOON, "the owner is up", || async {
            self.tree.is_healthy() && self.keys.reload(in_time()).await.is_ok()
        })
        .await;
        let stored = self.house.ports.keys.load_keys().await.unwrap();
        let of = |state: KeyState| {
            let found = stored.iter().filter(|key| key.state == state);
            found.map(|key| key.kid.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of(KeyState::Active), [self.signing()]);
        assert_eq!(of(KeyState::Next).len(), 1);
        let published = self.published();
        assert!(published.contains(&self.signing()));
        assert!(published.contains(&of(KeyState::Next)[0]));
    }

    async fn rotate(&self) -> Result<Rotated, domain::rejection::Fault> {
        let by = origin(self.house.world.tenant, self.house.now());
        self.keys.rotate(by, in_time()).await
    }

    async fn revoke(&self, kid: &str) -> Result<bool, domain::rejection::Fault> {
        let by = origin(self.house.world.tenant, self.house.now());
        self.keys.revoke(kid.to_owned(), by, in_time()).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_dies_at_any_point_leaves_a_ring_that_works() {
    for tear in TEARS {
        let patient = Patient::with(tear).await;
        let (before, known) = (patient.signing(), patient.published());
        assert!(patient.rotate().await.is_err(), "{tear:?}: it died");
        patient.has_a_ring_that_works().await;
        let moved_on = patient.signing() != before;
        assert_eq!(moved_on, tear != Tear::BeforeTheStep, "{tear:?}");
        // Whoever kept the set from before the rotation knows what signs now.
        assert!(known.contains(&patient.signing()), "{tear:?}");
        assert!(patient.published().contains(&before), "{tear:?}");

        let max_age = patient.house.keys_config().jwks_max_age;
        patient.house.clock.advance(max_age);
        let rotated = patient.rotate().await.unwrap();
        assert!(matches!(rotated, Rotated::Done { .. }), "{tear:?}");
        patient.has_a_ring_that_works().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_that_dies_at_any_point_is_whole_or_has_not_been() {
    for tear in TEARS {
        let patient = Patient::with(tear).await;
        let leaked = patient.signing();
        assert!(patient.revoke(&leaked).await.is_err(), "{tear:?}: it died");
        patient.has_a_ring_that_works().await;
        let is_gone = patient.keys.ring().find(&leaked).is_none();
        assert_eq!(is_gone, tear != Tear::BeforeTheStep, "{tear:?}");
        // Whoever asks again is told that it was, or does it now.
        assert_eq!(patient.revoke(&leaked).await, Ok(!is_gone), "{tear:?}");
        assert!(!patient.published().contains(&leaked));
        patient.has_a_ring_that_works().await;
    }
}
