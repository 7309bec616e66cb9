//! The keys owner: it alone makes, activates and retires the keys that sign tokens.
//!
//! A key goes next → active → retired and is named by its thumbprint (RFC 7638). The next key is
//! published for as long as others may remember the key set (`jwks_max_age`) before it signs, so no
//! verifier meets a signature by a key it cannot know; a retired key stays published until the last
//! token it signed has expired, and never signs again, imported anew or not. When the configured
//! algorithm is another, the old key goes on signing until the new one has been published that long.
//!
//! Beside what signs access tokens there may be a ring of each other algorithm, for clients that are
//! registered to be answered in it. It is made when first needed, and its first key signs as soon as
//! it is stored and published here: until then no key of that algorithm was promised to anybody, so
//! nobody can have remembered a key set that must hold it; a verifier that meets an unknown name
//! fetches the set again (OpenID Connect Core §10.1.1), and other nodes publish it as soon as they
//! hear of the change. From then on it moves on like the others, and apart from them.
//!
//! Each tenant has rings of its own, and what one tenant's keys signed is nothing in another. The default
//! tenant's are made at the first start and always at hand. Another tenant's are made when somebody first
//! needs them, and loaded again when nobody did for long: ten thousand tenants cost nothing until they are
//! used. A first key signs at once, because every key set that was ever shown holds it. Tenants that a
//! release served which knew one ring for all come by their own in stages (`sharing`).
//!
//! Rotation happens by itself when the active key has signed for
//! `rotation_interval`, or on demand; the store lists the tenants whose time has come, and no other is
//! looked at. Private keys are stored sealed, and sealed anew when `SYSTEM_SECRETS` moved on.
//!
//! A key that others may have is revoked: it leaves the published set at once, and another signs in its
//! place although not everybody can know it yet. A verifier that meets an unknown name fetches the set
//! again; that is a smaller harm than trusting a thief.
//!
//! The store is the judge between nodes: whoever is late at a rotation finds the other's keys.
//!
//! A restart loses nothing: the rings are loaded from the store again, and until then the last
//! published one of the default tenant goes on signing and verifying. While the store is away at the
//! first start that ring is empty and nothing is signed.
//!
//! Read past the mailbox: rings, on every sign and every verify, and their loading. Only what makes and
//! moves keys queues.
//!
//! Next: `plan` for when keys move on, `sharing` for how tenants part, `ring` for what is published,
//! `rings` for what is at hand, `bench` for the work on one tenant's keys, `owner` for the shell.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::event::Origin;
use domain::id::TenantId;
use domain::key::Algorithm;
use domain::random::Random;
use domain::rejection::Fault;
use domain::secret::{SecretBytes, SecretText};
use domain::time::{Clock, UnixMillis};
use futures_util::FutureExt;
use protocol::jose::key_pair::{InvalidKey, KeyPair};
use protocol::system_secrets::SystemSecrets;
use store::port::Pending;
use store::port::keys as port;
use zeroize::Zeroizing;

use crate::deadline::Deadline;
use crate::handle::Handle;
use crate::patience::answered;
use crate::supervision::ChildSpec;

mod bench;
mod message;
mod owner;
mod plan;
mod ring;
mod rings;
mod sealed;
mod sharing;

pub use ring::{Jwks, KeyRing, KeyView};

use message::Message;
use owner::{Locksmith, Parts};
use plan::Plan;
use rings::Rings;
use sealed::Sealer;

/// How many commands may wait: as many tenants may need their first ring at once.
const CREDITS: usize = 512;
/// How long somebody waits for a first ring, whatever their own deadline is: others wait with them.
const MADE_WITHIN: Duration = Duration::from_secs(2);

/// Tells which tenant's keys are kept: the default tenant's. `None` while it is not known yet,
/// because the tenants are not loaded; the owner then waits to start.
pub type WhichTenant = Arc<dyn Fn() -> Option<TenantId> + Send + Sync>;

