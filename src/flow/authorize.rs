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

use domain::authorization::{AuthorizationRequest, CodeGrant, Consent, GrantDetails};
use domain::client::{Client, ClientType};
use domain::event::{Actor, EventKind};
use domain::rejection::{Fault, OAuthCode, Rejection};
use protocol::oauth::answer::Answer;
use protocol::oauth::authorization::{
    self as rules, Arrived, AuthorizationError, AuthorizationErrorCode, Target,
};
use protocol::oauth::parameters::Parameters;
use protocol::opaque::RandomToken;
use serde_json::json;
use store::port::authorizations::{CodeIssue, NewCode};

use super::browser::Browser;
use super::{Act, Flows};

mod arrival;
mod asked;
mod delivery;
mod push;

pub use asked::Asked;
use asked::bad_request;
pub(crate) use asked::load_client;
pub use delivery::Delivery;
pub use push::{Push, Pushed, push};

/// What comes next.
#[derive(Debug, Clone)]
pub enum Step {
    /// The answer goes to the client.
    Answer(Delivery),
    /// The person signs in.
    SignIn(Box<Asked>),
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

/// Why a client may have what it asks for.
enum Ground {
    /// It is ours: people are not asked.
    Ours,
    /// The person allowed it before, which must still stand.
    Before,
    /// The person allows it now, which is to be remembered.
    Now(Consent),
}

/// How long a code lives (RFC 9700 §4.5, FAPI 2.0 §5.3.2.1: 60 s).
const CODE_LIFETIME: std::time::Duration = std::time::Duration::from_mins(1);

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
    match check(flows, act, &client, &target, received) {
        Ok(request) => {
            let asked = Asked {
                request,
                client,
                began_at: act.now,
            };
            go_on(flows, act, asked, browser).await
        }
        Err(error) => {
            let answer = Answer::error(&target, &error, &act.issuer);
            let delivery = delivery::deliver(flows, act, &client.id, answer)?;
            Ok(Step::Answer(delivery))
        }
    }
}

fn check(
    flows: &Flows,
    act: &Act,
    client: &Client,
    target: &Target,
    received: arrival::Received,
) -> Result<AuthorizationRequest, AuthorizationError> {
    received.objection?;
    let arrived = received.pushed.map_or(Arrived::Plain, Arrived::Pushed);
    let mut request = rules::check(
        &received.parameters,
        client,
        target,
        arrived,
        received.is_signed,
    )?;
    if let Some(hint) = received.parameters.get("id_token_hint") {
        let claims = super::token::id_token::read_hint(flows, act, hint).ok_or_else(|| {
            AuthorizationError::new(
                AuthorizationErrorCode::InvalidRequest,
                "id_token_hint is not an ID token of this issuer",
            )
        })?;
        request.expected_subject = Some(claims.sub);
    }
    Ok(request)
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
    let Some(browser) = browser.filter(|browser| is_enough(act, &asked, browser)) else {
        if asked.request.prompt.none {
            let hint = "the person is not signed in, or not freshly enough";
            return refuse(
                flows,
                act,
                &asked,
                AuthorizationErrorCode::LoginRequired,
                hint,
            );
        }
        return Ok(Step::SignIn(Box::new(asked)));
    };
    let Some(ground) = find_ground(flows, act, &asked, browser).await? else {
        if asked.request.prompt.none {
            let hint = "the person has not allowed this yet";
            return refuse(
                flows,
                act,
                &asked,
                AuthorizationErrorCode::ConsentRequired,
                hint,
            );
        }
        return Ok(Step::Consent(Box::new(asked), Box::new(browser.clone())));
    };
    complete(flows, act, asked, browser, ground).await
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
    let Some(browser) = browser.filter(|browser| is_enough(act, &asked, browser)) else {
        return Ok(Step::SignIn(Box::new(asked)));
    };
    let consent = Consent {
        tenant: act.tenant.id,
        user: browser.user.id,
        client: asked.client.id.clone(),
        scope: asked.request.scope.clone(),
        resources: asked.request.resources.clone(),
        given_at: act.now,
        updated_at: act.now,
    };
    complete(flows, act, asked, browser, Ground::Now(consent)).await
}

/// Says whether a sign-in is one that the request takes.
fn is_enough(act: &Act, asked: &Asked, browser: &Browser) -> bool {
    let request = &asked.request;
    let signed_in_at = browser.session.auth_time;
    let asks_anew = request.prompt.login || request.prompt.select_account;
    let is_anew = signed_in_at >= asked.began_at;
    let is_fresh = request
        .max_age
        .is_none_or(|most| act.now.since(signed_in_at).as_secs() <= most);
    let subject = browser.user.id.to_string();
    let is_expected = request
        .expected_subject
        .as_ref()
        .is_none_or(|expected| *expected == subject);
    is_expected && (is_anew || !asks_anew && is_fresh)
}

