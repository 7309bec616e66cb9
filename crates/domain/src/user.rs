//! People: an account in a tenant.

use serde::{Deserialize, Serialize};

use crate::email::EmailAddress;
use crate::id::{TenantId, UserId};
use crate::mail::MailJob;
use crate::secret::SecretText;
use crate::time::UnixMillis;

/// The role every new account has.
pub const ROLE_USER: &str = "user";
/// The role that opens the admin door.
pub const ROLE_ADMIN: &str = "admin";
/// The role of a service.
pub const ROLE_SERVICE: &str = "service";
/// The role of an agent.
pub const ROLE_AGENT: &str = "agent";

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account's name for machines; the `sub` claim.
    pub id: UserId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Where it receives mail.
    pub email: EmailAddress,
    /// Whether a mail to that address was answered.
    pub email_verified: bool,
    /// What the person calls themselves.
    pub name: String,
    /// Whether it may sign in.
    pub status: UserStatus,
    /// Why an operator locked it.
    pub locked_reason: Option<String>,
    /// When it is erased, if its owner deleted it.
    pub erase_at: Option<UnixMillis>,
    /// The names of its roles.
    pub roles: Vec<String>,
    /// Whether others are known to know its password (NIST SP 800-63B-4 §3.1.1.2): it signs nobody in
    /// until another is set by a mailed link.
    pub password_compromised: bool,
    /// Whether its password was set by a mailed link. Then a mailed code proves nothing beside it.
    pub password_by_mail: bool,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it last changed.
    pub updated_at: UnixMillis,
    /// Counts changes, so that a late write is noticed.
    pub version: i64,
}

/// Whether an account may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// It may.
    Active,
    /// An operator closed it for now.
    Locked,
    /// An operator closed it until further notice.
    Suspended,
    /// Its owner deleted it. Until it is erased, they may have it back.
    Deleted,
}

impl UserStatus {
    /// Gives the word a store keeps and JSON shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Locked => "locked",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }

    /// Says whether its owner may prove who they are: to get in, or to have it back. What an operator
    /// closed is the operator's.
    #[must_use]
    pub const fn is_with_owner(self) -> bool {
        matches!(self, Self::Active | Self::Deleted)
    }

    /// Reads the word a store kept; anything unknown may not sign in, because checks fail closed.
    #[must_use]
    pub fn from_stored(word: &str) -> Self {
        match word {
            "active" => Self::Active,
            "locked" => Self::Locked,
            "deleted" => Self::Deleted,
            _ => Self::Suspended,
        }
    }
}

/// A password as it is stored.
#[derive(Debug, Clone)]
pub struct PasswordRecord {
    /// The Argon2id hash in PHC string format; its parameters travel in it.
    pub phc: SecretText,
    /// Which pepper was mixed in: the first 8 hexadecimal digits of its SHA-256.
    pub pepper: String,
    /// When it was set.
    pub set_at: UnixMillis,
}

/// An account with what is needed to check its password.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The account.
    pub user: User,
    /// Its password; absent when it has none or the password was disabled.
    pub password: Option<PasswordRecord>,
}

/// What an operator or the person changes about an account; `None` leaves a field alone.
#[derive(Debug, Clone, Default)]
pub struct UserPatch {
    /// A new address; it is unverified until a mail to it is answered, unless `email_verified` says
    /// otherwise.
    pub email: Option<EmailAddress>,
    /// Whether the address counts as verified.
    pub email_verified: Option<bool>,
    /// A new name.
    pub name: Option<String>,
    /// A new status. Anything but active ends the account's sessions in the same commit.
    pub status: Option<UserStatus>,
    /// Why it is locked.
    pub locked_reason: Option<String>,
    /// When it is erased; said with the status `Deleted`, forgotten with every other new one.
    pub erase_at: Option<UnixMillis>,
    /// New roles, replacing the old.
    pub roles: Option<Vec<String>>,
    /// Others know the password. Ends the account's sessions in the same commit.
    pub password_compromised: bool,
    /// The letter that tells its owner.
    pub notice: Option<MailJob>,
    /// The version the change was based on; another stored version is a conflict.
    pub expected_version: Option<i64>,
}

/// What a list of accounts is narrowed by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Only accounts whose address or name begins with this, compared without case.
    pub search: Option<String>,
    /// Only accounts in this status.
    pub status: Option<UserStatus>,
    /// Only accounts with this role.
    pub role: Option<String>,
    /// Only accounts whose address is verified, or those whose is not.
    pub is_email_verified: Option<bool>,
    /// Only accounts that have a second factor, or those that have none.
    pub has_mfa: Option<bool>,
    /// Only accounts made at this instant or later.
    pub created_from: Option<UnixMillis>,
    /// Only accounts made before this instant.
    pub created_before: Option<UnixMillis>,
    /// In which order.
    pub sort: UserSort,
}

/// The order of a list of accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum UserSort {
    /// The last made first.
    #[default]
    Newest,
    /// By address, in the order of its characters; a page after an account begins after its address.
    Email(Option<EmailAddress>),
}

/// How far a list of accounts is counted: a total above it says that there are more. A page of a million
/// accounts costs what one of a thousand does.
pub const COUNTED_USERS: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_status_is_closed() {
        assert_eq!(UserStatus::from_stored("?"), UserStatus::Suspended);
        for status in [
            UserStatus::Active,
            UserStatus::Locked,
            UserStatus::Suspended,
            UserStatus::Deleted,
        ] {
            assert_eq!(UserStatus::from_stored(status.as_str()), status);
        }
    }
}
