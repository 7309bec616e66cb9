//! Second factors of accounts, as operators look after them: seeing what is bound, and taking it all away
//! from somebody who lost it.
//!
//! A reset ends every sign-in of the account and is told to its owner by mail, in the commit that makes
//! it. The counters of guesses go with the factors they were about.

use domain::event::EventKind;
use domain::factor::Factor;
use domain::id::UserId;
use domain::mail::LetterBody;
use domain::rejection::Rejection;
use domain::user::User;
use store::port::factors::RemoveAllFactors;

use super::not_found;
use super::role::require_appointer;
use crate::flow::allowed::subjects_of_user;
use crate::flow::mfa::{self, Status};
use crate::flow::sign_in::factor::factor_keys;
use crate::flow::{Act, Flows, attempt};

/// Tells what an account has bound.
///
/// # Errors
/// 404 when there is no such account; or a fault.
pub async fn status(flows: &Flows, act: &Act, user: UserId) -> Result<Status, Rejection> {
    load(flows, act, user).await?;
    Ok(Status::of(&mfa::load(flows, act, user).await?))
}

/// Takes every second factor from an account, and ends its sign-ins.
///
/// # Errors
/// 404 when there is no such account; 403 for an operator's, with a key that may not touch those; or a
/// fault.
pub async fn reset(flows: &Flows, act: &Act, user: UserId) -> Result<(), Rejection> {
    let user = load(flows, act, user).await?;
    require_appointer(flows, act, &subjects_of_user(&user))?;
    let removal = RemoveAllFactors {
        tenant: act.tenant.id,
        user: user.id,
        remember_until: flows.remember_until(act.now),
        notice: mfa::notice(flows, act, &user, LetterBody::FactorsReset)?,
        entry: act.entry(EventKind::FactorsReset).about(&user.id),
    };
    let ended = act.wait(flows.factors.remove_all_factors(removal)).await?;
    flows.refuse_ended(act, &ended.ok_or_else(|| not_found("account"))?);
    flows.mail.nudge();
    for factor in [Factor::Totp, Factor::BackupCode] {
        let keys = factor_keys(&flows.secrets, act.tenant.id, user.id, factor);
        attempt::forget(flows, act, keys).await;
    }
    attempt::forget(flows, act, mfa::recovery::keys_of(flows, act, &user)).await;
    Ok(())
}

async fn load(flows: &Flows, act: &Act, user: UserId) -> Result<User, Rejection> {
    let found = act.wait(flows.users.load_user(act.tenant.id, user)).await?;
    Ok(found.ok_or_else(|| not_found("account"))?)
}
