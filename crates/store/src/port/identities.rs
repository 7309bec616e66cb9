//! Port: the names that other issuers have for people. Used by flows. They go with the account.

use domain::event::Entry;
use domain::id::{TenantId, UserId};
use domain::identity::ExternalIdentity;
use domain::mail::MailJob;
use domain::time::UnixMillis;

use super::Pending;

/// How many names of other issuers an account has at most.
pub const MAX_IDENTITIES: u32 = 20;

/// What became of linking a name to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linking {
    /// It is linked.
    Linked,
    /// It was this account's before, since then; nothing was written.
    Before(UnixMillis),
    /// It is another account's; nothing was written.
    Taken,
    /// The account has [`MAX_IDENTITIES`]; nothing was written.
    TooMany,
    /// There is no such account; nothing was written.
    Missing,
}

/// Stores the names that other issuers have for people.
pub trait Identities: Send + Sync + 'static {
    /// Links a name to an account; of any number of accounts at once it becomes one's. The person is told.
    fn link_identity(
        &self,
        identity: ExternalIdentity,
        notice: MailJob,
        entry: Entry,
    ) -> Pending<'_, Linking>;

    /// Takes a name from its account, whenever it was linked. Says whether it was that account's; nothing is
    /// written otherwise. The person is told.
    fn unlink_identity(
        &self,
        identity: ExternalIdentity,
        notice: MailJob,
        entry: Entry,
    ) -> Pending<'_, bool>;

    /// Lists an account's names, the first linked first.
    fn list_identities(&self, tenant: TenantId, user: UserId)
    -> Pending<'_, Vec<ExternalIdentity>>;

    /// Finds the account that an issuer means, if it may be used or not.
    fn find_identity(
        &self,
        tenant: TenantId,
        issuer: String,
        subject: String,
    ) -> Pending<'_, Option<UserId>>;
}
