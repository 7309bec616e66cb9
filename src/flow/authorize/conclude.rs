//! Whether a client may have what it asks for, and giving it its code.

use domain::authorization::{CodeGrant, Consent, GrantDetails};
use domain::client::ClientType;
use domain::event::{Actor, EventKind};
use domain::rejection::{Fault, OAuthCode, Rejection};
use protocol::oauth::answer::Answer;
use protocol::opaque::RandomToken;
use serde_json::json;
use store::port::authorizations::{CodeIssue, NewCode};

use super::{Asked, Step, bad_request, delivery};
use crate::flow::browser::Browser;
use crate::flow::{Act, Flows, subject};

/// Why a client may have what it asks for.
pub(super) enum Ground {
    /// It is ours: people are not asked.
    Ours,
    /// The person allowed it before, which must still stand.
    Before,
    /// The person allows it now, which is to be remembered.
    Now(Consent),
    /// The person allows it now, and is asked again the next time.
    Once,
}

/// How long a code lives (RFC 9700 §4.5, FAPI 2.0 §5.3.2.1: 60 s).
const CODE_LIFETIME: std::time::Duration = std::time::Duration::from_mins(1);

/// Says why the client may have it without asking the person now; nothing if they must be asked.
pub(super) async fn find_ground(
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
        known.is_some_and(|consent| consent.covers(&asked.disclosed(), &request.resources));
    let is_enough = is_covered && request.authorization_details.is_none();
    Ok(is_enough.then_some(Ground::Before))
}

/// Gives the client its code.
pub(super) async fn complete(
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
        grant: grant_of(&asked, browser)?,
        created_at: act.now,
        expires_at: act.now + CODE_LIFETIME,
        spend_pushed: request.pushed,
        relies_on_consent: matches!(ground, Ground::Before),
        remember: match ground {
            Ground::Now(consent) => Some(consent),
            Ground::Ours | Ground::Before | Ground::Once => None,
        },
        entry,
    };
    match act.wait(flows.authorizations.issue_code(new)).await? {
        CodeIssue::Issued => {
            let answer = Answer::code(request, minted.token.expose(), &act.issuer);
            let delivery = delivery::deliver(flows, act, &client.id, answer).await?;
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

fn grant_of(asked: &Asked, browser: &Browser) -> Result<CodeGrant, Fault> {
    let request = &asked.request;
    Ok(CodeGrant {
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
            certificate: None,
            sector: subject::sector_of(&asked.client)?,
        },
    })
}
