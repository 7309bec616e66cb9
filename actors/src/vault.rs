//! The vault: it alone unwraps, uses and forgets the data keys of tenants.
//!
//! What a tenant's people entrust to the service and must be read again (the secret of an
//! authenticator app) is sealed under the tenant's data key, for a context that names the row it
//! belongs to. The key is made when the tenant first needs one, and is stored wrapped: by
//! `SYSTEM_SECRETS`, or by whatever else implements [`KeyWrapping`]. Whoever has the database opens
//! nothing; a value that is moved to another row or tenant does not open.
//!
//! Keys in the clear are in this owner's memory only: so many at most, each until nobody needed it for
//! a quarter of an hour, zeroed then. When `SYSTEM_SECRETS` has a new first entry, a key is wrapped
//! anew when it is unwrapped, and every key within a while of the start, so that the old secret
//! may be dropped.
//!
//! The store is the judge between nodes: of two that make a tenant's first key at once, both seal under
//! the one that was stored first. While the store is away nothing opens whose key is not at hand: the
//! answer is a fault, never the sealed value or a key of the moment.
//!
//! A restart loses the keys at hand, which are unwrapped again when they are needed. Nothing is read
//! past the mailbox: a seal takes some microseconds, and only a key that is not at hand is waited for.
//!
//! Next: `shelf` for what is at hand, `wrapping` for the port to a key service, `owner` for the shell.

use std::sync::Arc;

use domain::id::TenantId;
use domain::random::Random;
use domain::rejection::Fault;
use domain::secret::SecretBytes;
use domain::time::Clock;
use futures_util::FutureExt;
use store::port::data_keys::DataKeys;
use zeroize::Zeroizing;

use crate::deadline::Deadline;
use crate::handle::Handle;
use crate::supervision::ChildSpec;

mod message;
mod owner;
mod shelf;
mod wrapping;

pub use wrapping::{KeyName, KeyWrapping, LocalWrapping};

use message::Message;
use owner::{Keeper, Parts};

/// How many values may wait to be sealed or opened.
const CREDITS: usize = 1_024;

/// Everything the owner needs from outside.
pub struct VaultNeeds {
    /// The data keys' port, held by this owner alone.
    pub store: Arc<dyn DataKeys>,
    /// What wraps data keys.
    pub wrapping: Arc<dyn KeyWrapping>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes keys and their ids.
    pub random: Arc<dyn Random>,
}

/// Speaks to the vault. Clones speak to the same one.
#[derive(Clone)]
pub struct Vault {
    handle: Handle<Message>,
}

/// Makes the handle and the owner's child spec.
#[must_use]
pub fn vault(needs: VaultNeeds) -> (Vault, ChildSpec) {
    let handle = Handle::new("vault", CREDITS);
    let parts = Arc::new(Parts {
        store: needs.store,
        wrapping: needs.wrapping,
        clock: needs.clock,
        random: needs.random,
    });
    let spec = ChildSpec::owner("vault", handle.clone(), move || {
        let owner = Keeper::new(Arc::clone(&parts));
        async move { Ok(owner) }.boxed()
    });
    (Vault { handle }, spec)
}

// === impl Vault ===

impl Vault {
    /// Seals `plain` under the tenant's data key, for a context that opens it again.
    ///
    /// # Errors
    /// As [`Handle::ask`], the store and the key service.
    ///
    /// # Cancel safety
    /// Dropping the future leaves at most a data key behind, which the next caller seals under.
    pub async fn seal(
        &self,
        tenant: TenantId,
        context: &str,
        plain: &[u8],
        deadline: Deadline,
    ) -> Result<Vec<u8>, Fault> {
        let context = context.to_owned();
        let plain = SecretBytes::new(plain.to_vec());
        self.handle
            .ask(deadline, |reply| Message::Seal {
                tenant,
                context,
                plain,
                reply,
            })
            .await?
    }

    /// Opens what was sealed for this tenant and context.
    ///
    /// # Errors
    /// [`Fault::Broken`] when it was sealed for others, was altered, or no secret opens its key;
    /// as [`Handle::ask`], the store and the key service.
    ///
    /// # Cancel safety
    /// Changes nothing that is seen.
    pub async fn open(
        &self,
        tenant: TenantId,
        context: &str,
        sealed: &[u8],
        deadline: Deadline,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let (context, sealed) = (context.to_owned(), sealed.to_vec());
        self.handle
            .ask(deadline, |reply| Message::Open {
                tenant,
                context,
                sealed,
                reply,
            })
            .await?
    }

    /// Gives the owner's failpoint, for a test to arm.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn failpoint(&self) -> &crate::failpoint::FailPoint {
        self.handle.failpoint()
    }
}
