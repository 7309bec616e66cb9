//! Authenticating a client by its certificate (RFC 8705 §2).
//!
//! That the client holds the certificate's key was proved in the handshake, to us or to a trusted
//! proxy. What is judged here is whose it is: by `tls_client_auth` an authority of ours stands behind
//! it and it is called what the client registered; by `self_signed_tls_client_auth` its key is that of
//! a certificate in the client's own key set, and nobody need stand behind it. When such a certificate
//! ends is for the client to say, by registering another.

use domain::client::Client;
use domain::rejection::{OAuthCode, Refusal, Rejection};
use protocol::client_certificate::{ClientCertificate, Subject};
use protocol::jose::foreign::ForeignKeys;

use super::{METHOD_SELF_SIGNED_TLS, METHOD_TLS, invalid_client};
use crate::flow::{Act, Flows, client_keys};

/// Judges the certificate of a client that said no more than its name.
///
/// # Errors
/// `invalid_client`, also for a client that authenticates otherwise; or a fault while the client's
/// keys cannot be had.
///
/// # Cancel safety
/// Nothing is changed.
pub(super) async fn check(flows: &Flows, act: &Act, client: &Client) -> Result<(), Rejection> {
    let method = client.metadata.token_endpoint_auth_method.as_str();
    if ![METHOD_TLS, METHOD_SELF_SIGNED_TLS].contains(&method) {
        return Err(invalid_client().into());
    }
    let shown = act.certificate.as_deref().ok_or_else(no_certificate)?;
    let is_right = match method {
        METHOD_TLS => is_vouched_for(flows, act, client, shown),
        _ => is_registered(flows, act, client, shown).await?,
    };
    is_right
        .then_some(())
        .ok_or_else(|| invalid_client().into())
}

/// RFC 8705 §2.1: the name is compared first, which is cheap, and then the chain.
fn is_vouched_for(flows: &Flows, act: &Act, client: &Client, shown: &ClientCertificate) -> bool {
    let is_called = Subject::of(&client.metadata).is_ok_and(|subject| shown.is_called(&subject));
    let authorities = flows.client_authorities.as_ref();
    is_called && authorities.is_some_and(|all| all.vouch_for(shown, act.now))
}

/// RFC 8705 §2.2.
async fn is_registered(
    flows: &Flows,
    act: &Act,
    client: &Client,
    shown: &ClientCertificate,
) -> Result<bool, Rejection> {
    let Some(key) = shown.key() else {
        return Ok(false);
    };
    let check = |keys: &ForeignKeys| keys.certify(&key).then_some(()).ok_or(());
    let found = client_keys::verify(flows, act, client, check, |()| true);
    Ok(found.await?.is_some())
}

fn no_certificate() -> Refusal {
    Refusal::oauth(
        OAuthCode::InvalidClient,
        "This client authenticates by its certificate, and none came with the request.",
    )
}
