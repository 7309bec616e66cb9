//! Telling a client what a token is worth (RFC 7662).
//!
//! A client that may ask is told of every token of its tenant, any other of its own alone; what may not
//! be told, is unknown, expired or revoked is one answer: not active (§2.2). Of a refresh token nobody is
//! told but the client it was issued to: no other can use it. Whoever asks for it is
//! answered with a JWS (RFC 9701).

use domain::api_key::SCOPE_INTROSPECT;
use domain::client::Client;
use domain::rejection::{Fault, OAuthCode, Refusal, Rejection};
use domain::secret::SecretText;
use domain::session::Presentation;
use protocol::access_token::Confirmation;
use protocol::introspection::{ActiveToken, Introspection, TYPE};
use protocol::opaque::{REFRESH_PREFIX, RefreshToken};
use store::port::sessions::Granted;

use super::token::ClientAuth;
use super::token::client_auth::{self, KnownClient};
use super::{Act, Flows, caller, live, signature, subject};

/// Ask what a token is worth.
#[derive(Debug, Clone)]
pub struct Introspect {
    /// The token.
    pub token: SecretText,
    /// Who asks; must prove it.
    pub client: ClientAuth,
    /// Whether the answer is to be signed (RFC 9701 §4).
    pub is_signed: bool,
}

/// What is told of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The answer itself.
    Plain(Introspection),
    /// A JWS of it, for the asker alone.
    Signed(String),
}

/// Tells what a token is worth.
///
/// # Errors
/// `invalid_client` for whoever does not authenticate; a fault while this node does not know what was
/// revoked.
pub async fn introspect(flows: &Flows, act: &Act, message: Introspect) -> Result<Told, Rejection> {
    let known =
        client_auth::authenticate_or_key(flows, act, message.client, SCOPE_INTROSPECT).await?;
    let KnownClient::Confidential(client) = &known else {
        let hint = "introspection is for clients that authenticate (RFC 7662 §2.1)";
        return Err(Refusal::oauth(OAuthCode::InvalidClient, hint).into());
    };
    let active = judge(flows, act, client, message.token.expose()).await?;
    let told = active.map_or_else(Introspection::inactive, Introspection::active);
    if !message.is_signed {
        return Ok(Told::Plain(told));
    }
    let wanted = signature::of_introspection(&client.metadata);
    let claims = told.signed(&act.issuer, &client.id, act.now);
    let jwt = signature::sign(flows, act, wanted, (TYPE, &claims)).await?;
    Ok(Told::Signed(jwt))
}

/// Gives what is told of a live token that concerns the client.
async fn judge(
    flows: &Flows,
    act: &Act,
    client: &Client,
    token: &str,
) -> Result<Option<ActiveToken>, Rejection> {
    if token.starts_with(REFRESH_PREFIX) {
        return judge_refresh(flows, act, client, token).await;
    }
    let Some(claims) = caller::accept(flows, act, token) else {
        return Ok(None);
    };
    let is_told = client.metadata.may_introspect || claims.client_id == client.id;
    if is_told && live::is_live(flows, act, &claims).await? {
        return Ok(Some(ActiveToken::from(claims)));
    }
    Ok(None)
}

/// Gives what is told of the client's own refresh token, if it is the current one of its family and
/// in time.
async fn judge_refresh(
    flows: &Flows,
    act: &Act,
    client: &Client,
    token: &str,
) -> Result<Option<ActiveToken>, Rejection> {
    let parsed = RefreshToken::parse(&flows.secrets, token).ok();
    let Some(own) = parsed.filter(|token| token.tenant == act.tenant.id) else {
        return Ok(None);
    };
    let (tenant, id) = (act.tenant.id, client.id.clone());
    let found = flows
        .sessions
        .live_family(tenant, own.family, id, act.deadline);
    let window = flows.settings.tokens.refresh_reuse_window;
    let is_current = |granted: &Granted| {
        granted.family.judge(own.generation, act.now, window) == Presentation::Current
    };
    let found = found.await?.filter(is_current);
    let Some(granted) = found else {
        return Ok(None);
    };
    subject::prepare(flows, act).await?;
    Ok(Some(active_refresh(flows, act, client, granted)?))
}

fn active_refresh(
    flows: &Flows,
    act: &Act,
    client: &Client,
    granted: Granted,
) -> Result<ActiveToken, Fault> {
    let Granted {
        family,
        session,
        user,
        ..
    } = granted;
    let sector = subject::sector_of_grant(family.details.sector.as_deref(), Some(client))?;
    let names = subject::names(flows, act, (user.id, session.id), sector.as_deref())?;
    let (jkt, certificate) = (family.details.dpop_jkt, family.details.certificate);
    Ok(ActiveToken {
        scope: family.scope.to_string(),
        client_id: family.client,
        exp: family.idle_expires_at.min(family.expires_at).as_seconds(),
        iat: family.rotated_at.as_seconds(),
        sub: names.subject,
        iss: act.issuer.clone(),
        cnf: (jkt.is_some() || certificate.is_some()).then_some(Confirmation {
            jkt,
            x5t_s256: certificate,
        }),
        tid: act.tenant.id.to_string(),
        roles: user.roles,
        client_type: caller::TYPE_USER.to_owned(),
        acr: Some(session.acr),
        amr: session.amr,
        auth_time: Some(session.auth_time.as_seconds()),
        sid: Some(names.session),
        ..ActiveToken::default()
    })
}
