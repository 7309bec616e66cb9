//! Signing in with a password (NIST SP 800-63B-4 §3.1.1, §3.2.2).
//!
//! Unknown, wrong, locked, suspended and disabled are one answer, and each takes the same steps: a
//! place at the hashing gate, a claim, a look-up, one hash, a recorded failure. Whoever finds no place
//! is turned away before anything else. An attempt that was never looked at is given back.
//! A right password begins a session, and is hashed anew if it was stored under weaker parameters or
//! an older pepper.
//!
//! Relies on the attempts owner for the count, on the hashing gate for bounded memory, and on the
//! store, whose commit of the session has the last word on whether the account is still active.

use actors::attempts::Ticket;
use domain::attempt::AttemptKeys;
use domain::authorization::GrantDetails;
use domain::client::FIRST_PARTY;
use domain::email::EmailAddress;
use domain::event::{Actor, Entry, EventKind};
use domain::id::{FamilyId, SessionId, UserId};
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use domain::session::{Family, Session};
use domain::time::UnixMillis;
use domain::user::{Credentials, PasswordRecord, User, UserStatus};
use hashing::Place;
use protocol::opaque::RefreshToken;
use serde_json::json;
use store::port::sessions::NewSession;

use super::account::nobody;
use super::attempt::{self, Turn, attempt_keys};
use super::token::TokenReply;
use super::token::mint::{self, ACR_SINGLE_FACTOR, AMR_PASSWORD, ForPerson, Terms};
use super::{Act, Flows};
use crate::telemetry::meters::LoginOutcome;

/// Sign a person in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The address as it was typed, whether or not it is one.
    pub email: String,
    /// The password.
    pub password: SecretText,
}

/// A person signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The token pair.
    pub tokens: TokenReply,
    /// Who signed in.
    pub user: UserId,
    /// The new sign-in.
    pub session: SessionId,
}

/// What the tokens of the first-party API are for.
const SCOPE: &str = "openid profile email offline_access";

/// Signs a person in.
///
/// # Errors
/// 401, the same for every reason; 429 with the time to wait, for accounts that exist and those that
/// do not; or a fault.
pub async fn login(flows: &Flows, act: &Act, message: Login) -> Result<SignedIn, Rejection> {
    let signed_in = sign_in(flows, act, message).await;
    flows.meters.count_login(match &signed_in {
        Ok(_) => LoginOutcome::Succeeded,
        Err(NotSignedIn::Disabled) => LoginOutcome::Disabled,
        Err(NotSignedIn::Rejected(rejection)) => outcome(rejection),
    });
    signed_in.map_err(|not| match not {
        NotSignedIn::Disabled => wrong().into(),
        NotSignedIn::Rejected(rejection) => rejection,
    })
}

/// How somebody proved who they are.
pub(crate) struct Proof {
    /// When.
    pub(crate) at: UnixMillis,
    /// How well.
    pub(crate) acr: String,
    /// By what (RFC 8176).
    pub(crate) amr: Vec<String>,
}

/// Makes a sign-in that begins now, and its first family.
pub(crate) fn session_of(
    flows: &Flows,
    act: &Act,
    user: UserId,
    proof: Proof,
) -> (Session, Family) {
    let settings = &flows.settings.tokens;
    let expires_at = act.now + settings.refresh_max_age;
    let session = Session {
        // A new name at every authentication (OWASP ASVS 5.0 §7.2.4).
        id: SessionId::generate(act.now, flows.random.as_ref()),
        tenant: act.tenant.id,
        user,
        auth_time: proof.at,
        amr: proof.amr,
        acr: proof.acr,
        address: act.origin.address,
        user_agent: act.origin.user_agent.clone(),
        created_at: act.now,
        last_active_at: act.now,
        expires_at,
    };
    let family = Family {
        id: FamilyId::generate(act.now, flows.random.as_ref()),
        tenant: act.tenant.id,
        session: session.id,
        user,
        client: FIRST_PARTY.to_owned(),
        scope: ScopeSet::parse(SCOPE).unwrap_or_default(),
        details: GrantDetails::default(),
        generation: 1,
        rotated_at: act.now,
        reissued: false,
        idle_expires_at: act.now + settings.refresh_ttl,
        expires_at,
    };
    (session, family)
}

