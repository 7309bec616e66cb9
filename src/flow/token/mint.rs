//! Minting: the one place where access tokens are made (RFC 9068 §2.2).
//!
//! Signed inline with the snapshot of the tenant's key ring: a signature is the one thing that may hold a runtime
//! thread for longer than a moment.

use std::time::Duration;

use actors::keys::KeyRing;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::authorization::GrantDetails;
use domain::client::{Client, ClientType};
use domain::id::FamilyId;
use domain::rejection::Fault;
use domain::scope::ScopeSet;
use domain::session::Session;
use domain::user::User;
use protocol::access_token::{AccessClaims, Audience};
use protocol::oauth::exchange::ActingParty;

use crate::config::TokenSettings;
use crate::flow::caller::TYPE_USER;
use crate::flow::proof::Bound;
use crate::flow::{Act, Flows, lifetimes, subject};

/// How well a password alone proves who somebody is: authentication assurance level 1 (NIST SP
/// 800-63B-4 §2.1).
pub const ACR_SINGLE_FACTOR: &str = "urn:nist:sp:800-63b-4:aal1";
/// The authentication method of a password (RFC 8176 §2).
pub const AMR_PASSWORD: &str = "pwd";

/// How long others may remember the published key set. A new key signs no sooner, so nobody who
/// keeps to it meets a signature by a key they do not know.
pub const JWKS_MAX_AGE: Duration = Duration::from_mins(10);

/// The registered format of a bare JWS, without our prefix.
const FORMAT_JWT: &str = "jwt";

/// An access token just made.
pub(crate) struct Minted {
    pub(crate) access: String,
    pub(crate) expires_in: Duration,
    pub(crate) jti: String,
}

/// Whom a token is to speak for, and through which client; no registration means the first-party
/// API.
pub(crate) struct ForPerson<'a> {
    pub(crate) user: &'a User,
    pub(crate) session: &'a Session,
    /// The refresh family that it is of: what ends the family ends it too.
    pub(crate) family: FamilyId,
    pub(crate) client: &'a str,
    pub(crate) registration: Option<&'a Client>,
    pub(crate) terms: Terms<'a>,
}

/// For whom somebody is to act, and who (RFC 8693 §4.1).
pub(crate) struct ForDelegate<'a> {
    pub(crate) subject: &'a AccessClaims,
    pub(crate) client: &'a Client,
    pub(crate) chain: &'a ActingParty,
    pub(crate) roles: &'a [String],
    pub(crate) audience: Audience,
    pub(crate) bound: &'a Bound,
}

/// What else a token says.
#[derive(Default)]
pub(crate) struct Terms<'a> {
    /// Which resources it is for; absent: us.
    pub(crate) audience: Option<Audience>,
    /// What it is bound to.
    pub(crate) bound: Option<&'a Bound>,
    /// What was granted beside the scope.
    pub(crate) details: Option<&'a GrantDetails>,
    /// Its own name, if that was chosen before.
    pub(crate) jti: Option<String>,
}

/// Mints an access token that speaks for a person.
///
/// # Errors
/// [`Fault::Restarting`] while there is no key to sign with yet; as [`Flows::ring`] and
/// [`subject::names`].
///
/// # Cancel safety
/// A token that nobody was given is no harm.
pub(crate) async fn for_person(
    flows: &Flows,
    act: &Act,
    whom: &ForPerson<'_>,
    scope: &ScopeSet,
) -> Result<Minted, Fault> {
    let ring = flows.ring(act).await?;
    let lifetime = lifetime(&lifetimes::of_tokens(flows, act), whom.registration);
    let (common, terms) = (claims(flows, act, scope, lifetime), &whom.terms);
    let ids = (whom.user.id, whom.session.id);
    let kept = terms.details.and_then(|details| details.sector.as_deref());
    let sector = subject::sector_of_grant(kept, whom.registration)?;
    let names = subject::names(flows, act, ids, sector.as_deref())?;
    let jti = terms.jti.clone().unwrap_or(common.jti);
    let account = sector.map(|_| subject::seal_holder(flows, act, &jti, ids));
    let claims = AccessClaims {
        sub: names.subject,
        aud: terms.audience.clone().unwrap_or(common.aud),
        jti,
        account: account.transpose()?,
        cnf: terms.bound.and_then(Bound::confirmation),
        authorization_details: terms
            .details
            .and_then(|details| details.authorization_details.clone()),
        claims: terms.details.and_then(|details| details.claims.clone()),
        client_id: whom.client.to_owned(),
        client_type: TYPE_USER.to_owned(),
        roles: whom.user.roles.clone(),
        sid: Some(names.session),
        grant_id: Some(whom.family.to_string()),
        auth_time: Some(whom.session.auth_time.as_seconds()),
        acr: Some(whom.session.acr.clone()),
        amr: whom.session.amr.clone(),
        ..common
    };
    sign(
        (flows, act, &ring),
        &claims,
        is_bare(whom.registration),
        lifetime,
    )
}

