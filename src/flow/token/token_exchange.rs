//! Exchanging a token for one with which somebody acts for its subject (RFC 8693).
//!
//! The client must be registered for it and prove who it is. What it shows is an access token of ours,
//! of this tenant, that still counts, and that it may exchange; see
//! [`protocol::oauth::exchange`]. The new one says who acts, has no more scope than the shown one and
//! the client both have, ends no later, and carries the sign-in and the name of what it came from: so
//! whatever ends one of these ends it too, on every node. There is no refresh token.
//!
//! An ID token is exchanged too, for an assertion that another authorization server takes: see `id_jag`.
//!
//! Nothing happens once here: whoever asks again gets another token. The audit entry is written before
//! the answer. See `docs/decisions/0010-acting-for-others.md`.

use std::sync::Arc;

use domain::client::Client;
use domain::event::{Actor, EventKind};
use domain::id::SessionId;
use domain::rejection::{OAuthCode, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use protocol::access_token::AccessClaims;
use protocol::assertion_grant::ID_JAG;
use protocol::oauth::exchange::{
    ACCESS_TOKEN, ActingParty, Exchanger, JWT, Proved, Standing, Unexchangeable,
};
use serde_json::json;

use super::TokenReply;
use super::client_auth::{self, ClientAuth, KnownClient};
use super::client_credentials::invalid_target;
use super::mint::{self, ForDelegate, Minted};
use super::refresh::{narrow, parse_scope};
use crate::flow::caller::{self, TYPE_USER};
use crate::flow::proof::{Bound, Presented};
use crate::flow::{Act, Flows, live};

pub use protocol::oauth::exchange::GRANT;

mod id_jag;

/// Exchange a token.
#[derive(Debug, Clone)]
pub struct TokenExchange {
    /// Who asks; must prove it.
    pub client: ClientAuth,
    /// The token of whom somebody is to act for.
    pub subject: Shown,
    /// The token of who is to act; absent: the client.
    pub actor: Option<Shown>,
    /// What is asked for; absent: an access token.
    pub requested_token_type: Option<String>,
    /// What the new token is to be for; absent: all that it may be.
    pub scope: Option<String>,
    /// Which resources it is for (RFC 8707).
    pub resource: Vec<String>,
    /// The same by the other name (§2.1); for an ID-JAG the authorization server that it is for.
    pub audience: Vec<String>,
    /// The proof of a key.
    pub proof: Option<Presented>,
}

/// A token as it is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The token.
    pub token: SecretText,
    /// Its type (§3).
    pub kind: String,
}

/// Who acts for whom.
struct Delegation {
    subject: AccessClaims,
    standing: Standing,
    chain: ActingParty,
    /// What the subject may be acted for in at most.
    scope: ScopeSet,
    /// The subject's roles, as far as it still has those that the token names.
    roles: Vec<String>,
}

/// Exchanges a token.
///
/// # Errors
/// `invalid_client`, `unauthorized_client`; `invalid_request` for a token that is not ours, does not
/// count any more or is not the client's to exchange (§2.2.2); `invalid_scope`, `invalid_target`,
/// `invalid_dpop_proof`; or a fault.
pub async fn token_exchange(
    flows: &Flows,
    act: &Act,
    message: TokenExchange,
) -> Result<TokenReply, Rejection> {
    let wanted = parse_scope(message.scope.as_deref())?;
    let known = client_auth::authenticate(flows, act, message.client.clone()).await?;
    let KnownClient::Confidential(client) = &known else {
        return Err(Refusal::oauth(
            OAuthCode::InvalidClient,
            "This grant is for clients that authenticate.",
        )
        .into());
    };
    known.require_grant(GRANT)?;
    if message.requested_token_type.as_deref() == Some(ID_JAG) {
        return id_jag::issue(flows, act, client, (&message, wanted)).await;
    }
    check_types(&message)?;
    let bound = Bound::prove(flows, act, Some(client), message.proof.as_ref()).await?;
    let delegation = delegate(flows, act, client, (&message, &bound)).await?;
    let scope = narrow(&delegation.scope, wanted)?;
    let minted = mint(flows, act, client, (&message, &bound, &delegation, &scope)).await?;
    record(flows, act, client, &delegation, &minted.jti).await?;
    Ok(TokenReply {
        access: minted.access,
        kind: bound.token_type(),
        issued: Some(ACCESS_TOKEN),
        id_token: None,
        refresh: None,
        expires_in: minted.expires_in,
        scope,
        details: None,
        user: None,
    })
}

