//! Port: sessions and refresh families. Held by the sessions owner alone.

use std::time::Duration;

use domain::attempt::AttemptKeys;
use domain::event::{Entry, EventKind, Origin};
use domain::factor::Proved;
use domain::id::{FamilyId, SessionId, TenantId, UserId};
use domain::mail::MailJob;
use domain::session::{EndReason, Family, Session};
use domain::time::UnixMillis;
use domain::user::User;
use serde_json::json;

use super::Pending;

mod redemption;

pub use redemption::{Judge, Redeemable, Redeemed, RedeemedGrant, Redemption, Replay};

/// The sessions that a verb ended: each must be refused on this node before the verb's caller
/// answers, and the store has written one `SessionEnded` change for each.
pub type EndedSessions = Vec<SessionId>;

/// The families that a verb ended while their session goes on: each must be refused on this node
/// before the verb's caller answers, and the store has written one `GrantEnded` change for each.
pub type EndedFamilies = Vec<FamilyId>;

/// How many sessions of a user live at once. A sign-in beyond it ends the one that was not used for
/// longest, so whatever ends all sessions of a user is a bounded step.
pub const MAX_SESSIONS: u32 = 100;

/// A sign-in to store.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The session.
    pub session: Session,
    /// Its first family.
    pub family: Family,
    /// When the password that was shown had been set, if one was shown: a sign-in by a password that
    /// was replaced meanwhile is none.
    pub password_set_at: Option<UnixMillis>,
    /// The counter of failed sign-ins to clear in the same commit: success resets.
    pub clear_attempts: Option<AttemptKeys>,
    /// Until when other nodes must remember the sessions that this one displaces.
    pub remember_until: UnixMillis,
    /// The letter about it, which is sent if the user had sessions and none with such a device.
    pub new_device_notice: Option<MailJob>,
    /// The audit entry.
    pub entry: Entry,
}

/// One more factor beside a sign-in that there is.
#[derive(Debug, Clone)]
pub struct StepUp {
    /// The tenant.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// Which.
    pub session: SessionId,
    /// When the user last proved who they are: now.
    pub auth_time: UnixMillis,
    /// How, all in all.
    pub amr: Vec<String>,
    /// How well.
    pub acr: String,
    /// Which factors were shown, and when each.
    pub proofs: Vec<Proved>,
    /// The audit entry.
    pub entry: Entry,
}

/// One presentation of a refresh token.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The tenant.
    pub tenant: TenantId,
    /// The family named in the token.
    pub family: FamilyId,
    /// The number in the token.
    pub generation: u32,
    /// The client that presents it; another client's family is `Unknown`.
    pub client: String,
    /// Whether the family goes on to another token. Where it does not, the same one is good again, and
    /// those before it are not (FAPI 2.0 §5.3.2.1).
    pub rotates: bool,
    /// The thumbprint of the key that was proved with it. A family that is bound to a key (RFC 9449
    /// §5) is `Unknown` to any other.
    pub jkt: Option<String>,
    /// The thumbprint of the certificate that was shown with it. A family that is bound to a
    /// certificate (RFC 8705 §4) is `Unknown` to any other.
    pub certificate: Option<String>,
    /// The present instant.
    pub now: UnixMillis,
    /// `REFRESH_REUSE_WINDOW`.
    pub window: Duration,
    /// `REFRESH_TOKEN_TTL`: how long the successor lives unused.
    pub idle: Duration,
    /// Until when other nodes must remember an ended session.
    pub remember_until: UnixMillis,
    /// Where it comes from, for the audit entry.
    pub origin: Origin,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Rotation {
    /// The family stands; its `generation` is the successor's number.
    Granted(Box<Granted>),
    /// A reuse ended the family now (or it had ended by one): its session is refused from now on.
    Reused(SessionId),
    /// The family ended, expired, or its user may not sign in any more.
    Ended,
    /// No such family for this tenant and client, or no such number in it.
    Unknown,
}

/// A family that may go on, with its user as read in the same step.
#[derive(Debug, Clone, PartialEq)]
pub struct Granted {
    /// The family as it stands now.
    pub family: Family,
    /// Its session.
    pub session: Session,
    /// Its user; active.
    pub user: User,
    /// Whether this presentation advanced the family (rather than repeated an answer).
    pub advanced: bool,
}

/// What to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndTarget {
    /// The session that this family belongs to, with all its families.
    Family(FamilyId),
    /// One session of the user, with all its families.
    Session(UserId, SessionId),
    /// Every session of the user but one.
    User(UserId, Option<SessionId>),
}

/// An order to end sessions.
#[derive(Debug, Clone)]
pub struct Ending {
    /// The tenant.
    pub tenant: TenantId,
    /// What to end.
    pub target: EndTarget,
    /// Why.
    pub reason: EndReason,
    /// The present instant.
    pub now: UnixMillis,
    /// Until when other nodes must remember the ended sessions.
    pub remember_until: UnixMillis,
    /// The audit entry, written if anything ended.
    pub entry: Entry,
}

