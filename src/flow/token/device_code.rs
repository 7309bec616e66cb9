//! A device asks for its tokens (RFC 8628 §3.4, §3.5).
//!
//! It asks again and again: each question is one step of the store, which also sees to it that it does
//! not ask too often. Once the person has said yes, its code is redeemed as every code is, once: of any
//! number of questions at the same time one gets tokens. A question that breaks off before that commit
//! may be asked again; one whose answer is lost after it begins anew.

use std::sync::Arc;

use domain::rejection::{OAuthCode, Refusal, Rejection};
use domain::secret::SecretText;
use protocol::opaque::RandomToken;
use store::port::devices::{Poll, Polled};
use store::port::sessions::{Redeemable, Redeemed};

use super::authorization_code::{self, Presentation};
use super::client_auth::{self, ClientAuth};
use super::{TokenReply, id_token, mint};
use crate::flow::proof::{Bound, Presented};
use crate::flow::{Act, Flows};

/// Ask whether a device was allowed, and trade its code for tokens.
#[derive(Debug, Clone)]
pub struct DeviceCode {
    /// The code.
    pub device_code: SecretText,
    /// Who presents it.
    pub client: ClientAuth,
    /// Which of the granted resources the access token is for (RFC 8707 §2.2).
    pub resource: Vec<String>,
    /// The proof of a key.
    pub proof: Option<Presented>,
}

/// The grant's registered name.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Trades a device code for tokens, if the person said yes.
///
/// # Errors
/// `authorization_pending`, `slow_down`, `access_denied`, `expired_token`; `invalid_grant` for a code
/// that is not ours, another client's, or redeemed; those of the grant `authorization_code`; or a fault.
pub async fn device_code(
    flows: &Flows,
    act: &Act,
    message: DeviceCode,
) -> Result<TokenReply, Rejection> {
    let known = client_auth::authenticate(flows, act, message.client).await?;
    known.require_grant(GRANT)?;
    let client = known.registered().ok_or_else(invalid_grant)?;
    let signature = RandomToken::DeviceCode
        .parse(&flows.secrets, message.device_code.expose())
        .map_err(|_| invalid_grant())?;
    let bound = Bound::prove(flows, act, Some(&client), message.proof.as_ref()).await?;
    id_token::prepare(flows, act, &client).await?;
    let poll = Poll {
        tenant: act.tenant.id,
        signature,
        client: client.id.clone(),
        now: act.now,
    };
    check_allowed(act.wait(flows.devices.poll_device(poll)).await?)?;
    let jti = mint::new_jti(flows);
    let presentation = Presentation {
        kind: Redeemable::DeviceCode,
        signature,
        // It has no redirect and no challenge: the code alone, and the client that it is for.
        judge: Arc::new(|_| true),
        bound: &bound,
        jti: &jti,
    };
    let redemption = authorization_code::redemption(flows, act, &known, presentation);
    match flows.sessions.redeem(redemption, act.deadline).await? {
        Redeemed::Granted(granted) => {
            let wanted = (message.resource, bound, jti);
            authorization_code::answer(flows, act, &client, &granted, wanted).await
        }
        Redeemed::Replayed(_) | Redeemed::Refused => Err(invalid_grant().into()),
    }
}

fn check_allowed(polled: Polled) -> Result<(), Refusal> {
    let (code, hint) = match polled {
        Polled::Allowed => return Ok(()),
        Polled::Unknown => return Err(invalid_grant()),
        Polled::Waiting => (
            OAuthCode::AuthorizationPending,
            "The person has not decided yet. Ask again after the interval.",
        ),
        Polled::TooSoon => (
            OAuthCode::SlowDown,
            "The device asks too often. Wait 5 seconds more between two questions from now on.",
        ),
        Polled::Denied => (OAuthCode::AccessDenied, "The person did not allow it."),
        Polled::Expired => (
            OAuthCode::ExpiredToken,
            "The device waited for too long. Begin anew.",
        ),
    };
    Err(Refusal::oauth(code, hint))
}

fn invalid_grant() -> Refusal {
    Refusal::oauth(
        OAuthCode::InvalidGrant,
        "The device code is invalid or used, or it was issued to another client.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8628_3_5_a_device_is_told_in_the_standards_words() {
        let word = |polled| {
            check_allowed(polled)
                .err()
                .and_then(|refusal| refusal.oauth)
        };
        let told = [
            (Polled::Waiting, "authorization_pending"),
            (Polled::TooSoon, "slow_down"),
            (Polled::Denied, "access_denied"),
            (Polled::Expired, "expired_token"),
            (Polled::Unknown, "invalid_grant"),
        ];
        for (polled, expected) in told {
            assert_eq!(word(polled).map(OAuthCode::as_str), Some(expected));
        }
        assert_eq!(word(Polled::Allowed), None);
    }
}
