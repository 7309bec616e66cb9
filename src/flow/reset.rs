//! Resetting a forgotten password by a mailed link.
//!
//! Asking is answered alike for everybody, after the same span, whether or not there is such an
//! account and whether or not a mail is sent: an account gets five an hour at most, a network causes
//! twenty. Confirming judges the new password before it spends the token, so a rejected password
//! does not burn it; the commit that spends it sets the password, ends every session and re-enables
//! a password that was disabled for too many failures.

use domain::email::EmailAddress;
use domain::event::{Actor, EventKind};
use domain::one_time::Purpose;
use domain::rejection::{Fault, Refusal, Rejection};
use domain::secret::SecretText;
use domain::user::{User, UserStatus};
use protocol::opaque::RandomToken;
use store::port::one_time::ResetRedemption;

use super::account::nobody;
use super::attempt::attempt_keys;
use super::evenly::evenly;
use super::letter::{may_send, mint_one_time};
use super::password::notice;
use super::{Act, Flows, new_password};

/// Ask for a link to choose a new password.
#[derive(Debug, Clone)]
pub struct RequestReset {
    /// The account's address as it was typed.
    pub email: String,
}

/// Choose a new password with a mailed token.
#[derive(Debug, Clone)]
pub struct ConfirmReset {
    /// The token.
    pub token: SecretText,
    /// The new password.
    pub password: SecretText,
}

/// Mails a link to choose a new password, if there is an account to send it to.
///
/// # Errors
/// A fault only: who asks learns nothing.
pub async fn request_reset(
    flows: &Flows,
    act: &Act,
    message: RequestReset,
) -> Result<(), Rejection> {
    let sent = mail_if_known(flows, act, &message.email, Purpose::ResetPassword);
    Ok(evenly(act.deadline, sent).await?)
}

/// Sets a new password with a mailed token and ends every session of the account.
///
/// # Errors
/// 422 for a token that is unknown, spent or expired, or a password that is not acceptable (the
/// token then still works); or a fault.
pub async fn confirm_reset(
    flows: &Flows,
    act: &Act,
    message: ConfirmReset,
) -> Result<(), Rejection> {
    let signature = RandomToken::OneTime
        .parse(&flows.secrets, message.token.expose())
        .map_err(|_| spent())?;
    let user = load_owner(flows, act, signature).await?;
    new_password::judge(flows, act, &message.password, (&user).into())
        .await
        .map_err(|error| Refusal::field("new_password", error.to_string()))?;
    let password = new_password::hash(act, flows.hashing.reserve()?, message.password).await?;
    let redemption = ResetRedemption {
        tenant: act.tenant.id,
        signature,
        now: act.now,
        password,
        clear_attempts: attempt_keys(&flows.secrets, act.tenant.id, user.email.as_str()),
        notice: notice(flows, act, &user)?,
        remember_until: flows.remember_until(act.now),
        entry: act.entry_by(
            Actor::User(user.id.to_string()),
            EventKind::PasswordResetCompleted,
        ),
    };
    let redeemed = act.wait(flows.one_time.redeem_reset(redemption)).await?;
    let (_, ended) = redeemed.ok_or_else(spent)?;
    flows.refuse_ended(act, &ended);
    flows.mail.nudge();
    Ok(())
}

/// Mails a one-time token to the account with an address, if there is one that may have it and its
/// budget allows. An address of nobody costs a look-up and a write as well.
pub(crate) async fn mail_if_known(
    flows: &Flows,
    act: &Act,
    typed: &str,
    purpose: Purpose,
) -> Result<(), Fault> {
    let keys = attempt_keys(&flows.secrets, act.tenant.id, typed);
    if !may_send(flows, act, purpose, keys.newest).await? {
        return Ok(());
    }
    let email = EmailAddress::parse(typed).unwrap_or_else(|_| nobody());
    let found = flows.users.load_credentials(act.tenant.id, email);
    let found = act.wait(found).await?.map(|credentials| credentials.user);
    let kind = match purpose {
        Purpose::ResetPassword => EventKind::PasswordResetRequested,
        Purpose::VerifyEmail => EventKind::EmailVerificationRequested,
        Purpose::RecoverFactors => EventKind::FactorRecoveryRequested,
    };
    let Some(user) = found.filter(|user| may_have(user, purpose)) else {
        let entry = act.entry(kind).failed();
        return act.wait(flows.audit.append(vec![entry])).await;
    };
    let (token, mail) = mint_one_time(flows, act, &user, purpose)?;
    let entry = act.entry(kind).about(&user.id);
    act.wait(flows.one_time.issue_one_time(token, mail, entry))
        .await?;
    flows.mail.nudge();
    Ok(())
}

/// What a one-time token that does not work is refused with.
pub(crate) fn spent() -> Refusal {
    Refusal::field("token", "is unknown, used or expired; ask for a new one")
}

/// Says whether an account may be sent a token: one that an operator closed is not reopened by mail, a
/// proven address needs no proof, and a lost factor is recovered by nobody who shows no password.
fn may_have(user: &User, purpose: Purpose) -> bool {
    user.status == UserStatus::Active
        && match purpose {
            Purpose::ResetPassword => true,
            Purpose::VerifyEmail => !user.email_verified,
            Purpose::RecoverFactors => false,
        }
}

async fn load_owner(flows: &Flows, act: &Act, signature: [u8; 32]) -> Result<User, Rejection> {
    let tenant = act.tenant.id;
    let owner = flows
        .one_time
        .load_one_time(tenant, Purpose::ResetPassword, signature, act.now);
    let owner = act.wait(owner).await?.ok_or_else(spent)?;
    let user = act.wait(flows.users.load_user(tenant, owner)).await?;
    let user = user.filter(|user| user.status == UserStatus::Active);
    Ok(user.ok_or_else(spent)?)
}

#[cfg(test)]
mod tests {
    use domain::id::{TenantId, UserId};
    use domain::random::Counting;
    use domain::time::UnixMillis;

    use super::*;

    fn user(status: UserStatus, email_verified: bool) -> User {
        let (now, random) = (UnixMillis::from_seconds(1), Counting::default());
        User {
            id: UserId::generate(now, &random),
            tenant: TenantId::generate(now, &random),
            email: EmailAddress::from_stored("ada@example.org".to_owned()),
            email_verified,
            name: "Ada".to_owned(),
            status,
            locked_reason: None,
            roles: Vec::new(),
            password_compromised: false,
            password_by_mail: false,
            erase_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    #[test]
    fn a_closed_account_is_not_reopened_by_mail() {
        assert!(may_have(
            &user(UserStatus::Active, false),
            Purpose::ResetPassword
        ));
        assert!(!may_have(
            &user(UserStatus::Locked, true),
            Purpose::ResetPassword
        ));
        assert!(!may_have(
            &user(UserStatus::Suspended, false),
            Purpose::VerifyEmail
        ));
    }

    #[test]
    fn a_proven_address_needs_no_proof() {
        assert!(may_have(
            &user(UserStatus::Active, false),
            Purpose::VerifyEmail
        ));
        assert!(!may_have(
            &user(UserStatus::Active, true),
            Purpose::VerifyEmail
        ));
    }
}
