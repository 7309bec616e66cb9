//! Whoever proved a short while ago who they are, as well as their account can (RFC 9470 §3, NIST SP
//! 800-63B-4 §4.1, OWASP ASVS 5.0 §7.5.1).
//!
//! What cannot be taken back, or gives all of an account away, is for them alone: binding factors and
//! letting go of them, taking one's data along, deleting the account. An access token does for it if our
//! own API gave it out: an application was allowed what it was allowed, and never this.

use std::time::Duration;

use domain::client::FIRST_PARTY;
use domain::factor::{Factor, Factors};
use domain::rejection::{OAuthCode, Refusal, Rejection, StepUp};
use domain::time::UnixMillis;
use domain::user::User;
use protocol::assurance::Level;

use super::browser::Browser;
use super::caller::Person;
use super::mfa::{load, load_user};
use super::{Act, Flows};

/// Whoever proved a short while ago who they are.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// Their account; active.
    pub user: User,
    /// What it has bound.
    pub bound: Factors,
}

/// How long ago that may have been.
pub const FRESH: Duration = Duration::from_mins(15);

// === impl Fresh ===

impl Fresh {
    /// Takes a person who shows an access token.
    ///
    /// # Errors
    /// 401 `insufficient_user_authentication` if that was too long ago or too little; 403 for the token
    /// of an application; or a fault.
    pub async fn person(flows: &Flows, act: &Act, person: &Person) -> Result<Self, Rejection> {
        let claims = &person.claims;
        if claims.client_id != FIRST_PARTY {
            let hint = "No application may do this. Sign in here.";
            return Err(Refusal::oauth(OAuthCode::InsufficientScope, hint).into());
        }
        let bound = load(flows, act, person.user).await?;
        let auth_time = UnixMillis::from_seconds(claims.auth_time.unwrap_or_default());
        let acr = claims.acr.as_deref().unwrap_or_default();
        check_fresh(act, &bound, (auth_time, acr))?;
        let user = load_user(flows, act, person.user).await?;
        Ok(Self { user, bound })
    }

    /// Takes whoever is signed in in a browser.
    ///
    /// # Errors
    /// 401 `insufficient_user_authentication` if that was too long ago or too little; or a fault.
    pub async fn browser(flows: &Flows, act: &Act, browser: &Browser) -> Result<Self, Rejection> {
        let bound = load(flows, act, browser.user.id).await?;
        let session = &browser.session;
        let had = session
            .proofs
            .iter()
            .filter(|one| one.factor != Factor::Password);
        // After an idle hour one factor brings both back; here what was had must have been shown anew.
        let shown_at = match had.map(|one| one.at).max() {
            Some(at) if bound.is_any() => at.min(session.auth_time),
            _ => session.auth_time,
        };
        check_fresh(act, &bound, (shown_at, &session.acr))?;
        let user = browser.user.clone();
        Ok(Self { user, bound })
    }
}

/// Refuses whoever has not proved who they are a short while ago, as well as the account can (RFC 9470
/// §3).
///
/// # Errors
/// 401 `insufficient_user_authentication`, with what would do.
fn check_fresh(
    act: &Act,
    bound: &Factors,
    (auth_time, acr): (UnixMillis, &str),
) -> Result<(), Refusal> {
    let wanted = if bound.is_any() {
        Level::Aal2
    } else {
        Level::Aal1
    };
    let is_fresh = act.now.since(auth_time) < FRESH;
    let is_enough = wanted == Level::Aal1 || acr == Level::Aal2.as_str();
    if is_fresh && is_enough {
        return Ok(());
    }
    let hint = "Prove who you are again before you do this.";
    Err(Refusal {
        step_up: Some(Box::new(StepUp {
            acr: wanted.as_str(),
            max_age: FRESH,
        })),
        ..Refusal::oauth(OAuthCode::InsufficientUserAuthentication, hint)
    })
}
