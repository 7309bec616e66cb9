//! Looking at a second factor once, paid for.
//!
//! The order is that of a password: the network's failures, the account's price, the look, the verdict.
//! A code that is right is claimed in the store before it counts, so that it never passes twice, also not
//! on another node or after a restart (NIST SP 800-63B-4 §3.1.4.2, RFC 6238 §5.2). Each way of an
//! account is counted by itself: whoever guesses at the app's codes does not lock the backup codes.

use domain::attempt::{AttemptKey, AttemptKeys};
use domain::event::{Actor, Entry, EventKind};
use domain::factor::{Factor, Factors, Proved, Totp};
use domain::id::{TenantId, UserId};
use domain::mail::LetterBody;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::secret::SecretText;
use domain::user::User;
use protocol::system_secrets::{Label, SystemSecrets};
use protocol::{backup_code, totp};
use serde_json::json;
use store::port::factors::UseBackupCode;
use zeroize::Zeroizing;

use crate::flow::attempt::{self, Turn};
use crate::flow::letter::seal_letter;
use crate::flow::passkey::{self, Answered};
use crate::flow::{Act, Flows};

/// What somebody shows.
#[derive(Debug, Clone)]
pub enum Shown {
    /// A code of the app.
    Totp(SecretText),
    /// A backup code.
    BackupCode(SecretText),
    /// What a passkey signed.
    Passkey(Answered),
}

