//! A person decides about a device (RFC 8628 §3.3).
//!
//! The yes is one commit: the decision, the code that the device redeems, the audit entry. It counts
//! only within a sign-in that is live at that moment, and only if nobody decided before.

use domain::authorization::{CodeGrant, GrantDetails};
use domain::event::{Actor, Entry, EventKind};
use domain::factor::MfaPolicy;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use protocol::assurance::Level;
use serde_json::json;
use store::port::authorizations::{CodeIssue, NewCode};
use store::port::devices::Denial;

use super::AskedDevice;
use crate::flow::authorize::Decision;
use crate::flow::browser::Browser;
use crate::flow::sign_in::policy_of;
use crate::flow::{Act, Flows, subject};

/// What became of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// The device gets what it asked for.
    Allowed,
    /// It does not.
    Denied,
    /// It was decided before, or waited for too long.
    TooLate,
    /// The person is not signed in any more.
    SignedOut,
}

/// Does what the person decided.
///
/// # Errors
/// 403 when the client requires two factors and the sign-in is by one; a fault: whether the decision counts is
/// then unknown, and it may be repeated.
pub async fn decide(
    flows: &Flows,
    act: &Act,
    asked: &AskedDevice,
    browser: &Browser,
    decision: Decision,
) -> Result<Decided, Rejection> {
    if decision == Decision::Deny {
        let denial = Denial {
            tenant: act.tenant.id,
            signature: asked.device.signature,
            now: act.now,
            entry: entry(act, asked, browser, EventKind::AuthorizationDenied).failed(),
        };
        let is_denied = act.wait(flows.devices.deny_device(denial)).await?;
        return Ok(if is_denied {
            Decided::Denied
        } else {
            Decided::TooLate
        });
    }
    check_assurance(act, asked, browser)?;
    let allowed = flows.devices.allow_device(new_code(act, asked, browser)?);
    Ok(match act.wait(allowed).await? {
        CodeIssue::Issued => Decided::Allowed,
        CodeIssue::AlreadySpent | CodeIssue::ConsentGone => Decided::TooLate,
        CodeIssue::SessionEnded => Decided::SignedOut,
    })
}

/// Refuses a sign-in by one factor for a client that requires two: a device has no page to show another on,
/// so the person signs in anew.
fn check_assurance(act: &Act, asked: &AskedDevice, browser: &Browser) -> Result<(), Refusal> {
    let policy = policy_of(act, &asked.client);
    if policy != MfaPolicy::Require || browser.session.acr == Level::Aal2.as_str() {
        return Ok(());
    }
    let hint =
        "This application requires a second factor. Set one up in your account, and sign in anew.";
    Err(Refusal::new(Code::Forbidden, hint))
}

/// Makes what the device redeems: a code under its own signature, which it has to fetch while it may
/// still ask.
fn new_code(act: &Act, asked: &AskedDevice, browser: &Browser) -> Result<NewCode, Fault> {
    let device = &asked.device;
    let grant = CodeGrant {
        client: device.client.clone(),
        user: browser.user.id,
        session: browser.session.id,
        redirect_uri: String::new(),
        scope: device.scope.clone(),
        code_challenge: None,
        nonce: None,
        dpop_jkt: None,
        details: GrantDetails {
            resources: device.resources.clone(),
            sector: subject::sector_of(&asked.client)?,
            ..GrantDetails::default()
        },
    };
    Ok(NewCode {
        tenant: act.tenant.id,
        signature: device.signature,
        grant,
        created_at: act.now,
        expires_at: device.expires_at,
        spend_pushed: None,
        remember: None,
        relies_on_consent: false,
        entry: entry(act, asked, browser, EventKind::AuthorizationGranted),
    })
}

fn entry(act: &Act, asked: &AskedDevice, browser: &Browser, kind: EventKind) -> Entry {
    let device = &asked.device;
    act.entry_by(Actor::User(browser.user.id.to_string()), kind)
        .about(&browser.user.id)
        .through(&device.client)
        .within(browser.session.id)
        .with(json!({ "device": true, "scope": device.scope, "resources": device.resources }))
}
