//! Backup codes (NIST SP 800-63B-4 §3.1.2): for the day when the other factors are lost.

use domain::event::EventKind;
use domain::factor::Factor;
use domain::id::{TenantId, UserId};
use domain::mail::LetterBody;
use domain::rejection::{Code, Refusal, Rejection};
use domain::secret::SecretText;
use domain::user::User;
use protocol::backup_code;
use store::port::factors::NewBackupCodes;

use super::{actor, load, load_user, notice, reopen};
use crate::flow::account::AccountHolder;
use crate::flow::sign_in::factor::{Shown, prove};
use crate::flow::{Act, Flows};

/// A set of codes: to be shown once, and to be stored.
#[derive(Default)]
pub(crate) struct Made {
    pub(crate) codes: Vec<SecretText>,
    pub(crate) signatures: Vec<[u8; 32]>,
}

/// Makes a new set of codes for whoever shows a factor now; the old ones are worth nothing from then on.
///
/// # Errors
/// 409 for an account without a second factor; 401 for a wrong factor; or a fault.
pub async fn make_anew(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
    shown: Shown,
) -> Result<Vec<SecretText>, Rejection> {
    let user = load_user(flows, act, person.user).await?;
    let bound = load(flows, act, user.id).await?;
    if !bound.is_any() {
        return Err(nothing_bound().into());
    }
    prove(flows, act, (&user, &bound), shown).await?;
    replace(flows, act, &user).await
}

/// Makes a new set of codes; whether whoever asks may is judged before.
///
/// # Errors
/// As [`make_anew`].
pub(crate) async fn replace(
    flows: &Flows,
    act: &Act,
    user: &User,
) -> Result<Vec<SecretText>, Rejection> {
    let made = make(flows, (act.tenant.id, user.id));
    let notice = notice(flows, act, user, LetterBody::BackupCodesMade)?;
    let entry = act
        .entry_by(actor(user), EventKind::BackupCodesMade)
        .about(&user.id);
    let codes = NewBackupCodes {
        tenant: act.tenant.id,
        user: user.id,
        signatures: made.signatures,
        notice,
        entry,
    };
    let replaced = flows.factors.replace_backup_codes(codes);
    if !act.wait(replaced).await? {
        return Err(nothing_bound().into());
    }
    flows.mail.nudge();
    reopen(flows, act, (user.id, Factor::BackupCode)).await;
    Ok(made.codes)
}

/// Makes a set of codes, not stored yet.
pub(crate) fn make(flows: &Flows, whose: (TenantId, UserId)) -> Made {
    let count = usize::from(flows.settings.mfa.backup_codes);
    let made = std::iter::repeat_with(|| {
        backup_code::generate(&flows.secrets, flows.random.as_ref(), whose)
    });
    let (codes, signatures) = made
        .take(count)
        .map(|code| (code.code, code.signature))
        .unzip();
    Made { codes, signatures }
}

fn nothing_bound() -> Refusal {
    Refusal::new(
        Code::Conflict,
        "Backup codes stand in for a second factor. Set one up first.",
    )
}
