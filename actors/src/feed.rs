//! The feed: how this node hears of what other nodes, and other verbs, changed.
//!
//! Every change that somebody remembers something of is written to the feed in the commit that makes
//! it. This task reads the feed when it is noticed, and besides every 400 ms, so a lost notice is
//! never a missed revocation: a token or session goes to the [denylist](crate::denylist), what is
//! remembered of a user, a client or an API key is forgotten, tenants, rules and keys are loaded again. Each reading
//! overlaps the one before by ten seconds of the store's clock, because a transaction may commit
//! after one that was stamped later; what was applied already is skipped. It is read in pages, so
//! however much there is, each answer comes in time. A store's clock that was set back is followed.
//!
//! It says when it last heard the feed, and on a store that others write to, checks fail closed when
//! that is too long ago (CONTRACT §11: revocation within 1 s on every node). It also purges the
//! denylist, by the wall clock as far as a clock that nobody can set bears it out.
//!
//! A restart loses nothing: the first reading takes all revocations from the beginning, and whatever
//! else hints would have been about is forgotten or loaded again. The same happens after ten minutes
//! without the feed, since hints are kept for a quarter of an hour, and when the wall clock was set
//! back. Applying a change twice does no harm. It is a task without a mailbox.
//!
//! Next: `reading` for what is new, `steady` for the clocks, `listener` for the task.

use std::sync::Arc;

use domain::time::Clock;
use futures_util::FutureExt;
use store::port::changes::Changes;

use crate::accounts::Accounts;
use crate::api_keys::ApiKeys;
use crate::keys::Keys;
use crate::roles::Roles;
use crate::sessions::Sessions;
use crate::supervision::ChildSpec;
use crate::tenants::Tenants;

mod listener;
mod reading;
mod steady;

use listener::Listener;

/// Everything the task needs from outside.
pub struct FeedNeeds {
    /// The feed's port, read by this task alone.
    pub changes: Arc<dyn Changes>,
    /// Whose denylist and hot copies are kept up to date.
    pub sessions: Sessions,
    /// What is remembered of accounts.
    pub accounts: Accounts,
    /// What is remembered of API keys.
    pub api_keys: ApiKeys,
    /// Whose tenants and clients are kept up to date.
    pub tenants: Tenants,
    /// Whose rules are kept up to date.
    pub roles: Roles,
    /// Whose ring is kept up to date.
    pub keys: Keys,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// Makes the task's child spec.
#[must_use]
pub fn feed(needs: FeedNeeds) -> ChildSpec {
    let needs = Arc::new(needs);
    ChildSpec::task("feed", move |stop| {
        let needs = Arc::clone(&needs);
        async move { Listener::new(&needs).run(stop).await }.boxed()
    })
}
