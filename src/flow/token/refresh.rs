//! Refreshing (RFC 6749 §6, RFC 9700 §4.14, CONTRACT §4).
//!
//! The token's own signature is checked before anything is asked; the client proves who it is; then
//! one step of the store judges the presentation and advances the family at most once. Roles and the
//! user's standing are what that same step read.

use domain::client::Client;
use domain::event::Actor;
use domain::rejection::{OAuthCode, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use protocol::oauth::authorization::OFFLINE_ACCESS;
use protocol::opaque::RefreshToken;
use store::port::sessions::{Granted, Rotation, Turn};

use super::TokenReply;
use super::client_auth::{self, ClientAuth, KnownClient};
use super::client_credentials::invalid_target;
use super::id_token::{self, Identified};
use super::mint::{self, ForPerson, Terms};
use crate::flow::proof::{Bound, Presented};
use crate::flow::{Act, Flows, lifetimes};
use crate::telemetry::meters::RefreshOutcome;

/// Trade a refresh token for the next pair.
#[derive(Debug, Clone)]
pub struct Refresh {
    /// The token.
    pub refresh_token: SecretText,
    /// Who presents it.
    pub client: ClientAuth,
    /// What the access token is to be for, if less than before.
    pub scope: Option<String>,
    /// Which of the granted resources it is to be for (RFC 8707 §2.2).
    pub resource: Vec<String>,
    /// The proof of a key.
    pub proof: Option<Presented>,
}

/// The grant's registered name.
pub const GRANT: &str = "refresh_token";

/// Trades a refresh token for the next pair. A repeat within the reuse window gets the same
/// successor.
///
/// # Errors
/// `invalid_grant` for a token that is not ours, another tenant's or client's, expired, ended or
/// reused; `invalid_client`, `unauthorized_client`, `invalid_scope`; or a fault.
pub async fn refresh(flows: &Flows, act: &Act, message: Refresh) -> Result<TokenReply, Rejection> {
    let refreshed = rotate(flows, act, message).await;
    flows.meters.count_refresh(
        act.spot(),
        match &refreshed {
            Ok((_, outcome)) => *outcome,
            Err(NotRefreshed::Reused) => RefreshOutcome::Reused,
            Err(NotRefreshed::Rejected(Rejection::Refused(_))) => RefreshOutcome::Refused,
            Err(NotRefreshed::Rejected(Rejection::Failed(_))) => RefreshOutcome::Failed,
        },
    );
    match refreshed {
        Ok((reply, _)) => Ok(reply),
        Err(NotRefreshed::Reused) => Err(invalid_grant().into()),
        Err(NotRefreshed::Rejected(rejection)) => Err(rejection),
    }
}

/// Why no pair was given. A reuse is told to the caller like any other unusable token.
enum NotRefreshed {
    Reused,
    Rejected(Rejection),
}

impl<R: Into<Rejection>> From<R> for NotRefreshed {
    fn from(rejection: R) -> Self {
        Self::Rejected(rejection.into())
    }
}

async fn rotate(
    flows: &Flows,
    act: &Act,
    message: Refresh,
) -> Result<(TokenReply, RefreshOutcome), NotRefreshed> {
    let wanted = parse_scope(message.scope.as_deref())?;
    let client = client_auth::authenticate(flows, act, message.client).await?;
    client.require_grant(GRANT)?;
    let token = RefreshToken::parse(&flows.secrets, message.refresh_token.expose())
        .ok()
        .filter(|token| token.tenant == act.tenant.id)
        .ok_or_else(invalid_grant)?;
    let bound = Bound::prove(flows, act, client.registration(), message.proof.as_ref()).await?;
    if let Some(registered) = client.registration() {
        id_token::prepare(flows, act, registered).await?;
    }
    let turn = turn(flows, act, &token, &client, &bound);
    match flows.sessions.rotate(turn, act.deadline).await? {
        Rotation::Granted(granted) => {
            let wanted = Wanted {
                scope: wanted,
                resource: message.resource,
                bound,
            };
            let reply = answer(flows, act, &client, &granted, wanted).await?;
            Ok((reply, outcome(&granted)))
        }
        Rotation::Reused(_) => Err(NotRefreshed::Reused),
        Rotation::Ended | Rotation::Unknown => Err(invalid_grant().into()),
    }
}

/// What the access token is to be.
struct Wanted {
    scope: Option<ScopeSet>,
    resource: Vec<String>,
    bound: Bound,
}

/// Says whether a client is given another refresh token each time. Under FAPI 2.0 §5.3.2.1 it is not:
/// what it holds is good only together with its own key.
fn rotates(client: &KnownClient) -> bool {
    client
        .registration()
        .is_none_or(|client| !client.metadata.fapi_2_0)
}

fn turn(
    flows: &Flows,
    act: &Act,
    token: &RefreshToken,
    client: &KnownClient,
    bound: &Bound,
) -> Turn {
    let settings = lifetimes::of_tokens(flows, act);
    let mut origin = act.origin.clone();
    origin.actor = Actor::Client(client.id().to_owned());
    Turn {
        tenant: act.tenant.id,
        family: token.family,
        generation: token.generation,
        client: client.id().to_owned(),
        rotates: rotates(client),
        jkt: bound.jkt().map(str::to_owned),
        certificate: act.certificate.as_ref().map(|shown| shown.thumbprint()),
        now: act.now,
        window: settings.refresh_reuse_window,
        idle: settings.refresh_ttl,
        remember_until: flows.remember_until(act.now),
        origin,
    }
}

async fn answer(
    flows: &Flows,
    act: &Act,
    client: &KnownClient,
    granted: &Granted,
    wanted: Wanted,
) -> Result<TokenReply, Rejection> {
    let Granted {
        family,
        session,
        user,
        ..
    } = granted;
    let held = still_registered(&family.scope, client.registration());
    let scope = narrow(&held, wanted.scope)?;
    let details = &family.details;
    let resources = still_audiences(&details.resources, client.registration())?;
    let audience = super::audience_of(&resources, &act.issuer, &wanted.resource)
        .map_err(|_| invalid_target())?;
    let whom = ForPerson {
        user,
        session,
        family: family.id,
        client: client.id(),
        registration: client.registration(),
        terms: Terms {
            audience: Some(audience),
            bound: Some(&wanted.bound),
            details: Some(details),
            jti: None,
        },
    };
    let minted = mint::for_person(flows, act, &whom, &scope).await?;
    let successor = RefreshToken {
        tenant: act.tenant.id,
        family: family.id,
        generation: family.generation,
    };
    let id_token = match client.registration() {
        Some(client) => {
            let identified = Identified {
                client,
                user,
                session,
                nonce: None,
                access: &minted.access,
                details,
            };
            id_token::mint(flows, act, &scope, &identified).await?
        }
        None => None,
    };
    Ok(TokenReply {
        issued: None,
        kind: wanted.bound.token_type(),
        id_token,
        access: minted.access,
        refresh: Some(successor.mint(&flows.secrets)),
        expires_in: minted.expires_in,
        scope,
        details: details.authorization_details.clone(),
        // Our own API alone is told the account's id.
        user: client.registration().is_none().then_some(user.id),
    })
}

const fn outcome(granted: &Granted) -> RefreshOutcome {
    match (granted.advanced, granted.family.reissued) {
        (true, _) => RefreshOutcome::Rotated,
        (false, true) => RefreshOutcome::Reissued,
        (false, false) => RefreshOutcome::Repeated,
    }
}

/// Reads the wanted scope; an empty parameter is an absent one (RFC 6749 §3.1).
pub(super) fn parse_scope(text: Option<&str>) -> Result<Option<ScopeSet>, Refusal> {
    text.filter(|text| !text.is_empty())
        .map(ScopeSet::parse)
        .transpose()
        .map_err(|error| Refusal::oauth(OAuthCode::InvalidScope, error.to_string()))
}

/// Gives what the access token is for: all that was granted, or what is wanted of it. It never grows
/// (RFC 6749 §6).
pub(super) fn narrow(granted: &ScopeSet, wanted: Option<ScopeSet>) -> Result<ScopeSet, Refusal> {
    match wanted {
        None => Ok(granted.clone()),
        Some(wanted) if wanted.is_within(granted) => Ok(wanted),
        Some(_) => Err(Refusal::oauth(
            OAuthCode::InvalidScope,
            "The scope asks for more than was granted.",
        )),
    }
}

/// Leaves of what was granted what the client is registered for now; to stay needs no registration.
fn still_registered(granted: &ScopeSet, client: Option<&Client>) -> ScopeSet {
    let Some(client) = client else {
        return granted.clone();
    };
    let registered = ScopeSet::from_stored(client.metadata.scopes.clone());
    let offline = ScopeSet::from_stored(vec![OFFLINE_ACCESS.to_owned()]);
    granted.intersection(&registered.union(&offline))
}

/// Leaves of the resources that were granted those that the client is registered for now.
///
/// # Errors
/// `invalid_target` when none is left: a token for no resource would be one for us.
fn still_audiences(granted: &[String], client: Option<&Client>) -> Result<Vec<String>, Refusal> {
    let is_registered = |resource: &&String| {
        client.is_none_or(|client| client.metadata.audiences.contains(resource))
    };
    let left: Vec<String> = granted.iter().filter(is_registered).cloned().collect();
    if left.is_empty() && !granted.is_empty() {
        return Err(invalid_target());
    }
    Ok(left)
}

fn invalid_grant() -> Refusal {
    Refusal::oauth(
        OAuthCode::InvalidGrant,
        "The refresh token is invalid, expired or revoked. Sign in again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> ScopeSet {
        ScopeSet::parse(text).expect("a scope")
    }

    #[test]
    fn rfc_6749_6_the_scope_may_shrink_and_never_grows() {
        let granted = scope("openid email");
        assert_eq!(narrow(&granted, None), Ok(granted.clone()));
        assert_eq!(narrow(&granted, Some(scope("email"))), Ok(scope("email")));
        let refused = narrow(&granted, Some(scope("email admin"))).expect_err("grows");
        assert_eq!(refused.oauth, Some(OAuthCode::InvalidScope));
    }

    #[test]
    fn rfc_6749_3_1_an_empty_scope_is_an_absent_one() {
        assert_eq!(parse_scope(Some("")), Ok(None));
        assert_eq!(parse_scope(None), Ok(None));
        let refused = parse_scope(Some("a  b")).expect_err("two spaces");
        assert_eq!(refused.oauth, Some(OAuthCode::InvalidScope));
    }
}
