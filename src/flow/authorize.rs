//! Asking a person for authorization (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2).
//!
//! [`begin`] judges what a client sends: who asks and where an answer may go, before anything is ever
//! sent there; then the request itself, by the ordered table of `protocol::oauth::authorization`.
//! [`go_on`] says what comes next: a sign-in, a consent, or the answer. [`decide`] takes the person's
//! decision. Each is asked anew with the browser's sign-in of that moment, so nothing that a page
//! showed before is believed.
//!
//! Nothing is stored before the person decides; then one commit spends the pushed request, keeps the
//! consent and stores the code, and is refused if the sign-in has ended meanwhile.

use domain::authorization::{AuthorizationRequest, Consent};
use domain::client::Client;
use domain::event::{Actor, EventKind};
use domain::rejection::{Fault, OAuthCode, Rejection};
use protocol::oauth::answer::Answer;
use protocol::oauth::authorization::{
    self as rules, Arrived, AuthorizationError, AuthorizationErrorCode, Target,
};
use protocol::oauth::parameters::Parameters;

use super::browser::Browser;
use super::subject::Naming;
use super::{Act, Flows};

mod arrival;
mod asked;
mod conclude;
mod delivery;
mod fitness;
mod push;

pub use asked::Asked;
pub(crate) use asked::{SealedRequest, bad_request, load_client};
use conclude::{Ground, complete, find_ground};
pub use delivery::Delivery;
use fitness::Fitness;
pub use push::{Push, Pushed, push};

/// What comes next.
#[derive(Debug, Clone)]
pub enum Step {
    /// The answer goes to the client.
    Answer(Delivery),
    /// The person signs in.
    SignIn(Box<Asked>),
    /// The person shows one more factor beside the sign-in that there is (RFC 9470).
    StepUp(Box<Asked>),
    /// The tenant's own interface is asked, although the browser's sign-in would do.
    AskAnyway(Box<Asked>, Box<Browser>),
    /// The person decides.
    Consent(Box<Asked>, Box<Browser>),
}

/// What the person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The client gets what it asks for.
    Allow,
    /// It does not.
    Deny,
}

/// What a login interface of the tenant's own says that the person allows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Granted {
    /// Whether it was told that nobody has to be asked.
    pub(crate) skip: bool,
    /// Whether they need not be asked for it again.
    pub(crate) remember: bool,
}

/// Judges a request and says what comes next.
///
/// # Errors
/// A refusal is for a page of ours: where the answer might go is not known to be the client's. What
/// the client may be told is an answer. A fault when the store is away.
pub async fn begin(
    flows: &Flows,
    act: &Act,
    parameters: Parameters,
    browser: Option<&Browser>,
) -> Result<Step, Rejection> {
    let id = parameters.get("client_id").ok_or_else(|| {
        bad_request(
            OAuthCode::InvalidRequest,
            "the parameter client_id is missing",
        )
    })?;
    let client = load_client(flows, act, id).await?;
    let received = arrival::receive(flows, act, &client, parameters).await?;
    if let (Err(error), None) = (&received.objection, received.parameters.get("redirect_uri")) {
        return Err(bad_request(OAuthCode::InvalidRequest, error.hint.clone()).into());
    }
    let target = rules::choose_target(&received.parameters, &client)
        .map_err(|untrusted| bad_request(OAuthCode::InvalidRequest, untrusted.to_string()))?;
    match check(flows, act, &client, &target, received).await? {
        Ok(request) => {
            let naming = Naming::load(flows, act, &client).await?;
            let asked = Asked {
                request,
                client,
                began_at: act.now,
                was_asked: false,
                naming,
            };
            go_on(flows, act, asked, browser).await
        }
        Err(error) => {
            let answer = Answer::error(&target, &error, &act.issuer);
            let delivery = delivery::deliver(flows, act, &client.id, answer).await?;
            Ok(Step::Answer(delivery))
        }
    }
}

