//! The janitor: it alone purges what has expired.
//!
//! Once a minute it deletes expired families, sessions, tokens, changes and counters, mails that were given up
//! long ago, clients that described themselves and that nobody uses, and accounts whose owners deleted them long enough ago, in steps small enough that no other verb waits for long. Retired signing
//! keys are the keys owner's. It also erases tenants that were deleted long enough ago, with every row that
//! belongs to them, and says so in the trail of the default tenant.
//!
//! A restart loses nothing: what has expired stays expired, and the next sweep finds it. Several
//! nodes may sweep at once. When the store is away the owner fails and is retried with backoff, and
//! the tree shows it as degraded. Nothing is read past the mailbox.

use std::sync::Arc;

use domain::id::TenantId;
use domain::rejection::Fault;
use domain::time::Clock;
use futures_util::FutureExt;
use store::port::janitor as port;
use store::port::janitor::Purged;

use crate::deadline::Deadline;
use crate::handle::Handle;
use crate::supervision::ChildSpec;

mod message;
mod owner;

use message::Message;
use owner::Sweeper;

/// How many orders may wait.
const CREDITS: usize = 4;
/// A sweep may take so many pings before the owner counts as frozen.
const MISSES: u32 = 240;

/// Tells in whose trail the end of a tenant stands: the default tenant's. `None` while it is not known
/// yet, because the tenants are not loaded; nobody is erased until then.
pub type Keeper = Arc<dyn Fn() -> Option<TenantId> + Send + Sync>;

/// Speaks to the janitor. Clones speak to the same one.
#[derive(Clone)]
pub struct Janitor(Handle<Message>);

/// Makes the handle and the owner's child spec.
#[must_use]
pub fn janitor(
    store: Arc<dyn port::Janitor>,
    keeper: Keeper,
    clock: Arc<dyn Clock>,
) -> (Janitor, ChildSpec) {
    let handle = Handle::new("janitor", CREDITS);
    let spec = ChildSpec::owner("janitor", handle.clone(), move || {
        let sweeper = Sweeper {
            store: Arc::clone(&store),
            keeper: Arc::clone(&keeper),
            clock: Arc::clone(&clock),
        };
        async move { Ok(sweeper) }.boxed()
    });
    (Janitor(handle), spec.frozen_after(MISSES).tolerant())
}

// === impl Janitor ===

impl Janitor {
    /// Purges what has expired now rather than at the next tick. Gives how much that was.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store.
    ///
    /// # Cancel safety
    /// Once posted the sweep happens whether or not anybody waits.
    pub async fn sweep(&self, deadline: Deadline) -> Result<Purged, Fault> {
        self.0
            .ask(deadline, |reply| Message::Sweep { reply })
            .await?
    }

    /// Gives the owner's failpoint, for a test to arm.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn failpoint(&self) -> &crate::failpoint::FailPoint {
        self.0.failpoint()
    }
}
