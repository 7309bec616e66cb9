//! One more factor beside a sign-in that there is (RFC 9470, NIST SP 800-63B-4 §2.2.3).
//!
//! The sign-in goes on under its name, so no application that relies on it is signed out; the browser's
//! cookie is another from then on (OWASP ASVS 5.0 §7.2.4).

use domain::event::{Actor, EventKind};
use domain::factor::{Factors, Proved};
use domain::rejection::Rejection;
use domain::session::Session;
use protocol::assurance::Assurance;
use serde_json::json;
use store::port::sessions::StepUp;

use super::begin::Proof;
use super::expired;
use super::factor::{self, Shown};
use crate::flow::browser::Browser;
use crate::flow::{Act, Flows};

/// Looks at one more factor of whoever is signed in.
///
/// # Errors
/// 401 for a wrong factor, and if the sign-in ended meanwhile; 429 with the time to wait; or a fault.
///
/// # Cancel safety
/// The code may be spent without the sign-in having grown; the person shows the next one.
pub async fn step_up(
    flows: &Flows,
    act: &Act,
    (browser, bound): (&Browser, &Factors),
    shown: Shown,
) -> Result<Browser, Rejection> {
    let proved = factor::prove(flows, act, (&browser.user, bound), shown).await?;
    grow(flows, act, browser, proved).await
}

/// Adds to a sign-in what was proved.
///
/// # Errors
/// As [`step_up`].
pub(crate) async fn grow(
    flows: &Flows,
    act: &Act,
    browser: &Browser,
    proved: Proved,
) -> Result<Browser, Rejection> {
    let proofs = with(&browser.session.proofs, proved);
    let reached = Assurance::of(&proofs).ok_or_else(expired)?;
    let proof = Proof::of(reached, proofs);
    let session = &browser.session;
    let entry = act
        .entry_by(
            Actor::User(browser.user.id.to_string()),
            EventKind::SessionSteppedUp,
        )
        .about(&browser.user.id)
        .within(session.id)
        .with(json!({ "amr": proof.amr, "acr": proof.acr }));
    let step = StepUp {
        tenant: act.tenant.id,
        user: browser.user.id,
        session: session.id,
        auth_time: proof.at,
        amr: proof.amr.clone(),
        acr: proof.acr.clone(),
        proofs: proof.factors.clone(),
        entry,
    };
    if !flows.sessions.step_up(step, act.deadline).await? {
        return Err(expired().into());
    }
    let session = Session {
        auth_time: proof.at,
        amr: proof.amr,
        acr: proof.acr,
        proofs: proof.factors,
        ..session.clone()
    };
    Ok(Browser {
        session,
        ..browser.clone()
    })
}

/// A factor that was shown again counts from now.
fn with(proofs: &[Proved], proved: Proved) -> Vec<Proved> {
    let others = proofs.iter().filter(|one| one.factor != proved.factor);
    others.copied().chain([proved]).collect()
}
