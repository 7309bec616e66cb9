//! Taking another issuer's word for a person (RFC 7523 §2.1), as an ID-JAG or as any assertion.
//!
//! The tenant names whose word it takes, from which clients, and whom it is about; without any the grant
//! does not exist there. The assertion is verified with that issuer's keys, and its `jti` is claimed in
//! the store: once, on every node and across restarts, for as long as it could be accepted. Only then
//! is anything issued. What the client may have bounds the token, and what the assertion says of
//! scope and resources bounds it further.
//!
//! Nobody signed in here, so the token has no sign-in: each use asks whether the account and the client
//! may still be used ([`live`]), and it opens no door that is a person's own. There is no
//! refresh token: the client asks its issuer again. See `docs/decisions/0010-acting-for-others.md`.

use aws_lc_rs::digest::{SHA256, digest};
use domain::client::Client;
use domain::email::EmailAddress;
use domain::event::{Actor, EventKind};
use domain::identity::is_subject;
use domain::rejection::{OAuthCode, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use domain::tenant::{AssertedSubject, AssertionIssuer, AssertionProfile};
use domain::user::{User, UserStatus};
use protocol::access_token::Audience;
use protocol::assertion_grant::{Asserted, BadAssertion, Expected, Profile, peek_issuer};
use protocol::jose::foreign::ForeignKeys;
use protocol::jose::verify::BadToken;
use protocol::oauth::resource;
use serde_json::json;

use super::TokenReply;
use super::client_auth::{self, ClientAuth, KnownClient};
use super::client_credentials::{choose_audience, invalid_target};
use super::mint::{self, Terms};
use super::refresh::{narrow, parse_scope};
use crate::flow::client_keys::{self, Source, algorithms_of};
use crate::flow::proof::{Bound, Presented};
use crate::flow::{Act, Flows, SKEW, live};

pub use protocol::assertion_grant::GRANT;

/// Give a token for what another issuer says.
#[derive(Debug, Clone)]
pub struct JwtBearer {
    /// Who asks; must prove it.
    pub client: ClientAuth,
    /// What the issuer says.
    pub assertion: SecretText,
    /// What the token is to be for; absent: all that it may be.
    pub scope: Option<String>,
    /// Which resources it is for (RFC 8707).
    pub resource: Vec<String>,
    /// The proof of a key.
    pub proof: Option<Presented>,
}

/// Gives a token for what another issuer says; never a refresh token.
///
/// # Errors
/// `unsupported_grant_type` where the tenant takes nobody's word; `invalid_client`,
/// `unauthorized_client`; `invalid_grant` for an assertion that is not accepted or was used before
/// (RFC 7521 §4.1.1); `invalid_scope`, `invalid_target`, `invalid_dpop_proof`; or a fault.
///
/// # Cancel safety
/// The assertion may be spent without an answer; the client asks for another.
pub async fn jwt_bearer(
    flows: &Flows,
    act: &Act,
    message: JwtBearer,
) -> Result<TokenReply, Rejection> {
    if act.tenant.config.vouching_issuers().next().is_none() {
        return Err(unsupported().into());
    }
    let wanted = parse_scope(message.scope.as_deref())?;
    let known = client_auth::authenticate(flows, act, message.client).await?;
    let KnownClient::Confidential(client) = &known else {
        return Err(Refusal::oauth(
            OAuthCode::InvalidClient,
            "This grant is for clients that authenticate.",
        )
        .into());
    };
    known.require_grant(GRANT)?;
    let text = message.assertion.expose();
    let issuer = find_issuer(act, client, text).ok_or_else(untrusted)?;
    if !act.tenant.config.is_allowed_provider(&issuer.issuer) {
        return Err(disallowed().into());
    }
    let asserted = verify(flows, act, (issuer, client), text).await?;
    let bound = Bound::prove(flows, act, Some(client), message.proof.as_ref()).await?;
    let user = load_user(flows, act, issuer, &asserted).await?;
    let scope = narrow(&open_scope(client, &asserted), wanted)?;
    let audience = choose(act, client, &asserted, &message.resource)?;
    claim(flows, act, issuer, &asserted).await?;
    let terms = Terms {
        audience: Some(audience),
        bound: Some(&bound),
        ..Terms::default()
    };
    let minted = mint::for_asserted(flows, act, (&user, client), &scope, terms).await?;
    record(
        flows,
        act,
        (issuer, client),
        (&user, &asserted, &minted.jti),
    )
    .await?;
    Ok(TokenReply {
        access: minted.access,
        kind: bound.token_type(),
        issued: None,
        id_token: None,
        refresh: None,
        expires_in: minted.expires_in,
        scope,
        details: None,
        user: None,
    })
}

/// Finds whose word it is said to be, if it is taken from this client. Our own never is: "the Identity
/// Provider MUST NOT issue access tokens in response to an ID-JAG it issued itself" (ID-JAG §9.3).
fn find_issuer<'a>(act: &'a Act, client: &Client, text: &str) -> Option<&'a AssertionIssuer> {
    let said = peek_issuer(text)?;
    let mut trusted = act.tenant.config.assertion_issuers.iter();
    let is_others = said != act.issuer;
    trusted
        .find(|trusted| is_others && trusted.issuer == said && trusted.clients.contains(&client.id))
}

