//! The shell of the keys owner: makes, rotates, revokes, purges, one tenant's keys at a time.

use std::sync::Arc;
use std::time::Duration;

use domain::event::Origin;
use domain::id::TenantId;
use domain::key::Algorithm;
use domain::random::Random;
use domain::rejection::Fault;
use domain::secret::SecretText;
use domain::time::UnixMillis;
use protocol::jose::key_pair::KeyPair;
use store::port::keys::DueRing;

use super::bench::Bench;
use super::message::Message;
use super::rings::Rings;
use super::sealed::Whose;
use super::{KeysConfig, Rotated};
use crate::patience::patiently;
use crate::supervision::Owner;

/// How long between two looks at what is due.
const CHORES_EVERY: Duration = Duration::from_secs(30);
/// How many other tenants' rings are looked after in one tick: nobody waits long behind it.
const AT_ONCE: u32 = 16;

/// What the owner is made from at each start.
pub(super) struct Parts {
    pub(super) config: KeysConfig,
    pub(super) rings: Rings,
    pub(super) random: Arc<dyn Random>,
}

/// Moves the keys on, one step at a time.
pub(super) struct Locksmith {
    parts: Arc<Parts>,
    /// The default tenant.
    tenant: TenantId,
    chores_at: UnixMillis,
    /// Whether other tenants' rings are left to look after, and the last that was.
    is_going_round: bool,
    passed: Option<DueRing>,
    /// Whether it was said that the store is away; it is said once.
    is_cut_off: bool,
}

// === impl Locksmith ===

impl Owner for Locksmith {
    type Message = Message;

    const TICK: Option<Duration> = Some(Duration::from_secs(1));

    async fn handle(&mut self, message: Message) -> Result<(), Fault> {
        match message {
            Message::Rotate { by, reply } => reply.send(self.rotate(&by).await),
            Message::Revoke { kid, by, reply } => reply.send(self.revoke(&kid, &by).await),
            Message::Import { pem, by, reply } => reply.send(self.import(&pem, &by).await),
            Message::Provide {
                tenant,
                algorithm,
                reply,
            } => reply.send(self.provide(tenant, algorithm).await),
            Message::Make { tenant, reply } => reply.send(self.bench(tenant).await.map(drop)),
            Message::Tend { tenant } => {
                if let Err(fault) = self.tend(tenant).await {
                    tracing::warn!(%fault, %tenant, "signing keys stay as they are for now");
                }
            }
            Message::Reload { reply } => reply.send(self.reload().await),
        }
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Fault> {
        let now = self.parts.rings.clock.now();
        let is_time = now >= self.chores_at;
        if is_time {
            self.chores_at = now + CHORES_EVERY;
        }
        let done = if is_time {
            self.do_chores(now).await
        } else if self.is_going_round {
            self.go_round(now).await
        } else {
            return Ok(());
        };
        match done {
            Ok(()) => self.is_cut_off = false,
            Err(fault) if !self.is_cut_off => {
                self.is_cut_off = true;
                tracing::warn!(%fault, "the signing keys could not be looked after; trying again");
            }
            Err(_) => {}
        }
        Ok(())
    }
}

impl Locksmith {
    /// Makes sure that the default tenant has keys, loads and publishes them.
    pub(super) async fn start(parts: Arc<Parts>) -> Result<Self, Fault> {
        // The tenants owner is asked for by boot; it may be waiting for the store as we do.
        let tenant = (parts.config.tenant)().ok_or(Fault::Restarting("tenants"))?;
        let owner = Self {
            tenant,
            chores_at: parts.rings.clock.now(),
            is_going_round: false,
            passed: None,
            is_cut_off: false,
            parts,
        };
        let given = owner.parts.config.import_pem.as_ref();
        let given = given.map(read).transpose()?;
        let mut bench = Bench::load(&owner.parts, owner.whose(tenant)).await?;
        bench.ensure(given).await?;
        bench.show().await?;
        Ok(owner)
    }

    /// Lays out a tenant's keys. Where there are none they are made.
    async fn bench(&self, tenant: TenantId) -> Result<Bench, Fault> {
        let mut bench = Bench::load(&self.parts, self.whose(tenant)).await?;
        bench.ensure(None).await?;
        Ok(bench)
    }

    async fn rotate(&self, by: &Origin) -> Result<Rotated, Fault> {
        self.bench(by.tenant).await?.rotate_all(by).await
    }

    async fn revoke(&self, kid: &str, by: &Origin) -> Result<bool, Fault> {
        self.bench(by.tenant).await?.revoke(kid, by).await
    }

    async fn import(&self, pem: &SecretText, by: &Origin) -> Result<(), Fault> {
        let pair = read(pem)?;
        self.bench(by.tenant).await?.import(&pair, by).await
    }

    /// Provides an algorithm to a tenant; while the default tenant's ring signs for it, to that one too.
    async fn provide(&self, tenant: TenantId, algorithm: Algorithm) -> Result<(), Fault> {
        let mut bench = self.bench(tenant).await?;
        if !bench.is_alone() {
            self.bench(self.tenant).await?.provide(algorithm).await?;
        }
        bench.provide(algorithm).await
    }

    async fn reload(&self) -> Result<(), Fault> {
        self.bench(self.tenant).await?.show().await
    }

    /// Lets a tenant's keys move on that are due. One whose keys cannot must hold up no other.
    async fn tend(&self, tenant: TenantId) -> Result<(), Fault> {
        let tended = async { self.bench(tenant).await?.tend().await };
        match tended.await {
            Ok(()) => Ok(()),
            Err(fault @ (Fault::Broken(_) | Fault::Busy(_))) => {
                tracing::error!(%fault, %tenant, "a tenant's signing keys cannot be looked after");
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    /// Purges retired keys that nothing alive was signed with, and rotates what is due: the default
    /// tenant's ring now, those of others a few at a time.
    async fn do_chores(&mut self, now: UnixMillis) -> Result<(), Fault> {
        (self.is_going_round, self.passed) = (true, None);
        let rings = &self.parts.rings;
        let purged = patiently(rings.store.purge_keys(rings.plan.horizon(now))).await?;
        let mut bench = self.bench(self.tenant).await?;
        if purged > 0 {
            bench.show().await?;
        }
        bench.tend().await
    }

    /// Looks after some of the other tenants' rings that have signed for long.
    async fn go_round(&mut self, now: UnixMillis) -> Result<(), Fault> {
        let rings = &self.parts.rings;
        let until = now - rings.plan.rotation_interval;
        let page = rings.store.list_due_rings(until, self.passed, AT_ONCE);
        let page = patiently(page).await?;
        self.passed = page.last().copied();
        self.is_going_round = self.passed.is_some();
        for ring in page {
            if ring.tenant != self.tenant {
                self.tend(ring.tenant).await?;
            }
        }
        Ok(())
    }

    fn whose(&self, tenant: TenantId) -> Whose {
        Whose {
            tenant,
            is_default: tenant == self.tenant,
        }
    }
}

fn read(pem: &SecretText) -> Result<KeyPair, Fault> {
    KeyPair::from_pem(pem.expose()).map_err(|error| Fault::Broken(error.to_string()))
}