/// Judges the request itself. What is wrong with it is for the client to hear.
async fn check(
    flows: &Flows,
    act: &Act,
    client: &Client,
    target: &Target,
    received: arrival::Received,
) -> Result<Result<AuthorizationRequest, AuthorizationError>, Fault> {
    let hint = received.parameters.get("id_token_hint").map(str::to_owned);
    let mut request = match judge(client, target, received) {
        Ok(request) => request,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(hint) = hint {
        let claims = super::token::id_token::read_hint(flows, act, &hint).await?;
        let Some(claims) = claims else {
            return Ok(Err(AuthorizationError::new(
                AuthorizationErrorCode::InvalidRequest,
                "id_token_hint is not an ID token of this issuer",
            )));
        };
        request.expected_subject = Some(claims.sub);
    }
    Ok(Ok(request))
}

fn judge(
    client: &Client,
    target: &Target,
    received: arrival::Received,
) -> Result<AuthorizationRequest, AuthorizationError> {
    received.objection?;
    let arrived = received.pushed.map_or(Arrived::Plain, Arrived::Pushed);
    rules::check(
        &received.parameters,
        client,
        target,
        arrived,
        received.is_signed,
    )
}

/// Says what comes next for a request, with this browser's sign-in.
///
/// # Errors
/// As [`begin`].
pub async fn go_on(
    flows: &Flows,
    act: &Act,
    asked: Asked,
    browser: Option<&Browser>,
) -> Result<Step, Rejection> {
    if !fitness::can_be_met(act, &asked) {
        let code = AuthorizationErrorCode::UnmetAuthenticationRequirements;
        let hint = "nobody here can sign in as the claim acr demands";
        return refuse(flows, act, &asked, code, hint).await;
    }
    let browser = match fit(act, &asked, browser) {
        Ok(browser) => browser,
        Err(_) if asked.request.prompt.none => {
            let code = AuthorizationErrorCode::LoginRequired;
            let hint = "the person is not signed in, or not freshly or not well enough";
            return refuse(flows, act, &asked, code, hint).await;
        }
        Err(ask) => return Ok(ask(Box::new(asked))),
    };
    let is_elsewhere = act.tenant.config.login_ui_url.is_some();
    if is_elsewhere && !asked.was_asked && !asked.request.prompt.none {
        let browser = Box::new(browser.clone());
        return Ok(Step::AskAnyway(Box::new(asked), browser));
    }
    ask_consent(flows, act, asked, browser).await
}

/// Says what comes next for a request whose person is known.
///
/// # Errors
/// As [`begin`].
async fn ask_consent(
    flows: &Flows,
    act: &Act,
    asked: Asked,
    browser: &Browser,
) -> Result<Step, Rejection> {
    let ground = find_ground(flows, act, &asked, browser).await?;
    let is_silent = asked.request.prompt.none;
    let is_elsewhere = act.tenant.config.consent_ui_url.is_some();
    match ground {
        Some(ground) if is_silent || !is_elsewhere => {
            complete(flows, act, asked, browser, ground).await
        }
        None if is_silent => {
            let (code, hint) = (
                AuthorizationErrorCode::ConsentRequired,
                "the person has not allowed this yet",
            );
            refuse(flows, act, &asked, code, hint).await
        }
        _ => Ok(Step::Consent(Box::new(asked), Box::new(browser.clone()))),
    }
}

/// Goes on after the tenant's own interface found out who the person is.
///
/// # Errors
/// As [`begin`].
pub(crate) async fn after_sign_in(
    flows: &Flows,
    act: &Act,
    asked: Asked,
    browser: &Browser,
) -> Result<Step, Rejection> {
    if let Err(ask) = fit(act, &asked, Some(browser)) {
        return Ok(ask(Box::new(asked)));
    }
    ask_consent(flows, act, asked, browser).await
}

/// Says whether nobody has to be asked for what a client asks for.
///
/// # Errors
/// A fault when the store is away.
pub(crate) async fn is_allowed(
    flows: &Flows,
    act: &Act,
    asked: &Asked,
    browser: &Browser,
) -> Result<bool, Fault> {
    let ground = find_ground(flows, act, asked, browser).await?;
    Ok(ground.is_some())
}

/// Gives a client what the tenant's own interface says that the person allows.
///
/// # Errors
/// As [`begin`].
pub(crate) async fn allow(
    flows: &Flows,
    act: &Act,
    asked: Asked,
    browser: &Browser,
    granted: Granted,
) -> Result<Step, Rejection> {
    if let Err(ask) = fit(act, &asked, Some(browser)) {
        return Ok(ask(Box::new(asked)));
    }
    let ground = if granted.skip {
        // Nobody was asked, so what was allowed before must still be.
        find_ground(flows, act, &asked, browser).await?
    } else if granted.remember {
        Some(Ground::Now(consent_to(act, &asked, browser)))
    } else {
        Some(Ground::Once)
    };
    match ground {
        Some(ground) => complete(flows, act, asked, browser, ground).await,
        None => Ok(Step::Consent(Box::new(asked), Box::new(browser.clone()))),
    }
}

/// Tells a client what the tenant's own interface wants it told.
///
/// # Errors
/// As [`begin`].
pub(crate) async fn reject(
    flows: &Flows,
    act: &Act,
    asked: &Asked,
    error: &AuthorizationError,
) -> Result<Step, Rejection> {
    write_denial(flows, act, asked, None).await?;
    tell(flows, act, asked, error).await
}

/// Does what the person decided.
///
/// # Errors
/// As [`begin`].
pub async fn decide(
    flows: &Flows,
    act: &Act,
    asked: Asked,
    browser: Option<&Browser>,
    decision: Decision,
) -> Result<Step, Rejection> {
    if decision == Decision::Deny {
        return deny(flows, act, &asked, browser).await;
    }
    let browser = match fit(act, &asked, browser) {
        Ok(browser) => browser,
        Err(ask) => return Ok(ask(Box::new(asked))),
    };
    // Where the tenant asks on pages of its own, ours decide nothing.
    if act.tenant.config.consent_ui_url.is_some() {
        return Ok(Step::Consent(Box::new(asked), Box::new(browser.clone())));
    }
    let ground = Ground::Now(consent_to(act, &asked, browser));
    complete(flows, act, asked, browser, ground).await
}

/// Gives the sign-in if it will do; else, which step the person is to take.
fn fit<'b>(
    act: &Act,
    asked: &Asked,
    browser: Option<&'b Browser>,
) -> Result<&'b Browser, fn(Box<Asked>) -> Step> {
    let sign_in: fn(Box<Asked>) -> Step = Step::SignIn;
    let browser = browser.ok_or(sign_in)?;
    match fitness::judge(act, asked, browser) {
        Fitness::Enough => Ok(browser),
        Fitness::TooWeak => Err(Step::StepUp),
        Fitness::Unfit => Err(sign_in),
    }
}

