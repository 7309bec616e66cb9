//! What other issuers call a person, as operators look after it.
//!
//! Where a tenant says `linked` of an issuer, its assertions are about whoever was linked to its `sub` here,
//! so whoever links decides who is given tokens for the account: an operator's is touched only by who may
//! make operators, and the person is told by mail, in the commit that does it. Nothing links by itself, and no
//! address does. What another issuer calls somebody may be
//! an address of theirs, so the trail has the digest of it. See `docs/decisions/0010-acting-for-others.md`.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::event::{Entry, EventKind};
use domain::id::UserId;
use domain::identity::{ExternalIdentity, is_subject};
use domain::mail::LetterBody;
use domain::rejection::{Code, Refusal, Rejection};
use serde_json::json;
use store::port::identities::Linking;

use super::{get, require_in_reach};
use crate::flow::admin::not_found;
use crate::flow::letter::seal_letter;
use crate::flow::{Act, Flows};

/// Link what another issuer calls a person.
#[derive(Debug, Clone)]
pub struct LinkIdentity {
    /// The account.
    pub user: UserId,
    /// The issuer: one whose word the tenant takes.
    pub issuer: String,
    /// What it calls them.
    pub subject: String,
}

/// Lists what other issuers call a person, the first linked first.
///
/// # Errors
/// 404 when there is no such account; or a fault.
pub async fn list(
    flows: &Flows,
    act: &Act,
    user: UserId,
) -> Result<Vec<ExternalIdentity>, Rejection> {
    get(flows, act, user).await?;
    own(flows, act, user).await
}

/// Lists what other issuers call whoever asks.
///
/// # Errors
/// A fault when the store is away.
pub async fn own(
    flows: &Flows,
    act: &Act,
    user: UserId,
) -> Result<Vec<ExternalIdentity>, Rejection> {
    let listed = flows.identities.list_identities(act.tenant.id, user);
    Ok(act.wait(listed).await?)
}

/// Links what another issuer calls a person; says whether it was not linked before.
///
/// # Errors
/// 404 when there is no such account; 403 for an operator's, and who may not make operators; 422 for an
/// issuer whose word is not taken, and for what is no subject; 409 when it is another account's, or the
/// account has as many as it can; or a fault.
pub async fn link(
    flows: &Flows,
    act: &Act,
    message: LinkIdentity,
) -> Result<(ExternalIdentity, bool), Rejection> {
    let user = get(flows, act, message.user).await?;
    require_in_reach(flows, act, user.id).await?;
    check(act, &message)?;
    let identity = ExternalIdentity {
        tenant: act.tenant.id,
        user: user.id,
        issuer: message.issuer,
        subject: message.subject,
        created_at: act.now,
    };
    let issuer = identity.issuer.clone();
    let notice = seal_letter(flows, act, &user, LetterBody::IdentityLinked { issuer })?;
    let entry = entry(act, EventKind::IdentityLinked, &identity);
    let linked = flows
        .identities
        .link_identity(identity.clone(), notice, entry);
    match act.wait(linked).await? {
        Linking::Linked => {
            flows.mail.nudge();
            Ok((identity, true))
        }
        Linking::Before(created_at) => Ok((
            ExternalIdentity {
                created_at,
                ..identity
            },
            false,
        )),
        Linking::Taken => Err(conflict("This is linked to another account.").into()),
        Linking::TooMany => {
            let hint = "As many are linked as there can be. Take one away first.";
            Err(conflict(hint).into())
        }
        Linking::Missing => Err(not_found("account").into()),
    }
}

/// Takes from an account what another issuer calls the person, by its id: nothing more is given for it.
///
/// # Errors
/// 404 when the account has none of this id; 403 for an operator's, and who may not make operators; or a
/// fault.
pub async fn unlink(flows: &Flows, act: &Act, user: UserId, id: &str) -> Result<(), Rejection> {
    let user = get(flows, act, user).await?;
    require_in_reach(flows, act, user.id).await?;
    let all = own(flows, act, user.id).await?;
    let mut named = all.into_iter().filter(|identity| id_of(identity) == id);
    let identity = named.next().ok_or_else(nothing)?;
    let issuer = identity.issuer.clone();
    let notice = seal_letter(flows, act, &user, LetterBody::IdentityUnlinked { issuer })?;
    let entry = entry(act, EventKind::IdentityUnlinked, &identity);
    let unlinked = flows.identities.unlink_identity(identity, notice, entry);
    if act.wait(unlinked).await? {
        flows.mail.nudge();
        return Ok(());
    }
    Err(nothing().into())
}

/// Names it in a path: no path holds an issuer, and no log a subject.
#[must_use]
pub fn id_of(identity: &ExternalIdentity) -> String {
    let text = format!("{}\0{}", identity.issuer, identity.subject);
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

fn check(act: &Act, message: &LinkIdentity) -> Result<(), Refusal> {
    let mut trusted = act.tenant.config.assertion_issuers.iter();
    if !trusted.any(|trusted| trusted.issuer == message.issuer) {
        let hint = "is no issuer whose assertions this tenant takes";
        return Err(Refusal::field("issuer", hint));
    }
    if !act.tenant.config.is_allowed_provider(&message.issuer) {
        let hint = "is none of the providers that this tenant allows";
        return Err(Refusal::field("issuer", hint));
    }
    if !is_subject(&message.subject) {
        let hint = "must be a text of 1 to 255 bytes";
        return Err(Refusal::field("subject", hint));
    }
    Ok(())
}

fn entry(act: &Act, kind: EventKind, identity: &ExternalIdentity) -> Entry {
    let entry = act.entry(kind).about(&identity.user);
    entry.with(json!({ "issuer": identity.issuer, "identity": id_of(identity) }))
}

fn nothing() -> Refusal {
    not_found("linked identity")
}

fn conflict(hint: &'static str) -> Refusal {
    Refusal::new(Code::Conflict, hint)
}

#[cfg(test)]
mod tests {
    use domain::id::TenantId;
    use domain::time::UnixMillis;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_id_is_of_issuer_and_subject_and_of_nothing_else() {
        let identity = |issuer: &str, subject: &str| ExternalIdentity {
            tenant: TenantId::from_uuid(Uuid::nil()),
            user: UserId::from_uuid(Uuid::nil()),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            created_at: UnixMillis::default(),
        };
        let one = identity("https://idp.example", "x");
        let moved = ExternalIdentity {
            user: UserId::from_uuid(Uuid::max()),
            ..one.clone()
        };
        assert_eq!(id_of(&one), id_of(&moved));
        for other in [
            identity("https://idp.example", "X"),
            identity("https://idp.examplex", ""),
            identity("https://idp", ".examplex"),
        ] {
            assert_ne!(id_of(&one), id_of(&other), "{other:?}");
        }
    }
}