/// Why nobody was signed in. That a password is disabled is counted, and told to nobody.
enum NotSignedIn {
    Disabled,
    Rejected(Rejection),
}

impl<R: Into<Rejection>> From<R> for NotSignedIn {
    fn from(rejection: R) -> Self {
        Self::Rejected(rejection.into())
    }
}

/// What a look at the password found.
enum Finding {
    /// It is the password of an active account.
    Right {
        user: User,
        set_at: Option<UnixMillis>,
        outdated: Option<PasswordRecord>,
    },
    /// It is not, or the account is none, or not active; what the audit trail is told of it.
    Wrong(Option<UserId>, &'static str),
}

/// Who proved who they are, and by what.
struct Proven<'a> {
    user: &'a User,
    keys: AttemptKeys,
    /// When the password was set: the commit of the sign-in looks whether it still is the one.
    set_at: Option<UnixMillis>,
}

async fn sign_in(flows: &Flows, act: &Act, message: Login) -> Result<SignedIn, NotSignedIn> {
    // First of all, so that whoever is turned away in a flood of sign-ins has cost no write.
    let place = flows.hashing.reserve()?;
    let keys = attempt_keys(&flows.secrets, act.tenant.id, &message.email);
    let ticket = match attempt::claim(flows, act, keys.clone()).await? {
        Turn::Granted(ticket) => Some(ticket),
        Turn::Disabled => None,
    };
    let found = match look(flows, act, (&message, ticket.is_some()), place).await {
        Ok(found) => found,
        Err(fault) => {
            attempt::refund(act, ticket, Some(&fault)).await;
            return Err(fault.into());
        }
    };
    let Some(ticket) = ticket else {
        let whom = match found {
            Finding::Right { user, .. } => Some(user.id),
            Finding::Wrong(whom, _) => whom,
        };
        let entry = failure(act, whom, "disabled");
        attempt::fail(flows, act, None, entry).await?;
        return Err(NotSignedIn::Disabled);
    };
    match found {
        Finding::Right {
            user,
            set_at,
            outdated,
        } => {
            let proven = Proven {
                user: &user,
                keys,
                set_at,
            };
            let signed_in = begin(flows, act, &proven, ticket).await?;
            if let Some(old) = outdated {
                rehash(flows, act, &user, message.password, old).await;
            }
            Ok(signed_in)
        }
        Finding::Wrong(user, why) => {
            let entry = failure(act, user, why);
            attempt::fail(flows, act, Some(ticket), entry).await?;
            Err(wrong().into())
        }
    }
}

/// Looks the account up and hashes once, whatever was found.
async fn look(
    flows: &Flows,
    act: &Act,
    (message, is_enabled): (&Login, bool),
    place: Place,
) -> Result<Finding, Fault> {
    let email = EmailAddress::parse(&message.email).unwrap_or_else(|_| nobody());
    let found = flows.users.load_credentials(act.tenant.id, email);
    let found = act.wait(found).await?;
    let record = found
        .as_ref()
        .and_then(|credentials| credentials.password.clone())
        .filter(|_| is_enabled);
    let password = message.password.clone();
    let deadline = act.deadline.instant();
    let verified = place.verify(password, record.clone(), deadline).await?;
    let outdated = record.filter(|_| verified.outdated);
    let finding = judge(found, verified.matches, outdated);
    Ok(check_proven(act.tenant.config.silent_registration, finding))
}

/// Where a tenant does not tell which addresses are taken, one that nobody proved opens no account:
/// a stranger who registered it would learn from getting in that it was free.
fn check_proven(is_silent: bool, finding: Finding) -> Finding {
    match finding {
        Finding::Right { user, .. } if is_silent && !user.email_verified => {
            Finding::Wrong(Some(user.id), "unverified")
        }
        finding => finding,
    }
}

fn judge(found: Option<Credentials>, matches: bool, outdated: Option<PasswordRecord>) -> Finding {
    let set_at = found.as_ref().and_then(|one| one.password.as_ref());
    let set_at = set_at.map(|password| password.set_at);
    match found.map(|credentials| credentials.user) {
        None => Finding::Wrong(None, "unknown"),
        Some(user) if !matches => Finding::Wrong(Some(user.id), "wrong"),
        Some(user) if user.status != UserStatus::Active => {
            Finding::Wrong(Some(user.id), user.status.as_str())
        }
        Some(user) => Finding::Right {
            user,
            set_at,
            outdated,
        },
    }
}