/// What a look came to.
enum Look {
    Right,
    Wrong(&'static str),
}

/// Looks at what a person shows.
///
/// # Errors
/// 401 for what is wrong, was used before, or belongs to nobody; 429 with the time to wait; a fault when
/// the store is away: then nothing is proved.
///
/// # Cancel safety
/// The code may be spent without anybody being told.
pub(crate) async fn prove(
    flows: &Flows,
    act: &Act,
    (user, bound): (&User, &Factors),
    shown: Shown,
) -> Result<Proved, Rejection> {
    let factor = match shown {
        Shown::Passkey(answered) => {
            return passkey::show::prove(flows, act, (user, bound), answered).await;
        }
        Shown::Totp(_) => Factor::Totp,
        Shown::BackupCode(_) => Factor::BackupCode,
    };
    let keys = factor_keys(&flows.secrets, act.tenant.id, user.id, factor);
    let Turn::Granted(ticket) = attempt::claim(flows, act, keys.clone()).await? else {
        record(flows, act, user, (factor, "disabled")).await?;
        return Err(disabled().into());
    };
    match look(flows, act, (user, bound), &shown).await {
        Ok(Look::Right) => {
            ticket.succeed();
            attempt::forget(flows, act, keys).await;
            Ok(Proved {
                factor,
                at: act.now,
            })
        }
        Ok(Look::Wrong(why)) => {
            let entry = failure(act, user, (factor, why));
            attempt::fail(flows, act, Some(ticket), entry).await?;
            Err(wrong().into())
        }
        Err(fault) => {
            attempt::refund(act, Some(ticket), Some(&fault)).await;
            Err(fault.into())
        }
    }
}

/// Names what an account's failures with one factor are counted under.
#[must_use]
pub fn factor_keys(
    secrets: &SystemSecrets,
    tenant: TenantId,
    user: UserId,
    factor: Factor,
) -> AttemptKeys {
    way_keys(secrets, tenant, user, factor.as_str())
}

/// As [`factor_keys`], for a way that is no factor of an account's.
pub(crate) fn way_keys(
    secrets: &SystemSecrets,
    tenant: TenantId,
    user: UserId,
    way: &str,
) -> AttemptKeys {
    let mut message = tenant.as_uuid().as_bytes().to_vec();
    // No address contains a NUL, and nothing typed at a sign-in begins with two.
    message.extend_from_slice(&[0, 0]);
    message.extend_from_slice(way.as_bytes());
    message.extend_from_slice(user.as_uuid().as_bytes());
    let (newest, older) = secrets.signatures(Label::AttemptKey, &message);
    AttemptKeys {
        newest: AttemptKey(newest),
        older: older.into_iter().map(AttemptKey).collect(),
    }
}

/// What is wrong, used, or nobody's is refused with.
pub(crate) fn wrong() -> Refusal {
    Refusal::new(
        Code::Unauthorized,
        "The code is wrong, was used already, or is too old.",
    )
}

async fn look(
    flows: &Flows,
    act: &Act,
    (user, bound): (&User, &Factors),
    shown: &Shown,
) -> Result<Look, Fault> {
    match shown {
        Shown::Totp(code) => match bound.confirmed_totp() {
            Some(app) => look_at_code(flows, act, app, code).await,
            None => Ok(Look::Wrong("unbound")),
        },
        Shown::BackupCode(code) => look_at_backup_code(flows, act, (user, bound), code).await,
        Shown::Passkey(_) => Ok(Look::Wrong("unbound")),
    }
}

async fn look_at_code(
    flows: &Flows,
    act: &Act,
    app: &Totp,
    code: &SecretText,
) -> Result<Look, Fault> {
    let Some(step) = step_of(flows, act, app, code).await? else {
        return Ok(Look::Wrong("wrong"));
    };
    let used = flows
        .factors
        .use_totp(act.tenant.id, app.user, app.created_at, step);
    Ok(if act.wait(used).await? {
        Look::Right
    } else {
        Look::Wrong("used")
    })
}

/// Gives the time step that a code of an app belongs to, if it is one of now.
///
/// # Errors
/// A fault when its secret cannot be had.
pub(crate) async fn step_of(
    flows: &Flows,
    act: &Act,
    app: &Totp,
    code: &SecretText,
) -> Result<Option<u64>, Fault> {
    let secret = open_secret(flows, act, app).await?;
    let rule = totp::Totp {
        secret: &secret,
        digits: app.digits,
        period: app.period,
    };
    Ok(rule.step_of(code.expose(), act.now))
}

/// Opens an app's secret.
///
/// # Errors
/// The vault's fault: nothing is proved then.
pub(crate) async fn open_secret(
    flows: &Flows,
    act: &Act,
    app: &Totp,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let context = secret_context(app.user);
    let opened = flows
        .vault
        .open(act.tenant.id, &context, &app.sealed_secret, act.deadline);
    opened.await
}

/// Names what an app's secret is sealed for.
pub(crate) fn secret_context(user: UserId) -> String {
    format!("totp/{user}")
}

async fn look_at_backup_code(
    flows: &Flows,
    act: &Act,
    (user, bound): (&User, &Factors),
    code: &SecretText,
) -> Result<Look, Fault> {
    let whose = (act.tenant.id, user.id);
    let Some(signatures) = backup_code::signatures(&flows.secrets, whose, code.expose()) else {
        return Ok(Look::Wrong("wrong"));
    };
    let body = LetterBody::BackupCodeUsed {
        left: bound.backup_codes.saturating_sub(1),
    };
    let notice = seal_letter(flows, act, user, body)?;
    let entry = act
        .entry_by(Actor::User(user.id.to_string()), EventKind::BackupCodeUsed)
        .about(&user.id);
    let code = UseBackupCode {
        tenant: act.tenant.id,
        user: user.id,
        signatures,
        notice: Some(notice),
        entry,
    };
    let used = flows.factors.use_backup_code(code);
    let left = act.wait(used).await?;
    flows.mail.nudge();
    Ok(match left {
        Some(_) => Look::Right,
        None => Look::Wrong("wrong"),
    })
}

fn failure(act: &Act, user: &User, (factor, why): (Factor, &str)) -> Entry {
    failure_of(act, user, (factor.as_str(), why))
}

pub(crate) fn failure_of(act: &Act, user: &User, (way, why): (&str, &str)) -> Entry {
    act.entry(EventKind::FactorFailed)
        .about(&user.id)
        .with(json!({ "factor": way, "why": why }))
        .failed()
}

pub(crate) async fn record(
    flows: &Flows,
    act: &Act,
    user: &User,
    what: (Factor, &str),
) -> Result<(), Fault> {
    let entry = failure(act, user, what);
    act.wait(flows.audit.append(vec![entry])).await
}

/// NIST SP 800-63B-4 §3.2.2: after a hundred failures it is bound anew before it counts again.
pub(crate) fn disabled() -> Refusal {
    Refusal::new(
        Code::Unauthorized,
        "This way was tried too often and is closed. Use another, and then set it up anew.",
    )
}
