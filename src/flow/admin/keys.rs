//! A tenant's signing keys, as its operators see and move them.
//!
//! Each tenant has its own, and what is done to one's is nothing to another's.

use actors::keys::{KeyView, Rotated};
use domain::rejection::{Code, Refusal, Rejection};
use domain::time::UnixMillis;

use super::not_found;
use crate::flow::{Act, Flows};

/// Lists the signing keys: active, then next, then retired. Never their private parts.
///
/// # Errors
/// A fault.
pub async fn list(flows: &Flows, act: &Act) -> Result<Vec<KeyView>, Rejection> {
    Ok(flows.ring(act).await?.list().to_vec())
}

/// Lets the next key sign from now on, and gives its `kid`.
///
/// # Errors
/// 409 when the next key has not been published for as long as others may remember
/// the key set, saying when it will have been; or a fault.
pub async fn rotate(flows: &Flows, act: &Act) -> Result<String, Rejection> {
    match flows.keys.rotate(act.origin.clone(), act.deadline).await? {
        Rotated::Done { active } => Ok(active),
        Rotated::TooEarly { at } => Err(too_early(at, act.now).into()),
    }
}

/// Ends a key whose private part others may have: it leaves the key set at once, what it signed is refused
/// here before the answer and on every node within a second, and it never signs again. Where it signed, the
/// next one does, published for long enough or not. Gives the `kid` that signs access tokens then.
///
/// # Errors
/// 404 for what is no key of the ring; or a fault.
pub async fn revoke(flows: &Flows, act: &Act, kid: String) -> Result<Option<String>, Rejection> {
    let revoked = flows
        .keys
        .revoke(kid, act.origin.clone(), act.deadline)
        .await?;
    if !revoked {
        return Err(not_found("signing key").into());
    }
    let ring = flows.ring(act).await?;
    Ok(ring.signer().map(|signer| signer.key().kid().to_owned()))
}

fn too_early(at: UnixMillis, now: UnixMillis) -> Refusal {
    let hint = format!(
        "The next key may sign from {at} on: until then others may not know it. Rotate again then."
    );
    Refusal::new(Code::Conflict, hint).retry_after(at.since(now))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_rotation_that_comes_too_early_says_when_to_come_back() {
        let now = UnixMillis::from_seconds(1_700_000_000);
        let refusal = too_early(now + Duration::from_mins(10), now);
        assert_eq!(refusal.code, Code::Conflict);
        assert_eq!(refusal.retry_after, Some(Duration::from_mins(10)));
        assert!(refusal.hint.contains("2023-11-14T22:23:20Z"), "{refusal}");
    }
}
