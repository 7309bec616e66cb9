//! A keys owner that dies at any point of the making of a ring, of a rotation, or of a revocation: before
//! the step of the store, after its commit, or at the reading that follows. What it leaves is a ring that
//! works, whichever tenant's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actors::keys::{KeyRing, Keys, KeysNeeds, Rotated, keys};
use actors::supervision::Tree;
use domain::event::Entry;
use domain::id::TenantId;
use domain::key::{Algorithm, KeyState, SigningKey};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use serde_json::Value;
use store::contract::fixture::origin;
use store::port::Pending;
use store::port::keys as port;
use store::port::keys::{DueRing, KeyRevocation, KeyRotation, StoredRing};

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

    async fn step<T>(&self, verb: Pending<'_, T>) -> Result<T, Fault> {
        assert!(!self.dies_at(Tear::BeforeTheStep), "before the step");
        let done = verb.await?;
        assert!(!self.dies_at(Tear::AfterTheCommit), "after the commit");
        self.is_due.store(true, Ordering::SeqCst);
        Ok(done)
    }
}

impl port::Keys for Torn {
    fn load_ring(&self, tenant: TenantId) -> Pending<'_, StoredRing> {
        let is_due = self.is_due.load(Ordering::SeqCst);
        assert!(
            !(is_due && self.dies_at(Tear::AtTheNextReading)),
            "at the reading"
        );
        self.inner.load_ring(tenant)
    }

    fn list_due_rings(
        &self,
        until: UnixMillis,
        after: Option<DueRing>,
        limit: u32,
    ) -> Pending<'_, Vec<DueRing>> {
        self.inner.list_due_rings(until, after, limit)
    }

    fn ensure_keys(
        &self,
        ring: Vec<SigningKey>,
        instead_of: Algorithm,
        entry: Entry,
    ) -> Pending<'_, Vec<SigningKey>> {
        Box::pin(self.step(self.inner.ensure_keys(ring, instead_of, entry)))
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

/// Whose ring it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    TheDefaultTenants,
    Anothers,
}

const EACH: [Whose; 2] = [Whose::TheDefaultTenants, Whose::Anothers];

struct Patient {
    house: House,
    tenant: TenantId,
    store: Arc<Torn>,
    keys: Keys,
    tree: Tree,
}

impl Patient {
    /// A house whose owner dies once at the tear, from now on; the tenant has a ring.
    async fn with(tear: Tear, whose: Whose) -> Self {
        let patient = Self::without_a_ring(tear, whose).await;
        patient.ring().await.unwrap();
        let max_age = patient.house.keys_config().jwks_max_age;
        patient.house.clock.advance(max_age);
        patient.arm();
        patient
    }

    async fn without_a_ring(tear: Tear, whose: Whose) -> Self {
        let house = House::new().await;
        let store = Arc::new(Torn {
            inner: house.ports.keys.clone(),
            tear,
            is_armed: AtomicBool::new(false),
            is_due: AtomicBool::new(false),
        });
        let needs = KeysNeeds {
            store: store.clone(),
            ..house.keys_needs(&[1])
        };
        let (keys, spec) = keys(house.keys_config(), needs).unwrap();
        let tree = raise(vec![spec]).await;
        let tenant = match whose {
            Whose::TheDefaultTenants => house.world.tenant,
            Whose::Anothers => house.world.beside().await.tenant,
        };
        Self {
            house,
            tenant,
            store,
            keys,
            tree,
        }
    }

    fn arm(&self) {
        self.store.is_due.store(false, Ordering::SeqCst);
        self.store.is_armed.store(true, Ordering::SeqCst);
    }

    async fn ring(&self) -> Result<Arc<KeyRing>, Fault> {
        self.keys.ring_of(self.tenant, in_time()).await
    }

    async fn signing(&self) -> String {
        let ring = self.ring().await.unwrap();
        ring.signer().unwrap().key().kid().to_owned()
    }

