//! Port: what is bound to an account beside its password. Used by flows: no live state exists for it.
//!
//! Whether a code or a signature is right is judged before; here it is made to count once. A letter
//! that a verb takes is in the outbox if and only if the verb did what it was asked for. What binds
//! something also wants an account that may sign in: a lock between a flow's look and the commit wins.

use domain::event::Entry;
use domain::factor::{Factors as Bound, Passkey, Totp};
use domain::id::{PasskeyId, TenantId, UserId};
use domain::mail::MailJob;
use domain::time::UnixMillis;
use serde_json::Value;

use super::Pending;
use super::sessions::EndedSessions;

/// How many passkeys an account has at most.
pub const MAX_PASSKEYS: u32 = 20;

/// The first code of an app: from now on it counts.
#[derive(Debug, Clone)]
pub struct ConfirmTotp {
    /// The tenant.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// When its secret was made, which names it.
    pub created_at: UnixMillis,
    /// The time step of the code, which is taken by this.
    pub step: u64,
    /// The present instant.
    pub at: UnixMillis,
    /// The signatures of the backup codes given out with it, in the place of older ones; none: those
    /// stand.
    pub backup_codes: Vec<[u8; 32]>,
    /// The letter that tells the user.
    pub notice: Option<MailJob>,
    /// The audit entry.
    pub entry: Entry,
}

/// Backup codes in the place of those that there are.
#[derive(Debug, Clone)]
pub struct NewBackupCodes {
    /// The tenant.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// Their signatures.
    pub signatures: Vec<[u8; 32]>,
    /// The letter that tells the user.
    pub notice: Option<MailJob>,
    /// The audit entry.
    pub entry: Entry,
}

/// A backup code that was shown.
#[derive(Debug, Clone)]
pub struct UseBackupCode {
    /// The tenant.
    pub tenant: TenantId,
    /// Who showed it.
    pub user: UserId,
    /// Its signatures: one for each of our secrets that may have made it.
    pub signatures: Vec<[u8; 32]>,
    /// The letter that tells the user.
    pub notice: Option<MailJob>,
    /// The audit entry.
    pub entry: Entry,
}

/// A passkey to bind.
#[derive(Debug, Clone)]
pub struct AddPasskey {
    /// The passkey.
    pub passkey: Passkey,
    /// The signatures of the backup codes given out with it, in the place of older ones; none: those
    /// stand.
    pub backup_codes: Vec<[u8; 32]>,
    /// The letter that tells the user.
    pub notice: Option<MailJob>,
    /// The audit entry.
    pub entry: Entry,
}

/// What became of binding a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyBinding {
    /// It is bound.
    Bound,
    /// It is bound already, to this account or another of the tenant; nothing was written.
    Taken,
    /// The account has [`MAX_PASSKEYS`]; nothing was written.
    TooMany,
    /// There is no such account, or it may not sign in; nothing was written.
    Missing,
}

/// A passkey that signed.
#[derive(Debug, Clone)]
pub struct UsePasskey {
    /// The tenant.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// Which.
    pub id: PasskeyId,
    /// What is remembered of it from now on.
    pub credential: Value,
    /// How often it signed, as it says itself; zero: it does not count.
    pub sign_count: u32,
    /// Whether it is copied to other devices of its owner now.
    pub is_backed_up: bool,
    /// The present instant.
    pub at: UnixMillis,
}

/// Something that is bound to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundFactor {
    /// The app, once confirmed.
    Totp,
    /// A passkey.
    Passkey(PasskeyId),
}

/// An order to take a factor from an account.
#[derive(Debug, Clone)]
pub struct RemoveFactor {
    /// The tenant.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// Which.
    pub which: BoundFactor,
    /// The letter that tells the user.
    pub notice: Option<MailJob>,
    /// The audit entry.
    pub entry: Entry,
}

/// An operator's order to take every factor from an account.
#[derive(Debug, Clone)]
pub struct RemoveAllFactors {
    /// The tenant.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// Until when other nodes must remember the ended sessions.
    pub remember_until: UnixMillis,
    /// The letter that tells the user.
    pub notice: Option<MailJob>,
    /// The audit entry.
    pub entry: Entry,
}

