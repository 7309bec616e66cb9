//! ID tokens: who signed in, told to a client (OpenID Connect Core §2).

use domain::authorization::GrantDetails;
use domain::client::Client;
use domain::key::Algorithm;
use domain::rejection::Fault;
use domain::scope::ScopeSet;
use domain::session::Session;
use domain::user::User;
use protocol::access_token::Audience;
use protocol::jose::verify::{ID_TOKEN, verify};
use protocol::oidc::claims::{self, ClaimsTarget};
use protocol::oidc::id_token::{IdTokenClaims, half_hash};
use serde::Deserialize;

use crate::flow::{Act, Flows, lifetimes, signature, subject};

/// Whom an ID token is about, and what it belongs to.
pub(crate) struct Identified<'a> {
    pub(crate) client: &'a Client,
    pub(crate) user: &'a User,
    pub(crate) session: &'a Session,
    pub(crate) nonce: Option<&'a str>,
    /// The access token it is given with.
    pub(crate) access: &'a str,
    /// What was granted beside the scope.
    pub(crate) details: &'a GrantDetails,
}

/// What is read of an ID token that a client shows as a hint.
#[derive(Debug, Clone, Deserialize)]
pub struct HintClaims {
    /// Whom it is about.
    pub sub: String,
    /// Whom it was given to.
    pub aud: Audience,
    /// In which session.
    #[serde(default)]
    pub sid: Option<String>,
    /// When it expires, in seconds.
    pub exp: i64,
    iss: String,
    iat: i64,
}

/// The scope that asks for an ID token (OpenID Connect Core §3.1.2.1).
pub(crate) const OPENID: &str = "openid";

/// Makes sure that the client's ID tokens can be signed in its algorithm, and that the person can be
/// named to it. Before whatever happens once.
///
/// # Errors
/// As [`signature::prepare`] and [`subject::prepare`].
///
/// # Cancel safety
/// As [`signature::prepare`] and [`subject::prepare`].
pub(crate) async fn prepare(flows: &Flows, act: &Act, client: &Client) -> Result<(), Fault> {
    subject::prepare(flows, act).await?;
    signature::prepare(flows, act, algorithm_of(client)).await
}

/// Gives the algorithm that a client registered for its ID tokens.
pub(crate) fn algorithm_of(client: &Client) -> Option<Algorithm> {
    signature::registered(client.metadata.id_token_signed_response_alg.as_deref())
}

/// Mints an ID token if the scope asks for one, in the client's algorithm.
///
/// # Errors
/// [`Fault::Restarting`] while there is no key to sign with, or no salt; see [`prepare`].
pub(crate) async fn mint(
    flows: &Flows,
    act: &Act,
    scope: &ScopeSet,
    whom: &Identified<'_>,
) -> Result<Option<String>, Fault> {
    if !scope.contains(OPENID) {
        return Ok(None);
    }
    let ring = flows.ring(act).await?;
    let signer = signature::signer(&ring, algorithm_of(whom.client))?;
    let algorithm = signer.key().algorithm();
    let lifetime = lifetimes::of_id_tokens(flows, act);
    let sector = subject::sector_of_grant(whom.details.sector.as_deref(), Some(whom.client))?;
    let ids = (whom.user.id, whom.session.id);
    let names = subject::names(flows, act, ids, sector.as_deref())?;
    let requested = whom.details.claims.as_ref();
    let claims = IdTokenClaims {
        iss: act.issuer.clone(),
        sub: names.subject,
        aud: Audience::One(whom.client.id.clone()),
        exp: (act.now + lifetime).as_seconds(),
        iat: act.now.as_seconds(),
        auth_time: Some(whom.session.auth_time.as_seconds()),
        nonce: whom.nonce.map(str::to_owned),
        acr: Some(whom.session.acr.clone()),
        amr: whom.session.amr.clone(),
        azp: None,
        at_hash: Some(half_hash(algorithm, whom.access)),
        sid: Some(names.session),
        extra: claims::claims_for(ClaimsTarget::IdToken, scope, requested, whom.user),
    };
    let token = signer
        .sign(Some("JWT"), &claims)
        .map_err(|_| Fault::Broken("an ID token could not be signed".to_owned()))?;
    Ok(Some(token))
}

/// Reads an ID token of ours, however old (OpenID Connect Core §3.1.2.1 `id_token_hint`: "even when …
/// expired"); `None` for anything else.
///
/// # Errors
/// As [`Flows::ring`].
///
/// # Cancel safety
/// Reads only.
pub async fn read_hint(flows: &Flows, act: &Act, text: &str) -> Result<Option<HintClaims>, Fault> {
    let ring = flows.ring(act).await?;
    let claims = verify(text, ID_TOKEN, |kid| ring.find(kid)).ok();
    // An ID token has both times (§2); a signed answer of the userinfo endpoint has neither.
    let is_ours = |claims: &HintClaims| claims.iss == act.issuer && claims.iat <= claims.exp;
    Ok(claims.filter(is_ours))
}

/// Reads an ID token of ours that was given to this client and has not expired; `None` for anything else.
///
/// # Errors
/// As [`read_hint`].
///
/// # Cancel safety
/// As [`read_hint`].
pub(crate) async fn accept(
    flows: &Flows,
    act: &Act,
    client: &Client,
    text: &str,
) -> Result<Option<HintClaims>, Fault> {
    let claims = read_hint(flows, act, text).await?;
    let is_theirs = |claims: &HintClaims| claims.aud == Audience::One(client.id.clone());
    Ok(claims.filter(|claims| is_theirs(claims) && act.now.as_seconds() < claims.exp))
}