/// Stores the session, and makes its tokens.
async fn begin(
    flows: &Flows,
    act: &Act,
    proven: &Proven<'_>,
    ticket: Ticket,
) -> Result<SignedIn, NotSignedIn> {
    let user = proven.user;
    let new = new_session(flows, act, proven);
    let (session, family) = (new.session.clone(), new.family.clone());
    match flows.sessions.begin(new, act.deadline).await {
        Ok(true) => ticket.succeed(),
        Ok(false) => {
            // A lock or another password between the look-up and the commit wins.
            let entry = failure(act, Some(user.id), "changed");
            attempt::fail(flows, act, Some(ticket), entry).await?;
            return Err(wrong().into());
        }
        Err(fault) => {
            attempt::refund(act, Some(ticket), Some(&fault)).await;
            return Err(fault.into());
        }
    }
    let whom = ForPerson {
        user,
        session: &session,
        family: family.id,
        client: FIRST_PARTY,
        registration: None,
        terms: Terms::default(),
    };
    let minted = mint::for_person(flows, act, &whom, &family.scope)?;
    let refresh = RefreshToken {
        tenant: act.tenant.id,
        family: family.id,
        generation: family.generation,
    };
    let tokens = TokenReply {
        issued: None,
        access: minted.access,
        kind: "Bearer",
        id_token: None,
        refresh: Some(refresh.mint(&flows.secrets)),
        expires_in: minted.expires_in,
        scope: family.scope,
        details: None,
        user: Some(user.id),
    };
    Ok(SignedIn {
        tokens,
        user: user.id,
        session: session.id,
    })
}

fn new_session(flows: &Flows, act: &Act, proven: &Proven<'_>) -> NewSession {
    let user = proven.user;
    let proof = Proof {
        at: act.now,
        acr: ACR_SINGLE_FACTOR.to_owned(),
        amr: vec![AMR_PASSWORD.to_owned()],
    };
    let (session, family) = session_of(flows, act, user.id, proof);
    let entry = act
        .entry_by(Actor::User(user.id.to_string()), EventKind::LoginSucceeded)
        .about(&user.id)
        .through(FIRST_PARTY)
        .within(session.id)
        .with(json!({ "amr": session.amr }));
    NewSession {
        session,
        family,
        password_set_at: proven.set_at,
        clear_attempts: Some(proven.keys.clone()),
        remember_until: flows.remember_until(act.now),
        entry,
    }
}

/// Stores a stronger hash of the same password. Failing to is no reason to turn anybody away: the
/// next sign-in tries again.
async fn rehash(flows: &Flows, act: &Act, user: &User, password: SecretText, old: PasswordRecord) {
    let replaced = async {
        let deadline = act.deadline.instant();
        let place = flows.hashing.reserve()?;
        let hashed = place.hash(password, old.set_at, deadline).await?;
        let entry = act
            .entry_by(Actor::System, EventKind::PasswordRehashed)
            .about(&user.id);
        let old_phc = old.phc.expose().to_owned();
        let write = flows.users.rehash_password(user.id, old_phc, hashed, entry);
        act.wait(write).await
    };
    if let Err(fault) = replaced.await {
        tracing::warn!(%fault, "a password was not hashed anew");
    }
}

fn failure(act: &Act, user: Option<UserId>, why: &'static str) -> Entry {
    let entry = act
        .entry(EventKind::LoginFailed)
        .through(FIRST_PARTY)
        .with(json!({ "why": why }))
        .failed();
    match user {
        Some(user) => entry.about(&user),
        None => entry,
    }
}

const fn outcome(rejection: &Rejection) -> LoginOutcome {
    match rejection {
        Rejection::Refused(refusal) => match refusal.code {
            Code::RateLimited => LoginOutcome::Delayed,
            _ => LoginOutcome::Refused,
        },
        Rejection::Failed(_) => LoginOutcome::Failed,
    }
}

/// The one answer to whoever does not get in.
fn wrong() -> Refusal {
    Refusal::new(
        Code::Unauthorized,
        "The e-mail address or the password is wrong.",
    )
}

#[cfg(test)]
mod tests;