    async fn published(&self) -> Vec<String> {
        let set: Value = serde_json::from_str(&self.ring().await.unwrap().jwks().body).unwrap();
        let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
        set["keys"].as_array().unwrap().iter().map(kid).collect()
    }

    /// The owner is back, one key of the stored ring signs, one is next, and both are published.
    async fn has_a_ring_that_works(&self) {
        within(SOON, "the owner is up", || async {
            self.tree.is_healthy() && self.keys.reload(in_time()).await.is_ok()
        })
        .await;
        self.ring().await.unwrap();
        let stored = self.house.ports.keys.load_ring(self.tenant).await;
        let stored = stored.unwrap().keys;
        let of = |state: KeyState| {
            let found = stored.iter().filter(|key| key.state == state);
            found.map(|key| key.kid.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of(KeyState::Active), [self.signing().await]);
        assert_eq!(of(KeyState::Next).len(), 1);
        let published = self.published().await;
        assert!(published.contains(&self.signing().await));
        assert!(published.contains(&of(KeyState::Next)[0]));
    }

    async fn rotate(&self) -> Result<Rotated, Fault> {
        let by = origin(self.tenant, self.house.now());
        self.keys.rotate(by, in_time()).await
    }

    async fn revoke(&self, kid: &str) -> Result<bool, Fault> {
        let by = origin(self.tenant, self.house.now());
        self.keys.revoke(kid.to_owned(), by, in_time()).await
    }
}

/// Every tear of every tenant's.
fn cases() -> impl Iterator<Item = (Tear, Whose)> {
    TEARS
        .into_iter()
        .flat_map(|tear| EACH.map(|whose| (tear, whose)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_making_of_a_tenants_first_ring_that_dies_at_any_point_leaves_one_that_works() {
    for tear in TEARS {
        let patient = Patient::without_a_ring(tear, Whose::Anothers).await;
        patient.arm();
        let died = patient.ring().await;
        assert!(died.is_err(), "{tear:?}: it died");
        patient.has_a_ring_that_works().await;
        let made = patient.house.ports.keys.load_ring(patient.tenant).await;
        assert_eq!(made.unwrap().keys.len(), 2, "{tear:?}: one ring");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_dies_at_any_point_leaves_a_ring_that_works() {
    for (tear, whose) in cases() {
        let patient = Patient::with(tear, whose).await;
        let (before, known) = (patient.signing().await, patient.published().await);
        assert!(patient.rotate().await.is_err(), "{tear:?}: it died");
        patient.has_a_ring_that_works().await;
        let moved_on = patient.signing().await != before;
        assert_eq!(moved_on, tear != Tear::BeforeTheStep, "{tear:?} {whose:?}");
        // Whoever kept the set from before the rotation knows what signs now.
        assert!(known.contains(&patient.signing().await), "{tear:?}");
        assert!(patient.published().await.contains(&before), "{tear:?}");

        let max_age = patient.house.keys_config().jwks_max_age;
        patient.house.clock.advance(max_age);
        let rotated = patient.rotate().await.unwrap();
        assert!(matches!(rotated, Rotated::Done { .. }), "{tear:?}");
        patient.has_a_ring_that_works().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_that_dies_at_any_point_is_whole_or_has_not_been() {
    for (tear, whose) in cases() {
        let patient = Patient::with(tear, whose).await;
        let leaked = patient.signing().await;
        assert!(patient.revoke(&leaked).await.is_err(), "{tear:?}: it died");
        patient.has_a_ring_that_works().await;
        let is_gone = patient.ring().await.unwrap().find(&leaked).is_none();
        assert_eq!(is_gone, tear != Tear::BeforeTheStep, "{tear:?} {whose:?}");
        // Whoever asks again is told that it was, or does it now.
        assert_eq!(patient.revoke(&leaked).await, Ok(!is_gone), "{tear:?}");
        assert!(!patient.published().await.contains(&leaked));
        patient.has_a_ring_that_works().await;
    }
}
