//! The bench: one tenant's keys while the owner works on them.
//!
//! Each piece of work begins with what is stored, asks the store for one step, and ends with what is
//! stored then. The store is the judge: if another node was first, what it made stands, and is judged
//! once more.

use std::sync::Arc;

use domain::event::{Actor, Entry, EventKind, Origin};
use domain::id::RequestId;
use domain::key::{Algorithm, KeyState, SigningKey};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use protocol::jose::key_pair::KeyPair;
use store::port::keys::{KeyRevocation, KeyRotation, StoredRing};
use tokio::task::spawn_blocking;

use super::Rotated;
use super::owner::Parts;
use super::plan::{Plan, Step};
use super::rings::Resealed;
use super::sealed::Whose;
use crate::patience::patiently;

/// One tenant's keys.
pub(super) struct Bench {
    parts: Arc<Parts>,
    whose: Whose,
    plan: Plan,
    stored: StoredRing,
}

// === impl Bench ===

impl Bench {
    /// Lays out a tenant's keys.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn load(parts: &Arc<Parts>, whose: Whose) -> Result<Self, Fault> {
        Ok(Self {
            stored: patiently(parts.rings.store.load_ring(whose.tenant)).await?,
            parts: Arc::clone(parts),
            plan: parts.rings.plan,
            whose,
        })
    }

    /// Says whether the default tenant's ring is nothing to this tenant.
    pub(super) fn is_alone(&self) -> bool {
        let sharing = self.parts.rings.sharing(&self.stored);
        self.whose.is_default || sharing.is_over(self.now())
    }

    /// Stores a first ring if there is none, and a given key if it was never stored.
    ///
    /// # Errors
    /// The store's; [`Fault::Restarting`] when the tenant is gone.
    pub(super) async fn ensure(&mut self, given: Option<KeyPair>) -> Result<(), Fault> {
        if !self.plan.is_complete(&self.stored.keys) {
            self.establish(given).await?;
            // Nobody has a ring at hand that was none: there is nothing to forget.
            self.lay_out().await?;
            let is_there = self.plan.is_complete(&self.stored.keys);
            return is_there.then_some(()).ok_or(Fault::Restarting("keys"));
        }
        let Some(pair) = given else {
            return Ok(());
        };
        let by = self.origin(self.now());
        self.import(&pair, &by).await
    }

    /// Makes a key the active one, unless it was ever stored before.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn import(&mut self, pair: &KeyPair, by: &Origin) -> Result<(), Fault> {
        if self.stored.keys.iter().any(|key| key.kid == pair.kid()) {
            return Ok(());
        }
        let now = self.now();
        let key = self.row(pair, KeyState::Active, now).await?;
        let entry = Entry::new(EventKind::KeyActivated, by).about(&pair.kid());
        let outgoing = self.plan.outgoing(&self.stored.keys);
        let imported = self.parts.rings.store.import_key(key, outgoing, now, entry);
        patiently(imported).await?;
        self.reload().await
    }

    /// Stores a first ring, of the given key unless that was here before. A ring made here only
    /// waits while a key of another algorithm signs: nobody knows it yet.
    async fn establish(&self, given: Option<KeyPair>) -> Result<(), Fault> {
        let now = self.now();
        if let Some(pair) = given
            && self
                .ensure_ring(vec![self.row(&pair, KeyState::Active, now).await?], now)
                .await?
        {
            return Ok(());
        }
        let first = if self.plan.signing(&self.stored.keys).is_some() {
            Vec::new()
        } else {
            let pair = generate(self.plan.algorithm).await?;
            vec![self.row(&pair, KeyState::Active, now).await?]
        };
        self.ensure_ring(first, now).await.map(drop)
    }

    /// Stores a ring of this key and a next one. Says whether one of the kind is there now.
    async fn ensure_ring(&self, mut ring: Vec<SigningKey>, now: UnixMillis) -> Result<bool, Fault> {
        let pair = generate(self.plan.algorithm).await?;
        ring.push(self.row(&pair, KeyState::Next, now).await?);
        let Some(first) = ring.first().cloned() else {
            return Ok(false);
        };
        let entry = Entry::new(EventKind::KeyCreated, &self.origin(now)).about(&first.kid);
        let outgoing = self.plan.outgoing(&self.stored.keys);
        let ensured = self.parts.rings.store.ensure_keys(ring, outgoing, entry);
        Ok(first.is_forestalled(&patiently(ensured).await?))
    }

    /// Stores a ring of an algorithm that nothing signs with yet, and publishes it. What another
    /// node stored meanwhile stands.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn provide(&mut self, algorithm: Algorithm) -> Result<(), Fault> {
        let plan = self.plan.of(algorithm);
        if plan.signing_own(&self.stored.keys).is_none() {
            let (first, second) = tokio::try_join!(generate(algorithm), generate(algorithm))?;
            let now = self.now();
            let ring = vec![
                self.row(&first, KeyState::Active, now).await?,
                self.row(&second, KeyState::Next, now).await?,
            ];
            let entry = Entry::new(EventKind::KeyCreated, &self.origin(now)).about(&first.kid());
            let ensured = self.parts.rings.store.ensure_keys(ring, algorithm, entry);
            patiently(ensured).await?;
        }
        self.reload().await
    }

    /// Loads the keys again, and shows them to every reader. What an older secret sealed is sealed anew.
    ///
    /// # Errors
    /// The store's; the last ring stays.
    pub(super) async fn reload(&mut self) -> Result<(), Fault> {
        self.lay_out().await?;
        self.show().await
    }

    async fn lay_out(&mut self) -> Result<(), Fault> {
        let loading = self.parts.rings.store.load_ring(self.whose.tenant);
        self.stored = patiently(loading).await?;
        Ok(())
    }

    /// Shows the keys as they were loaded.
    ///
    /// # Errors
    /// As [`Sealing`](super::Sealing); the last ring stays.
    pub(super) async fn show(&self) -> Result<(), Fault> {
        let (rings, tenant) = (&self.parts.rings, self.whose.tenant);
        if self.whose.is_default {
            let resealed = rings.publish(tenant, &self.stored.keys).await?;
            self.reseal(resealed).await;
        } else {
            rings.forget(tenant);
        }
        Ok(())
    }

    /// Stores what was sealed anew. What cannot be stored now is sealed anew at the next reload.
    async fn reseal(&self, outdated: Resealed) {
        for (kid, sealed) in outdated {
            let store = &self.parts.rings.store;
            let verb = store.reseal_key(self.whose.tenant, kid, sealed);
            if let Err(fault) = patiently(verb).await {
                tracing::warn!(%fault, "signing keys stay sealed under an older secret");
                return;
            }
        }
    }

    /// Rotates what signs access tokens, and then the rings beside it that may be. What becomes of
    /// those is not the answer: their time comes with the chores.
    ///
    /// # Errors
    /// As [`ensure`](Self::ensure).
    pub(super) async fn rotate_all(&mut self, by: &Origin) -> Result<Rotated, Fault> {
        let rotated = self.rotate(self.plan, by).await?;
        if matches!(rotated, Rotated::Done { .. }) {
            for plan in self.plan.beside(&self.stored.keys) {
                if let Err(fault) = self.rotate(plan, by).await {
                    let algorithm = plan.algorithm.as_str();
                    tracing::warn!(%fault, algorithm, "a ring beside the first was not rotated");
                }
            }
        }
        Ok(rotated)
    }

    /// Lets the next key of a ring sign.
    async fn rotate(&mut self, plan: Plan, by: &Origin) -> Result<Rotated, Fault> {
        for _ in 0..2 {
            let now = self.now();
            let (active, promote) = match plan.step(&self.stored.keys, now) {
                Step::Rotate { active, promote } => (active, promote),
                Step::TooEarly { at } => return Ok(Rotated::TooEarly { at }),
                Step::Incomplete => return Err(Fault::Broken("there is no next key".to_owned())),
            };
            let next = generate(plan.algorithm).await?;
            let rotation = KeyRotation {
                tenant: self.whose.tenant,
                algorithm: plan.algorithm,
                instead_of: plan.outgoing(&self.stored.keys),
                expected_active: active,
                next: self.row(&next, KeyState::Next, now).await?,
                now,
                entry: Entry::new(EventKind::KeyActivated, by).about(&promote),
                promote: promote.clone(),
            };
            let was_first = patiently(self.parts.rings.store.rotate_keys(rotation)).await?;
            self.reload().await?;
            if was_first {
                return Ok(Rotated::Done { active: promote });
            }
        }
        Err(Fault::Busy("keys"))
    }

    /// Ends a key.
    ///
    /// # Errors
    /// As [`ensure`](Self::ensure).
    pub(super) async fn revoke(&mut self, kid: &str, by: &Origin) -> Result<bool, Fault> {
        for _ in 0..2 {
            let Some(key) = self.stored.keys.iter().find(|key| key.kid == kid).cloned() else {
                // Another node may have revoked it, and this one show it still.
                self.show().await?;
                return Ok(false);
            };
            let now = self.now();
            let succession = self.plan.succession(&self.stored.keys, &key);
            let mut fresh = Vec::new();
            for (algorithm, state) in succession.missing {
                fresh.push(self.row(&generate(algorithm).await?, state, now).await?);
            }
            let revocation = KeyRevocation {
                tenant: self.whose.tenant,
                state: key.state,
                promote: succession.promote,
                fresh,
                now,
                entry: Entry::new(EventKind::KeyRevoked, by).about(&key.kid),
                kid: key.kid,
            };
            let is_done = patiently(self.parts.rings.store.revoke_key(revocation)).await?;
            self.reload().await?;
            if is_done {
                return Ok(true);
            }
        }
        Err(Fault::Busy("keys"))
    }

    /// Lets the keys move on that have signed for long enough.
    ///
    /// # Errors
    /// As [`ensure`](Self::ensure).
    pub(super) async fn tend(&mut self) -> Result<(), Fault> {
        let now = self.now();
        let mut plans = self.plan.beside(&self.stored.keys);
        plans.insert(0, self.plan);
        for plan in plans {
            if plan.is_due(&self.stored.keys, now) {
                let rotated = self.rotate(plan, &self.origin(now)).await?;
                let (algorithm, tenant) = (plan.algorithm.as_str(), self.whose.tenant);
                tracing::info!(?rotated, algorithm, %tenant, "a signing key is due to be rotated");
            }
        }
        Ok(())
    }

    async fn row(
        &self,
        pair: &KeyPair,
        state: KeyState,
        now: UnixMillis,
    ) -> Result<SigningKey, Fault> {
        let sealer = &self.parts.rings.sealer;
        sealer.row(self.whose, pair, state, now).await
    }

    fn now(&self) -> UnixMillis {
        self.parts.rings.clock.now()
    }

    /// Says that the service itself acts.
    fn origin(&self, now: UnixMillis) -> Origin {
        Origin {
            tenant: self.whose.tenant,
            actor: Actor::System,
            address: None,
            user_agent: None,
            request: RequestId::generate(now, &*self.parts.random),
            claimed_in: None,
            at: now,
        }
    }
}

/// Makes a key where no request waits for the thread: an RSA key takes a part of a second.
async fn generate(algorithm: Algorithm) -> Result<KeyPair, Fault> {
    let made = spawn_blocking(move || KeyPair::generate(algorithm)).await;
    let made = made.map_err(|error| Fault::Broken(error.to_string()))?;
    made.map_err(|error| Fault::Broken(error.to_string()))
}
