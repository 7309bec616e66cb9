//! The shell of the keys owner: loads, publishes, rotates, purges.

use std::sync::Arc;
use std::time::Duration;

use domain::event::{Actor, Entry, EventKind, Origin};
use domain::id::{RequestId, TenantId};
use domain::key::{Algorithm, KeyState, SigningKey};
use domain::random::Random;
use domain::rejection::Fault;
use domain::time::{Clock, UnixMillis};
use protocol::jose::key_pair::KeyPair;
use protocol::system_secrets::SystemSecrets;
use store::port::keys::{KeyRevocation, KeyRotation, Keys};
use tokio::task::spawn_blocking;

use super::message::Message;
use super::plan::{Plan, Step};
use super::ring::KeyRing;
use super::{KeysConfig, Rotated, sealed};
use crate::patience::patiently;
use crate::snapshot::Publisher;
use crate::supervision::Owner;

/// How long between two looks at what is due.
const CHORES_EVERY: Duration = Duration::from_secs(30);

/// What the owner is made from at each start.
pub(super) struct Parts {
    pub(super) config: KeysConfig,
    pub(super) store: Arc<dyn Keys>,
    pub(super) secrets: Arc<SystemSecrets>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) publisher: Publisher<KeyRing>,
}

/// Moves the keys on, one step at a time.
pub(super) struct Locksmith {
    parts: Arc<Parts>,
    tenant: TenantId,
    plan: Plan,
    stored: Vec<SigningKey>,
    chores_at: UnixMillis,
}

// === impl Locksmith ===

impl Owner for Locksmith {
    type Message = Message;

    const TICK: Option<Duration> = Some(Duration::from_secs(1));

    async fn handle(&mut self, message: Message) -> Result<(), Fault> {
        match message {
            Message::Rotate { by, reply } => reply.send(self.rotate_all(&by).await),
            Message::Revoke { kid, by, reply } => reply.send(self.revoke(&kid, &by).await),
            Message::Provide { algorithm, reply } => reply.send(self.provide(algorithm).await),
            Message::Reload { reply } => reply.send(self.reload().await),
        }
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Fault> {
        let now = self.parts.clock.now();
        if now < self.chores_at {
            return Ok(());
        }
        self.chores_at = now + CHORES_EVERY;
        if let Err(fault) = self.do_chores(now).await {
            tracing::warn!(%fault, "the signing keys could not be looked after; trying again");
        }
        Ok(())
    }
}

impl Locksmith {
    /// Makes sure that there are keys, loads and publishes them.
    pub(super) async fn start(parts: Arc<Parts>) -> Result<Self, Fault> {
        // The tenants owner is asked for by boot; it may be waiting for the store as we do.
        let tenant = (parts.config.tenant)().ok_or(Fault::Restarting("tenants"))?;
        let now = parts.clock.now();
        let mut owner = Self {
            plan: parts.config.plan(),
            tenant,
            stored: Vec::new(),
            chores_at: now,
            parts,
        };
        owner.ensure(now).await?;
        owner.reload().await?;
        Ok(owner)
    }

    /// Stores a first ring if there is none, and the configured key if it is not stored yet.
    async fn ensure(&mut self, now: UnixMillis) -> Result<(), Fault> {
        let imported = self.imported()?;
        self.stored = self.load().await?;
        if !self.plan.is_complete(&self.stored) {
            return self.establish(imported, now).await;
        }
        let Some(pair) = imported else {
            return Ok(());
        };
        if self.stored.iter().any(|key| key.kid == pair.kid()) {
            return Ok(());
        }
        let key = self.row(&pair, KeyState::Active, now)?;
        let entry = Entry::new(EventKind::KeyActivated, &self.origin(now)).about(&pair.kid());
        let outgoing = self.plan.outgoing(&self.stored);
        patiently(self.parts.store.import_key(key, outgoing, now, entry)).await?;
        Ok(())
    }

