//! Authenticating a client by an assertion that it signed: `private_key_jwt` (RFC 7523 §2.2, OpenID
//! Connect Core §9).
//!
//! The signature is verified first, with the client's registered keys; what is wrong with the claims
//! is told only to whoever holds one of them. Then the `jti` is claimed in the store: once, on every
//! node and across restarts, for as long as the assertion could be accepted.

use aws_lc_rs::digest::{SHA256, digest};
use domain::client::Client;
use domain::rejection::{OAuthCode, Refusal, Rejection};
use protocol::client_assertion::{Assertion, BadAssertion};
use protocol::jose::foreign::{Expected, ForeignKeys};
use protocol::jose::verify::BadToken;

use super::{METHOD_PRIVATE_KEY_JWT, invalid_client, require_method};
use crate::flow::client_keys::{self, algorithms_of};
use crate::flow::{Act, Flows, SKEW};

/// Judges an assertion, and claims it.
///
/// # Errors
/// `invalid_client`; or a fault: an assertion whose claim is unknown is not accepted.
///
/// # Cancel safety
/// The assertion may be spent without an answer; the client signs another.
pub(super) async fn check(
    flows: &Flows,
    act: &Act,
    client: &Client,
    text: &str,
) -> Result<(), Rejection> {
    let assertion = verify(flows, act, client, text).await?;
    require_method(client, METHOD_PRIVATE_KEY_JWT)?;
    let key = spent_key(&client.id, &assertion.jti);
    // Another node's clock may still accept what has expired by ours.
    let until = assertion.expires_at + SKEW;
    let claimed = flows.spent.claim_id(act.tenant.id, key, until);
    if act.wait(claimed).await? {
        return Ok(());
    }
    Err(refuse("The client assertion was used before.").into())
}

async fn verify(
    flows: &Flows,
    act: &Act,
    client: &Client,
    text: &str,
) -> Result<Assertion, Rejection> {
    let metadata = &client.metadata;
    let registered = metadata.token_endpoint_auth_signing_alg.as_deref();
    let algorithms = algorithms_of(metadata, registered);
    let judge = |keys: &ForeignKeys| {
        let expected = Expected {
            issuer: &act.issuer,
            client_id: &client.id,
            keys,
            now: act.now,
            algorithms: &algorithms,
        };
        Assertion::check(text, &expected)
    };
    let keys = client_keys::load(flows, act, client).await?;
    match judge(&*keys.ok_or_else(invalid_client)?) {
        Ok(assertion) => Ok(assertion),
        Err(bad) if is_unknown(&bad) => {
            let again = client_keys::verify(flows, act, client, judge, is_unknown);
            Ok(again.await?.ok_or_else(invalid_client)?)
        }
        Err(BadAssertion::Token(_)) => Err(invalid_client().into()),
        Err(bad @ BadAssertion::Claims(_)) => {
            Err(refuse(format!("The client assertion is not accepted: {bad}.")).into())
        }
    }
}

/// Says whether the key is one that the client may have published since.
const fn is_unknown(bad: &BadAssertion) -> bool {
    matches!(bad, BadAssertion::Token(BadToken::UnknownKey))
}

/// Names an assertion by its client and its id: another client's may have the same id.
fn spent_key(client: &str, jti: &str) -> [u8; 32] {
    let text = format!("client-assertion\n{client}\n{jti}");
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    key
}

fn refuse(hint: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::oauth(OAuthCode::InvalidClient, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_clients_own() {
        assert_eq!(spent_key("client_a", "x"), spent_key("client_a", "x"));
        assert_ne!(spent_key("client_a", "x"), spent_key("client_b", "x"));
        assert_ne!(spent_key("client_a", "x"), spent_key("client_a", "y"));
    }
}