/// Refuses types of tokens that are not exchanged, or not for.
fn check_types(message: &TokenExchange) -> Result<(), Refusal> {
    let shown = [Some(&message.subject), message.actor.as_ref()];
    let is_known = |shown: &Shown| [ACCESS_TOKEN, JWT].contains(&shown.kind.as_str());
    if !shown.into_iter().flatten().all(is_known) {
        return Err(refuse(
            "subject_token_type and actor_token_type are access_token or jwt by their URNs (RFC 8693 §3)",
        ));
    }
    let wanted = message.requested_token_type.as_deref();
    if wanted.is_some_and(|wanted| wanted != ACCESS_TOKEN) {
        return Err(refuse(
            "requested_token_type is access_token or id-jag by its URN (RFC 8693 §3)",
        ));
    }
    Ok(())
}

async fn delegate(
    flows: &Flows,
    act: &Act,
    client: &Client,
    (message, bound): (&TokenExchange, &Bound),
) -> Result<Delegation, Rejection> {
    let (subject, standing) = judge(flows, act, client, (&message.subject, bound)).await?;
    let roles = load_roles(flows, act, &subject).await?;
    let actor = match &message.actor {
        Some(shown) => load_actor(flows, act, client, (shown, bound)).await?,
        None => None,
    };
    let actor = actor.as_deref().unwrap_or(client);
    let chain = ActingParty::before(&actor.id, subject.act.as_ref()).map_err(unexchangeable)?;
    let shown = ScopeSet::parse(&subject.scope).unwrap_or_default();
    let of = |client: &Client| ScopeSet::from_stored(client.metadata.scopes.clone());
    Ok(Delegation {
        scope: shown.intersection(&of(client)).intersection(&of(actor)),
        subject,
        standing,
        chain,
        roles,
    })
}

/// Judges a token that is shown: it is ours, counts, and is this client's to exchange.
async fn judge(
    flows: &Flows,
    act: &Act,
    client: &Client,
    (shown, bound): (&Shown, &Bound),
) -> Result<(AccessClaims, Standing), Rejection> {
    let claims = caller::accept(flows, act, shown.token.expose()).await?;
    let claims = Arc::unwrap_or_clone(claims.ok_or_else(unusable)?);
    let certificate = act.certificate.as_ref().map(|shown| shown.thumbprint());
    let proved = Proved {
        jkt: bound.jkt(),
        certificate: certificate.as_deref(),
    };
    let standing = exchanger(act, client)
        .standing(&claims, proved)
        .map_err(unexchangeable)?;
    if live::is_live(flows, act, &claims).await? {
        return Ok((claims, standing));
    }
    Err(unusable().into())
}

fn exchanger<'a>(act: &'a Act, client: &'a Client) -> Exchanger<'a> {
    Exchanger {
        client_id: &client.id,
        own_resources: &client.metadata.own_resources,
        audiences: &client.metadata.audiences,
        issuer: &act.issuer,
    }
}

/// Gives the roles of a token that its subject still has; none is given to who has lost it.
async fn load_roles(
    flows: &Flows,
    act: &Act,
    subject: &AccessClaims,
) -> Result<Vec<String>, Rejection> {
    let held = if subject.client_type == TYPE_USER {
        let person = live::load_person(flows, act, &subject.sub).await?;
        person.map(|person| person.roles)
    } else {
        let client = live::find_client(flows, act, &subject.sub).await?;
        client.map(|client| client.metadata.roles.clone())
    };
    let held = held.ok_or_else(unusable)?;
    let roles = subject.roles.iter().filter(|role| held.contains(role));
    Ok(roles.cloned().collect())
}

