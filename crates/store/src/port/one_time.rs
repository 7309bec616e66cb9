//! Port: one-time tokens sent by mail. Used by flows.

use domain::attempt::AttemptKeys;
use domain::event::Entry;
use domain::id::{TenantId, UserId};
use domain::mail::MailJob;
use domain::one_time::{OneTime, Purpose};
use domain::time::UnixMillis;
use domain::user::PasswordRecord;

use super::Pending;
use super::sessions::EndedSessions;

/// A reset that spends its token.
#[derive(Debug, Clone)]
pub struct ResetRedemption {
    /// The tenant.
    pub tenant: TenantId,
    /// The token's signature.
    pub signature: [u8; 32],
    /// The present instant.
    pub now: UnixMillis,
    /// The new password, already judged acceptable: a rejected one must not burn the token.
    pub password: PasswordRecord,
    /// The counter of failed sign-ins to clear: a successful reset re-enables the password.
    pub clear_attempts: AttemptKeys,
    /// The letter that tells the user.
    pub notice: MailJob,
    /// Until when other nodes must remember the ended sessions.
    pub remember_until: UnixMillis,
    /// The audit entry; the backend adds whom it is about.
    pub entry: Entry,
}

/// Stores one-time tokens.
pub trait OneTimes: Send + Sync + 'static {
    /// Stores a token and the mail that carries it, replacing an older token of the same user and
    /// purpose.
    fn issue_one_time(&self, token: OneTime, mail: MailJob, entry: Entry) -> Pending<'_, ()>;

    /// Finds whose unexpired token this is, without spending it.
    fn load_one_time(
        &self,
        tenant: TenantId,
        purpose: Purpose,
        signature: [u8; 32],
        now: UnixMillis,
    ) -> Pending<'_, Option<UserId>>;

    /// Spends a reset token: sets the password, which came by mail and is known to nobody else, ends
    /// every session and family of the user, clears the failure counter. Exactly one of several concurrent redemptions succeeds; `None` for the
    /// others and for an unknown or expired token.
    fn redeem_reset(
        &self,
        redemption: ResetRedemption,
    ) -> Pending<'_, Option<(UserId, EndedSessions)>>;

    /// Spends a verification token: marks the user's address as verified. `None` for an unknown,
    /// spent or expired token.
    fn redeem_verification(
        &self,
        tenant: TenantId,
        signature: [u8; 32],
        now: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, Option<UserId>>;

    /// Stores a mail that carries no token, with its audit entry.
    fn send_mail(&self, mail: MailJob, entry: Entry) -> Pending<'_, ()>;
}
