//! The sessions owner: it alone begins, rotates and ends sessions and refresh families.
//!
//! Sixty-four shards, each a true mailbox on the hot path: presentations of one family's tokens are
//! answered one after the other, so two refreshes at once never race on this node, and the second
//! gets the first one's answer. The store stays the judge of "once", because other nodes may present
//! the same token (RFC 9700 §4.14, CONTRACT §4).
//!
//! What is stored is stored before the reply. What a verb ended is refused on this node before the
//! reply: the [`Denylist`] knows it and no hot copy is left. Other nodes hear of it through the feed.
//!
//! A restart loses nothing that was answered. The hot copies and the denylist outlive a shard; a
//! message whose shard died over it is answered with a fault, and presenting the token again gives
//! the same successor.
//!
//! Read past the mailboxes: the denylist, and lists of sessions. Written past them: forgetting,
//! which must not queue (see `hot`).
//!
//! No hashing or signing happens here. Next: `owner` for the shell, `hot` for what is remembered.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::Arc;

use domain::event::Entry;
use domain::id::{FamilyId, SessionId, TenantId, UserId};
use domain::rejection::Fault;
use domain::session::Session;
use domain::time::UnixMillis;
use futures_util::FutureExt;
use store::port::sessions as port;
use store::port::sessions::{
    EndTarget, EndedFamilies, EndedSessions, Ending, Granted, NewSession, Redeemed, Redemption,
    Rotation, StepUp, Turn, Withdrawal,
};

use crate::deadline::Deadline;
use crate::denylist::Denylist;
use crate::handle::Shards;
use crate::patience::answered;
use crate::supervision::ChildSpec;

mod hot;
mod message;
mod owner;

use hot::Hot;
use message::{Message, Revocation};
use owner::Shard;

/// How many shards there are.
const SHARDS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);
/// How many messages one shard takes at once.
const CREDITS: usize = 256;
/// How many hot copies are kept: about 3 MB when full.
const HOT_COPIES: usize = 10_000;

/// Speaks to the sessions owner. Clones speak to the same one.
#[derive(Clone)]
pub struct Sessions {
    shards: Shards<Message>,
    store: Arc<dyn port::Sessions>,
    denylist: Denylist,
    hot: Hot,
}

/// Makes the handle and the child specs of the shards. `is_shared` says whether other processes
/// write to the same store; if so nothing is answered from memory.
#[must_use]
pub fn sessions(store: Arc<dyn port::Sessions>, is_shared: bool) -> (Sessions, Vec<ChildSpec>) {
    let handle = Sessions {
        shards: Shards::new("sessions", SHARDS, CREDITS),
        store,
        denylist: Denylist::new(is_shared),
        hot: Hot::new(if is_shared { 0 } else { HOT_COPIES }),
    };
    let specs = handle.specs();
    (handle, specs)
}

// === impl Sessions ===

impl Sessions {
    /// Stores a sign-in. False, and nothing stored, when the user is no longer active. The sessions
    /// that it displaces are refused on this node before it answers.
    ///
    /// # Errors
    /// As [`Handle::ask`](crate::handle::Handle::ask) and the store.
    ///
    /// # Cancel safety
    /// Once posted the sign-in is stored whether or not anybody waits.
    pub async fn begin(&self, new: NewSession, deadline: Deadline) -> Result<bool, Fault> {
        let shard = self.shards.of(new.family.id.shard_bits());
        let new = Box::new(new);
        shard
            .ask(deadline, |reply| Message::Begin { new, reply })
            .await?
    }

    /// Makes a sign-in what it is with one more factor. False when it has ended, or its user may not sign
    /// in any more.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    ///
    /// # Cancel safety
    /// As [`begin`](Self::begin).
    pub async fn step_up(&self, step: StepUp, deadline: Deadline) -> Result<bool, Fault> {
        let shard = self.shards.of(spread(&step.session));
        let step = Box::new(step);
        shard
            .ask(deadline, |reply| Message::StepUp { step, reply })
            .await?
    }

    /// Presents a refresh token: simultaneous presentations of one family are answered one after
    /// the other.
    ///
    /// # Errors
    /// As [`begin`](Self::begin). What became of the family is then unknown to the caller; the same
    /// token may be presented again and gets the same successor.
    ///
    /// # Cancel safety
    /// As [`begin`](Self::begin).
    pub async fn rotate(&self, turn: Turn, deadline: Deadline) -> Result<Rotation, Fault> {
        let shard = self.shards.of(turn.family.shard_bits());
        let turn = Box::new(turn);
        shard
            .ask(deadline, |reply| Message::Rotate { turn, reply })
            .await?
    }

    /// Presents an authorization code. A replay's session and access token are refused on this node
    /// before it answers.
    ///
    /// # Errors
    /// As [`begin`](Self::begin). What became of the code is then unknown to the caller; presenting
    /// it again may be a replay.
    ///
    /// # Cancel safety
    /// As [`begin`](Self::begin).
    pub async fn redeem(
        &self,
        redemption: Redemption,
        deadline: Deadline,
    ) -> Result<Redeemed, Fault> {
        let shard = self.shards.of(spread(&redemption.signature));
        let redemption = Box::new(redemption);
        shard
            .ask(deadline, |reply| Message::Redeem { redemption, reply })
            .await?
    }

