//! Recovering from the loss of every second factor, by two ways (NIST SP 800-63B-4 §4.2.2).
//!
//! Whoever is in the middle of a sign-in has shown the password, a factor that is bound; a code that is
//! mailed to the account's proven address is the other way. Both together let go of every second factor
//! and end every session, in one commit that tells the owner; then the sign-in goes on as any other, and
//! where a second factor is required it binds one anew.
//!
//! A password that was set by a mailed link is the same way as a mailed code: a stolen mailbox would be
//! both. Such an account is not recovered by mail (`docs/decisions/0017`); the commit looks again.

use actors::attempts::Ticket;
use domain::attempt::AttemptKeys;
use domain::event::EventKind;
use domain::factor::{Factor, Factors};
use domain::mail::LetterBody;
use domain::one_time::Purpose;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::secret::SecretText;
use domain::time::UnixMillis;
use domain::user::{User, UserStatus};
use protocol::assurance::{Demand, Standing};
use protocol::recovery_code;
use store::port::factors::RecoverFactors;

use super::{actor, notice};
use crate::flow::attempt::{self, Turn, attempt_keys};
use crate::flow::letter::{mint_one_time, wait_to_send};
use crate::flow::sign_in::factor::{disabled, factor_keys, failure_of, way_keys, wrong};
use crate::flow::sign_in::verify::settle;
use crate::flow::sign_in::{Progress, SignIn, expired};
use crate::flow::{Act, Flows};

/// Let go of every second factor.
#[derive(Debug, Clone)]
pub struct Recover {
    /// The sign-in that owes one, sealed.
    pub token: SecretText,
    /// The name of the browser it is in, if it is one.
    pub visitor: Option<String>,
    /// What is asked of the sign-in.
    pub demand: Demand,
    /// The mailed code.
    pub code: SecretText,
}

/// Whoever may be recovered by mail.
struct Lost {
    sign_in: SignIn,
    user: User,
    /// When the password that they showed had been set.
    password_set_at: UnixMillis,
}

/// What failures are counted and told under.
const WAY: &str = "recovery_code";

/// Mails a code to whoever owes a second factor and has lost every one.
///
/// # Errors
/// 401 for a sign-in that is not ours, too old, or owes something else; 403 where a mailed code would be
/// no second way; 429 with the time to wait; or a fault.
pub async fn ask(
    flows: &Flows,
    act: &Act,
    (token, visitor): (&SecretText, Option<&str>),
    demand: Demand,
) -> Result<(), Rejection> {
    let Lost { user, .. } = find(flows, act, (token, visitor), demand).await?;
    let keys = attempt_keys(&flows.secrets, act.tenant.id, user.email.as_str());
    let purpose = Purpose::RecoverFactors;
    if let Some(rest) = wait_to_send(flows, act, purpose, keys.newest).await? {
        let hint = "Too many codes were sent. Use the newest, or ask again later.";
        return Err(Refusal::new(Code::RateLimited, hint)
            .retry_after(rest)
            .into());
    }
    let (code, mail) = mint_one_time(flows, act, &user, purpose)?;
    let entry = act
        .entry_by(actor(&user), EventKind::FactorRecoveryRequested)
        .about(&user.id);
    act.wait(flows.one_time.issue_one_time(code, mail, entry))
        .await?;
    flows.mail.nudge();
    Ok(())
}

/// Lets go of every second factor of whoever shows a mailed code beside their password, ends their
/// sessions, and goes on with the sign-in.
///
/// # Errors
/// As [`ask`]; 401 for a wrong code as well.
///
/// # Cancel safety
/// The factors may be gone without a session; the person begins again with the password.
pub async fn recover(flows: &Flows, act: &Act, message: Recover) -> Result<Progress, Rejection> {
    let demand = message.demand;
    let from = (&message.token, message.visitor.as_deref());
    let mut lost = find(flows, act, from, demand).await?;
    let keys = keys_of(flows, act, &lost.user);
    let Turn::Granted(ticket) = attempt::claim(flows, act, keys.clone()).await? else {
        return Err(disabled().into());
    };
    match spend(flows, act, &mut lost, &message.code).await {
        Ok(true) => {
            ticket.succeed();
            attempt::forget(flows, act, keys).await;
        }
        Ok(false) => return Err(refuse(flows, act, &lost.user, ticket).await?.into()),
        Err(rejection) => {
            attempt::refund(act, Some(ticket), rejection.fault()).await;
            return Err(rejection);
        }
    }
    for factor in [Factor::Totp, Factor::BackupCode] {
        let keys = factor_keys(&flows.secrets, act.tenant.id, lost.user.id, factor);
        attempt::forget(flows, act, keys).await;
    }
    let Lost { sign_in, user, .. } = lost;
    let whose = (sign_in.anew(flows), &user, &Factors::default());
    settle(flows, act, whose, demand).await
}