/// What the owner goes by.
#[derive(Clone)]
pub struct KeysConfig {
    /// The default tenant, whose ring is always at hand.
    pub tenant: WhichTenant,
    /// What signs (`JWT_ALGORITHM`).
    pub algorithm: Algorithm,
    /// How long a key signs (`KEY_ROTATION_INTERVAL`).
    pub rotation_interval: Duration,
    /// How long a retired key still verifies: the longest lifetime of a token, and some skew.
    pub retired_for: Duration,
    /// How long others may remember the published key set.
    pub jwks_max_age: Duration,
    /// A private key in PEM that becomes the default tenant's active one (`JWT_PRIVATE_KEY_PATH`).
    pub import_pem: Option<SecretText>,
}

/// Everything the owner needs from outside.
pub struct KeysNeeds {
    /// The keys' port, held by this owner alone.
    pub store: Arc<dyn port::Keys>,
    /// What the default tenant's private keys are sealed under.
    pub secrets: Arc<SystemSecrets>,
    /// What seals other tenants'.
    pub sealing: Arc<dyn Sealing>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub random: Arc<dyn Random>,
}

/// Seals under a tenant's data key. The owner knows the vault as this.
pub trait Sealing: Send + Sync + 'static {
    /// Seals `plain` for a context.
    fn seal(&self, tenant: TenantId, context: String, plain: SecretBytes) -> Pending<'_, Vec<u8>>;

    /// Opens what was sealed for this tenant and context; [`Fault::Broken`] when it was not.
    fn open(
        &self,
        tenant: TenantId,
        context: String,
        sealed: Vec<u8>,
    ) -> Pending<'_, Zeroizing<Vec<u8>>>;
}

/// Speaks to the keys owner. Clones speak to the same one.
#[derive(Clone)]
pub struct Keys {
    handle: Handle<Message>,
    parts: Arc<Parts>,
}

/// What became of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotated {
    /// The next key signs now.
    Done {
        /// Its `kid`.
        active: String,
    },
    /// The next key has not been published for long enough.
    TooEarly {
        /// When it will have been.
        at: UnixMillis,
    },
}

/// Makes the handle and the owner's child spec.
///
/// # Errors
/// [`InvalidKey`] when `import_pem` is not a private key of the configured algorithm.
pub fn keys(config: KeysConfig, needs: KeysNeeds) -> Result<(Keys, ChildSpec), InvalidKey> {
    if let Some(pem) = &config.import_pem
        && KeyPair::from_pem(pem.expose())?.algorithm() != config.algorithm
    {
        return Err(InvalidKey::Unsupported);
    }
    let handle = Handle::new("keys", CREDITS);
    let sealer = Sealer {
        secrets: needs.secrets,
        sealing: needs.sealing,
    };
    let parts = Arc::new(Parts {
        rings: Rings::new(&config, needs.store, sealer, needs.clock),
        config,
        random: needs.random,
    });
    let keys = Keys {
        handle: handle.clone(),
        parts: Arc::clone(&parts),
    };
    let spec = ChildSpec::owner("keys", handle, move || {
        Locksmith::start(Arc::clone(&parts)).boxed()
    });
    Ok((keys, spec.patient()))
}

// === impl Keys ===

