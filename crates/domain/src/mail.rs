//! Mails: letters to write, and jobs waiting in the outbox.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::factor::Factor;
use crate::id::{MailId, TenantId};
use crate::time::UnixMillis;

/// A mail in the outbox. Its letter is sealed, because it may carry a token.
#[derive(Debug, Clone)]
pub struct MailJob {
    /// Its name; the `Message-ID` is made from it, so that a repeat is recognisable.
    pub id: MailId,
    /// The tenant it is sent for.
    pub tenant: TenantId,
    /// The [`Letter`], as JSON, sealed.
    pub sealed: Vec<u8>,
    /// How often sending was tried.
    pub attempts: u32,
    /// When it was written.
    pub created_at: UnixMillis,
}

/// What a mail says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Where it goes.
    pub to: String,
    /// How the person is addressed.
    pub name: String,
    /// The language it is written in; letters from before this was chosen name none and are in English.
    #[serde(default)]
    pub language: Option<String>,
    /// What it says.
    pub body: LetterBody,
}

/// The letters we know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "letter")]
pub enum LetterBody {
    /// Please show that this address is yours.
    VerifyEmail {
        /// What proves it.
        token: String,
    },
    /// Here is how to choose a new password.
    ResetPassword {
        /// What allows it.
        token: String,
    },
    /// Your password was changed.
    PasswordChanged,
    /// An operator found that others know your password. It signs nobody in any more.
    PasswordCompromised,
    /// You deleted your account; this is when it is erased, and until then you may have it back.
    AccountDeleted {
        /// When.
        erase_at: UnixMillis,
    },
    /// Your account is not going to be erased any more.
    AccountRestored,
    /// Somebody tried to register with your address; you already have an account.
    AlreadyRegistered,
    /// A way to prove who you are was set up.
    FactorAdded {
        /// Which.
        factor: Factor,
    },
    /// A way to prove who you are was removed.
    FactorRemoved {
        /// Which.
        factor: Factor,
    },
    /// An operator removed every second factor.
    FactorsReset,
    /// An operator linked your account to one elsewhere.
    IdentityLinked {
        /// Whose account that is.
        issuer: String,
    },
    /// An operator ended such a link.
    IdentityUnlinked {
        /// Whose account that was.
        issuer: String,
    },
    /// Here is a code for whoever lost every second factor.
    FactorRecoveryCode {
        /// The code.
        code: String,
    },
    /// Every second factor was removed by such a code.
    FactorsRecovered,
    /// You have new backup codes; the old ones are worth nothing.
    BackupCodesMade,
    /// A backup code was used.
    BackupCodeUsed {
        /// How many are left.
        left: u32,
    },
    /// Somebody signed in with a device that was not used before.
    NewSignIn {
        /// From where.
        address: Option<IpAddr>,
        /// When.
        at: UnixMillis,
    },
}
