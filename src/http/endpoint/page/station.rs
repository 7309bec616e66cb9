//! Who is at a page about second factors: somebody in the middle of a sign-in, or signed in.

use domain::factor::Factors;
use domain::id::UserId;
use domain::rejection::{OAuthCode, Rejection};
use domain::secret::SecretText;
use protocol::assurance::{self, Standing};

use super::Desk;
use crate::flow::browser::Browser;
use crate::flow::mfa::{self, Binder};
use crate::flow::sign_in::{SignIn, demand_of};
use crate::http::page::cookies::{self, Kind};
use crate::http::page::see_other;
use crate::http::render::Reply;

/// Who is at the page.
pub(super) enum Station {
    /// Somebody in the middle of a sign-in.
    SigningIn(Box<Underway>, Standing),
    /// Somebody who is signed in, and what they have bound.
    SignedIn(Box<Browser>, Box<Factors>, Standing),
}

/// A sign-in in progress.
pub(super) struct Underway {
    /// What is proved of it, sealed.
    pub(super) token: SecretText,
    pub(super) user: UserId,
    pub(super) bound: Factors,
}

// === impl Station ===

impl Station {
    /// Finds who is there; nobody: the page is for somebody else.
    ///
    /// # Errors
    /// A fault when the store is away.
    pub(super) async fn find(desk: &Desk) -> Result<Option<Self>, Rejection> {
        let (flows, act) = (desk.call.flows(), &desk.call.act);
        let demand = demand_of(act, desk.asked.as_ref());
        if let Some((token, sign_in)) = sign_in_of(desk) {
            return match sign_in.load(flows, act).await {
                Ok((user, bound)) => {
                    let standing = sign_in.standing(&bound, demand);
                    let user = user.id;
                    let underway = Underway { token, user, bound };
                    Ok(Some(Self::SigningIn(Box::new(underway), standing)))
                }
                Err(Rejection::Refused(_)) => Ok(None),
                Err(failed @ Rejection::Failed(_)) => Err(failed),
            };
        }
        let Some(browser) = &desk.browser else {
            return Ok(None);
        };
        let bound = mfa::load(flows, act, browser.user.id).await?;
        let standing = assurance::judge(&browser.session.proofs, &bound, demand);
        let browser = Box::new(browser.clone());
        Ok(Some(Self::SignedIn(browser, Box::new(bound), standing)))
    }

    /// Gives whose account it is about, and what that has bound.
    pub(super) fn account(&self) -> (UserId, &Factors) {
        match self {
            Self::SigningIn(of, _) => (of.user, &of.bound),
            Self::SignedIn(browser, bound, _) => (browser.user.id, bound),
        }
    }

    /// Gives where it stands.
    pub(super) const fn standing(&self) -> &Standing {
        match self {
            Self::SigningIn(_, standing) | Self::SignedIn(_, _, standing) => standing,
        }
    }
}

/// Finds who may bind a factor at this page; a reply sends everybody else to where they may come to.
///
/// # Errors
/// 403 where nothing may be bound; a fault when the store is away.
pub(super) async fn find_binder(desk: &Desk) -> Result<Result<Binder, Box<Reply>>, Rejection> {
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let found = match (sign_in_of(desk), &desk.browser) {
        (Some((token, _)), _) => {
            let demand = demand_of(act, desk.asked.as_ref());
            let shown = (&token, Some(desk.guard.visitor()));
            Binder::owing(flows, act, shown, demand).await
        }
        (None, Some(browser)) if browser.stays() || desk.asked.is_some() => {
            Binder::browser(flows, act, browser).await
        }
        (None, _) => return Ok(Err(Box::new(see_other(&desk.place("/sign-in"))))),
    };
    match found {
        Ok(binder) => Ok(Ok(binder)),
        Err(Rejection::Refused(refusal)) if is_for_later(refusal.oauth, refusal.code) => {
            Ok(Err(Box::new(see_other(&desk.place("/sign-in")))))
        }
        Err(rejection) => Err(rejection),
    }
}

/// Says whether a person could do what was refused after they proved who they are.
fn is_for_later(oauth: Option<OAuthCode>, code: domain::rejection::Code) -> bool {
    oauth == Some(OAuthCode::InsufficientUserAuthentication)
        || code == domain::rejection::Code::Unauthorized
}

/// Reads the sign-in in progress that this browser brings.
pub(super) fn sign_in_of(desk: &Desk) -> Option<(SecretText, SignIn)> {
    let (flows, act) = (desk.call.flows(), &desk.call.act);
    let text = cookies::read(&desk.call.headers, &act.tenant, Kind::SignIn)?;
    let sign_in = SignIn::open(flows, act, &text, Some(desk.guard.visitor())).ok()?;
    Some((SecretText::new(text), sign_in))
}