/// Mints an access token that speaks for a client itself.
///
/// # Errors
/// As [`for_person`].
///
/// # Cancel safety
/// As [`for_person`].
pub(crate) async fn for_client(
    flows: &Flows,
    act: &Act,
    client: &Client,
    scope: &ScopeSet,
    terms: Terms<'_>,
) -> Result<Minted, Fault> {
    let ring = flows.ring(act).await?;
    let lifetime = lifetime(&lifetimes::of_tokens(flows, act), Some(client));
    let common = claims(flows, act, scope, lifetime);
    let claims = AccessClaims {
        sub: client.id.clone(),
        aud: terms.audience.unwrap_or(common.aud),
        cnf: terms.bound.and_then(Bound::confirmation),
        client_id: client.id.clone(),
        client_type: client_type(client).to_owned(),
        roles: client.metadata.roles.clone(),
        ..common
    };
    sign(
        (flows, act, &ring),
        &claims,
        is_bare(Some(client)),
        lifetime,
    )
}

/// Mints an access token that speaks for a person who did not sign in here.
///
/// # Errors
/// As [`for_person`].
///
/// # Cancel safety
/// As [`for_person`].
pub(crate) async fn for_asserted(
    flows: &Flows,
    act: &Act,
    (user, client): (&User, &Client),
    scope: &ScopeSet,
    terms: Terms<'_>,
) -> Result<Minted, Fault> {
    // No such client is registered, because what it shows proves no sector.
    if subject::sector_of(client)?.is_some() {
        let text = "a client with pairwise subjects has no grant by assertion";
        return Err(Fault::Broken(text.to_owned()));
    }
    let ring = flows.ring(act).await?;
    let lifetime = lifetime(&lifetimes::of_tokens(flows, act), Some(client));
    let common = claims(flows, act, scope, lifetime);
    let claims = AccessClaims {
        sub: user.id.to_string(),
        aud: terms.audience.unwrap_or(common.aud),
        cnf: terms.bound.and_then(Bound::confirmation),
        client_id: client.id.clone(),
        client_type: TYPE_USER.to_owned(),
        roles: user.roles.clone(),
        ..common
    };
    sign(
        (flows, act, &ring),
        &claims,
        is_bare(Some(client)),
        lifetime,
    )
}

/// Mints an access token with which somebody acts for the subject of another token: for no longer than
/// that one, in its sign-in, and with its name.
///
/// # Errors
/// As [`for_person`].
///
/// # Cancel safety
/// As [`for_person`].
pub(crate) async fn for_delegate(
    flows: &Flows,
    act: &Act,
    whom: ForDelegate<'_>,
    scope: &ScopeSet,
) -> Result<Minted, Fault> {
    let ring = flows.ring(act).await?;
    let subject = whom.subject;
    let most = lifetime(&lifetimes::of_tokens(flows, act), Some(whom.client));
    let common = claims(flows, act, scope, most);
    let exp = common.exp.min(subject.exp);
    let seconds = u64::try_from(exp.saturating_sub(common.iat)).unwrap_or_default();
    let claims = AccessClaims {
        sub: subject.sub.clone(),
        aud: whom.audience,
        client_id: whom.client.id.clone(),
        exp,
        client_type: subject.client_type.clone(),
        roles: whom.roles.to_vec(),
        sid: subject.sid.clone(),
        grant_id: subject.grant_id.clone(),
        auth_time: subject.auth_time,
        acr: subject.acr.clone(),
        amr: subject.amr.clone(),
        cnf: whom.bound.confirmation(),
        act: Some(whom.chain.clone()),
        parents: parents(subject),
        ..common
    };
    let lifetime = Duration::from_secs(seconds);
    sign(
        (flows, act, &ring),
        &claims,
        is_bare(Some(whom.client)),
        lifetime,
    )
}

/// Names a token and what it was itself exchanged for.
fn parents(subject: &AccessClaims) -> Vec<String> {
    let own = std::iter::once(&subject.jti);
    own.chain(&subject.parents).cloned().collect()
}

/// Gives a name for an access token.
pub(crate) fn new_jti(flows: &Flows) -> String {
    URL_SAFE_NO_PAD.encode(flows.random.array::<16>())
}

/// Gives the longest lifetime an access token can have.
#[must_use]
pub fn longest_lifetime(settings: &TokenSettings) -> Duration {
    settings.access_ttl.max(settings.agent_ttl)
}

