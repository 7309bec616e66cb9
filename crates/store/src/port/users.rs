//! Port: accounts and their passwords. Used by flows: no live state exists for an account.

use domain::email::EmailAddress;
use domain::event::Entry;
use domain::id::{SessionId, TenantId, UserId};
use domain::mail::MailJob;
use domain::one_time::OneTime;
use domain::page::{Page, PageRequest};
use domain::time::UnixMillis;
use domain::user::{Credentials, PasswordRecord, User, UserFilter, UserPatch};

use super::Pending;
use super::sessions::EndedSessions;

/// Everything a new account brings with it, stored in one commit.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The account.
    pub user: User,
    /// Its password, if it has one.
    pub password: Option<PasswordRecord>,
    /// The token that proves its address, and the mail that carries it.
    pub verification: Option<(OneTime, MailJob)>,
    /// Its audit entry.
    pub entry: Entry,
}

/// What became of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// The account is stored.
    Created,
    /// The address belongs to another account of the tenant; nothing was written.
    EmailTaken,
}

/// What became of a change to an account.
#[derive(Debug, Clone, PartialEq)]
pub enum UserWrite {
    /// It is stored; this is how it stands. If the new status ended sessions, these are they.
    Stored(Box<User>, EndedSessions),
    /// There is no such account.
    Missing,
    /// The new address belongs to another account.
    EmailTaken,
    /// Another version is stored than the change was based on.
    Stale,
}

/// A new password and what goes with it.
#[derive(Debug, Clone)]
pub struct PasswordChange {
    /// The tenant.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// When the old password that was shown had been set, if one was shown: if it was replaced
    /// meanwhile (a reset, say), that password stands.
    pub old_set_at: Option<UnixMillis>,
    /// The new password.
    pub password: PasswordRecord,
    /// Whether whoever sets it had proved all that the account has bound. Then it is theirs from now
    /// on, and no longer one that came by mail.
    pub is_owners: bool,
    /// The session that stays; every other session of the user ends in the same commit.
    pub keep: Option<SessionId>,
    /// The letter that tells the user.
    pub notice: Option<MailJob>,
    /// Until when other nodes must remember the ended sessions.
    pub remember_until: UnixMillis,
    /// The audit entry.
    pub entry: Entry,
}

/// Stores accounts.
pub trait Users: Send + Sync + 'static {
    /// Stores a new account with its password, verification token, mail and audit entry. The
    /// address is unique in the tenant by [`EmailAddress::key`].
    fn register_user(&self, new: NewUser) -> Pending<'_, Registration>;

    /// Loads an account.
    fn load_user(&self, tenant: TenantId, user: UserId) -> Pending<'_, Option<User>>;

    /// Loads the account with this address, and its password.
    fn load_credentials(
        &self,
        tenant: TenantId,
        email: EmailAddress,
    ) -> Pending<'_, Option<Credentials>>;

    /// Loads an account with its password.
    fn load_password(&self, tenant: TenantId, user: UserId) -> Pending<'_, Option<Credentials>>;

    /// Lists accounts, newest first.
    fn list_users(
        &self,
        tenant: TenantId,
        filter: UserFilter,
        page: PageRequest,
    ) -> Pending<'_, Page<User>>;

    /// Applies a patch. A new status other than active, and a password that others know, end every
    /// session and family of the account in the same commit, with one `SessionEnded` change each
    /// (remembered until `remember_until`). Writes a `UserChanged` change. The tenant and the instant are the entry's.
    fn update_user(
        &self,
        user: UserId,
        patch: UserPatch,
        remember_until: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, UserWrite>;

    /// Deletes an account with its password, sessions, families and tokens. The audit trail stays.
    /// `None` when there is no such account, of the version that is expected if one is. The tenant and the
    /// instant are the entry's.
    fn delete_user(
        &self,
        user: UserId,
        expected: Option<i64>,
        remember_until: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, Option<EndedSessions>>;

    /// Sets a new password, ends the user's other sessions and families, forgets open reset tokens.
    /// `None`, and nothing written, when there is no such account, or the old password is another by
    /// now or known to others: that one is replaced by mail alone.
    fn change_password(&self, change: PasswordChange) -> Pending<'_, Option<EndedSessions>>;

    /// Replaces the stored hash of an unchanged password by a stronger one, if the stored hash is
    /// still `old_phc`. Ends nothing. Says whether it was replaced. The tenant is the entry's.
    fn rehash_password(
        &self,
        user: UserId,
        old_phc: String,
        password: PasswordRecord,
        entry: Entry,
    ) -> Pending<'_, bool>;
}