impl Keys {
    /// Gives the default tenant's present ring. Never queues.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        self.parts.rings.default()
    }

    /// Gives a tenant's present ring; from memory, or else from the store. Never queues, but for a
    /// tenant that has none yet.
    ///
    /// # Errors
    /// [`Fault::Restarting`] before the owner's first start; the store's, or [`Fault::Late`].
    ///
    /// # Cancel safety
    /// A ring that was asked for is made whether or not anybody waits.
    pub async fn ring_of(
        &self,
        tenant: TenantId,
        deadline: Deadline,
    ) -> Result<Arc<KeyRing>, Fault> {
        let rings = &self.parts.rings;
        let default = rings.default();
        match default.tenant() {
            None => return Err(Fault::Restarting("keys")),
            Some(own) if own == tenant => return Ok(default),
            Some(_) => {}
        }
        match rings.find(tenant) {
            Some(ring) => Ok(ring),
            // Boxed, so that whoever asks is no larger for what is seldom done.
            None => Box::pin(self.fetch(tenant, deadline)).await,
        }
    }

    /// Loads a ring that is not at hand.
    async fn fetch(&self, tenant: TenantId, deadline: Deadline) -> Result<Arc<KeyRing>, Fault> {
        let make = async {
            let within = Deadline::after(MADE_WITHIN);
            self.handle
                .ask(within, |reply| Message::Make { tenant, reply })
                .await?
        };
        let tend = || {
            if let Err(fault) = self.handle.tell(Message::Tend { tenant }) {
                tracing::warn!(%fault, "signing keys that are due wait for the next look");
            }
        };
        answered(deadline, self.parts.rings.load(tenant, make, tend)).await
    }

    /// Lets the next key of the origin's tenant sign, if it has been published for long enough; then
    /// those of the rings beside it that have been.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store; whether the keys moved on is then unknown.
    ///
    /// # Cancel safety
    /// Once posted the rotation happens whether or not anybody waits.
    pub async fn rotate(&self, by: Origin, deadline: Deadline) -> Result<Rotated, Fault> {
        let by = Box::new(by);
        self.handle
            .ask(deadline, |reply| Message::Rotate { by, reply })
            .await?
    }

    /// Ends a key of the origin's tenant for good, whatever it has come to: nothing it signed is verified
    /// any more. Where it
    /// signed, the next one does from now on, published for long enough or not; what is then missing is
    /// made. Says whether there was one.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store; it may be revoked all the same.
    ///
    /// # Cancel safety
    /// As [`rotate`](Self::rotate).
    pub async fn revoke(&self, kid: String, by: Origin, deadline: Deadline) -> Result<bool, Fault> {
        let by = Box::new(by);
        self.handle
            .ask(deadline, |reply| Message::Revoke { kid, by, reply })
            .await?
    }

    /// Makes a private key in PEM the active one of the origin's tenant, unless it was ever stored
    /// before.
    ///
    /// # Errors
    /// [`Fault::Broken`] when it is no private key; as [`rotate`](Self::rotate).
    ///
    /// # Cancel safety
    /// As [`rotate`](Self::rotate).
    pub async fn import(
        &self,
        pem: SecretText,
        by: Origin,
        deadline: Deadline,
    ) -> Result<(), Fault> {
        let by = Box::new(by);
        self.handle
            .ask(deadline, |reply| Message::Import { pem, by, reply })
            .await?
    }

    /// Makes sure that something of a tenant's signs with an algorithm: makes a ring of it unless there
    /// is one. An RSA key takes a part of a second, off the runtime's threads.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store; the ring may be there all the same.
    ///
    /// # Cancel safety
    /// As [`rotate`](Self::rotate).
    pub async fn provide(
        &self,
        tenant: TenantId,
        algorithm: Algorithm,
        deadline: Deadline,
    ) -> Result<(), Fault> {
        self.handle
            .ask(deadline, |reply| Message::Provide {
                tenant,
                algorithm,
                reply,
            })
            .await?
    }

    /// Loads the default tenant's ring again, because another node changed it; and every other, which
    /// may go by it, when it is needed.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store; the last ring stays.
    ///
    /// # Cancel safety
    /// As [`rotate`](Self::rotate).
    pub async fn reload(&self, deadline: Deadline) -> Result<(), Fault> {
        self.handle
            .ask(deadline, |reply| Message::Reload { reply })
            .await?
    }

    /// Forgets a tenant's ring, because another node changed it. False for the default tenant, whose
    /// ring is never forgotten: [reload](Self::reload) it.
    #[must_use]
    pub fn forget(&self, tenant: TenantId) -> bool {
        self.parts.rings.forget(tenant);
        self.ring()
            .tenant()
            .is_some_and(|default| default != tenant)
    }

    /// Gives the owner's failpoint, for a test to arm.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn failpoint(&self) -> &crate::failpoint::FailPoint {
        self.handle.failpoint()
    }
}

// === impl KeysConfig ===

impl KeysConfig {
    const fn plan(&self) -> Plan {
        Plan {
            algorithm: self.algorithm,
            rotation_interval: self.rotation_interval,
            retired_for: self.retired_for,
            jwks_max_age: self.jwks_max_age,
        }
    }
}

impl fmt::Debug for KeysConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeysConfig")
            .field("algorithm", &self.algorithm)
            .field("rotation_interval", &self.rotation_interval)
            .finish_non_exhaustive()
    }
}
