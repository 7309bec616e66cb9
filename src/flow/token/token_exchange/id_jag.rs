//! Asserting a person to another authorization server: an ID token of ours is exchanged for an ID-JAG
//! (draft-ietf-oauth-identity-assertion-authz-grant, MCP enterprise-managed authorization).
//!
//! The tenant says for which servers, to which of its clients and for what. The client shows the ID token
//! that it was given; the person must still be signed in, which the store is asked: an ID token lives
//! longer than ended sign-ins are remembered. What is issued lives five minutes, is for that one server
//! and for the client by its name there, and is nothing here.

use std::time::Duration;

use domain::client::Client;
use domain::event::{Actor, EventKind};
use domain::id::SessionId;
use domain::rejection::{OAuthCode, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::session::Session;
use domain::tenant::AssertionAudience;
use domain::time::UnixMillis;
use domain::user::User;
use protocol::access_token::Audience;
use protocol::assertion_grant::{ID_JAG, ID_JAG_TYPE, IdJag};
use protocol::oauth::exchange::ID_TOKEN;
use protocol::oauth::resource;
use serde_json::json;

use super::{TokenExchange, refuse};
use crate::flow::token::client_credentials::invalid_target;
use crate::flow::token::refresh::narrow;
use crate::flow::token::{TokenReply, id_token, mint};
use crate::flow::{Act, Flows, live, signature};

/// How long an ID-JAG lives at most.
const LIFETIME: Duration = Duration::from_mins(5);

/// What stands for `token_type` where nothing is presented with it (RFC 8693 §2.2.1).
const NOT_APPLICABLE: &str = "N_A";

/// Whom it is about.
struct SignedIn {
    user: User,
    session: Session,
    /// When the ID token expires.
    until: UnixMillis,
}

/// Issues an ID-JAG.
///
/// # Errors
/// `invalid_request` for what is not a live ID token of the client's, `invalid_target` for a server or a
/// resource that the client may not have one for, `invalid_scope`; or a fault.
pub(super) async fn issue(
    flows: &Flows,
    act: &Act,
    client: &Client,
    (message, wanted): (&TokenExchange, Option<ScopeSet>),
) -> Result<TokenReply, Rejection> {
    if message.subject.kind != ID_TOKEN || message.actor.is_some() {
        return Err(refuse(
            "An id-jag is given for an id_token, without actor_token (ID-JAG §4.3).",
        )
        .into());
    }
    let (audience, name_there) = find_audience(act, client, &message.audience)?;
    let signed_in = load(flows, act, client, message).await?;
    let open = ScopeSet::from_stored(audience.scopes.clone());
    let scope = narrow(&open, wanted)?;
    let resources = choose(audience, &message.resource)?;
    let mut claims = assert(flows, act, &signed_in, audience);
    claims.client_id = name_there.to_owned();
    claims.scope = (!scope.is_empty()).then(|| scope.to_string());
    claims.resource = resources;
    let signed = signature::sign(flows, act, None, (ID_JAG_TYPE, &claims)).await?;
    record(flows, act, client, (&signed_in, &claims)).await?;
    let seconds = claims.exp.saturating_sub(claims.iat);
    Ok(TokenReply {
        access: signed,
        kind: NOT_APPLICABLE,
        issued: Some(ID_JAG),
        id_token: None,
        refresh: None,
        expires_in: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        scope,
        details: None,
        user: None,
    })
}

/// Finds the server that is named, and what the client is called there.
fn find_audience<'a>(
    act: &'a Act,
    client: &Client,
    named: &[String],
) -> Result<(&'a AssertionAudience, &'a str), Refusal> {
    let [named] = named else {
        return Err(refuse(
            "audience names one authorization server by its issuer (ID-JAG §4.3).",
        ));
    };
    let is_elsewhere = *named != act.issuer;
    let mut known = act.tenant.config.assertion_audiences.iter();
    let found = known
        .find(|known| is_elsewhere && known.issuer == *named)
        .and_then(|known| {
            let there = known.clients.get(&client.id)?;
            Some((known, there.as_str()))
        });
    found.ok_or_else(|| {
        Refusal::oauth(
            OAuthCode::InvalidTarget,
            "The audience is not one that this client is given assertions for.",
        )
    })
}

