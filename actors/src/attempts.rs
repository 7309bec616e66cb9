//! The attempts owner: it alone counts failed sign-ins, delays guessers and locks accounts.
//!
//! An attempt is paid for before the password is looked at: [`Attempts::claim`] has the store count
//! it, and gives a [`Ticket`] that says what became of it. Parallel guesses cannot race the counter
//! (NIST SP 800-63B-4 §3.2.2): of one account, attempts are in flight together only while their
//! failing all together would not reach the first delay; beyond that they go one at a time, and up
//! to sixteen callers wait in line for their turn. An account is counted whether or not it exists.
//!
//! Sixteen shards, chosen by the account's keyed hash. A shard awaits the store, never a password
//! hash: the flow hashes while it holds its ticket.
//!
//! A restart loses nothing decided: each count was stored before the claim was answered. The lines
//! are lost (their callers hear that the owner restarts) and so is the knowledge of what is in
//! flight; the store, which counted those attempts already, goes on to judge. Nothing is read past
//! the mailbox.
//!
//! Next: `lanes` for the rule, `owner` for the shell.

use std::num::NonZeroUsize;
use std::sync::Arc;

use domain::attempt::{AttemptKeys, AttemptPolicy};
use domain::event::Entry;
use domain::id::TenantId;
use domain::rejection::Fault;
use domain::time::UnixMillis;
use futures_util::FutureExt;
use store::port::attempts as port;
use tokio::time::Instant;

use crate::deadline::Deadline;
use crate::handle::{Handle, Shards};
use crate::supervision::ChildSpec;

mod lanes;
mod message;
mod owner;

use lanes::{Outcome, Place};
use message::{Account, Message, Waiter};
use owner::Shard;

/// How many shards there are.
const SHARDS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);
/// How many messages one shard takes at once; whoever waits in line holds one.
const CREDITS: usize = 1024;

/// Speaks to the attempts owner. Clones speak to the same one.
#[derive(Clone)]
pub struct Attempts(Shards<Message>);

/// What became of a claim.
#[derive(Debug)]
pub enum Claimed {
    /// Paid for: look at the password and say what became of it.
    Granted(Ticket),
    /// Too early: not to be looked at.
    Delayed {
        /// When the next attempt may be made.
        until: UnixMillis,
    },
    /// The password is disabled until it is reset.
    Disabled,
}

/// The right to look at one password, once.
///
/// Dropping it without a word leaves the price paid and frees the place: a flow that broke off
/// counts as a wrong guess.
#[derive(Debug)]
#[must_use = "say what became of the attempt"]
pub struct Ticket {
    place: Arc<Place>,
    account: Account,
    shard: Handle<Message>,
}

/// Why nobody may look now. Unlike a ticket it can be told to many.
#[derive(Debug, Clone, Copy)]
enum Refused {
    Delayed(UnixMillis),
    Disabled,
}

/// Makes the handle and the child specs of the shards.
#[must_use]
pub fn attempts(
    store: &Arc<dyn port::Attempts>,
    policy: AttemptPolicy,
) -> (Attempts, Vec<ChildSpec>) {
    let shards = Shards::new("attempts", SHARDS, CREDITS);
    let spec = |(number, handle): (usize, &Handle<Message>)| {
        let (store, own) = (Arc::clone(store), handle.clone());
        ChildSpec::owner(format!("attempts/{number}"), handle.clone(), move || {
            let shard = Shard::new(Arc::clone(&store), policy, own.clone());
            async move { Ok(shard) }.boxed()
        })
    };
    let specs = shards.iter().enumerate().map(spec).collect();
    (Attempts(shards), specs)
}

// === impl Attempts ===

impl Attempts {
    /// Pays for one attempt at an account, as soon as it is its turn.
    ///
    /// # Errors
    /// [`Fault::Busy`] when sixteen callers wait for the account already; otherwise as
    /// [`Handle::ask`] and the store. Whether the attempt was paid for is then unknown; it must not
    /// be made.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the attempt paid for, never looked at.
    pub async fn claim(
        &self,
        tenant: TenantId,
        keys: impl Into<AttemptKeys>,
        now: UnixMillis,
        deadline: Deadline,
    ) -> Result<Claimed, Fault> {
        let keys = keys.into();
        let account = Account {
            tenant,
            key: keys.newest,
        };
        let since = Instant::now();
        self.shard(&account)
            .ask(deadline, |reply| Message::Claim {
                account,
                waiter: Waiter {
                    older: keys.older,
                    now,
                    since,
                    deadline,
                    reply,
                },
            })
            .await?
    }

