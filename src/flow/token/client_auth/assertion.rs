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
use protocol::jose::foreign::Expected;

use super::{METHOD_PRIVATE_KEY_JWT, invalid_client, require_method};
use crate::flow::client_keys::{algorithms_of, keys_of};
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
    let assertion = verify(act, client, text)?;
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

fn verify(act: &Act, client: &Client, text: &str) -> Result<Assertion, Refusal> {
    let metadata = &client.metadata;
    let keys = keys_of(metadata).ok_or_else(invalid_client)?;
    let registered = metadata.token_endpoint_auth_signing_alg.as_deref();
    let expected = Expected {
        issuer: &act.issuer,
        client_id: &client.id,
        keys: &keys,
        now: act.now,
        algorithms: &algorithms_of(metadata, registered),
    };
    Assertion::check(text, &expected).map_err(|bad| match bad {
        BadAssertion::Token(_) => invalid_client(),
        BadAssertion::Claims(_) => refuse(format!("The client assertion is not accepted: {bad}.")),
    })
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
