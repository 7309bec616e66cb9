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
//! Rotation happens by itself when the active key has signed for
//! `rotation_interval`, or on demand. Private keys are stored sealed, and sealed anew when
//! `SYSTEM_SECRETS` moved on.
//!
//! A key that others may have is revoked: it leaves the published set at once, and another signs in its
//! place although not everybody can know it yet. A verifier that meets an unknown name fetches the set
//! again; that is a smaller harm than trusting a thief.
//!
//! The store is the judge between nodes: whoever is late at a rotation finds the other's keys.
//!
//! A restart loses nothing: the ring is loaded from the store again, and until then the last
//! published one goes on signing and verifying. While the store is away at the first start the ring
//! is empty and signs nothing.
//!
//! Read past the mailbox: the ring, on every sign and every verify. Only rotations and reloads
//! queue.
//!
//! Next: `plan` for when keys move on, `ring` for what is published, `owner` for the shell.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::event::Origin;
use domain::id::TenantId;
use domain::key::Algorithm;
use domain::random::Random;
use domain::rejection::Fault;
use domain::secret::SecretText;
use domain::time::{Clock, UnixMillis};
use futures_util::FutureExt;
use protocol::jose::key_pair::{InvalidKey, KeyPair};
use protocol::system_secrets::SystemSecrets;
use store::port::keys as port;

use crate::deadline::Deadline;
use crate::handle::Handle;
use crate::snapshot::{Snapshot, publish};
use crate::supervision::ChildSpec;

mod message;
mod owner;
mod plan;
mod ring;
mod sealed;

pub use ring::{Jwks, KeyRing, KeyView};

use message::Message;
use owner::{Locksmith, Parts};
use plan::Plan;

/// How many commands may wait.
const CREDITS: usize = 64;

/// Tells which tenant's keys are kept: the default tenant's. `None` while it is not known yet,
/// because the tenants are not loaded; the owner then waits to start.
pub type WhichTenant = Arc<dyn Fn() -> Option<TenantId> + Send + Sync>;

/// What the owner goes by.
#[derive(Clone)]
pub struct KeysConfig {
    /// Whose keys they are.
    pub tenant: WhichTenant,
    /// What signs (`JWT_ALGORITHM`).
    pub algorithm: Algorithm,
    /// How long a key signs (`KEY_ROTATION_INTERVAL`).
    pub rotation_interval: Duration,
    /// How long a retired key still verifies: the longest lifetime of a token, and some skew.
    pub retired_for: Duration,
    /// How long others may remember the published key set.
    pub jwks_max_age: Duration,
    /// A private key in PEM that becomes the active one (`JWT_PRIVATE_KEY_PATH`).
    pub import_pem: Option<SecretText>,
}

/// Everything the owner needs from outside.
pub struct KeysNeeds {
    /// The keys' port, held by this owner alone.
    pub store: Arc<dyn port::Keys>,
    /// What private keys are sealed under.
    pub secrets: Arc<SystemSecrets>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub random: Arc<dyn Random>,
}

/// Speaks to the keys owner. Clones speak to the same one.
#[derive(Clone)]
pub struct Keys {
    handle: Handle<Message>,
    ring: Snapshot<KeyRing>,
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
    let (publisher, ring) = publish(KeyRing::default());
    let handle = Handle::new("keys", CREDITS);
    let parts = Arc::new(Parts {
        config,
        store: needs.store,
        secrets: needs.secrets,
        clock: needs.clock,
        random: needs.random,
        publisher,
    });
    let spec = ChildSpec::owner("keys", handle.clone(), move || {
        Locksmith::start(Arc::clone(&parts)).boxed()
    });
    Ok((Keys { handle, ring }, spec.patient()))
}

// === impl Keys ===

impl Keys {
    /// Gives the present ring. Never queues.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        self.ring.load_full()
    }

    /// Lets the next key sign, if it has been published for long enough; then those of the rings
    /// beside it that have been.
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

    /// Ends a key for good, whatever it has come to: nothing it signed is verified any more. Where it
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

    /// Makes sure that something signs with an algorithm: makes a ring of it unless there is one.
    /// An RSA key takes a part of a second, off the runtime's threads.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store; the ring may be there all the same.
    ///
    /// # Cancel safety
    /// As [`rotate`](Self::rotate).
    pub async fn provide(&self, algorithm: Algorithm, deadline: Deadline) -> Result<(), Fault> {
        self.handle
            .ask(deadline, |reply| Message::Provide { algorithm, reply })
            .await?
    }

    /// Loads the ring again: another node changed it.
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
