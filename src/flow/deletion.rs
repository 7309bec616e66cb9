//! Deleting one's account, and having it back (GDPR Article 17).
//!
//! What is deleted is closed at once: every sign-in ends in the same commit, and nobody gets in. It is
//! erased after days of grace, on the day that its owner is told, by the janitor; until then the address
//! stays taken, and whoever proves all that a sign-in asks of the account is offered it back instead of
//! being let in. So whoever only has the password learns nothing of it, and takes nothing back.
//!
//! What an operator closed is the operator's: the owner neither deletes it nor has it back.
//! `docs/decisions/0018-deleted-accounts.md` says what is erased and what stays.

use domain::client::FIRST_PARTY;
use domain::event::EventKind;
use domain::mail::LetterBody;
use domain::rejection::{Code, Fault, Leaving, Refusal, Rejection};
use domain::secret::SecretText;
use domain::time::UnixMillis;
use domain::user::{User, UserPatch, UserStatus};
use protocol::assurance::{Demand, Standing};
use serde_json::json;
use store::port::users::UserWrite;

use super::caller::invalid_token;
use super::fresh::Fresh;
use super::letter::seal_letter;
use super::mfa::actor;
use super::sign_in::begin::{Proof, Proven, begin};
use super::sign_in::verify::owed;
use super::sign_in::{Progress, SignIn, expired};
use super::{Act, Flows};

/// Have an account back.
#[derive(Debug, Clone)]
pub struct Restore {
    /// What was proved, sealed.
    pub token: SecretText,
    /// The name of the browser it is shown in, if it is one.
    pub visitor: Option<String>,
    /// What is asked of the sign-in.
    pub demand: Demand,
}

/// Deletes the account of somebody who proved a short while ago who they are. Gives when it is erased.
///
/// # Errors
/// 409 if it was changed at the same time; 401 if it is gone; or a fault.
pub async fn delete(flows: &Flows, act: &Act, fresh: Fresh) -> Result<UnixMillis, Rejection> {
    let user = fresh.user;
    let erase_at = act.now + flows.settings.deletion_grace;
    let patch = UserPatch {
        status: Some(UserStatus::Deleted),
        erase_at: Some(erase_at),
        notice: Some(seal_letter(
            flows,
            act,
            &user,
            LetterBody::AccountDeleted { erase_at },
        )?),
        // An operator who closes it at the same time has the last word.
        expected_version: Some(user.version),
        ..UserPatch::default()
    };
    let entry = act
        .entry_by(actor(&user), EventKind::UserDeletionRequested)
        .about(&user.id)
        .with(json!({ "erase_at": erase_at.to_string() }));
    let until = flows.remember_until(act.now);
    let written = flows.users.update_user(user.id, patch, until, entry);
    match act.wait(written).await? {
        UserWrite::Stored(_, ended) => {
            flows.accounts.forget(act.tenant.id, user.id);
            flows.refuse_ended(act, &ended);
            flows.mail.nudge();
            Ok(erase_at)
        }
        UserWrite::Stale => {
            let hint = "The account was changed just now. Look at it again.";
            Err(Refusal::new(Code::Conflict, hint).into())
        }
        UserWrite::Missing | UserWrite::EmailTaken => Err(invalid_token().into()),
    }
}

/// Says whether somebody proved to be the owner of a deleted account. One that is to bind a factor
/// proved all that it has.
pub(crate) fn is_leaving(user: &User, standing: &Standing) -> bool {
    user.status == UserStatus::Deleted && !matches!(standing, Standing::Owes(_))
}

/// Writes down that the owner of a deleted account was not let in, and tells them how to have it back.
pub(crate) async fn refuse(
    flows: &Flows,
    act: &Act,
    user: &User,
    sign_in: &SignIn,
) -> Result<Refusal, Fault> {
    let entry = act
        .entry_by(actor(user), EventKind::LoginFailed)
        .about(&user.id)
        .through(FIRST_PARTY)
        .with(json!({ "why": user.status.as_str() }))
        .failed();
    act.wait(flows.audit.append(vec![entry])).await?;
    let leaving = Leaving {
        erase_at: user.erase_at.unwrap_or(act.now),
        token: sign_in.seal(flows, act)?,
    };
    let hint = "This account was deleted and is going to be erased. Until then it can be restored.";
    Ok(Refusal {
        leaving: Some(Box::new(leaving)),
        ..Refusal::new(Code::AccountDeleted, hint)
    })
}

/// Gives a deleted account back to whoever proved to be its owner, and lets them in.
///
/// # Errors
/// 401 for proofs that are not ours, too old, too few or used, and for an account that is not deleted
/// any more, or is erased; or a fault.
///
/// # Cancel safety
/// The account may be back without anybody being let in; they sign in.
pub async fn restore(flows: &Flows, act: &Act, message: Restore) -> Result<Progress, Rejection> {
    let visitor = message.visitor.as_deref();
    let mut sign_in = SignIn::open(flows, act, message.token.expose(), visitor)?;
    let (user, bound) = sign_in.load(flows, act).await?;
    let standing = sign_in.standing(&bound, message.demand);
    if !is_leaving(&user, &standing) || !sign_in.claim(flows, act).await? {
        return Err(expired().into());
    }
    let user = give_back(flows, act, &user).await?;
    let proved = (sign_in.proofs.clone(), sign_in.password_set_at());
    match standing {
        Standing::Done(reached) => {
            let proven = Proven {
                user: &user,
                proof: Proof::of(reached, proved.0),
                password_set_at: proved.1,
                clear: None,
            };
            let begun = begin(flows, act, proven).await?.ok_or_else(expired)?;
            Ok(Progress::SignedIn(Box::new(begun)))
        }
        standing => {
            let next = SignIn::new(flows, act, user.id, proved, message.visitor);
            Ok(Progress::Owes(owed(flows, act, &next, standing)?))
        }
    }
}

async fn give_back(flows: &Flows, act: &Act, user: &User) -> Result<User, Rejection> {
    let patch = UserPatch {
        status: Some(UserStatus::Active),
        notice: Some(seal_letter(flows, act, user, LetterBody::AccountRestored)?),
        expected_version: Some(user.version),
        ..UserPatch::default()
    };
    let entry = act
        .entry_by(actor(user), EventKind::UserRestored)
        .about(&user.id);
    let until = flows.remember_until(act.now);
    let written = flows.users.update_user(user.id, patch, until, entry);
    match act.wait(written).await? {
        UserWrite::Stored(user, _) => {
            flows.accounts.forget(act.tenant.id, user.id);
            flows.mail.nudge();
            Ok(*user)
        }
        UserWrite::Missing | UserWrite::Stale | UserWrite::EmailTaken => Err(expired().into()),
    }
}
