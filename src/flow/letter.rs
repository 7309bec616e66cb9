//! Letters: one-time tokens, and the sealed mails that carry them.

use std::fmt::Write as _;
use std::time::Duration;

use domain::attempt::AttemptKey;
use domain::id::{MailId, UserId};
use domain::mail::{Letter, LetterBody, MailJob};
use domain::one_time::{OneTime, Purpose};
use domain::rejection::Fault;
use domain::user::User;
use protocol::opaque::RandomToken;
use protocol::recovery_code;
use protocol::seal::seal;

use super::{Act, Flows};
use crate::language::of_tenant;

/// How many mails of one kind an account may be sent within [`BUDGET_WINDOW`].
const PER_ACCOUNT: u64 = 5;
/// How many mails of one kind a network may cause within [`BUDGET_WINDOW`].
const PER_NETWORK: u64 = 20;
/// The window in which mails are counted.
const BUDGET_WINDOW: Duration = Duration::from_hours(1);

/// Makes a one-time token for the user, and the mail that carries it. Neither is stored yet.
///
/// # Errors
/// [`Fault::Broken`] if the letter cannot be sealed, which does not happen.
pub(crate) fn mint_one_time(
    flows: &Flows,
    act: &Act,
    user: &User,
    purpose: Purpose,
) -> Result<(OneTime, MailJob), Fault> {
    let (random, whose) = (flows.random.as_ref(), (act.tenant.id, user.id));
    let minted = || {
        let minted = RandomToken::OneTime.mint(&flows.secrets, random);
        (minted.token.expose().to_owned(), minted.signature)
    };
    let (body, signature) = match purpose {
        Purpose::ResetPassword => {
            let (token, signature) = minted();
            (LetterBody::ResetPassword { token }, signature)
        }
        Purpose::VerifyEmail => {
            let (token, signature) = minted();
            (LetterBody::VerifyEmail { token }, signature)
        }
        Purpose::RecoverFactors => {
            let minted = recovery_code::generate(&flows.secrets, random, whose);
            let code = minted.code.expose().to_owned();
            (LetterBody::FactorRecoveryCode { code }, minted.signature)
        }
    };
    let one_time = one_time(act, user.id, purpose, signature);
    Ok((one_time, seal_letter(flows, act, user, body)?))
}

/// Writes a letter to the user and seals it: the outbox holds nothing that can be read.
///
/// Whoever registered an address that is not proven chose the name to it: who reads that mailbox is
/// not to be told a stranger's words in our name, so such a letter greets nobody by name.
/// Its language is what the request asked for, else the tenant's.
///
/// # Errors
/// As [`mint_one_time`].
pub(crate) fn seal_letter(
    flows: &Flows,
    act: &Act,
    user: &User,
    body: LetterBody,
) -> Result<MailJob, Fault> {
    let id = MailId::generate(act.now, flows.random.as_ref());
    let language = act.language.unwrap_or_else(|| of_tenant(&act.tenant));
    let letter = Letter {
        to: user.email.as_str().to_owned(),
        name: Some(user.name.clone())
            .filter(|_| user.email_verified)
            .unwrap_or_default(),
        language: Some(language.to_owned()),
        body,
    };
    let broken = || Fault::Broken("a letter could not be sealed".to_owned());
    let written = serde_json::to_vec(&letter).map_err(|_| broken())?;
    let sealed = seal(&flows.secrets, &format!("mail/{id}"), &written).map_err(|_| broken())?;
    Ok(MailJob {
        id,
        tenant: act.tenant.id,
        sealed,
        attempts: 0,
        created_at: act.now,
    })
}

/// Counts a mail that somebody asks to be sent to an account, and says whether it may be sent. Who
/// asks is never told: the answer is the same either way.
///
/// # Errors
/// [`Fault::Late`].
pub(crate) async fn may_send(
    flows: &Flows,
    act: &Act,
    kind: Purpose,
    account: AttemptKey,
) -> Result<bool, Fault> {
    Ok(wait_to_send(flows, act, kind, account).await?.is_none())
}

/// Counts such a mail, and gives how long to wait where it may not be sent. For acts of people who are
/// known: only they are told.
///
/// # Errors
/// [`Fault::Late`].
pub(crate) async fn wait_to_send(
    flows: &Flows,
    act: &Act,
    kind: Purpose,
    account: AttemptKey,
) -> Result<Option<Duration>, Fault> {
    let kind = kind.as_str();
    if let Some(network) = act.network {
        let key = format!("mail/{kind}/from/{}", network.address());
        let spent = flows
            .limits
            .spend(key, PER_NETWORK, BUDGET_WINDOW, act.deadline);
        if let Err(rest) = spent.await? {
            return Ok(Some(rest));
        }
    }
    let key = format!("mail/{kind}/to/{}", hexadecimal(account));
    let spent = flows
        .limits
        .spend(key, PER_ACCOUNT, BUDGET_WINDOW, act.deadline);
    Ok(spent.await?.err())
}

fn one_time(act: &Act, user: UserId, purpose: Purpose, signature: [u8; 32]) -> OneTime {
    OneTime {
        tenant: act.tenant.id,
        user,
        purpose,
        signature,
        created_at: act.now,
        expires_at: act.now + purpose.lifetime(),
    }
}

fn hexadecimal(key: AttemptKey) -> String {
    key.0
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_with_every_digit() {
        let text = hexadecimal(AttemptKey([0x0f; 32]));
        assert_eq!(text, "0f".repeat(32));
    }
}
