//! The browser comes back from the interface.

use domain::client::FIRST_PARTY;
use domain::event::{Actor, EventKind};
use domain::id::UserId;
use domain::rejection::{Code, Fault, OAuthCode, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::session::Session;
use domain::user::User;
use protocol::oauth::authorization::AuthorizationError;
use protocol::opaque::Made;
use serde_json::json;
use store::port::sessions::NewSession;

use super::judge::error_of;
use super::load;
use super::sealed::{Standing, Verdict, Verifier};
use crate::flow::authorize::{self, Asked, Granted, Step, bad_request};
use crate::flow::browser::{Browser, Remembered};
use crate::flow::sign_in::begin::{Proof, new_device_notice, session_of};
use crate::flow::{Act, Flows};

/// What comes of a browser's return.
#[derive(Debug, Clone)]
pub struct Resumed {
    /// What comes next.
    pub step: Step,
    /// The sign-in that began, for the browser to remember.
    pub began: Option<Remembered>,
}

/// Who signs in, as the interface says.
struct Claimed {
    acr: String,
    amr: Vec<String>,
    remember: bool,
}

/// Takes a browser that comes back with a verifier.
///
/// # Errors
/// 403 in any browser but the one that began; 400 for a verifier that is not ours, too old, or used; a
/// fault when the store is away.
///
/// # Cancel safety
/// The verifier may be spent without an answer; the person begins anew.
pub async fn resume(
    flows: &Flows,
    act: &Act,
    visitor: &str,
    text: &str,
) -> Result<Resumed, Rejection> {
    let verifier = Verifier::open(flows, act, text).ok_or_else(expired)?;
    if verifier.challenge.visitor != visitor {
        return Err(another_browser().into());
    }
    let mut asked = verifier.challenge.reopen(flows, act).await?;
    if !verifier.challenge.claim(flows, act, "resumed").await? {
        return Err(expired().into());
    }
    match verifier.verdict.clone() {
        Verdict::Rejected { error, description } => {
            let error = AuthorizationError::new(error_of(&error), description);
            let step = authorize::reject(flows, act, &asked, &error).await?;
            Ok(step.into())
        }
        Verdict::SignedIn {
            user,
            acr,
            amr,
            remember,
        } => {
            asked.was_asked = true;
            let claimed = Claimed { acr, amr, remember };
            sign_in(flows, act, asked, (&verifier, user, claimed)).await
        }
        Verdict::Allowed {
            scope,
            resources,
            remember,
        } => {
            asked.was_asked = true;
            let mut less = asked.clone();
            less.narrow(&ScopeSet::from_stored(scope));
            less.request.resources = resources;
            let step = allow(flows, act, less, (&verifier, remember)).await?;
            // Who has to be asked again is asked for all of it.
            let step = match step {
                Step::Consent(_, browser) => Step::Consent(Box::new(asked), browser),
                Step::SignIn(_) | Step::StepUp(_) => Step::SignIn(Box::new(asked)),
                step @ (Step::Answer(_) | Step::AskAnyway(..)) => step,
            };
            Ok(step.into())
        }
    }
}

/// Goes on for the person whom the interface names.
async fn sign_in(
    flows: &Flows,
    act: &Act,
    asked: Asked,
    (verifier, user, claimed): (&Verifier, UserId, Claimed),
) -> Result<Resumed, Rejection> {
    if let Some(known) = verifier.challenge.standing {
        let step = keep(flows, act, asked, known).await?;
        return Ok(step.into());
    }
    let found = act.wait(flows.users.load_user(act.tenant.id, user)).await?;
    match found {
        Some(user) => begin(flows, act, asked, (verifier, user, claimed)).await,
        None => Ok(Step::SignIn(Box::new(asked)).into()),
    }
}

/// Gives the client what the person allows, if their sign-in still stands.
async fn allow(
    flows: &Flows,
    act: &Act,
    asked: Asked,
    (verifier, remember): (&Verifier, bool),
) -> Result<Step, Rejection> {
    let Some(browser) = standing(flows, act, verifier.challenge.standing).await? else {
        return Ok(Step::SignIn(Box::new(asked)));
    };
    let granted = Granted {
        skip: verifier.challenge.skip,
        remember,
    };
    authorize::allow(flows, act, asked, &browser, granted).await
}

/// Begins the sign-in that the interface vouches for.
async fn begin(
    flows: &Flows,
    act: &Act,
    asked: Asked,
    (verifier, user, claimed): (&Verifier, User, Claimed),
) -> Result<Resumed, Rejection> {
    let made = if claimed.remember {
        Made::Elsewhere
    } else {
        Made::ForOneRequest
    };
    let mut heard = act.clone();
    heard.prefer(&asked.request.ui_locales);
    let new = new_session(flows, &heard, &user, (verifier, claimed))?;
    let session = new.session.clone();
    if !flows.sessions.begin(new, act.deadline).await? {
        // A lock between the interface's word and this commit wins.
        return Ok(Step::SignIn(Box::new(asked)).into());
    }
    let browser = Browser {
        session,
        user,
        made,
    };
    let began = Some(browser.remembered());
    let step = authorize::after_sign_in(flows, act, asked, &browser).await?;
    Ok(Resumed { step, began })
}

fn new_session(
    flows: &Flows,
    act: &Act,
    user: &User,
    (verifier, claimed): (&Verifier, Claimed),
) -> Result<NewSession, Fault> {
    let proof = Proof {
        at: verifier.decided_at,
        acr: claimed.acr,
        amr: claimed.amr,
        factors: Vec::new(),
    };
    let (session, family) = session_of(flows, act, user.id, proof);
    let entry = act
        .entry_by(Actor::User(user.id.to_string()), EventKind::LoginSucceeded)
        .about(&user.id)
        .through(FIRST_PARTY)
        .within(session.id)
        .with(json!({ "amr": session.amr, "acr": session.acr, "accepted_by": verifier.by }));
    Ok(NewSession {
        new_device_notice: Some(new_device_notice(flows, act, user)?),
        session,
        family,
        password_set_at: None,
        clear_attempts: None,
        remember_until: flows.remember_until(act.now),
        entry,
    })
}

/// Goes on with the sign-in that there was.
async fn keep(flows: &Flows, act: &Act, asked: Asked, known: Standing) -> Result<Step, Rejection> {
    match standing(flows, act, Some(known)).await? {
        Some(browser) => authorize::after_sign_in(flows, act, asked, &browser).await,
        None => Ok(Step::SignIn(Box::new(asked))),
    }
}

async fn standing(
    flows: &Flows,
    act: &Act,
    known: Option<Standing>,
) -> Result<Option<Browser>, Rejection> {
    let Some(known) = known else { return Ok(None) };
    let found: Option<(Session, User)> = load(flows, act, known).await?;
    Ok(found.map(|(session, user)| Browser {
        session,
        user,
        made: known.made,
    }))
}

// === impl Resumed ===

impl From<Step> for Resumed {
    fn from(step: Step) -> Self {
        Self { step, began: None }
    }
}

fn expired() -> Refusal {
    bad_request(
        OAuthCode::InvalidRequest,
        "this request was answered already, or took too long; go back to the application and start again",
    )
}

fn another_browser() -> Refusal {
    Refusal::new(
        Code::Forbidden,
        "this sign-in began in another browser; go back to the application and start again here",
    )
}
