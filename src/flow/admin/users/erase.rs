//! Erasing an account at once (GDPR Article 17), where its owner's own deletion leaves days of grace.
//!
//! Everything that names the person goes in one commit; the trail stays and says under which ground
//! (`docs/decisions/0018`). The ground is a word and the reference a number of a file, for the trail holds
//! no free text: it could name the very person who was erased.

use domain::event::EventKind;
use domain::id::UserId;
use domain::rejection::{Refusal, Rejection};
use serde_json::json;

use super::bulk::require_other;
use super::{delete_as, get, require_in_reach};
use crate::flow::attempt::attempt_keys;
use crate::flow::{Act, Flows};

/// Erase an account.
#[derive(Debug, Clone)]
pub struct EraseUser {
    /// Which one.
    pub user: UserId,
    /// On what ground: one of [`GROUNDS`].
    pub reason: String,
    /// The number under which it is on file elsewhere.
    pub reference: Option<String>,
    /// The version that is expected; absent: whichever is stored.
    pub version: Option<i64>,
}

/// Why an account is erased: the grounds of Article 17(1), and an end of the contract.
pub const GROUNDS: [&str; 6] = [
    "request",
    "consent_withdrawn",
    "objection",
    "unlawful",
    "legal_obligation",
    "no_longer_needed",
];

/// The longest reference.
const MAX_REFERENCE: usize = 64;

/// Erases it, and the counters of failed sign-ins at its address.
///
/// # Errors
/// 422 for a ground or reference that is none; 404 when there is none of this id; 403 for an operator's
/// and who may not make operators; 409 for one's own; 412 when it is not of the version that is expected;
/// or a fault.
pub async fn erase(flows: &Flows, act: &Act, message: EraseUser) -> Result<(), Rejection> {
    check(&message)?;
    require_other(act, message.user)?;
    require_in_reach(flows, act, message.user).await?;
    let user = get(flows, act, message.user).await?;
    let detail = json!({ "reason": message.reason, "reference": message.reference });
    let entry = act
        .entry(EventKind::UserDeleted)
        .about(&user.id)
        .with(detail);
    delete_as(flows, act, user.id, message.version, entry).await?;
    let keys = attempt_keys(&flows.secrets, act.tenant.id, user.email.as_str());
    // The account is gone already: what is left counts what names nobody any more.
    let cleared = flows.attempts.clear(act.tenant.id, keys, act.deadline);
    if let Err(fault) = cleared.await {
        tracing::warn!(%fault, "an erased account's counters could not be cleared");
    }
    Ok(())
}

fn check(message: &EraseUser) -> Result<(), Refusal> {
    if !GROUNDS.contains(&message.reason.as_str()) {
        let hint = format!("must be one of {}", GROUNDS.join(", "));
        return Err(Refusal::field("reason", hint));
    }
    let is_reference = |text: &String| {
        (1..=MAX_REFERENCE).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '#'))
    };
    if message
        .reference
        .as_ref()
        .is_some_and(|text| !is_reference(text))
    {
        let hint = "must be 1 to 64 letters, digits, or . - _ / #";
        return Err(Refusal::field("reference", hint));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::time::UnixMillis;

    use super::*;

    #[test]
    fn a_ground_is_a_word_and_a_reference_no_sentence() {
        let judge = |reason: &str, reference: Option<&str>| {
            check(&EraseUser {
                user: UserId::generate(UnixMillis::default(), &Counting::default()),
                reason: reason.to_owned(),
                reference: reference.map(str::to_owned),
                version: None,
            })
            .is_ok()
        };
        assert!(judge("request", None));
        assert!(judge("unlawful", Some("DSR-2026/17")));
        for (reason, reference) in [
            ("Ada asked for it", None),
            ("", None),
            ("request", Some("Ada Lovelace")),
            ("request", Some("ada@example.org")),
            ("request", Some("")),
        ] {
            assert!(!judge(reason, reference), "{reason} {reference:?}");
        }
    }
}