/// Gives the lifetime of a client's access tokens: the service's, or a shorter one of its own. Never
/// a longer one: retired keys and revocations are kept for the service's lifetimes.
fn lifetime(settings: &TokenSettings, client: Option<&Client>) -> Duration {
    let Some(client) = client else {
        return settings.access_ttl;
    };
    let most = match client.client_type {
        ClientType::Agent => settings.agent_ttl,
        ClientType::Service | ClientType::Web | ClientType::Native => settings.access_ttl,
    };
    client
        .metadata
        .access_token_ttl_seconds
        .map_or(most, |own| Duration::from_secs(own.into()).min(most))
}

/// Fills in what every token has; the subject and the client are the caller's to name.
fn claims(flows: &Flows, act: &Act, scope: &ScopeSet, lifetime: Duration) -> AccessClaims {
    AccessClaims {
        iss: act.issuer.clone(),
        sub: String::new(),
        aud: Audience::One(act.issuer.clone()),
        client_id: String::new(),
        iat: act.now.as_seconds(),
        exp: (act.now + lifetime).as_seconds(),
        jti: new_jti(flows),
        scope: scope.to_string(),
        tid: act.tenant.id.to_string(),
        client_type: String::new(),
        roles: Vec::new(),
        sid: None,
        grant_id: None,
        auth_time: None,
        acr: None,
        amr: Vec::new(),
        cnf: None,
        act: None,
        parents: Vec::new(),
        authorization_details: None,
        claims: None,
        account: None,
    }
}

/// Waits for nothing, so that whoever mints carries no claims through a wait.
fn sign(
    (flows, act, ring): (&Flows, &Act, &KeyRing),
    claims: &AccessClaims,
    bare: bool,
    expires_in: Duration,
) -> Result<Minted, Fault> {
    let signer = ring.signer().ok_or(Fault::Restarting("keys"))?;
    let access = claims
        .mint(signer, bare)
        .map_err(|error| Fault::Broken(error.to_string()))?;
    flows.meters.count_issued(act.spot());
    Ok(Minted {
        access,
        expires_in,
        jti: claims.jti.clone(),
    })
}

fn is_bare(client: Option<&Client>) -> bool {
    client.is_some_and(|client| client.metadata.access_token_format.as_deref() == Some(FORMAT_JWT))
}

/// A client that acts for itself is a service unless it is an agent.
const fn client_type(client: &Client) -> &'static str {
    match client.client_type {
        ClientType::Agent => "agent",
        ClientType::Service | ClientType::Web | ClientType::Native => "service",
    }
}

#[cfg(test)]
mod tests {
    use domain::client::ClientMetadata;
    use domain::id::TenantId;
    use domain::random::Counting;
    use domain::time::UnixMillis;

    use super::*;

    const SETTINGS: TokenSettings = TokenSettings {
        access_ttl: Duration::from_mins(15),
        agent_ttl: Duration::from_mins(5),
        refresh_ttl: Duration::from_hours(1),
        refresh_max_age: Duration::from_hours(2),
        refresh_reuse_window: Duration::from_secs(30),
    };

    fn client(client_type: ClientType, ttl: Option<u32>) -> Client {
        let now = UnixMillis::from_seconds(1);
        Client {
            tenant: TenantId::generate(now, &Counting::default()),
            id: "client_x".to_owned(),
            name: "x".to_owned(),
            client_type,
            disabled: false,
            metadata: ClientMetadata {
                access_token_ttl_seconds: ttl,
                ..ClientMetadata::default()
            },
            secrets: Vec::new(),
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    #[test]
    fn an_agents_tokens_live_shorter_and_no_client_outlives_the_service() {
        let of = |kind, ttl| lifetime(&SETTINGS, Some(&client(kind, ttl))).as_secs();
        assert_eq!(lifetime(&SETTINGS, None).as_secs(), 900);
        assert_eq!(of(ClientType::Service, None), 900);
        assert_eq!(of(ClientType::Agent, None), 300);
        assert_eq!(of(ClientType::Agent, Some(60)), 60);
        assert_eq!(of(ClientType::Agent, Some(900)), 300);
        assert_eq!(of(ClientType::Service, Some(86_400)), 900);
        assert_eq!(longest_lifetime(&SETTINGS).as_secs(), 900);
    }

    #[test]
    fn only_a_client_that_asked_for_it_gets_a_bare_jws() {
        let mut asked = client(ClientType::Service, None);
        assert!(!is_bare(None) && !is_bare(Some(&asked)));
        asked.metadata.access_token_format = Some("jwt".to_owned());
        assert!(is_bare(Some(&asked)));
    }
}
