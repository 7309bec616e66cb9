//! A login interface of the tenant's own: it signs people in, asks what they allow, or both, on pages
//! that are elsewhere (CONTRACT §9).
//!
//! The browser is sent there with a challenge: the request it is about, sealed (as
//! `docs/decisions/0007` says of requests; this is `0013`). The interface shows it to the admin door,
//! which tells what is asked for, and says there what came of it, once. It gets an address of ours with
//! a verifier, and sends the browser there. Only the browser that began may use it, once: a stranger who
//! has a person go through the interface for a challenge of their own gets nothing, nor can they hand
//! their own sign-in to anybody (login CSRF).
//!
//! Nothing that a challenge says is believed later: client, sign-in and account are looked up whenever
//! it comes, and the sign-in begins in the browser's own request, by a commit that looks whether the
//! account is still active.
//!
//! Next: `sealed` for what travels, `judge` for what the interface says, `back` for the browser's
//! return.

use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::session::Session;
use domain::time::UnixMillis;
use domain::user::User;
use url::Url;

use super::authorize::{self, Asked, Step};
use super::browser::Browser;
use super::{Act, Flows};

mod back;
mod judge;
mod sealed;

pub use back::{Resumed, resume};
pub use judge::{AcceptConsent, AcceptLogin, Reject, accept_consent, accept_login, reject};
pub use sealed::Stage;

use sealed::{Challenge, Standing};

/// What an interface is told.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What is asked for, by whom.
    pub asked: Asked,
    /// Whether nobody has to be asked: the sign-in is good enough, or what is asked for was allowed.
    pub skip: bool,
    /// The sign-in that there is.
    pub standing: Option<(Session, User)>,
    /// Until when it may be answered.
    pub expires_at: UnixMillis,
}

/// Gives the address of the tenant's own interface for what comes next, if that is where it happens.
/// The browser must be made to remember its name.
///
/// # Errors
/// [`Fault::Broken`] if the tenant's address is none; a fault when the store is away.
pub async fn place_of(
    flows: &Flows,
    act: &Act,
    visitor: &str,
    step: &Step,
) -> Result<Option<String>, Fault> {
    let config = &act.tenant.config;
    let (stage, ui) = match step {
        Step::Answer(_) => return Ok(None),
        Step::SignIn(_) | Step::StepUp(_) | Step::AskAnyway(..) => {
            (Stage::Login, &config.login_ui_url)
        }
        Step::Consent(..) => (Stage::Consent, &config.consent_ui_url),
    };
    let Some(ui) = ui else { return Ok(None) };
    let (asked, browser, skip) = match step {
        Step::Answer(_) => return Ok(None),
        Step::SignIn(asked) | Step::StepUp(asked) => (asked, None, false),
        Step::AskAnyway(asked, browser) => (asked, Some(browser), true),
        Step::Consent(asked, browser) => {
            let skip = authorize::is_allowed(flows, act, asked, browser).await?;
            (asked, Some(browser), skip)
        }
    };
    let mut challenge = Challenge::new(flows, act, stage, asked, visitor);
    challenge.standing = browser.map(|browser| standing_of(browser));
    challenge.skip = skip;
    let broken = |_| Fault::Broken("the address of a login interface is none".to_owned());
    let mut place = Url::parse(ui).map_err(broken)?;
    let sealed = challenge.seal(flows, act)?;
    place
        .query_pairs_mut()
        .append_pair(stage.challenge_name(), &sealed);
    Ok(Some(place.into()))
}

/// Tells an interface what a challenge is about.
///
/// # Errors
/// 404 for what is not a challenge of this tenant and stage, too old, or about a client or a sign-in
/// that is gone; a fault when the store is away.
pub async fn show(flows: &Flows, act: &Act, stage: Stage, text: &str) -> Result<Shown, Rejection> {
    let challenge = Challenge::open(flows, act, stage, text)?;
    let asked = challenge.reopen(flows, act).await?;
    let standing = match challenge.standing {
        Some(standing) => Some(load(flows, act, standing).await?.ok_or_else(unknown)?),
        None => None,
    };
    Ok(Shown {
        asked,
        skip: challenge.skip,
        standing,
        expires_at: challenge.expires_at(),
    })
}

/// Loads a sign-in that is live, and whose it is.
async fn load(
    flows: &Flows,
    act: &Act,
    standing: Standing,
) -> Result<Option<(Session, User)>, Fault> {
    let found = flows
        .authorizations
        .load_browser_session(act.tenant.id, standing.session, act.now);
    let found = act.wait(found).await?;
    Ok(found.filter(|(_, user)| user.id == standing.user))
}

const fn standing_of(browser: &Browser) -> Standing {
    Standing {
        session: browser.session.id,
        user: browser.user.id,
        made: browser.made,
    }
}

/// Says that there is no such challenge, whatever is wrong with it.
fn unknown() -> Refusal {
    Refusal::new(
        Code::NotFound,
        "There is no such request, or it has expired. The person begins anew at the application.",
    )
}
