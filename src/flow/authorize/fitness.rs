//! Whether a browser's sign-in is one that a request takes.

use domain::factor::MfaPolicy;
use domain::session::Session;
use protocol::assurance::Level;
use protocol::oidc::claims::required_acr;
use protocol::opaque::Made;

use super::Asked;
use crate::flow::Act;
use crate::flow::browser::Browser;
use crate::flow::sign_in::demand_of;

/// What a sign-in is worth to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fitness {
    /// It will do.
    Enough,
    /// It would with one more factor (RFC 9470 §4).
    TooWeak,
    /// Another is needed.
    Unfit,
}

/// Judges a sign-in.
pub(super) fn judge(act: &Act, asked: &Asked, browser: &Browser) -> Fitness {
    if !is_fit(act, asked, browser) {
        return Fitness::Unfit;
    }
    let demand = demand_of(act, Some(asked));
    let may_bind = demand.policy != MfaPolicy::Off;
    let wants_two = demand.policy == MfaPolicy::Require || demand.level == Level::Aal2 && may_bind;
    if !wants_two || level_of(&browser.session) == Level::Aal2 {
        return Fitness::Enough;
    }
    match browser.made {
        Made::Here => Fitness::TooWeak,
        // Who signs people in decides how; if that is not enough, they are asked again.
        Made::Elsewhere => Fitness::Unfit,
        // And once they were asked for this very request, it is as good as it gets.
        Made::ForOneRequest => Fitness::Enough,
    }
}

/// Says whether a request can be answered at all as far as how people sign in goes: a client that
/// cannot do without what nobody here can have is told so (OpenID Connect Core §5.5.1.1).
pub(super) fn can_be_met(act: &Act, asked: &Asked) -> bool {
    let Some(values) = required_acr(asked.request.claims.as_ref()) else {
        return true;
    };
    let can_two = demand_of(act, Some(asked)).policy != MfaPolicy::Off;
    values.into_iter().any(|value| match Level::parse(value) {
        Some(Level::Aal1) => true,
        Some(Level::Aal2) => can_two,
        None => act.tenant.config.login_ui_url.is_some(),
    })
}

/// Reads how well somebody signed in; whatever is not ours is taken for one factor.
fn level_of(session: &Session) -> Level {
    Level::parse(&session.acr).unwrap_or(Level::Aal1)
}

fn is_fit(act: &Act, asked: &Asked, browser: &Browser) -> bool {
    let request = &asked.request;
    let signed_in_at = browser.session.auth_time;
    let asks_anew = request.prompt.login || request.prompt.select_account;
    let is_anew = signed_in_at >= asked.began_at;
    let is_fresh = request
        .max_age
        .is_none_or(|most| act.now.since(signed_in_at).as_secs() <= most);
    let is_elsewhere = act.tenant.config.login_ui_url.is_some();
    let counts = match browser.made {
        // Where the tenant signs people in on pages of its own, a sign-in on ours is none.
        Made::Here => !is_elsewhere,
        Made::Elsewhere => true,
        Made::ForOneRequest => is_anew,
    };
    counts && asked.is_for(browser.user.id) && (is_anew || !asks_anew && is_fresh)
}
