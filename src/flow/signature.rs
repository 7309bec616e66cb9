//! Answers that are signed for a client, in the algorithm it registered (OpenID Connect Core §10.1,
//! OpenID Connect Registration §2, RFC 9701 §6).
//!
//! What a client registered nothing for is signed with what signs access tokens. Another algorithm
//! has a key only once somebody needed it. It is published when the first client registers for it
//! ([`publish`]), because clients keep the key set and refuse for a while what it does not hold.
//! Should that have failed, [`prepare`] waits for the key, and is called before anything that happens
//! once, so that no code is spent on an answer that cannot be given. [`signer`] then reads the ring and
//! never waits.

use actors::keys::KeyRing;
use domain::client::ClientMetadata;
use domain::key::Algorithm;
use domain::rejection::Fault;
use protocol::jose::signer::Signer;
use serde::Serialize;

use super::{Act, Flows};

/// What the algorithm of signed introspection is where none is registered (RFC 9701 §6).
const FOR_INTROSPECTION: Algorithm = Algorithm::Rs256;

/// Gives every algorithm that a client may be answered in, the service's own first.
#[must_use]
pub fn algorithms(own: Algorithm) -> Vec<Algorithm> {
    let others = Algorithm::ALL.into_iter().filter(|other| *other != own);
    std::iter::once(own).chain(others).collect()
}

/// Reads a registered algorithm; none: the service's own.
pub(crate) fn registered(word: Option<&str>) -> Option<Algorithm> {
    Algorithm::from_stored(word?)
}

/// Gives the algorithm in which a client is told of tokens. FAPI 2.0 §5.4.1 forbids what RFC 9701 §6
/// falls back to.
pub(crate) fn of_introspection(metadata: &ClientMetadata) -> Option<Algorithm> {
    let said = registered(metadata.introspection_signed_response_alg.as_deref());
    said.or((!metadata.fapi_2_0).then_some(FOR_INTROSPECTION))
}

/// Makes sure that something signs with an algorithm, or with the service's own; it may have to be made
/// first.
///
/// # Errors
/// As [`Keys::provide`](actors::keys::Keys::provide) and [`Flows::ring`].
///
/// # Cancel safety
/// A key that was asked for is made whether or not anybody waits.
pub(crate) async fn prepare(
    flows: &Flows,
    act: &Act,
    wanted: Option<Algorithm>,
) -> Result<(), Fault> {
    let ring = flows.ring(act).await?;
    match wanted {
        Some(algorithm) if !ring.has(algorithm) => {
            let tenant = act.tenant.id;
            Box::pin(flows.keys.provide(tenant, algorithm, act.deadline)).await
        }
        _ => Ok(()),
    }
}

/// Makes what a registered client is answered in, as far as it can be made now.
///
/// # Cancel safety
/// As [`prepare`].
pub(crate) async fn publish(flows: &Flows, act: &Act, metadata: &ClientMetadata) {
    for word in [
        &metadata.id_token_signed_response_alg,
        &metadata.userinfo_signed_response_alg,
        &metadata.introspection_signed_response_alg,
    ] {
        if let Err(fault) = prepare(flows, act, registered(word.as_deref())).await {
            tracing::warn!(%fault, "a key that a client registered for is made when it is needed");
        }
    }
}

/// Finds what signs with an algorithm.
///
/// # Errors
/// [`Fault::Restarting`] while there is no such key.
pub(crate) fn signer(ring: &KeyRing, wanted: Option<Algorithm>) -> Result<&Signer, Fault> {
    let found = match wanted {
        Some(algorithm) => ring.signer_of(algorithm),
        None => ring.signer(),
    };
    found.ok_or(Fault::Restarting("keys"))
}

/// Signs an answer, waiting for the key if it is the first of its algorithm.
///
/// # Errors
/// As [`prepare`] and [`signer`].
///
/// # Cancel safety
/// As [`prepare`].
pub(crate) async fn sign(
    flows: &Flows,
    act: &Act,
    wanted: Option<Algorithm>,
    (typ, claims): (&str, &impl Serialize),
) -> Result<String, Fault> {
    prepare(flows, act, wanted).await?;
    let ring = flows.ring(act).await?;
    signer(&ring, wanted)?
        .sign(Some(typ), claims)
        .map_err(|_| Fault::Broken("an answer could not be signed".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openid_connect_discovery_3_rs256_is_among_the_algorithms_and_the_own_one_first() {
        for own in [Algorithm::Es256, Algorithm::EdDsa] {
            let all = algorithms(own);
            assert_eq!((all.first(), all.len()), (Some(&own), 3));
            assert!(all.contains(&Algorithm::Rs256));
        }
    }

    #[test]
    fn rfc_9701_6_introspection_falls_back_to_rs256_but_never_under_fapi() {
        let mut metadata = ClientMetadata::default();
        assert_eq!(of_introspection(&metadata), Some(Algorithm::Rs256));
        metadata.introspection_signed_response_alg = Some("EdDSA".to_owned());
        assert_eq!(of_introspection(&metadata), Some(Algorithm::EdDsa));
        metadata.introspection_signed_response_alg = None;
        metadata.fapi_2_0 = true;
        assert_eq!(of_introspection(&metadata), None);
    }
}