async fn verify(
    flows: &Flows,
    act: &Act,
    (issuer, client): (&AssertionIssuer, &Client),
    text: &str,
) -> Result<Asserted, Rejection> {
    let algorithms = algorithms_of(&client.metadata, None);
    let judge = |keys: &ForeignKeys| {
        let expected = Expected {
            audience: &act.issuer,
            issuer: &issuer.issuer,
            profile: match issuer.profile {
                AssertionProfile::IdJag => Profile::IdJag,
                AssertionProfile::Assertion => Profile::Assertion,
            },
            client_id: &client.id,
            keys,
            algorithms: &algorithms,
            now: act.now,
        };
        Asserted::check(text, &expected)
    };
    let source = Source {
        owner: &issuer.issuer,
        jwks: issuer.jwks.as_ref(),
        jwks_uri: issuer.jwks_uri.as_deref(),
    };
    let is_unknown = |bad: &BadAssertion| *bad == BadAssertion::Token(BadToken::UnknownKey);
    let verified = client_keys::verify(flows, act, source, judge, is_unknown);
    Ok(verified.await?.ok_or_else(refused)?)
}

/// Finds whom the assertion is about: an account that may be used, whose address both sides verified
/// where it is found by that.
async fn load_user(
    flows: &Flows,
    act: &Act,
    issuer: &AssertionIssuer,
    asserted: &Asserted,
) -> Result<User, Rejection> {
    let found = match issuer.subject {
        AssertedSubject::Account => live::load_person(flows, act, &asserted.subject).await?,
        AssertedSubject::VerifiedEmail => {
            let said = asserted.address.as_deref().ok_or_else(refused)?;
            let email = EmailAddress::parse(said).map_err(|_| refused())?;
            let found = flows.users.load_credentials(act.tenant.id, email);
            let user = act.wait(found).await?.map(|credentials| credentials.user);
            user.filter(|user| user.email_verified && user.status == UserStatus::Active)
        }
        AssertedSubject::Linked => load_linked(flows, act, issuer, &asserted.subject).await?,
    };
    Ok(found.ok_or_else(refused)?)
}

/// Finds whom an issuer's name for somebody was linked to, if that account may be used.
async fn load_linked(
    flows: &Flows,
    act: &Act,
    issuer: &AssertionIssuer,
    subject: &str,
) -> Result<Option<User>, Rejection> {
    if !is_subject(subject) {
        return Ok(None);
    }
    let (issuer, subject) = (issuer.issuer.clone(), subject.to_owned());
    let found = flows
        .identities
        .find_identity(act.tenant.id, issuer, subject);
    match act.wait(found).await? {
        Some(user) => Ok(live::load_person(flows, act, &user.to_string()).await?),
        None => Ok(None),
    }
}

