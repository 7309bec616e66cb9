//! What a person allowed clients: seeing it, taking it back (RFC 6749 §10.2).
//!
//! Taking back is one step of the store: the consent goes, every refresh family that the client has of
//! the person ends, and codes that it has not redeemed are worth nothing. Access tokens name the family
//! they are of and are refused by it: on this node before the act is answered, on every other within a
//! second. Whatever the person allows afterwards begins another family.

use std::sync::Arc;

use domain::authorization::Consent;
use domain::client::{Client, FIRST_PARTY};
use domain::event::EventKind;
use domain::id::UserId;
use domain::rejection::{Code, Refusal, Rejection};
use store::port::sessions::Withdrawal;

use super::clients::is_url;
use super::{Act, Flows};

/// What a person allowed one client.
#[derive(Debug, Clone)]
pub struct Allowed {
    /// What, and when.
    pub consent: Consent,
    /// Whom, if it is registered here: one that describes itself elsewhere is known by its name alone.
    pub client: Option<Arc<Client>>,
}

/// Take back what a person allowed a client.
#[derive(Debug, Clone)]
pub struct TakeBack {
    /// Who allowed it.
    pub user: UserId,
    /// Whom.
    pub client: String,
}

/// Lists what a person allowed, by client.
///
/// # Errors
/// A fault when the store is away.
pub async fn list(flows: &Flows, act: &Act, user: UserId) -> Result<Vec<Allowed>, Rejection> {
    let listed = flows.authorizations.list_consents(act.tenant.id, user);
    let mut all = Vec::new();
    for consent in act.wait(listed).await? {
        let client = if is_url(&consent.client) {
            None
        } else {
            let found = flows
                .tenants
                .client(act.tenant.id, &consent.client, act.deadline);
            found.await?
        };
        all.push(Allowed { consent, client });
    }
    Ok(all)
}

/// Takes back what a person allowed a client. Their sign-in goes on.
///
/// # Errors
/// 404 when the client may have nothing of theirs; or a fault.
pub async fn take_back(flows: &Flows, act: &Act, message: TakeBack) -> Result<(), Rejection> {
    // What the first-party API has is the sign-in itself: it is ended as a session.
    if message.client == FIRST_PARTY {
        return Err(nothing().into());
    }
    let entry = act
        .entry(EventKind::ConsentRevoked)
        .about(&message.user)
        .through(&message.client);
    let withdrawal = Withdrawal {
        tenant: act.tenant.id,
        user: message.user,
        client: message.client,
        now: act.now,
        remember_until: flows.remember_until(act.now),
        entry,
    };
    let ended = flows.sessions.withdraw(withdrawal, act.deadline).await?;
    ended.map(drop).ok_or_else(|| nothing().into())
}

fn nothing() -> Refusal {
    Refusal::new(Code::NotFound, "That client was allowed nothing.")
}