fn consent_to(act: &Act, asked: &Asked, browser: &Browser) -> Consent {
    Consent {
        tenant: act.tenant.id,
        user: browser.user.id,
        client: asked.client.id.clone(),
        scope: asked.disclosed(),
        resources: asked.request.resources.clone(),
        given_at: act.now,
        updated_at: act.now,
    }
}

async fn deny(
    flows: &Flows,
    act: &Act,
    asked: &Asked,
    browser: Option<&Browser>,
) -> Result<Step, Rejection> {
    write_denial(flows, act, asked, browser).await?;
    let hint = "the person did not allow it";
    let code = AuthorizationErrorCode::AccessDenied;
    refuse(flows, act, asked, code, hint).await
}

async fn write_denial(
    flows: &Flows,
    act: &Act,
    asked: &Asked,
    browser: Option<&Browser>,
) -> Result<(), Fault> {
    let actor = browser.map_or(Actor::Anonymous, |browser| {
        Actor::User(browser.user.id.to_string())
    });
    let entry = act
        .entry_by(actor, EventKind::AuthorizationDenied)
        .through(&asked.client.id)
        .failed();
    act.wait(flows.audit.append(vec![entry])).await
}

async fn refuse(
    flows: &Flows,
    act: &Act,
    asked: &Asked,
    code: AuthorizationErrorCode,
    hint: &'static str,
) -> Result<Step, Rejection> {
    tell(flows, act, asked, &AuthorizationError::new(code, hint)).await
}

async fn tell(
    flows: &Flows,
    act: &Act,
    asked: &Asked,
    error: &AuthorizationError,
) -> Result<Step, Rejection> {
    let target = Target {
        redirect_uri: asked.request.redirect_uri.clone(),
        mode: asked.request.response_mode,
        state: asked.request.state.clone(),
    };
    let answer = Answer::error(target, error, &act.issuer);
    let delivery = delivery::deliver(flows, act, &asked.client.id, answer).await?;
    Ok(Step::Answer(delivery))
}