/// Gives the client that a token shows to act: one that speaks for itself and may exchange.
async fn load_actor(
    flows: &Flows,
    act: &Act,
    client: &Client,
    shown: (&Shown, &Bound),
) -> Result<Option<Arc<Client>>, Rejection> {
    let (claims, _) = judge(flows, act, client, shown).await?;
    let speaks_for_itself = claims.sub == claims.client_id && claims.act.is_none();
    let found = live::find_client(flows, act, &claims.sub).await?;
    let may_act = |actor: &Arc<Client>| {
        let mut grants = actor.metadata.grant_types.iter();
        speaks_for_itself && grants.any(|grant| grant == GRANT)
    };
    let actor = found.filter(may_act).ok_or_else(|| {
        refuse("The actor token is not one of a client for itself that may act for others.")
    })?;
    Ok(Some(actor))
}

async fn mint(
    flows: &Flows,
    act: &Act,
    client: &Client,
    (message, bound, delegation, scope): (&TokenExchange, &Bound, &Delegation, &ScopeSet),
) -> Result<Minted, Rejection> {
    let subject = &delegation.subject;
    let wanted = message.resource.iter().chain(&message.audience);
    let wanted = wanted.map(String::as_str);
    let audience = exchanger(act, client)
        .choose_audience(subject, delegation.standing, wanted)
        .map_err(|_| invalid_target())?;
    let whom = ForDelegate {
        subject,
        client,
        chain: &delegation.chain,
        roles: &delegation.roles,
        audience,
        bound,
    };
    Ok(mint::for_delegate(flows, act, whom, scope).await?)
}

async fn record(
    flows: &Flows,
    act: &Act,
    client: &Client,
    delegation: &Delegation,
    jti: &str,
) -> Result<(), Rejection> {
    let subject = &delegation.subject;
    let chain = delegation.chain.subjects().map(str::to_owned);
    let actor = Actor::Delegate {
        subject: subject.sub.clone(),
        chain: chain.collect(),
    };
    let mut entry = act
        .entry_by(actor, EventKind::TokenIssued)
        .about(&subject.sub)
        .through(&client.id)
        .with(json!({
            "grant": "token_exchange", "jti": jti, "subject_jti": subject.jti,
        }));
    entry.session = subject
        .sid
        .as_deref()
        .and_then(|sid| sid.parse::<SessionId>().ok());
    Ok(act.wait(flows.audit.append(vec![entry])).await?)
}

/// RFC 8693 §2.2.2: a token that is "invalid for any reason, or … unacceptable based on policy" is
/// `invalid_request`.
fn refuse(hint: &'static str) -> Refusal {
    Refusal::oauth(OAuthCode::InvalidRequest, hint)
}

fn unusable() -> Refusal {
    refuse("The token is not a live access token of this issuer.")
}

fn unexchangeable(reason: Unexchangeable) -> Refusal {
    Refusal::oauth(OAuthCode::InvalidRequest, reason.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str, actor: Option<&str>, wanted: Option<&str>) -> TokenExchange {
        let shown = |kind: &str| Shown {
            token: SecretText::new("x".to_owned()),
            kind: kind.to_owned(),
        };
        TokenExchange {
            client: ClientAuth::None,
            subject: shown(subject),
            actor: actor.map(shown),
            requested_token_type: wanted.map(str::to_owned),
            scope: None,
            resource: Vec::new(),
            audience: Vec::new(),
            proof: None,
        }
    }

    #[test]
    fn rfc_8693_3_access_tokens_are_exchanged_for_access_tokens() {
        let judge = |subject, actor, wanted| check_types(&message(subject, actor, wanted));
        assert!(judge(ACCESS_TOKEN, None, None).is_ok());
        assert!(judge(JWT, Some(ACCESS_TOKEN), Some(ACCESS_TOKEN)).is_ok());
        for odd in [
            "",
            "access_token",
            "urn:ietf:params:oauth:token-type:refresh_token",
            "urn:ietf:params:oauth:token-type:id_token",
            "urn:ietf:params:oauth:token-type:saml2",
            "URN:ietf:params:oauth:token-type:access_token",
        ] {
            for refused in [
                judge(odd, None, None),
                judge(JWT, Some(odd), None),
                judge(JWT, None, Some(odd)),
            ] {
                let word = refused.err().and_then(|refusal| refusal.oauth);
                assert_eq!(word, Some(OAuthCode::InvalidRequest), "{odd}");
            }
        }
    }
}
