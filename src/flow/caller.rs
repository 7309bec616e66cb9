//! Who calls: judging a presented credential (RFC 6750, RFC 9068 §4).
//!
//! An access token is judged without a store: its signature, once (see [`verified`](super::verified)),
//! its times, issuer, tenant and audience, and then the list of what was revoked. A node that does not
//! know what was revoked says so (503) rather than guess. What an operator may do is asked of the account's
//! roles and the rules each time (see [`allowed`](super::allowed)) and not read from the token, because a
//! role that was taken away must be gone within a second and not when a token expires.

use std::sync::Arc;

use domain::api_key::ApiKey;
use domain::client::FIRST_PARTY;
use domain::event::Actor;
use domain::id::{SessionId, UserId};
use domain::rejection::{Code, Fault, OAuthCode, Refusal, Rejection};
use protocol::access_token::{AccessClaims, Audience, Confirmation, Expected};
use protocol::assurance::Level;
use protocol::dpop::NonceRule;
use protocol::oauth::exchange::ActingParty;
use protocol::opaque::RandomToken;

use super::account::AccountHolder;
use super::token::mint::longest_lifetime;
use super::{Act, Flows, api_key, live, proof, subject};

/// A credential as a caller presents it.
#[derive(Debug, Clone)]
pub enum Presented {
    /// What stood after `Bearer`: an access token, or an API key.
    Bearer(String),
    /// What stood after `DPoP`: an access token, and the proof of the key it is bound to.
    Dpop(String, proof::Presented),
    /// What stood in `X-API-Key`.
    ApiKey(String),
}

/// Who calls.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A person, by an access token: its claims, their account, their sign-in.
    Person(Arc<AccessClaims>, UserId, Option<SessionId>),
    /// A service or an agent, by an access token.
    System(Arc<AccessClaims>),
    /// The holder of an API key.
    ApiKey(Arc<ApiKey>),
}

/// A person who calls.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their account.
    pub user: UserId,
    /// The sign-in that the token belongs to.
    pub session: Option<SessionId>,
    /// What the token says.
    pub claims: Arc<AccessClaims>,
}

/// The `client_type` of a token that speaks for a person.
pub(crate) const TYPE_USER: &str = "user";

/// Judges a presented credential.
///
/// # Errors
/// 401 with `invalid_token` for anything that is not a live credential of this tenant; 429 for an API key
/// that is used more often than it may be; 503 while this
/// node does not know what was revoked, or a store is away.
pub async fn authenticate(
    flows: &Flows,
    act: &Act,
    presented: Presented,
) -> Result<Caller, Rejection> {
    match presented {
        Presented::Bearer(token) if !token.starts_with(RandomToken::ApiKey.prefix()) => {
            authenticate_token(flows, act, &token, None).await
        }
        Presented::Dpop(token, proof) => authenticate_token(flows, act, &token, Some(&proof)).await,
        Presented::Bearer(key) | Presented::ApiKey(key) => {
            let key = api_key::judge(flows, act, &key).await?;
            Ok(Caller::ApiKey(key))
        }
    }
}

/// Demands a person.
///
/// # Errors
/// 403 for systems and API keys.
pub fn require_person(caller: &Caller) -> Result<Person, Refusal> {
    match caller {
        Caller::Person(claims, user, session) => Ok(Person {
            user: *user,
            session: *session,
            claims: Arc::clone(claims),
        }),
        Caller::System(_) | Caller::ApiKey(_) => Err(Refusal::oauth(
            OAuthCode::InsufficientScope,
            "Only a person may do this.",
        )),
    }
}

/// Demands the person themselves, signed in here: no application, whose token says what they allowed it
/// and not more than that (RFC 9700 §2.3), nobody who acts for them (RFC 8693 §4.1), and no token without a
/// sign-in.
///
/// # Errors
/// 403 for anybody else.
pub fn require_self(person: &Person) -> Result<(), Refusal> {
    let is_ours = person.claims.client_id == FIRST_PARTY;
    if is_ours && person.claims.act.is_none() && person.session.is_some() {
        return Ok(());
    }
    Err(Refusal::oauth(
        OAuthCode::InsufficientScope,
        "Only the person may do this, signed in here: no application, and nobody who acts for them.",
    ))
}