/// An order to take back what a person allowed a client.
#[derive(Debug, Clone)]
pub struct Withdrawal {
    /// The tenant.
    pub tenant: TenantId,
    /// Who allowed it.
    pub user: UserId,
    /// Whom.
    pub client: String,
    /// The present instant.
    pub now: UnixMillis,
    /// Until when other nodes must remember the ended families.
    pub remember_until: UnixMillis,
    /// The audit entry, written if anything was taken back.
    pub entry: Entry,
}

// === impl NewSession ===

impl NewSession {
    /// Makes the entry of the sessions that this one displaces.
    pub(crate) fn displacement(&self) -> Entry {
        let reason = EndReason::Displaced.as_str();
        Entry::new(EventKind::SessionEnded, &self.entry.origin)
            .about(&self.session.user)
            .with(json!({ "reason": reason, "by": self.session.id.to_string() }))
    }
}

/// Stores sessions and refresh families.
pub trait Sessions: Send + Sync + 'static {
    /// Stores a sign-in: session, family, cleared counter and audit entry in one commit. Returns
    /// nothing, and writes nothing, when the user is no longer active or has another password: a
    /// lock or a reset between the password check and this commit wins.
    ///
    /// If the user has [`MAX_SESSIONS`] already, the ones not used for longest end in the same commit
    /// to make room, with a `session.ended` entry, and are returned. Sign-ins of one user that are
    /// stored at the same moment may overshoot by their number; the next one ends what is too many.
    fn begin_session(&self, new: NewSession) -> Pending<'_, Option<EndedSessions>>;

    /// Makes a sign-in what it is with one more factor. False, and nothing is written, when it has ended
    /// or its user may not sign in any more.
    fn step_up_session(&self, step: StepUp) -> Pending<'_, bool>;

    /// Judges a presented refresh token by [`Family::judge`] and does what the judgement says, all
    /// in one step: at most one of any number of concurrent presentations advances the family.
    ///
    /// Advancing counts the generation up, sets `rotated_at` and `idle_expires_at`, clears
    /// `reissued`, makes the session's `last_active_at` now, and writes a `token.refreshed` entry. Where the
    /// turn does not rotate, the generation and `rotated_at` stay, and `reissued` is set: what was
    /// superseded before is not issued for again. A
    /// reissue sets `reissued` and writes the same entry with `{"reissued":true}`. A repeat writes
    /// nothing. A reuse ends the family's session with all its families, and writes a
    /// `token.reuse_detected` entry and a `SessionEnded` change.
    fn rotate_refresh(&self, turn: Turn) -> Pending<'_, Rotation>;

    /// Redeems an authorization code: of any number of concurrent valid presentations exactly one is
    /// granted. The code is spent, its family begins, the session's `last_active_at` is now, and a
    /// `token.issued` entry is written, in one commit.
    ///
    /// Whatever is valid but for having come again, also after the code's end, is a replay (RFC 6749
    /// §4.1.2). The first ends the grant's session with all its families, and writes a
    /// `code.replay_detected` entry, a `SessionEnded` change, and an `AccessRevoked` change for the
    /// access token that the code gave; later ones write nothing.
    ///
    /// Refused, and nothing written, is a code that is unknown, another client's or expired, that the
    /// judge rejects (so a thief without the verifier ends nobody's session), or whose session ended
    /// or whose person may not sign in any more. What a code is worth never changes, so a backend may
    /// judge before the step that spends it.
    fn redeem_code(&self, redemption: Redemption) -> Pending<'_, Redeemed>;

    /// Ends sessions with all their families. Returns those that were live.
    fn end_sessions(&self, ending: Ending) -> Pending<'_, EndedSessions>;

    /// Takes back what a person allowed a client: the consent is deleted, every family that the client
    /// has of the person ends, and every code that it has not redeemed is worth nothing, in one commit
    /// with a `GrantEnded` change for each family. Their sessions go on. Gives the families that
    /// ended; nothing, and nothing is written, if there was neither consent nor family nor code.
    ///
    /// A code whose redemption is under way is either redeemed before, and its family ends, or after,
    /// and is refused.
    fn withdraw_consent(&self, withdrawal: Withdrawal) -> Pending<'_, Option<EndedFamilies>>;

    /// Refuses one access token from now on: writes an `AccessRevoked` change that is remembered
    /// until the token expires.
    fn revoke_access(
        &self,
        tenant: TenantId,
        jti: String,
        expires_at: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, ()>;

    /// Says to which client a family was issued, ended or not; that never changes.
    fn load_family_client(&self, tenant: TenantId, family: FamilyId)
    -> Pending<'_, Option<String>>;

    /// Reads a family of this client's that has not ended, nor its session, with its user if that may
    /// sign in. Changes nothing; whether a token of it is the current one and in time is for the
    /// caller to judge.
    fn load_family(
        &self,
        tenant: TenantId,
        family: FamilyId,
        client: String,
    ) -> Pending<'_, Option<Granted>>;

    /// Lists the user's sessions that can still be used, last used first: those with a family that
    /// is neither ended nor expired. At most [`MAX_SESSIONS`].
    fn list_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        now: UnixMillis,
    ) -> Pending<'_, Vec<Session>>;
}
