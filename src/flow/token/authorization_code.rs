//! Trading a code for tokens (RFC 6749 §4.1.3, OpenID Connect Core §3.1.3).
//!
//! The code's own signature is checked before anything is asked; the client proves who it is and, where
//! the code or the client asks for it, a key. Then one step of the store judges code, client, redirect
//! URI, verifier and key together and redeems it at most once: a second valid redemption ends what the
//! first one gave, a replay with anything wrong changes nothing (RFC 9700 §4.5).

use std::sync::Arc;

use domain::authorization::{CodeGrant, GrantDetails};
use domain::client::Client;
use domain::event::Actor;
use domain::id::{FamilyId, SessionId, UserId};
use domain::rejection::{OAuthCode, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use domain::session::Family;
use protocol::oauth::pkce;
use protocol::opaque::{RandomToken, RefreshToken};
use store::port::sessions::{Judge, Redeemable, Redeemed, RedeemedGrant, Redemption};

use super::client_auth::{self, ClientAuth, KnownClient};
use super::id_token::{self, Identified};
use super::mint::{self, ForPerson, Terms};
use super::{TokenReply, refresh};
use crate::flow::proof::{Bound, Presented};
use crate::flow::{Act, Flows, lifetimes};

/// Trade a code for tokens.
#[derive(Debug, Clone)]
pub struct AuthorizationCode {
    /// The code.
    pub code: SecretText,
    /// Where the code was sent; must be the same if it is said (OAuth 2.1 §4.1.3).
    pub redirect_uri: Option<String>,
    /// What the challenge was made of (RFC 7636 §4.5).
    pub code_verifier: Option<String>,
    /// Who presents it.
    pub client: ClientAuth,
    /// Which of the granted resources the access token is for (RFC 8707 §2.2).
    pub resource: Vec<String>,
    /// The proof of a key.
    pub proof: Option<Presented>,
}

/// What is presented, and what was proved with it.
pub(super) struct Presentation<'a> {
    pub(super) kind: Redeemable,
    pub(super) signature: [u8; 32],
    pub(super) judge: Judge,
    pub(super) bound: &'a Bound,
    pub(super) jti: &'a str,
}

/// The grant's registered name.
pub const GRANT: &str = "authorization_code";

/// Trades a code for tokens.
///
/// # Errors
/// `invalid_grant` for a code that is not ours, another client's, expired or spent, or whose redirect
/// URI, verifier or key is another; `invalid_client`, `unauthorized_client`, `invalid_target`,
/// `invalid_dpop_proof`; or a fault.
pub async fn authorization_code(
    flows: &Flows,
    act: &Act,
    message: AuthorizationCode,
) -> Result<TokenReply, Rejection> {
    let known = client_auth::authenticate(flows, act, message.client.clone()).await?;
    known.require_grant(GRANT)?;
    let client = known.registered().ok_or_else(invalid_grant)?;
    let signature = RandomToken::AuthorizationCode
        .parse(&flows.secrets, message.code.expose())
        .map_err(|_| invalid_grant())?;
    let bound = Bound::prove(flows, act, Some(&client), message.proof.as_ref()).await?;
    id_token::prepare(flows, act, &client).await?;
    let jti = mint::new_jti(flows);
    let presentation = Presentation {
        kind: Redeemable::AuthorizationCode,
        signature,
        judge: judge(&message, bound.jkt().map(str::to_owned)),
        bound: &bound,
        jti: &jti,
    };
    let redemption = redemption(flows, act, &known, presentation);
    match flows.sessions.redeem(redemption, act.deadline).await? {
        Redeemed::Granted(granted) => {
            let wanted = (message.resource, bound, jti);
            answer(flows, act, &client, &granted, wanted).await
        }
        Redeemed::Replayed(_) | Redeemed::Refused => Err(invalid_grant().into()),
    }
}

/// Makes the order to redeem what a client presents.
pub(super) fn redemption(
    flows: &Flows,
    act: &Act,
    known: &KnownClient,
    presentation: Presentation<'_>,
) -> Redemption {
    let settings = &flows.settings.tokens;
    let mut origin = act.origin.clone();
    origin.actor = Actor::Client(known.id().to_owned());
    Redemption {
        tenant: act.tenant.id,
        kind: presentation.kind,
        signature: presentation.signature,
        client: known.id().to_owned(),
        judge: presentation.judge,
        family: new_family(flows, act, known, presentation.bound),
        access_jti: presentation.jti.to_owned(),
        access_expires_at: act.now + mint::longest_lifetime(settings),
        now: act.now,
        remember_until: flows.remember_until(act.now),
        origin,
    }
}

