//! The audit owner: it alone seals the audit trail.
//!
//! Entries are written by the verbs they belong to, in the same commit. Every two seconds, when
//! nudged, and while there are many all the time, this owner chains those that have no seal yet: each seal
//! is a hash over the one before it and the entry ([`seal_of`]), one chain for each tenant, so nobody can
//! change or remove an entry without breaking every seal after it.
//!
//! With the seals, in the same commit, it signs how far the chain has come ([`sign`]): a seal anybody can compute
//! who can write to the store, a checkpoint nobody without `SYSTEM_SECRETS`. So what is found wrong is not only a
//! change within ([`Walk`]) but a chain that was cut off, or sealed again from some place on. A checkpoint stays
//! for each day; what is older than `AUDIT_RETENTION` goes up to one of them, which then says so, signed.
//!
//! Several nodes may seal at once: the store takes seals only onto the end they were made for, and
//! whoever is late leaves the tenant to the other.
//!
//! A restart loses nothing: an entry is unsealed until its seal is stored. When the store is away
//! the owner fails and is retried with backoff, and the tree shows it as degraded. Nothing is read
//! past the mailbox; nobody waits for a seal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::rejection::Fault;
use domain::time::Clock;
use futures_util::FutureExt;
use protocol::system_secrets::SystemSecrets;
use store::port::audit as port;
use store::port::checkpoints::Checkpoints;

use crate::deadline::Deadline;
use crate::handle::Handle;
use crate::supervision::ChildSpec;

mod chain;
mod message;
mod owner;
mod signed;
mod walk;

pub use chain::seal_of;
pub use signed::{is_signed, may_be_gone, sign};
pub use walk::{Broken, Flaw, Walk, broken};

use message::Message;
use owner::Notary;

/// How many orders may wait: one nudge, since more would say the same, and a purge.
const CREDITS: usize = 2;
/// A tick seals every tenant's backlog: it may take so many pings before it counts as frozen.
const MISSES: u32 = 240;

/// Speaks to the audit owner. Clones speak to the same one.
#[derive(Clone)]
pub struct Audit(Handle<Message>);

/// What the owner needs.
pub struct AuditNeeds {
    /// The trail.
    pub trail: Arc<dyn port::Audit>,
    /// Its checkpoints' port, which the owner alone writes by.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// What checkpoints are signed with.
    pub secrets: Arc<SystemSecrets>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// How long entries are kept.
    pub retention: Duration,
}

/// Makes the handle and the owner's child spec.
#[must_use]
pub fn audit(needs: AuditNeeds) -> (Audit, ChildSpec) {
    let handle = Handle::new("audit", CREDITS);
    let needs = Arc::new(needs);
    let spec = ChildSpec::owner("audit", handle.clone(), move || {
        let needs = Arc::clone(&needs);
        let logged = HashMap::new();
        let notary = Notary {
            needs,
            ticks: 0,
            behind: HashMap::new(),
            logged,
        };
        async move { Ok(notary) }.boxed()
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

    /// Purges what is older than it is kept now rather than at its hour. Gives how many entries went.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store.
    ///
    /// # Cancel safety
    /// Once posted it happens whether or not anybody waits.
    pub async fn purge(&self, deadline: Deadline) -> Result<u64, Fault> {
        self.0
            .ask(deadline, |reply| Message::Purge { reply })
            .await?
    }

    /// Gives the owner's failpoint, for a test to arm.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn failpoint(&self) -> &crate::failpoint::FailPoint {
        self.0.failpoint()
    }
}