/// A mailed code of somebody who lost every second factor, and knows the password.
#[derive(Debug, Clone)]
pub struct RecoverFactors {
    /// The tenant.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// The code's signatures: one for each of our secrets that may have made it.
    pub signatures: Vec<[u8; 32]>,
    /// When the password that was shown had been set.
    pub password_set_at: UnixMillis,
    /// Until when other nodes must remember the ended sessions.
    pub remember_until: UnixMillis,
    /// The letter that tells the user.
    pub notice: Option<MailJob>,
    /// The audit entry.
    pub entry: Entry,
}

/// Stores what is bound to accounts.
pub trait Factors: Send + Sync + 'static {
    /// Loads what an account has bound, as of one moment; nothing for an account that there is not.
    fn load_factors(&self, tenant: TenantId, user: UserId) -> Pending<'_, Bound>;

    /// Finds a passkey by what its authenticator calls it.
    fn find_passkey(
        &self,
        tenant: TenantId,
        credential_id: Vec<u8>,
    ) -> Pending<'_, Option<Passkey>>;

    /// Stores the secret of an app, unconfirmed whatever it says, in the place of one that was never
    /// confirmed. False, and nothing is written, when the account has a confirmed one.
    fn begin_totp(&self, totp: Totp, entry: Entry) -> Pending<'_, bool>;

    /// Confirms an app by the first code of it. False, and nothing is written, when that secret is
    /// gone or confirmed already.
    fn confirm_totp(&self, confirmation: ConfirmTotp) -> Pending<'_, bool>;

    /// Takes a time step of a confirmed app: true for one of any number of callers, if no code of this
    /// step or of a later one was taken before (RFC 6238 §5.2).
    fn use_totp(
        &self,
        tenant: TenantId,
        user: UserId,
        created_at: UnixMillis,
        step: u64,
    ) -> Pending<'_, bool>;

    /// Replaces the backup codes. False, and nothing is written, when the account has no factor that
    /// they could stand in for.
    fn replace_backup_codes(&self, codes: NewBackupCodes) -> Pending<'_, bool>;

    /// Spends a backup code: for one of any number of callers it gives how many are left. `None`, and
    /// nothing is written, for the others and for a code that is none of the account's.
    fn use_backup_code(&self, code: UseBackupCode) -> Pending<'_, Option<u32>>;

    /// Binds a passkey, unless its authenticator's name for it is taken in the tenant or the account
    /// has too many.
    fn add_passkey(&self, binding: AddPasskey) -> Pending<'_, PasskeyBinding>;

    /// Gives a passkey another name. False when the user has no such passkey. The tenant is the
    /// entry's.
    fn rename_passkey(
        &self,
        user: UserId,
        passkey: PasskeyId,
        name: String,
        entry: Entry,
    ) -> Pending<'_, bool>;

    /// Records a use. False, and nothing is written, when the passkey is gone, or its counter did not
    /// grow while it counts or did (WebAuthn §7.2 step 22): then it was copied, or this use came before.
    fn use_passkey(&self, used: UsePasskey) -> Pending<'_, bool>;

    /// Takes a factor from an account; with the last one its backup codes go, and an app that was
    /// never confirmed counts for nothing. False when the account has no such factor.
    fn remove_factor(&self, removal: RemoveFactor) -> Pending<'_, bool>;

    /// Takes every factor, the app that was never confirmed and every backup code from an account, and
    /// ends every session of its user with its families, all in one commit. `None`, and nothing is
    /// written, when there is no such account.
    fn remove_all_factors(&self, removal: RemoveAllFactors) -> Pending<'_, Option<EndedSessions>>;

    /// Spends a mailed code and does as [`remove_all_factors`](Self::remove_all_factors), in one commit:
    /// for one of any number of callers. `None`, and nothing is written, for the others, for a code that
    /// is none of the user's or has expired, and for an account that may not be recovered by mail: it is
    /// closed, its address is not proven, or its password is another by now, known to others, or came by
    /// mail itself. The instant is the entry's.
    fn recover_factors(&self, recovery: RecoverFactors) -> Pending<'_, Option<EndedSessions>>;
}