    /// Stores a first ring, of the configured key unless that was here before. A ring made here only
    /// waits while a key of another algorithm signs: nobody knows it yet.
    async fn establish(&self, imported: Option<KeyPair>, now: UnixMillis) -> Result<(), Fault> {
        if let Some(pair) = imported
            && self
                .ensure_ring(vec![self.row(&pair, KeyState::Active, now)?], now)
                .await?
        {
            return Ok(());
        }
        let first = if self.plan.signing(&self.stored).is_some() {
            Vec::new()
        } else {
            vec![self.row(&generate(self.plan.algorithm).await?, KeyState::Active, now)?]
        };
        self.ensure_ring(first, now).await.map(drop)
    }

    /// Stores a ring of this key and a next one. Says whether one of the kind is there now.
    async fn ensure_ring(&self, mut ring: Vec<SigningKey>, now: UnixMillis) -> Result<bool, Fault> {
        let pair = generate(self.plan.algorithm).await?;
        ring.push(self.row(&pair, KeyState::Next, now)?);
        let Some(first) = ring.first().cloned() else {
            return Ok(false);
        };
        let entry = Entry::new(EventKind::KeyCreated, &self.origin(now)).about(&first.kid);
        let outgoing = self.plan.outgoing(&self.stored);
        let stored = patiently(self.parts.store.ensure_keys(ring, outgoing, entry)).await?;
        Ok(first.is_forestalled(&stored))
    }

    /// Stores a ring of an algorithm that nothing signs with yet, and publishes it. What another
    /// node stored meanwhile stands.
    async fn provide(&mut self, algorithm: Algorithm) -> Result<(), Fault> {
        self.reload().await?;
        if self.plan.of(algorithm).signing_own(&self.stored).is_some() {
            return Ok(());
        }
        let (first, second) = tokio::try_join!(generate(algorithm), generate(algorithm))?;
        let now = self.parts.clock.now();
        let ring = vec![
            self.row(&first, KeyState::Active, now)?,
            self.row(&second, KeyState::Next, now)?,
        ];
        let entry = Entry::new(EventKind::KeyCreated, &self.origin(now)).about(&first.kid());
        patiently(self.parts.store.ensure_keys(ring, algorithm, entry)).await?;
        self.reload().await
    }

    /// Loads the keys, publishes the ring, and seals anew what an older secret sealed.
    async fn reload(&mut self) -> Result<(), Fault> {
        self.stored = self.load().await?;
        let for_access = self.plan.signing(&self.stored).map(|key| key.algorithm);
        let (mut signing, mut outdated) = (Vec::new(), Vec::new());
        for key in &self.stored {
            let Some(opened) = sealed::open(&self.parts.secrets, key) else {
                tracing::error!(
                    kid = key.kid,
                    state = key.state.as_str(),
                    "a signing key does not open: SYSTEM_SECRETS lacks the secret it was sealed under"
                );
                continue;
            };
            outdated.extend(opened.resealed.map(|sealed| (key.kid.clone(), sealed)));
            let chosen = self.plan.of(key.algorithm).signing_own(&self.stored);
            if chosen.is_some_and(|chosen| chosen.kid == key.kid) {
                signing.push(opened.pair);
            }
        }
        let ring = KeyRing::new(&self.stored, signing, for_access);
        self.parts.publisher.publish(ring);
        self.reseal(outdated).await;
        Ok(())
    }

    /// Stores what was sealed anew. What cannot be stored now is sealed anew at the next reload.
    async fn reseal(&self, outdated: Vec<(String, Vec<u8>)>) {
        for (kid, sealed) in outdated {
            let verb = self.parts.store.reseal_key(self.tenant, kid, sealed);
            if let Err(fault) = patiently(verb).await {
                tracing::warn!(%fault, "signing keys stay sealed under an older secret");
                return;
            }
        }
    }

    /// Rotates what signs access tokens, and then the rings beside it that may be. What becomes of
    /// those is not the answer: their time comes with the chores.
    async fn rotate_all(&mut self, by: &Origin) -> Result<Rotated, Fault> {
        let rotated = self.rotate(self.plan, by).await?;
        if matches!(rotated, Rotated::Done { .. }) {
            for plan in self.plan.beside(&self.stored) {
                if let Err(fault) = self.rotate(plan, by).await {
                    let algorithm = plan.algorithm.as_str();
                    tracing::warn!(%fault, algorithm, "a ring beside the first was not rotated");
                }
            }
        }
        Ok(rotated)
    }

