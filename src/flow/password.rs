//! Changing one's own password.
//!
//! The old one is looked at as a sign-in would: paid for, and counted when it is wrong. The commit
//! that stores the new one ends every other session of the person, and tells them by mail. One that
//! others know proves nothing here either: it is replaced by a mailed link alone.

use actors::attempts::Ticket;
use domain::event::{Entry, EventKind};
use domain::mail::LetterBody;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::secret::SecretText;
use domain::time::UnixMillis;
use domain::user::{Credentials, User};
use protocol::assurance::Level;
use serde_json::json;
use store::port::users::PasswordChange;

use super::account::AccountHolder;
use super::attempt::{self, Turn, attempt_keys};
use super::caller::invalid_token;
use super::letter::seal_letter;
use super::{Act, Flows, mfa, new_password};

/// Change one's own password.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// The present one.
    pub old: SecretText,
    /// The next one.
    pub new: SecretText,
}

/// Changes the person's own password and ends their other sessions.
///
/// # Errors
/// 422 when the new password is not acceptable or the old one is wrong; 403 when others know the old
/// one; 429 with the time to wait after wrong ones; 401 when the account is gone or its password was reset meanwhile; or a fault.
pub async fn change_password(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
    message: ChangePassword,
) -> Result<(), Rejection> {
    let found = flows.users.load_password(act.tenant.id, person.user);
    let found = act.wait(found).await?.ok_or_else(invalid_token)?;
    let user = found.user.clone();
    if user.password_compromised {
        return Err(compromised().into());
    }
    let old_set_at = found.password.as_ref().map(|password| password.set_at);
    new_password::judge(flows, act, &message.new, (&user).into())
        .await
        .map_err(|error| Refusal::field("new_password", error.to_string()))?;
    let ticket = prove(flows, act, found, message.old).await?;
    let new = (message.new, old_set_at);
    let changed = store(flows, act, person, &user, new).await;
    if let Err(rejection) = &changed {
        attempt::refund(act, Some(ticket), rejection.fault()).await;
        return changed;
    }
    ticket.succeed();
    attempt::clear(flows, act, &user).await;
    changed
}

/// What a password is refused with that others know (NIST SP 800-63B-4 §3.1.1.2).
pub(crate) fn compromised() -> Refusal {
    Refusal::new(
        Code::PasswordCompromised,
        "Others may know this password, so it is good for nothing. Reset it by mail.",
    )
}

/// Looks at the old password once.
async fn prove(
    flows: &Flows,
    act: &Act,
    found: Credentials,
    old: SecretText,
) -> Result<Ticket, Rejection> {
    let place = flows.hashing.reserve()?;
    let keys = attempt_keys(&flows.secrets, act.tenant.id, found.user.email.as_str());
    let (ticket, record) = match attempt::claim(flows, act, keys).await? {
        Turn::Granted(ticket) => (Some(ticket), found.password),
        Turn::Disabled => (None, None),
    };
    let matches = match place.verify(old, record, act.deadline.instant()).await {
        Ok(verified) => verified.matches,
        Err(fault) => {
            attempt::refund(act, ticket, Some(&fault)).await;
            return Err(fault.into());
        }
    };
    match ticket {
        Some(ticket) if matches => Ok(ticket),
        ticket => {
            let why = if ticket.is_some() {
                "wrong"
            } else {
                "disabled"
            };
            let entry = failure(act, &found.user, why);
            attempt::fail(flows, act, ticket, entry).await?;
            Err(Refusal::field("old_password", "is wrong").into())
        }
    }
}

/// Stores the new password in the place of the one that was looked at, and of no other.
async fn store(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
    user: &User,
    (new, old_set_at): (SecretText, Option<UnixMillis>),
) -> Result<(), Rejection> {
    let password = new_password::hash(act, flows.hashing.reserve()?, new).await?;
    // A sign-in may be older than what is bound by now.
    let is_owners = person.level == Level::Aal2 || !mfa::load(flows, act, user.id).await?.is_any();
    let change = PasswordChange {
        tenant: act.tenant.id,
        user: user.id,
        old_set_at,
        password,
        is_owners,
        keep: person.session,
        notice: Some(notice(flows, act, user)?),
        remember_until: flows.remember_until(act.now),
        entry: act
            .entry_by(person.actor(), EventKind::PasswordChanged)
            .about(&user.id),
    };
    let ended = act.wait(flows.users.change_password(change)).await?;
    let ended = ended.ok_or_else(invalid_token)?;
    flows.refuse_ended(act, &ended);
    flows.mail.nudge();
    Ok(())
}

/// Writes the letter that tells a person that their password changed (NIST SP 800-63B-4 §4.6).
pub(crate) fn notice(
    flows: &Flows,
    act: &Act,
    user: &User,
) -> Result<domain::mail::MailJob, Fault> {
    seal_letter(flows, act, user, LetterBody::PasswordChanged)
}

fn failure(act: &Act, user: &User, why: &'static str) -> Entry {
    let actor = domain::event::Actor::User(user.id.to_string());
    act.entry_by(actor, EventKind::PasswordChanged)
        .about(&user.id)
        .with(json!({ "why": why }))
        .failed()
}
