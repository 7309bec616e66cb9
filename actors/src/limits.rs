//! The limits owner: it alone bans networks. Beside it: the buckets and counters that limit callers.
//!
//! Three limits, each where it is cheapest:
//! - **Buckets.** Every request of a network takes a drop from its bucket (`RATE_LIMIT_RPS`,
//!   `RATE_LIMIT_BURST`), on this node alone, with one atomic step.
//! - **Counters.** What happens seldom and must be limited over hours (mails to an account, failed
//!   sign-ins from a network) is counted where all nodes see it.
//! - **Bans.** A banned network is refused outright by this node.
//!
//! None of these is the judge of anything that must hold (the attempts owner is, for passwords), so
//! when the shared counters are away each node counts for itself: losing Redis stops nobody from
//! signing in and frees no guesser.
//!
//! A restart of the owner loses nothing: the bans are published and it goes on from the last ones. A
//! restart of the process forgets buckets, bans and, on a single node, counters.
//!
//! Read past the mailbox: buckets, bans and counters, on every request. Only bans queue.
//!
//! Next: `buckets`, `counters`, `bans`, and `owner` for the shell.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use domain::address::Network;
use domain::rejection::Fault;
use domain::time::{Clock, UnixMillis};
use futures_util::FutureExt;
use store::port::shared::SharedState;

use crate::deadline::Deadline;
use crate::handle::Handle;
use crate::snapshot::{Snapshot, publish};
use crate::supervision::ChildSpec;

mod bans;
mod buckets;
mod counters;
mod message;
mod owner;

use bans::Bans;
use buckets::Buckets;
use counters::Counters;
use message::Message;
use owner::Gatekeeper;

/// How many commands may wait.
const CREDITS: usize = 64;
/// A network is shared by many people: it may fail so many times as often as one account.
const PEOPLE: u64 = 10;

/// What the limits are.
#[derive(Debug, Clone, Copy)]
pub struct LimitsConfig {
    /// How often a network may ask each second (`RATE_LIMIT_RPS`).
    pub per_second: NonZeroU32,
    /// How often at once (`RATE_LIMIT_BURST`).
    pub burst: NonZeroU32,
    /// How many failed sign-ins lock one account (`RATE_LIMIT_MAX_FAILED_ATTEMPTS`).
    pub max_failures: u32,
    /// The window in which a network's failed sign-ins are counted
    /// (`RATE_LIMIT_LOCKOUT_DURATION`).
    pub lockout: Duration,
}

/// Speaks to the limits owner, and checks the limits. Clones share them.
#[derive(Clone)]
pub struct Limits {
    handle: Handle<Message>,
    config: LimitsConfig,
    bans: Snapshot<Bans>,
    buckets: Arc<Buckets>,
    counters: Counters,
    clock: Arc<dyn Clock>,
}

/// Makes the handle and the owner's child spec.
#[must_use]
pub fn limits(
    config: LimitsConfig,
    shared: SharedState,
    clock: Arc<dyn Clock>,
) -> (Limits, ChildSpec) {
    let (publisher, bans) = publish(Bans::default());
    let limits = Limits {
        handle: Handle::new("limits", CREDITS),
        config,
        bans,
        buckets: Arc::new(Buckets::new(config.per_second, config.burst)),
        counters: Counters::new(shared, Arc::clone(&clock)),
        clock: Arc::clone(&clock),
    };
    let spec = ChildSpec::owner("limits", limits.handle.clone(), move || {
        let owner = Gatekeeper::new(Arc::clone(&clock), publisher.clone());
        async move { Ok(owner) }.boxed()
    });
    (limits, spec)
}

// === impl Limits ===

impl Limits {
    /// Lets one request of a network through. Never queues.
    ///
    /// # Errors
    /// How long to wait: the network is banned, or asks too fast.
    pub fn check(&self, network: Network) -> Result<(), Duration> {
        let bans = self.bans.load();
        // Nearly always nobody is banned, and then the time of day is nothing to ask for.
        if !bans.is_empty() {
            bans.check(network, self.clock.now())?;
        }
        self.buckets.check(network)
    }

    /// Counts one act under `key` and refuses it beyond `limit` in a window of `window`: how long
    /// the window still lasts.
    ///
    /// # Errors
    /// [`Fault::Late`] if the deadline passed.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the act counted.
    pub async fn spend(
        &self,
        key: String,
        limit: u64,
        window: Duration,
        deadline: Deadline,
    ) -> Result<Result<(), Duration>, Fault> {
        let (count, rest) = deadline.bound(self.counters.count(key, window)).await??;
        Ok(if count > limit { Err(rest) } else { Ok(()) })
    }

    /// Counts a failed sign-in from a network.
    ///
    /// # Errors
    /// [`Fault::Late`] if the deadline passed.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the failure counted.
    pub async fn record_failure(&self, network: Network, deadline: Deadline) -> Result<(), Fault> {
        let counted = self
            .counters
            .count(failures_of(network), self.config.lockout);
        deadline.bound(counted).await??;
        Ok(())
    }

    /// Refuses a network whose people failed to sign in too often: how long the window still lasts.
    ///
    /// # Errors
    /// [`Fault::Late`] if the deadline passed.
    ///
    /// # Cancel safety
    /// Reads only.
    pub async fn check_failures(
        &self,
        network: Network,
        deadline: Deadline,
    ) -> Result<Result<(), Duration>, Fault> {
        let most = u64::from(self.config.max_failures).saturating_mul(PEOPLE);
        let read = self.counters.peek(failures_of(network));
        let (count, rest) = deadline.bound(read).await??;
        Ok(if count >= most { Err(rest) } else { Ok(()) })
    }

    /// Refuses a network on this node until `until`.
    ///
    /// # Errors
    /// As [`Handle::ask`].
    ///
    /// # Cancel safety
    /// Once posted it happens whether or not anybody waits.
    pub async fn ban(
        &self,
        network: Network,
        until: UnixMillis,
        deadline: Deadline,
    ) -> Result<(), Fault> {
        self.handle
            .ask(deadline, |reply| Message::Ban {
                network,
                until,
                reply,
            })
            .await
    }

    /// Lets a network in again. Says whether it was banned.
    ///
    /// # Errors
    /// As [`Handle::ask`].
    ///
    /// # Cancel safety
    /// As [`ban`](Self::ban).
    pub async fn lift(&self, network: Network, deadline: Deadline) -> Result<bool, Fault> {
        self.handle
            .ask(deadline, |reply| Message::Lift { network, reply })
            .await
    }

    /// Gives the owner's failpoint, for a test to arm.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn failpoint(&self) -> &crate::failpoint::FailPoint {
        self.handle.failpoint()
    }
}

fn failures_of(network: Network) -> String {
    format!("failures/{}", network.address())
}