/// Chooses the resources that the token there may be for: those that are wanted, or all.
fn choose(audience: &AssertionAudience, wanted: &[String]) -> Result<Option<Audience>, Refusal> {
    let wanted = wanted.iter().map(String::as_str);
    let chosen = resource::choose(&audience.resources, wanted).map_err(|_| invalid_target())?;
    let mut chosen = if chosen.is_empty() {
        audience.resources.clone()
    } else {
        chosen
    };
    Ok(if chosen.len() > 1 {
        Some(Audience::Many(chosen))
    } else {
        chosen.pop().map(Audience::One)
    })
}

/// Loads who the ID token says signed in, if they still are.
async fn load(
    flows: &Flows,
    act: &Act,
    client: &Client,
    message: &TokenExchange,
) -> Result<SignedIn, Rejection> {
    let text = message.subject.token.expose();
    let told = id_token::accept(flows, act, client, text).await?;
    let told = told.ok_or_else(unusable)?;
    let user = live::load_person(flows, act, &told.sub).await?;
    let user = user.ok_or_else(unusable)?;
    let session: Option<SessionId> = told.sid.as_deref().and_then(|sid| sid.parse().ok());
    let sessions = flows
        .sessions
        .list(act.tenant.id, user.id, act.now, act.deadline);
    let mut sessions = sessions.await?.into_iter();
    let session = sessions.find(|known| Some(known.id) == session);
    Ok(SignedIn {
        user,
        session: session.ok_or_else(unusable)?,
        until: UnixMillis::from_seconds(told.exp),
    })
}

/// Says what is known of a person; for which client and what is the caller's to fill in.
fn assert(flows: &Flows, act: &Act, signed_in: &SignedIn, audience: &AssertionAudience) -> IdJag {
    let SignedIn {
        user,
        session,
        until,
    } = signed_in;
    let tells_email = audience.tells_email && user.email_verified;
    IdJag {
        iss: act.issuer.clone(),
        sub: user.id.to_string(),
        aud: audience.issuer.clone(),
        client_id: String::new(),
        jti: mint::new_jti(flows),
        iat: act.now.as_seconds(),
        exp: (act.now + LIFETIME).min(*until).as_seconds(),
        scope: None,
        resource: None,
        auth_time: session.auth_time.as_seconds(),
        acr: session.acr.clone(),
        amr: session.amr.clone(),
        email: tells_email.then(|| user.email.as_str().to_owned()),
        email_verified: tells_email.then_some(true),
    }
}

async fn record(
    flows: &Flows,
    act: &Act,
    client: &Client,
    (signed_in, claims): (&SignedIn, &IdJag),
) -> Result<(), Rejection> {
    let actor = Actor::Client(client.id.clone());
    let entry = act
        .entry_by(actor, EventKind::TokenIssued)
        .about(&signed_in.user.id)
        .through(&client.id)
        .within(signed_in.session.id)
        .with(json!({
            "grant": "token_exchange", "issued": "id-jag", "jti": claims.jti,
            "audience": claims.aud,
        }));
    Ok(act.wait(flows.audit.append(vec![entry])).await?)
}

fn unusable() -> Refusal {
    refuse("The token is not a live ID token of this client's.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8707_2_resources_are_those_that_the_tenant_allows() {
        let allowing = |resources: &[&str]| AssertionAudience {
            resources: resources.iter().map(ToString::to_string).collect(),
            ..AssertionAudience::default()
        };
        let (a, b) = ("https://a.example", "https://b.example");
        let both = Audience::Many(vec![a.to_owned(), b.to_owned()]);
        assert_eq!(choose(&allowing(&[]), &[]), Ok(None));
        assert_eq!(choose(&allowing(&[a, b]), &[]), Ok(Some(both)));
        let one = choose(&allowing(&[a, b]), &["https://B.example/".to_owned()]);
        assert_eq!(one, Ok(Some(Audience::One(b.to_owned()))));
        assert!(choose(&allowing(&[]), &[a.to_owned()]).is_err());
    }
}