/// Gives what the client may have, as far as the assertion allows it.
fn open_scope(client: &Client, asserted: &Asserted) -> ScopeSet {
    let registered = ScopeSet::from_stored(client.metadata.scopes.clone());
    match &asserted.scope {
        Some(said) => registered.intersection(said),
        None => registered,
    }
}

/// Chooses whom the token is for: what the client registered, as far as the assertion names it.
fn choose(
    act: &Act,
    client: &Client,
    asserted: &Asserted,
    wanted: &[String],
) -> Result<Audience, Refusal> {
    let registered = &client.metadata.audiences;
    if asserted.resource.is_empty() {
        return choose_audience(registered, &act.issuer, wanted);
    }
    let ours = [act.issuer.clone()];
    let registered = if registered.is_empty() {
        &ours
    } else {
        registered.as_slice()
    };
    let said = asserted.resource.iter().map(String::as_str);
    let open = resource::choose(registered, said).map_err(|_| invalid_target())?;
    super::audience_of(&open, &act.issuer, wanted).map_err(|_| invalid_target())
}

/// Claims the assertion: it counts once for its issuer.
async fn claim(
    flows: &Flows,
    act: &Act,
    issuer: &AssertionIssuer,
    asserted: &Asserted,
) -> Result<(), Rejection> {
    let key = spent_key(&issuer.issuer, &asserted.jti);
    // Another node's clock may still accept what has expired by ours.
    let until = asserted.expires_at + SKEW;
    let claimed = flows.spent.claim_id(act.tenant.id, key, until);
    if act.wait(claimed).await? {
        return Ok(());
    }
    Err(refuse("The assertion was used before.").into())
}

/// Names an assertion by its issuer and its id: another issuer's may have the same id.
fn spent_key(issuer: &str, jti: &str) -> [u8; 32] {
    let text = format!("assertion-grant\n{issuer}\n{jti}");
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    key
}

async fn record(
    flows: &Flows,
    act: &Act,
    (issuer, client): (&AssertionIssuer, &Client),
    (user, asserted, jti): (&User, &Asserted, &str),
) -> Result<(), Rejection> {
    let actor = Actor::Client(client.id.clone());
    let entry = act
        .entry_by(actor, EventKind::TokenIssued)
        .about(&user.id)
        .through(&client.id)
        .with(json!({
            "grant": "jwt_bearer", "jti": jti, "issuer": issuer.issuer,
            "assertion_jti": asserted.jti,
        }));
    Ok(act.wait(flows.audit.append(vec![entry])).await?)
}

fn unsupported() -> Refusal {
    Refusal::oauth(
        OAuthCode::UnsupportedGrantType,
        "No issuer's assertions are taken here.",
    )
}

fn untrusted() -> Refusal {
    refuse("The assertion's issuer is not one whose word is taken from this client.")
}

fn disallowed() -> Refusal {
    refuse("The assertion's issuer may not vouch for anybody here.")
}

/// One answer for whatever is wrong with an assertion, and for whom nobody here is.
fn refused() -> Refusal {
    refuse("The assertion is not accepted, or nobody here is whom it is about.")
}

/// RFC 7521 §4.1.1: "If the assertion is not valid or has expired …" it is `invalid_grant`.
fn refuse(hint: &'static str) -> Refusal {
    Refusal::oauth(OAuthCode::InvalidGrant, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_issuers_own() {
        let (a, b) = ("https://a.example", "https://b.example");
        assert_eq!(spent_key(a, "x"), spent_key(a, "x"));
        assert_ne!(spent_key(a, "x"), spent_key(b, "x"));
        assert_ne!(spent_key(a, "x"), spent_key(a, "y"));
    }
}
