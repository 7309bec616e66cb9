//! Second factors of an account: binding an app, its codes, and letting go of them.
//!
//! Whoever binds has proved who they are a short while ago, with what the account has bound already
//! ([`Binder`]); or they are in the middle of a sign-in that owes a factor where none is bound. Whoever
//! lets go of a factor, or wants new backup codes, shows a factor in the same request. Each change is
//! told to the account's owner by mail, in the commit that makes it (NIST SP 800-63B-4 §4.6).
//!
//! [`app`] is the app that shows codes, [`codes`] the backup codes; [`recovery`] is for whoever lost all of
//! them.

use domain::event::Actor;
use domain::factor::{Factor, Factors, MfaPolicy};
use domain::id::UserId;
use domain::mail::{LetterBody, MailJob};
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::secret::SecretText;
use domain::user::{User, UserStatus};
use protocol::assurance::{Demand, Standing};

use super::account::AccountHolder;
use super::browser::Browser;
use super::caller::{Person, invalid_token};
use super::fresh::Fresh;
use super::letter::seal_letter;
use super::sign_in::factor::factor_keys;
use super::sign_in::{SignIn, expired};
use super::{Act, Flows, attempt};

pub mod app;
pub mod codes;
pub mod recovery;

/// Whoever may bind a factor now.
#[derive(Debug, Clone)]
pub struct Binder {
    /// Whose account.
    pub user: User,
    /// What it has bound already.
    pub bound: Factors,
    /// The sign-in that owes the factor, if it is for one.
    pub(crate) sign_in: Option<SignIn>,
}

/// What an account has bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Whether a second factor is asked for.
    pub is_enabled: bool,
    /// Whether an app is set up, and whether a code of it was shown.
    pub app: Option<bool>,
    /// How many passkeys there are.
    pub passkeys: usize,
    /// How many backup codes are left.
    pub backup_codes: u32,
}

/// Tells what a person has bound.
///
/// # Errors
/// A fault when the store is away.
pub async fn status(flows: &Flows, act: &Act, person: AccountHolder) -> Result<Status, Rejection> {
    let bound = load(flows, act, person.user).await?;
    Ok(Status::of(&bound))
}

/// Loads what an account has bound.
pub(crate) async fn load(flows: &Flows, act: &Act, user: UserId) -> Result<Factors, Fault> {
    let bound = flows.factors.load_factors(act.tenant.id, user);
    act.wait(bound).await
}

/// Refuses to let go of what the tenant demands.
pub(crate) fn check_may_go(act: &Act, bound: &Factors) -> Result<(), Refusal> {
    let how_many = bound.passkeys.len() + usize::from(bound.confirmed_totp().is_some());
    if act.tenant.config.mfa == MfaPolicy::Require && how_many < 2 {
        return Err(Refusal::new(
            Code::Conflict,
            "A second factor is required here. Set up another before you remove this one.",
        ));
    }
    Ok(())
}

/// Writes the letter about a change.
pub(crate) fn notice(
    flows: &Flows,
    act: &Act,
    user: &User,
    body: LetterBody,
) -> Result<Option<MailJob>, Fault> {
    seal_letter(flows, act, user, body).map(Some)
}

/// Forgets how often a way was tried: one that was closed for it is bound anew, or is replaced.
pub(crate) async fn reopen(flows: &Flows, act: &Act, (user, factor): (UserId, Factor)) {
    let keys = factor_keys(&flows.secrets, act.tenant.id, user, factor);
    attempt::forget(flows, act, keys).await;
}

pub(crate) fn actor(user: &User) -> Actor {
    Actor::User(user.id.to_string())
}

pub(crate) async fn load_user(flows: &Flows, act: &Act, id: UserId) -> Result<User, Rejection> {
    let user = act.wait(flows.users.load_user(act.tenant.id, id)).await?;
    let user = user.filter(|user| user.status == UserStatus::Active);
    Ok(user.ok_or_else(invalid_token)?)
}

// === impl Status ===

impl Status {
    /// Tells of what an account has bound.
    #[must_use]
    pub fn of(bound: &Factors) -> Self {
        Self {
            is_enabled: bound.is_any(),
            app: bound.totp.as_ref().map(|app| app.confirmed_at.is_some()),
            passkeys: bound.passkeys.len(),
            backup_codes: bound.backup_codes,
        }
    }
}

// === impl Binder ===

impl Binder {
    /// Takes a person who shows an access token.
    ///
    /// # Errors
    /// 401 if they did not prove who they are a short while ago; 403 where nothing may be bound; or a
    /// fault.
    pub async fn person(flows: &Flows, act: &Act, person: &Person) -> Result<Self, Rejection> {
        Self::of(act, Fresh::person(flows, act, person).await?)
    }

    /// Takes whoever is signed in in a browser.
    ///
    /// # Errors
    /// As [`person`](Self::person).
    pub async fn browser(flows: &Flows, act: &Act, browser: &Browser) -> Result<Self, Rejection> {
        Self::of(act, Fresh::browser(flows, act, browser).await?)
    }

    /// Takes whoever proved a short while ago who they are.
    ///
    /// # Errors
    /// 403 where nothing may be bound.
    pub fn of(act: &Act, fresh: Fresh) -> Result<Self, Rejection> {
        Self::new(act.tenant.config.mfa, fresh.user, fresh.bound)
    }

    /// Takes whoever is in the middle of a sign-in that owes a factor where none is bound. Whoever has
    /// one shows it: a password alone binds nothing beside it.
    ///
    /// # Errors
    /// 401 for a sign-in that is not ours, too old, or owes something else; or a fault.
    pub async fn owing(
        flows: &Flows,
        act: &Act,
        (token, visitor): (&SecretText, Option<&str>),
        demand: Demand,
    ) -> Result<Self, Rejection> {
        let sign_in = SignIn::open(flows, act, token.expose(), visitor)?;
        let (user, bound) = sign_in.load(flows, act).await?;
        let is_owing = sign_in.standing(&bound, demand) == Standing::MustBind;
        if !is_owing || user.status != UserStatus::Active {
            return Err(expired().into());
        }
        Ok(Self {
            sign_in: Some(sign_in),
            ..Self::new(demand.policy, user, bound)?
        })
    }

    /// Claims the sign-in that a factor is bound for, before it is: one that is over binds nothing.
    ///
    /// # Errors
    /// 401 if it was claimed before; or a fault.
    pub(crate) async fn claim(&mut self, flows: &Flows, act: &Act) -> Result<(), Rejection> {
        let Some(sign_in) = &mut self.sign_in else {
            return Ok(());
        };
        if sign_in.claim(flows, act).await? {
            return Ok(());
        }
        Err(expired().into())
    }

    fn new(policy: MfaPolicy, user: User, bound: Factors) -> Result<Self, Rejection> {
        if policy == MfaPolicy::Off {
            let hint = "Second factors are not offered here.";
            return Err(Refusal::new(Code::Forbidden, hint).into());
        }
        Ok(Self {
            user,
            bound,
            sign_in: None,
        })
    }
}
