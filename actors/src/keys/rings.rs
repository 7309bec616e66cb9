//! The rings that are at hand: the default tenant's, which is published, and a bounded number of
//! others, which were loaded when somebody needed them.
//!
//! Another tenant's ring is read past the mailbox, once however many ask; the owner is asked only where
//! there is none yet. Whoever changes one makes this node forget it before the change is answered, and
//! the [feed](crate::feed) makes the others. None is kept for longer than others may remember the key
//! set it shows.

use std::sync::Arc;

use domain::id::TenantId;
use domain::key::{KeyState, SigningKey};
use domain::rejection::Fault;
use domain::time::{Clock, UnixMillis};
use store::port::keys::{Keys, StoredRing};

use super::KeysConfig;
use super::plan::Plan;
use super::ring::KeyRing;
use super::sealed::Sealer;
use super::sharing::Sharing;
use crate::patience::patiently;
use crate::remembered::Remembered;
use crate::snapshot::{Publisher, Snapshot, publish};

/// How many rings beside the default tenant's are at hand, of some 4 kB each: about 40 MB when full.
const CAPACITY: u64 = 10_240;

/// Rings as they are read.
pub(super) struct Rings {
    pub(super) store: Arc<dyn Keys>,
    pub(super) sealer: Sealer,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) plan: Plan,
    publisher: Publisher<KeyRing>,
    default: Snapshot<KeyRing>,
    others: Remembered<TenantId, Held>,
}

/// A ring at hand.
pub(super) struct Held {
    ring: Arc<KeyRing>,
    /// Until when it is what the tenant goes by; absent: until it changes.
    until: Option<UnixMillis>,
    /// Whether keys of it should move on.
    is_due: bool,
}

/// What is sealed under an older secret, sealed anew: each key's name and private part.
pub(super) type Resealed = Vec<(String, Vec<u8>)>;

// === impl Rings ===

impl Rings {
    pub(super) fn new(
        config: &KeysConfig,
        store: Arc<dyn Keys>,
        sealer: Sealer,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (publisher, default) = publish(KeyRing::default());
        Self {
            store,
            sealer,
            clock,
            plan: config.plan(),
            publisher,
            default,
            others: Remembered::new(CAPACITY, config.jwks_max_age),
        }
    }

    /// Gives the default tenant's ring.
    pub(super) fn default(&self) -> Arc<KeyRing> {
        self.default.load_full()
    }

    /// Gives another tenant's ring if it is at hand.
    pub(super) fn find(&self, tenant: TenantId) -> Option<Arc<KeyRing>> {
        let held = self.others.find(&tenant)?;
        if held.until.is_some_and(|until| self.clock.now() >= until) {
            self.others.forget(&tenant);
            return None;
        }
        Some(Arc::clone(&held.ring))
    }

    /// Gives another tenant's ring, loading it if it must. Where there is none, `make` makes it; where
    /// keys should move on, `tend` is told.
    ///
    /// # Errors
    /// The store's; what `make` fails with; as [`Sealing`](super::Sealing).
    ///
    /// # Cancel safety
    /// Whoever waits for the same ring takes over.
    pub(super) async fn load(
        &self,
        tenant: TenantId,
        make: impl Future<Output = Result<(), Fault>> + Send,
        tend: impl Fn() + Send,
    ) -> Result<Arc<KeyRing>, Fault> {
        let loading = self
            .others
            .load(tenant, || Box::pin(self.read(tenant, make)));
        let held = loading.await?.ok_or(Fault::Restarting("keys"))?;
        if held.is_due {
            tend();
        }
        Ok(Arc::clone(&held.ring))
    }

    async fn read(
        &self,
        tenant: TenantId,
        make: impl Future<Output = Result<(), Fault>> + Send,
    ) -> Result<Option<Held>, Fault> {
        let mut stored = patiently(self.store.load_ring(tenant)).await?;
        if !self.plan.is_complete(&stored.keys) {
            make.await?;
            stored = patiently(self.store.load_ring(tenant)).await?;
        }
        if !self.plan.is_complete(&stored.keys) {
            return Ok(None);
        }
        self.hold(tenant, &stored).await.map(Some)
    }

    /// Makes a ring that goes by itself, or by the default tenant's for a while yet.
    async fn hold(&self, tenant: TenantId, stored: &StoredRing) -> Result<Held, Fault> {
        let (own, _) = self.open(tenant, &stored.keys).await?;
        let now = self.clock.now();
        let is_due = self.plan.is_any_due(&stored.keys, now);
        let sharing = self.sharing(stored);
        if sharing.is_over(now) {
            let ring = Arc::new(own);
            let until = None;
            return Ok(Held {
                ring,
                until,
                is_due,
            });
        }
        let signing = |key: &&SigningKey| key.state == KeyState::Active;
        let published = stored.keys.iter().filter(signing).map(|key| key.created_at);
        let until = sharing.changes_at(published, now);
        let ring = own.beside(&self.default(), |published| sharing.lends(published, now));
        Ok(Held {
            ring: Arc::new(ring),
            until,
            is_due,
        })
    }

    /// Says how far a tenant has come on its way to a ring of its own.
    pub(super) fn sharing(&self, stored: &StoredRing) -> Sharing {
        let plan = self.plan;
        Sharing::new(stored.shared_until, plan.jwks_max_age, plan.retired_for)
    }

    /// Publishes the default tenant's ring, and forgets the others, which may go by it. Gives what is
    /// to be stored sealed anew.
    ///
    /// # Errors
    /// As [`Sealing`](super::Sealing); the last ring stays.
    pub(super) async fn publish(
        &self,
        tenant: TenantId,
        keys: &[SigningKey],
    ) -> Result<Resealed, Fault> {
        let (ring, resealed) = self.open(tenant, keys).await?;
        self.publisher.publish(ring);
        self.others.clear();
        Ok(resealed)
    }

    /// Forgets a ring that changed.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.others.forget(&tenant);
    }

    /// Opens what signs. What does not open is left out and said.
    async fn open(
        &self,
        tenant: TenantId,
        keys: &[SigningKey],
    ) -> Result<(KeyRing, Resealed), Fault> {
        let for_access = self.plan.signing(keys).map(|key| key.algorithm);
        let (mut signing, mut resealed) = (Vec::new(), Vec::new());
        for key in keys {
            let chosen = self.plan.of(key.algorithm).signing_own(keys);
            let Some(opened) = self.sealer.open(key).await? else {
                tracing::error!(
                    kid = key.kid,
                    state = key.state.as_str(),
                    "a signing key does not open: SYSTEM_SECRETS lacks the secret it was sealed under"
                );
                continue;
            };
            resealed.extend(opened.resealed.map(|sealed| (key.kid.clone(), sealed)));
            if chosen.is_some_and(|chosen| chosen.kid == key.kid) {
                signing.push(opened.pair);
            }
        }
        Ok((KeyRing::new(tenant, keys, signing, for_access), resealed))
    }
}