/// Says whether a mailed code would be a second way to an account. A password that came by mail is the
/// same way as a code that does, and an address that nobody proved may be a stranger's.
///
/// # Errors
/// 403, with who helps.
pub fn check_may_recover(user: &User) -> Result<(), Refusal> {
    if user.email_verified && !user.password_by_mail {
        return Ok(());
    }
    let hint = "A mailed code is no second way to this account: its password came by mail, or its \
                address is not confirmed. Use a backup code, or ask an administrator.";
    Err(Refusal::new(Code::Forbidden, hint))
}

/// Opens the sign-in of somebody who showed the password, owes a second factor, and may be recovered.
async fn find(
    flows: &Flows,
    act: &Act,
    (token, visitor): (&SecretText, Option<&str>),
    demand: Demand,
) -> Result<Lost, Rejection> {
    let sign_in = SignIn::open(flows, act, token.expose(), visitor)?;
    let (user, bound) = sign_in.load(flows, act).await?;
    // Whoever deleted their account proves all of it to have it back: recovery is no way around that.
    if user.status != UserStatus::Active {
        return Err(expired().into());
    }
    let owes_another = match sign_in.standing(&bound, demand) {
        Standing::Owes(methods) => !methods.contains(&Factor::Password),
        Standing::Done(_) | Standing::MustBind => false,
    };
    let set_at = sign_in.password_set_at().filter(|_| owes_another);
    let password_set_at = set_at.ok_or_else(expired)?;
    check_may_recover(&user)?;
    Ok(Lost {
        sign_in,
        user,
        password_set_at,
    })
}

/// Spends the code, if it is theirs; false: it is not.
async fn spend(
    flows: &Flows,
    act: &Act,
    lost: &mut Lost,
    code: &SecretText,
) -> Result<bool, Rejection> {
    let (tenant, user) = (act.tenant.id, &lost.user);
    let found = recovery_code::signatures(&flows.secrets, (tenant, user.id), code.expose());
    let signatures = found.unwrap_or_default();
    if !is_theirs(flows, act, user, &signatures).await? {
        return Ok(false);
    }
    // Only now, so that a wrong code does not cost the sign-in; and before the commit, so that one that
    // was finished by a factor takes none.
    if !lost.sign_in.claim(flows, act).await? {
        return Err(expired().into());
    }
    let recovery = RecoverFactors {
        tenant,
        user: user.id,
        signatures,
        password_set_at: lost.password_set_at,
        remember_until: flows.remember_until(act.now),
        notice: notice(flows, act, user, LetterBody::FactorsRecovered)?,
        entry: act
            .entry_by(actor(user), EventKind::FactorsRecovered)
            .about(&user.id),
    };
    let recovered = act.wait(flows.factors.recover_factors(recovery)).await?;
    let Some(ended) = recovered else {
        return Ok(false);
    };
    flows.refuse_ended(act, &ended);
    flows.mail.nudge();
    Ok(true)
}

/// Looks whether a code is theirs, without spending it.
async fn is_theirs(
    flows: &Flows,
    act: &Act,
    user: &User,
    signatures: &[[u8; 32]],
) -> Result<bool, Fault> {
    for signature in signatures {
        let purpose = Purpose::RecoverFactors;
        let tokens = &flows.one_time;
        let found = tokens.load_one_time(act.tenant.id, purpose, *signature, act.now);
        if act.wait(found).await? == Some(user.id) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn refuse(flows: &Flows, act: &Act, user: &User, ticket: Ticket) -> Result<Refusal, Fault> {
    let entry = failure_of(act, user, (WAY, "wrong"));
    attempt::fail(flows, act, Some(ticket), entry).await?;
    Ok(wrong())
}

/// Names what failures with mailed codes of an account are counted under.
pub(crate) fn keys_of(flows: &Flows, act: &Act, user: &User) -> AttemptKeys {
    way_keys(&flows.secrets, act.tenant.id, user.id, WAY)
}
