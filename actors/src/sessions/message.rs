//! What can be asked of a shard of the sessions owner.

use domain::event::Entry;
use domain::id::TenantId;
use domain::rejection::Fault;
use domain::time::UnixMillis;
use store::port::sessions::{
    EndedFamilies, EndedSessions, Ending, NewSession, Redeemed, Redemption, Rotation, StepUp, Turn,
    Withdrawal,
};

use crate::handle::Reply;

/// Orders to a shard, each about one key of its share.
#[derive(Debug)]
pub(super) enum Message {
    /// Store a sign-in.
    Begin {
        new: Box<NewSession>,
        reply: Reply<Result<bool, Fault>>,
    },
    /// Make a sign-in what it is with one more factor.
    StepUp {
        step: Box<StepUp>,
        reply: Reply<Result<bool, Fault>>,
    },
    /// Judge a presented refresh token and advance its family if that is what follows.
    Rotate {
        turn: Box<Turn>,
        reply: Reply<Result<Rotation, Fault>>,
    },
    /// Judge a presented code and begin its family if that is what follows.
    Redeem {
        redemption: Box<Redemption>,
        reply: Reply<Result<Redeemed, Fault>>,
    },
    /// End sessions.
    End {
        ending: Box<Ending>,
        reply: Reply<Result<EndedSessions, Fault>>,
    },
    /// Take back what a person allowed a client.
    Withdraw {
        withdrawal: Box<Withdrawal>,
        reply: Reply<Result<Option<EndedFamilies>, Fault>>,
    },
    /// Refuse one access token.
    RevokeAccess {
        order: Box<Revocation>,
        reply: Reply<Result<(), Fault>>,
    },
}

/// An order to refuse one access token.
#[derive(Debug)]
pub(super) struct Revocation {
    /// The tenant it was issued in.
    pub(super) tenant: TenantId,
    /// Its `jti`.
    pub(super) jti: String,
    /// When it expires anyhow.
    pub(super) expires_at: UnixMillis,
    /// The audit entry.
    pub(super) entry: Entry,
}
