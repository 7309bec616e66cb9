//! The audit owner: it alone seals the audit trail.
//!
//! Entries are written by the verbs they belong to, in the same commit. Every two seconds, or when
//! nudged, this owner chains those that have no seal yet: each seal is a hash over the one before it
//! and the entry ([`seal_of`]), one chain for each tenant, so nobody can change or remove an entry
//! without breaking every seal after it. Verifying needs nothing but the rows.
//!
//! Several nodes may seal at once: the store takes seals only onto the end they were made for, and
//! whoever is late leaves the tenant to the other.
//!
//! A restart loses nothing: an entry is unsealed until its seal is stored. When the store is away
//! the owner fails and is retried with backoff, and the tree shows it as degraded. Nothing is read
//! past the mailbox; nobody waits for a seal.

use std::sync::Arc;

use futures_util::FutureExt;
use store::port::audit as port;

use crate::handle::Handle;
use crate::supervision::ChildSpec;

mod chain;
mod message;
mod owner;

pub use chain::seal_of;

use message::Message;
use owner::Notary;

/// One nudge waits at most; more would say the same.
const CREDITS: usize = 1;
/// A tick seals every tenant's backlog: it may take so many pings before it counts as frozen.
const MISSES: u32 = 60;

/// Speaks to the audit owner. Clones speak to the same one.
#[derive(Clone)]
pub struct Audit(Handle<Message>);

/// Makes the handle and the owner's child spec.
#[must_use]
pub fn audit(store: Arc<dyn port::Audit>) -> (Audit, ChildSpec) {
    let handle = Handle::new("audit", CREDITS);
    let spec = ChildSpec::owner("audit", handle.clone(), move || {
        let store = Arc::clone(&store);
        async move { Ok(Notary { store }) }.boxed()
    });
    (Audit(handle), spec.frozen_after(MISSES).tolerant())
}

// === impl Audit ===

impl Audit {
    /// Asks for sealing now rather than at the next tick.
    pub fn nudge(&self) {
        // Refused means that a nudge waits already, or that the next start's first tick will do.
        let _ = self.0.tell(Message::Seal);
    }

    /// Gives the owner's failpoint, for a test to arm.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn failpoint(&self) -> &crate::failpoint::FailPoint {
        self.0.failpoint()
    }
}