// === impl Caller ===

impl Caller {
    /// Names the caller for the audit trail.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Person(claims, ..) | Self::System(claims) if claims.act.is_some() => {
                delegate(claims)
            }
            Self::Person(_, user, _) => Actor::User(user.to_string()),
            Self::System(claims) => Actor::Client(claims.client_id.clone()),
            Self::ApiKey(key) => Actor::ApiKey(key.id.to_string()),
        }
    }

    /// Says whether an API key has a scope; nobody else has scopes of that kind.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        matches!(self, Self::ApiKey(key) if key.scopes.contains(scope))
    }
}

// === impl Person ===

impl Person {
    /// Gives whose account it is.
    #[must_use]
    pub fn holder(&self) -> AccountHolder {
        let level = self.claims.acr.as_deref().and_then(Level::parse);
        AccountHolder {
            user: self.user,
            session: self.session,
            level: level.unwrap_or(Level::Aal1),
        }
    }

    /// Names the person for the audit trail.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self.claims.act {
            Some(_) => delegate(&self.claims),
            None => Actor::User(self.user.to_string()),
        }
    }
}

/// Names who acts, and for whom: a delegate is never written down as the person.
fn delegate(claims: &AccessClaims) -> Actor {
    let chain = claims.act.iter().flat_map(ActingParty::subjects);
    Actor::Delegate {
        subject: claims.sub.clone(),
        chain: chain.map(str::to_owned).collect(),
    }
}

/// What every credential that is not accepted is answered with.
pub(crate) fn invalid_token() -> Refusal {
    Refusal::oauth(
        OAuthCode::InvalidToken,
        "The credential is missing, expired or revoked. Sign in again.",
    )
}

async fn authenticate_token(
    flows: &Flows,
    act: &Act,
    token: &str,
    proof: Option<&proof::Presented>,
) -> Result<Caller, Rejection> {
    let claims = accept(flows, act, token).await?;
    let claims = claims
        .filter(|claims| is_for(&claims.aud, &act.issuer))
        .ok_or_else(invalid_token)?;
    if live::is_revoked(flows, &claims)? {
        return Err(invalid_token().into());
    }
    check_possession(flows, act, (token, &claims), proof).await?;
    if !live::are_parties_live(flows, act, &claims).await? {
        return Err(invalid_token().into());
    }
    Ok(recognize(flows, claims)?)
}

/// Takes what a token of ours said that was accepted before and kept where nobody could change it, as if
/// it were shown now.
///
/// # Errors
/// 401 if it was revoked or its holder may not be one any more; 503 while that is not known.
pub(crate) async fn resume(
    flows: &Flows,
    act: &Act,
    claims: AccessClaims,
) -> Result<Caller, Rejection> {
    if !live::is_live(flows, act, &claims).await? {
        return Err(invalid_token().into());
    }
    Ok(recognize(flows, Arc::new(claims))?)
}

fn recognize(flows: &Flows, claims: Arc<AccessClaims>) -> Result<Caller, Refusal> {
    let holder = subject::holder_of(flows, &claims).ok_or_else(invalid_token)?;
    Ok(match holder.user {
        Some(user) => Caller::Person(claims, user, holder.session),
        None => Caller::System(claims),
    })
}

