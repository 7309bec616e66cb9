//! Proving that an address is one's own, with a mailed token.

use domain::event::EventKind;
use domain::one_time::Purpose;
use domain::rejection::Rejection;
use domain::secret::SecretText;
use protocol::opaque::RandomToken;

use super::evenly::evenly;
use super::reset::{mail_if_known, spent};
use super::{Act, Flows};

/// Prove an address.
#[derive(Debug, Clone)]
pub struct VerifyEmail {
    /// The mailed token.
    pub token: SecretText,
}

/// Ask for another letter.
#[derive(Debug, Clone)]
pub struct ResendVerification {
    /// The account's address as it was typed.
    pub email: String,
}

/// Marks the address that a token was mailed to as proven.
///
/// # Errors
/// 422 for a token that is unknown, spent or expired; or a fault.
pub async fn verify_email(flows: &Flows, act: &Act, message: VerifyEmail) -> Result<(), Rejection> {
    let signature = RandomToken::OneTime
        .parse(&flows.secrets, message.token.expose())
        .map_err(|_| spent())?;
    let entry = act.entry(EventKind::EmailVerified);
    let redeemed = flows
        .one_time
        .redeem_verification(act.tenant.id, signature, act.now, entry);
    let user = act.wait(redeemed).await?.ok_or_else(spent)?;
    flows.accounts.forget(act.tenant.id, user);
    Ok(())
}

/// Mails another token, if there is an account whose address is not proven yet.
///
/// # Errors
/// A fault only: who asks learns nothing.
pub async fn resend_verification(
    flows: &Flows,
    act: &Act,
    message: ResendVerification,
) -> Result<(), Rejection> {
    let sent = mail_if_known(flows, act, &message.email, Purpose::VerifyEmail);
    Ok(evenly(act.deadline, sent).await?)
}