    /// Lets the next key of a ring sign. The store is the judge: if another node was first, what it made
    /// stands, and is judged once more.
    async fn rotate(&mut self, plan: Plan, by: &Origin) -> Result<Rotated, Fault> {
        for _ in 0..2 {
            let now = self.parts.clock.now();
            let (active, promote) = match plan.step(&self.stored, now) {
                Step::Rotate { active, promote } => (active, promote),
                Step::TooEarly { at } => return Ok(Rotated::TooEarly { at }),
                Step::Incomplete => return Err(Fault::Broken("there is no next key".to_owned())),
            };
            let rotation = KeyRotation {
                tenant: self.tenant,
                algorithm: plan.algorithm,
                instead_of: plan.outgoing(&self.stored),
                expected_active: active,
                next: self.row(&generate(plan.algorithm).await?, KeyState::Next, now)?,
                now,
                entry: Entry::new(EventKind::KeyActivated, by).about(&promote),
                promote: promote.clone(),
            };
            let was_first = patiently(self.parts.store.rotate_keys(rotation)).await?;
            self.reload().await?;
            if was_first {
                return Ok(Rotated::Done { active: promote });
            }
        }
        Err(Fault::Busy("keys"))
    }

    /// Ends a key. The store is the judge: if the keys moved on meanwhile, it is judged once more.
    async fn revoke(&mut self, kid: &str, by: &Origin) -> Result<bool, Fault> {
        for _ in 0..2 {
            self.reload().await?;
            let Some(key) = self.stored.iter().find(|key| key.kid == kid).cloned() else {
                return Ok(false);
            };
            let now = self.parts.clock.now();
            let succession = self.plan.succession(&self.stored, &key);
            let mut fresh = Vec::new();
            for (algorithm, state) in succession.missing {
                fresh.push(self.row(&generate(algorithm).await?, state, now)?);
            }
            let revocation = KeyRevocation {
                tenant: self.tenant,
                state: key.state,
                promote: succession.promote,
                fresh,
                now,
                entry: Entry::new(EventKind::KeyRevoked, by).about(&key.kid),
                kid: key.kid,
            };
            let is_done = patiently(self.parts.store.revoke_key(revocation)).await?;
            self.reload().await?;
            if is_done {
                return Ok(true);
            }
        }
        Err(Fault::Busy("keys"))
    }

    /// Purges retired keys that nothing alive was signed with, and rotates when it is time.
    async fn do_chores(&mut self, now: UnixMillis) -> Result<(), Fault> {
        let horizon = self.plan.horizon(now);
        if patiently(self.parts.store.purge_keys(horizon)).await? > 0 {
            self.reload().await?;
        }
        let mut plans = self.plan.beside(&self.stored);
        plans.insert(0, self.plan);
        for plan in plans {
            if plan.is_due(&self.stored, now) {
                let rotated = self.rotate(plan, &self.origin(now)).await?;
                let algorithm = plan.algorithm.as_str();
                tracing::info!(?rotated, algorithm, "a signing key is due to be rotated");
            }
        }
        Ok(())
    }

    async fn load(&self) -> Result<Vec<SigningKey>, Fault> {
        let mut keys = patiently(self.parts.store.load_keys()).await?;
        keys.retain(|key| key.tenant == self.tenant);
        Ok(keys)
    }

    fn imported(&self) -> Result<Option<KeyPair>, Fault> {
        let pem = self.parts.config.import_pem.as_ref();
        pem.map(|pem| KeyPair::from_pem(pem.expose()))
            .transpose()
            .map_err(|error| Fault::Broken(error.to_string()))
    }

    fn row(&self, pair: &KeyPair, state: KeyState, now: UnixMillis) -> Result<SigningKey, Fault> {
        sealed::row(&self.parts.secrets, self.tenant, pair, state, now)
    }

    /// Says that the service itself acts.
    fn origin(&self, now: UnixMillis) -> Origin {
        Origin {
            tenant: self.tenant,
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