/// Says why the client may have it without asking the person now; nothing if they must be asked.
async fn find_ground(
    flows: &Flows,
    act: &Act,
    asked: &Asked,
    browser: &Browser,
) -> Result<Option<Ground>, Fault> {
    let (request, client) = (&asked.request, &asked.client);
    if request.prompt.consent {
        return Ok(None);
    }
    // Nobody vouches for who it says it is (STANDARDS.md: consent each time).
    if client.metadata.is_self_registered {
        return Ok(None);
    }
    if client.metadata.is_first_party {
        return Ok(Some(Ground::Ours));
    }
    // Any program on the person's device could use this client's name (OWASP ASVS 5.0 §10.4, RFC 8252
    // §8.6): ask each time.
    if client.client_type == ClientType::Native {
        return Ok(None);
    }
    let (tenant, user) = (act.tenant.id, browser.user.id);
    let known = flows
        .authorizations
        .load_consent(tenant, user, client.id.clone());
    let known = act.wait(known).await?;
    let is_covered =
        known.is_some_and(|consent| consent.covers(&request.scope, &request.resources));
    let is_enough = is_covered && request.authorization_details.is_none();
    Ok(is_enough.then_some(Ground::Before))
}

/// Gives the client its code.
async fn complete(
    flows: &Flows,
    act: &Act,
    asked: Asked,
    browser: &Browser,
    ground: Ground,
) -> Result<Step, Rejection> {
    let minted = RandomToken::AuthorizationCode.mint(&flows.secrets, flows.random.as_ref());
    let (request, client) = (&asked.request, &asked.client);
    let entry = act
        .entry_by(
            Actor::User(browser.user.id.to_string()),
            EventKind::AuthorizationGranted,
        )
        .about(&browser.user.id)
        .through(&client.id)
        .within(browser.session.id)
        .with(json!({ "scope": request.scope, "resources": request.resources }));
    let new = NewCode {
        tenant: act.tenant.id,
        signature: minted.signature,
        grant: grant_of(request, browser),
        created_at: act.now,
        expires_at: act.now + CODE_LIFETIME,
        spend_pushed: request.pushed,
        relies_on_consent: matches!(ground, Ground::Before),
        remember: match ground {
            Ground::Now(consent) => Some(consent),
            Ground::Ours | Ground::Before => None,
        },
        entry,
    };
    match act.wait(flows.authorizations.issue_code(new)).await? {
        CodeIssue::Issued => {
            let answer = Answer::code(request, minted.token.expose(), &act.issuer);
            let delivery = delivery::deliver(flows, act, &client.id, answer)?;
            Ok(Step::Answer(delivery))
        }
        CodeIssue::AlreadySpent => Err(bad_request(
            OAuthCode::InvalidRequest,
            "this request was answered already; go back to the application and start again",
        )
        .into()),
        CodeIssue::ConsentGone => Ok(Step::Consent(Box::new(asked), Box::new(browser.clone()))),
        CodeIssue::SessionEnded => Ok(Step::SignIn(Box::new(asked))),
    }
}

fn grant_of(request: &AuthorizationRequest, browser: &Browser) -> CodeGrant {
    CodeGrant {
        client: request.client.clone(),
        user: browser.user.id,
        session: browser.session.id,
        redirect_uri: request.redirect_uri.clone(),
        scope: request.scope.clone(),
        code_challenge: request.code_challenge.clone(),
        nonce: request.nonce.clone(),
        dpop_jkt: request.dpop_jkt.clone(),
        details: GrantDetails {
            resources: request.resources.clone(),
            claims: request.claims.clone(),
            authorization_details: request.authorization_details.clone(),
            dpop_jkt: None,
        },
    }
}

async fn deny(
    flows: &Flows,
    act: &Act,
    asked: &Asked,
    browser: Option<&Browser>,
) -> Result<Step, Rejection> {
    let actor = browser.map_or(Actor::Anonymous, |browser| {
        Actor::User(browser.user.id.to_string())
    });
    let entry = act
        .entry_by(actor, EventKind::AuthorizationDenied)
        .through(&asked.client.id)
        .failed();
    act.wait(flows.audit.append(vec![entry])).await?;
    let hint = "the person did not allow it";
    refuse(
        flows,
        act,
        asked,
        AuthorizationErrorCode::AccessDenied,
        hint,
    )
}

fn refuse(
    flows: &Flows,
    act: &Act,
    asked: &Asked,
    code: AuthorizationErrorCode,
    hint: &'static str,
) -> Result<Step, Rejection> {
    let target = Target {
        redirect_uri: asked.request.redirect_uri.clone(),
        mode: asked.request.response_mode,
        state: asked.request.state.clone(),
    };
    let answer = Answer::error(&target, &AuthorizationError::new(code, hint), &act.issuer);
    let delivery = delivery::deliver(flows, act, &asked.client.id, answer)?;
    Ok(Step::Answer(delivery))
}