    /// Forgets an account's failures, delay and lockout with them: an operator vouches for it. A
    /// password that the failures disabled works again.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store. Clearing twice is no harm.
    ///
    /// # Cancel safety
    /// Once posted the count is forgotten whether or not anybody waits.
    pub async fn clear(
        &self,
        tenant: TenantId,
        keys: impl Into<AttemptKeys>,
        deadline: Deadline,
    ) -> Result<(), Fault> {
        let keys = keys.into();
        let account = Account {
            tenant,
            key: keys.newest,
        };
        self.shard(&account)
            .ask(deadline, |reply| Message::Clear {
                tenant,
                keys,
                reply,
            })
            .await?
    }

    /// Gives how many messages are queued, in line or in work.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.depth()
    }

    /// Gives every shard's failpoint, for a test to arm.
    #[cfg(feature = "failpoints")]
    pub fn failpoints(&self) -> impl Iterator<Item = &crate::failpoint::FailPoint> {
        self.0.iter().map(Handle::failpoint)
    }

    /// Gives the failpoint of the shard that an account's attempts go to.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn failpoint_of(
        &self,
        tenant: TenantId,
        keys: &AttemptKeys,
    ) -> &crate::failpoint::FailPoint {
        let key = keys.newest;
        self.shard(&Account { tenant, key }).failpoint()
    }

    fn shard(&self, account: &Account) -> &Handle<Message> {
        // The key is a keyed hash: its first bytes are as random as any.
        let bits = account.key.0.first_chunk::<8>();
        self.0.of(bits.map_or(0, |bits| u64::from_le_bytes(*bits)))
    }
}

// === impl Ticket ===

impl Ticket {
    fn new(place: Arc<Place>, account: Account, shard: Handle<Message>) -> Self {
        Self {
            place,
            account,
            shard,
        }
    }

    /// Says that the password was wrong and writes the audit entry. The price stays paid.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store; the entry may then be missing, the count is not.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the price paid; the entry may be missing.
    pub async fn fail(self, entry: Entry, deadline: Deadline) -> Result<(), Fault> {
        let entry = Box::new(entry);
        self.shard
            .ask(deadline, |reply| Message::Fail { entry, reply })
            .await?
    }

    /// Says that the password was right. The count was cleared by the commit of the sign-in
    /// ([`NewSession::clear_attempts`](store::port::sessions::NewSession::clear_attempts)).
    pub fn succeed(self) {
        self.place.resolve(Outcome::Succeeded);
    }

    /// Gives the price back: the password was never looked at.
    ///
    /// # Errors
    /// As [`Handle::ask`] and the store; the price then stays paid.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the price paid.
    pub async fn refund(self, deadline: Deadline) -> Result<(), Fault> {
        let account = self.account;
        self.shard
            .ask(deadline, |reply| Message::Refund { account, reply })
            .await??;
        self.place.resolve(Outcome::Refunded);
        Ok(())
    }

    /// Says that the store failed before the password was looked at, and waits for nothing: whoever
    /// waits behind is told at once, and the price is given back if the store is there again.
    pub fn strand(self, fault: Fault, deadline: Deadline) {
        let account = self.account;
        // If this cannot be posted the price stays paid, and those behind find out by themselves.
        let _ = self
            .shard
            .tell_until(deadline, Message::Strand { account, fault });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // The first word counts, so this one only counts where none was said.
        self.place.resolve(Outcome::Failed);
        // If this cannot be posted the shard finds the free place at its next tick.
        let account = self.account;
        let _ = self.shard.tell(Message::Advance { account });
    }
}

// === impl Claimed ===

impl From<Refused> for Claimed {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Delayed(until) => Self::Delayed { until },
            Refused::Disabled => Self::Disabled,
        }
    }
}