    /// Ends sessions, and refuses their tokens on this node before it answers.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    ///
    /// # Cancel safety
    /// As [`begin`](Self::begin).
    pub async fn end(&self, ending: Ending, deadline: Deadline) -> Result<EndedSessions, Fault> {
        let shard = self.shards.of(match ending.target {
            EndTarget::Family(family) => family.shard_bits(),
            EndTarget::Session(_, session) => spread(&session),
            EndTarget::User(user, _) => spread(&user),
        });
        let ending = Box::new(ending);
        shard
            .ask(deadline, |reply| Message::End { ending, reply })
            .await?
    }

    /// Takes back what a person allowed a client, and refuses its tokens on this node before it
    /// answers. Nothing if nothing was allowed.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    ///
    /// # Cancel safety
    /// As [`begin`](Self::begin).
    pub async fn withdraw(
        &self,
        withdrawal: Withdrawal,
        deadline: Deadline,
    ) -> Result<Option<EndedFamilies>, Fault> {
        let shard = self.shards.of(spread(&withdrawal.user));
        let withdrawal = Box::new(withdrawal);
        shard
            .ask(deadline, |reply| Message::Withdraw { withdrawal, reply })
            .await?
    }

    /// Refuses one access token, on this node before it answers.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    ///
    /// # Cancel safety
    /// As [`begin`](Self::begin).
    #[expect(
        clippy::too_many_arguments,
        reason = "the verb's own four and the deadline; a struct would say no more"
    )]
    pub async fn revoke_access(
        &self,
        tenant: TenantId,
        jti: String,
        expires_at: UnixMillis,
        entry: Entry,
        deadline: Deadline,
    ) -> Result<(), Fault> {
        let shard = self.shards.of(spread(&jti));
        let order = Box::new(Revocation {
            tenant,
            jti,
            expires_at,
            entry,
        });
        shard
            .ask(deadline, |reply| Message::RevokeAccess { order, reply })
            .await?
    }

    /// Lists the user's live sessions, last used first. Read past the mailbox.
    ///
    /// # Errors
    /// The store's, or [`Fault::Late`].
    ///
    /// # Cancel safety
    /// Reads only.
    pub async fn list(
        &self,
        tenant: TenantId,
        user: UserId,
        now: UnixMillis,
        deadline: Deadline,
    ) -> Result<Vec<Session>, Fault> {
        answered(deadline, self.store.list_sessions(tenant, user, now)).await
    }

    /// Says to which client a family was issued. Read past the mailbox.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    ///
    /// # Cancel safety
    /// Reads only.
    pub async fn client_of(
        &self,
        tenant: TenantId,
        family: FamilyId,
        deadline: Deadline,
    ) -> Result<Option<String>, Fault> {
        answered(deadline, self.store.load_family_client(tenant, family)).await
    }

    /// Reads a family of a client's that has not ended, whose user may sign in. Read past the mailbox.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    ///
    /// # Cancel safety
    /// Reads only.
    pub async fn live_family(
        &self,
        tenant: TenantId,
        family: FamilyId,
        client: String,
        deadline: Deadline,
    ) -> Result<Option<Granted>, Fault> {
        answered(deadline, self.store.load_family(tenant, family, client)).await
    }

    /// Refuses sessions that another port's verb ended (a password change, a lock, a deletion).
    /// Called before that act is answered.
    ///
    /// `_tenant` names where they were: session ids are unique across tenants, so it decides
    /// nothing.
    pub fn refuse(&self, _tenant: TenantId, ended: &[SessionId], until: UnixMillis) {
        self.denylist.refuse_sessions(ended, until);
        self.hot.lock().forget_sessions(ended);
    }

    /// Refuses grants that another node ended.
    pub(crate) fn refuse_grants(&self, ended: &[FamilyId], until: UnixMillis) {
        self.denylist.refuse_grants(ended, until);
        self.hot.lock().forget_families(ended);
    }

    /// Gives what was revoked and has not expired yet, to be read without queueing.
    #[must_use]
    pub const fn denylist(&self) -> &Denylist {
        &self.denylist
    }

    /// Gives how many messages are queued or in work.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.shards.depth()
    }

    /// Gives every shard's failpoint, for a test to arm.
    #[cfg(feature = "failpoints")]
    pub fn failpoints(&self) -> impl Iterator<Item = &crate::failpoint::FailPoint> {
        self.shards.iter().map(crate::handle::Handle::failpoint)
    }

    /// Gives the failpoint of the shard that a family's tokens go to.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn failpoint_of(&self, family: domain::id::FamilyId) -> &crate::failpoint::FailPoint {
        self.shards.of(family.shard_bits()).failpoint()
    }

    /// Forgets what was remembered of a user whose roles or standing changed.
    pub(crate) fn forget_user(&self, user: UserId) {
        self.hot.lock().forget_user(user);
    }

    /// Forgets what was remembered of everybody.
    pub(crate) fn forget_everybody(&self) {
        self.hot.lock().clear();
    }

    fn specs(&self) -> Vec<ChildSpec> {
        let shard = |(number, handle): (usize, &crate::handle::Handle<Message>)| {
            let parts = self.clone();
            ChildSpec::owner(format!("sessions/{number}"), handle.clone(), move || {
                let shard = parts.shard();
                async move { Ok(shard) }.boxed()
            })
        };
        self.shards.iter().enumerate().map(shard).collect()
    }

    fn shard(&self) -> Shard {
        Shard {
            store: Arc::clone(&self.store),
            denylist: self.denylist.clone(),
            hot: self.hot.clone(),
        }
    }
}

/// Spreads a key that has no random bits of its own to choose a shard by.
fn spread(key: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