/// Holds a token to what it is bound to. RFC 9449 §7.2: a token bound to a key is not taken as a bearer
/// token, nor a bearer token as a bound one. RFC 8705 §3: one that is bound to a certificate counts with
/// that certificate alone.
async fn check_possession(
    flows: &Flows,
    act: &Act,
    (token, claims): (&str, &AccessClaims),
    proof: Option<&proof::Presented>,
) -> Result<(), Rejection> {
    let shown = act.certificate.as_deref();
    let (jkt, certificate) = match &claims.cnf {
        None => (None, None),
        // It says that it is bound and not to what.
        Some(Confirmation {
            jkt: None,
            x5t_s256: None,
        }) => return Err(invalid_token().into()),
        Some(Confirmation { jkt, x5t_s256 }) => (jkt.as_ref(), x5t_s256.as_ref()),
    };
    let holds = |wanted: &String| shown.is_some_and(|shown| shown.thumbprint() == *wanted);
    if !certificate.is_none_or(holds) {
        return Err(invalid_token().into());
    }
    match (jkt, proof) {
        (None, None) => Ok(()),
        (Some(jkt), Some(proof)) => {
            let expected = (Some(token), NonceRule::Optional);
            let proof = proof::check(flows, act, proof, expected)
                .await
                .map_err(unauthorized)?;
            if proof.jkt == *jkt {
                return Ok(());
            }
            Err(invalid_token().into())
        }
        _ => Err(invalid_token().into()),
    }
}

/// Says of a proof what is said of a token that is not accepted: 401 (RFC 9449 §7.1).
fn unauthorized(rejection: Rejection) -> Rejection {
    match rejection {
        Rejection::Refused(refusal) => Rejection::Refused(Refusal {
            code: Code::Unauthorized,
            ..refusal
        }),
        fault @ Rejection::Failed(_) => fault,
    }
}

/// Judges a token by what it says alone; whether it was revoked, and whom it is for, is not asked.
///
/// # Errors
/// As [`Flows::ring`].
///
/// # Cancel safety
/// Reads only.
pub(crate) async fn accept(
    flows: &Flows,
    act: &Act,
    token: &str,
) -> Result<Option<Arc<AccessClaims>>, Fault> {
    let tenant = act.tenant.id.to_string();
    let claims = read(flows, act, token).await?;
    let is_ours = |claims: &Arc<AccessClaims>| claims.check(expected(flows, act, &tenant)).is_ok();
    Ok(claims.filter(is_ours))
}

/// Reads a token by its signature alone, which must be of this tenant's keys: what it says may be another's,
/// and its time may be over.
///
/// # Errors
/// As [`Flows::ring`].
///
/// # Cancel safety
/// Reads only.
pub(crate) async fn read(
    flows: &Flows,
    act: &Act,
    token: &str,
) -> Result<Option<Arc<AccessClaims>>, Fault> {
    let ring = flows.ring(act).await?;
    Ok(flows.verified.claims(token, |kid| ring.find(kid)))
}

/// Says what a token must match here and now.
pub(crate) fn expected<'a>(flows: &Flows, act: &'a Act, tenant: &'a str) -> Expected<'a> {
    Expected {
        issuer: &act.issuer,
        tenant,
        now: act.now,
        longest: longest_lifetime(&flows.settings.tokens),
    }
}

/// Says whether a token is for us (RFC 9068 §4): one for another resource is not taken here.
fn is_for(audience: &Audience, issuer: &str) -> bool {
    match audience {
        Audience::One(only) => only == issuer,
        Audience::Many(all) => all.iter().any(|one| one == issuer),
    }
}

#[cfg(test)]
mod tests {
    use domain::rejection::Code;

    use super::*;
    use crate::flow::allowed::tests::key;

    #[test]
    fn rfc_9068_4_a_token_for_another_resource_is_not_for_us() {
        let us = "https://auth.example.org";
        assert!(is_for(&Audience::One(us.to_owned()), us));
        let both = vec!["https://api.example.org".to_owned(), us.to_owned()];
        assert!(is_for(&Audience::Many(both), us));
        assert!(!is_for(
            &Audience::One("https://api.example.org".to_owned()),
            us
        ));
        assert!(!is_for(&Audience::Many(Vec::new()), us));
    }

    #[test]
    fn a_system_is_no_person() {
        let refused = require_person(&Caller::ApiKey(Arc::new(key("admin:*"))));
        assert_eq!(
            refused.err().map(|refusal| refusal.code),
            Some(Code::Forbidden)
        );
    }
}