/// Makes the family that the code begins; whose it is and what it is for, the code knows.
fn new_family(flows: &Flows, act: &Act, known: &KnownClient, bound: &Bound) -> Family {
    let (settings, random) = (lifetimes::of_tokens(flows, act), flows.random.as_ref());
    // Refresh tokens of public clients are bound to what was proved (RFC 9449 §5, RFC 8705 §4); those of
    // others to the client, which authenticates with each use.
    let own = |proved: Option<&str>| proved.filter(|_| known.is_public()).map(str::to_owned);
    Family {
        id: FamilyId::generate(act.now, random),
        tenant: act.tenant.id,
        session: SessionId::generate(act.now, random),
        user: UserId::generate(act.now, random),
        client: known.id().to_owned(),
        scope: ScopeSet::default(),
        details: GrantDetails {
            dpop_jkt: own(bound.jkt()),
            certificate: own(bound.certificate()),
            ..GrantDetails::default()
        },
        generation: 1,
        rotated_at: act.now,
        reissued: false,
        idle_expires_at: act.now + settings.refresh_ttl,
        expires_at: act.now + settings.refresh_max_age,
    }
}

/// Judges what was presented against what the code is worth.
fn judge(message: &AuthorizationCode, jkt: Option<String>) -> Judge {
    let redirect_uri = message.redirect_uri.clone();
    let verifier = message.code_verifier.clone();
    Arc::new(move |grant: &CodeGrant| {
        let is_place = redirect_uri
            .as_ref()
            .is_none_or(|uri| *uri == grant.redirect_uri);
        let is_key = grant
            .dpop_jkt
            .as_ref()
            .is_none_or(|wanted| Some(wanted) == jkt.as_ref());
        let challenge = grant.code_challenge.as_deref();
        is_place && is_key && pkce::check_verifier(challenge, verifier.as_deref()).is_ok()
    })
}

/// Answers with what was granted.
pub(super) async fn answer(
    flows: &Flows,
    act: &Act,
    client: &Arc<Client>,
    granted: &RedeemedGrant,
    (resource, bound, jti): (Vec<String>, Bound, String),
) -> Result<TokenReply, Rejection> {
    let RedeemedGrant {
        grant,
        session,
        user,
        family,
    } = granted;
    let audience = super::audience_of(&grant.details.resources, &act.issuer, &resource)
        .map_err(|_| super::client_credentials::invalid_target())?;
    let whom = ForPerson {
        user,
        session,
        family: family.id,
        client: &client.id,
        registration: Some(client),
        terms: Terms {
            audience: Some(audience),
            bound: Some(&bound),
            details: Some(&grant.details),
            jti: Some(jti),
        },
    };
    let minted = mint::for_person(flows, act, &whom, &grant.scope).await?;
    let identified = Identified {
        client,
        user,
        session,
        nonce: grant.nonce.as_deref(),
        access: &minted.access,
        details: &grant.details,
    };
    let id_token = id_token::mint(flows, act, &grant.scope, &identified).await?;
    let refresh = RefreshToken {
        tenant: act.tenant.id,
        family: family.id,
        generation: family.generation,
    };
    let refresh = gives_refresh(client, &grant.scope).then(|| refresh.mint(&flows.secrets));
    Ok(TokenReply {
        issued: None,
        access: minted.access,
        refresh,
        expires_in: minted.expires_in,
        scope: grant.scope.clone(),
        details: grant.details.authorization_details.clone(),
        user: None,
        id_token,
        kind: bound.token_type(),
    })
}

/// Says whether a refresh token comes with it: the client may use one, and an OpenID request asked for
/// it (OpenID Connect Core §11).
fn gives_refresh(client: &Client, scope: &ScopeSet) -> bool {
    let may = client
        .metadata
        .grant_types
        .iter()
        .any(|grant| grant == refresh::GRANT);
    may && (!scope.contains(id_token::OPENID) || scope.contains("offline_access"))
}

fn invalid_grant() -> Refusal {
    Refusal::oauth(
        OAuthCode::InvalidGrant,
        "The code is invalid, expired or used, or it was issued for another client, redirect URI, \
         verifier or key.",
    )
}
