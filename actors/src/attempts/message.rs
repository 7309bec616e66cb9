//! What can be asked of a shard of the attempts owner.

use domain::attempt::{AttemptKey, AttemptKeys};
use domain::event::Entry;
use domain::id::TenantId;
use domain::rejection::Fault;
use domain::time::UnixMillis;
use tokio::time::Instant;

use super::Claimed;
use crate::deadline::Deadline;
use crate::handle::Reply;

/// An account, whether or not it exists, by what it is called under the newest secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Account {
    pub(super) tenant: TenantId,
    pub(super) key: AttemptKey,
}

/// Orders to a shard, each about one account of its share.
#[derive(Debug)]
pub(super) enum Message {
    /// Let the caller guess, now or when those before it are done.
    Claim { account: Account, waiter: Waiter },
    /// Write down that a guess was wrong.
    Fail {
        entry: Box<Entry>,
        reply: Reply<Result<(), Fault>>,
    },
    /// Give a price back: the password was never looked at.
    Refund {
        account: Account,
        reply: Reply<Result<(), Fault>>,
    },
    /// Forget the count: an operator vouches for the account.
    Clear {
        tenant: TenantId,
        keys: AttemptKeys,
        reply: Reply<Result<(), Fault>>,
    },
    /// The store failed whoever held a ticket. Whoever waits behind would be told the same, and the
    /// price goes back if the store lets it.
    Strand { account: Account, fault: Fault },
    /// A ticket was resolved, or one was let in: let the next one in.
    Advance { account: Account },
}

/// Whoever waits to guess.
#[derive(Debug)]
pub(super) struct Waiter {
    /// What the account is called under older secrets.
    pub(super) older: Vec<AttemptKey>,
    /// The instant of the request, when it came in.
    pub(super) now: UnixMillis,
    /// When it came in, by the runtime's clock: what `now` has become since.
    pub(super) since: Instant,
    /// When nobody waits any more.
    pub(super) deadline: Deadline,
    /// The way back.
    pub(super) reply: Reply<Result<Claimed, Fault>>,
}

// === impl Waiter ===

impl Waiter {
    /// Says whether nobody waits for the answer any more.
    pub(super) fn is_gone(&self) -> bool {
        self.reply.is_abandoned() || self.deadline.has_passed()
    }

    /// Gives the present instant as the waiter's request would see it.
    pub(super) fn present(&self) -> UnixMillis {
        self.now + self.since.elapsed()
    }
}
