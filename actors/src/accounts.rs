//! Remembered accounts: for whoever only asks what an account is, at every use of a token.
//!
//! No live state exists for an account; flows read and write its port. This is what was read of it
//! lately, bounded, so that `/userinfo` of a token that was seen before asks no store. Whoever changes
//! an account makes this node forget it before the change is answered; the [feed](crate::feed) makes
//! the others forget it, and everything when it may have missed something. A node that does not hear
//! the feed knows that it does not (see [`Denylist::is_fresh`]): whoever judges a token asks that first.
//!
//! Not for an act that changes the account: that reads the store. It is no owner: nothing queues, and
//! a restart loses nothing.
//!
//! [`Denylist::is_fresh`]: crate::denylist::Denylist::is_fresh

use std::sync::Arc;
use std::time::Duration;

use domain::id::{TenantId, UserId};
use domain::rejection::Fault;
use domain::user::User;
use store::port::users::Users;

use crate::deadline::Deadline;
use crate::patience::answered;
use crate::remembered::Remembered;

/// How many accounts are remembered: about 10 MB when full.
const CAPACITY: u64 = 20_000;
/// How long one is remembered at most, should nobody ever say that it changed.
const TTL: Duration = Duration::from_mins(5);

/// The accounts that were asked for lately. Clones share them.
#[derive(Clone)]
pub struct Accounts {
    remembered: Remembered<(TenantId, UserId), User>,
    store: Arc<dyn Users>,
}

// === impl Accounts ===

impl Accounts {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(store: Arc<dyn Users>) -> Self {
        Self {
            remembered: Remembered::new(CAPACITY, TTL),
            store,
        }
    }

    /// Gives an account; from memory, or else from the store.
    ///
    /// # Errors
    /// The store's, or [`Fault::Late`].
    ///
    /// # Cancel safety
    /// Reads only; another caller's load of the same account goes on.
    pub async fn load(
        &self,
        tenant: TenantId,
        user: UserId,
        deadline: Deadline,
    ) -> Result<Option<Arc<User>>, Fault> {
        let load = || self.store.load_user(tenant, user);
        answered(deadline, self.remembered.load((tenant, user), load)).await
    }

    /// Forgets an account that changed. Called before the change is answered.
    pub fn forget(&self, tenant: TenantId, user: UserId) {
        self.remembered.forget(&(tenant, user));
    }

    /// Forgets every account.
    pub(crate) fn forget_everybody(&self) {
        self.remembered.clear();
    }
}
