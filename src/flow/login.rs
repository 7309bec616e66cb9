//! Signing in with a password (NIST SP 800-63B-4 §3.1.1, §3.2.2).
//!
//! Unknown, wrong, locked, suspended and disabled are one answer, and each takes the same steps: a
//! place at the hashing gate, a claim, a look-up, one hash, a recorded failure. Whoever finds no place
//! is turned away before anything else. An attempt that was never looked at is given back.
//! A right password begins a session, and is hashed anew if it was stored under weaker parameters or
//! an older pepper. One that others are known to know begins nothing, and whoever shows it is told so
//! (§3.1.1.2): it was right, so they learn nothing else by it.
//!
//! Relies on the attempts owner for the count, on the hashing gate for bounded memory, and on the
//! store, whose commit of the session has the last word on whether the account is still active.

use actors::attempts::Ticket;
use domain::attempt::AttemptKeys;
use domain::client::FIRST_PARTY;
use domain::email::EmailAddress;
use domain::event::{Actor, Entry, EventKind};
use domain::factor::{Factor, Factors, Proved};
use domain::id::UserId;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::secret::SecretText;
use domain::session::Session;
use domain::time::UnixMillis;
use domain::user::{Credentials, PasswordRecord, User};
use hashing::Place;
use protocol::assurance::{Assurance, Demand, Standing, kept_when_idle};
use serde_json::json;

use super::account::nobody;
use super::attempt::{self, Turn, attempt_keys};
use super::deletion;
use super::password::compromised;
use super::sign_in::begin::{Proof, Proven, begin};
use super::sign_in::verify::owed;
use super::sign_in::{Progress, SignIn};
use super::{Act, Flows};
use crate::telemetry::meters::LoginOutcome;

/// Sign a person in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The address as it was typed, whether or not it is one.
    pub email: String,
    /// The password.
    pub password: SecretText,
    /// What is asked of the sign-in.
    pub demand: Demand,
    /// The browser it is in, if it is one.
    pub at: Option<AtBrowser>,
}

/// A browser that somebody signs in at.
#[derive(Debug, Clone)]
pub struct AtBrowser {
    /// Its name.
    pub visitor: String,
    /// A sign-in that was idle here, and not yet too old as a whole.
    pub resting: Option<Session>,
}

/// Signs a person in.
///
/// # Errors
/// 401, the same for every reason; 403 for a right password that others know; 429 with the time to wait, for accounts that exist and those that
/// do not; or a fault.
pub async fn login(flows: &Flows, act: &Act, message: Login) -> Result<Progress, Rejection> {
    let signed_in = sign_in(flows, act, message).await;
    flows.meters.count_login(
        act.spot(),
        match &signed_in {
            Ok(Progress::SignedIn(_)) => LoginOutcome::Succeeded,
            Ok(Progress::Owes(_)) => LoginOutcome::Owing,
            Err(NotSignedIn::Disabled) => LoginOutcome::Disabled,
            Err(NotSignedIn::Rejected(rejection)) => outcome(rejection),
        },
    );
    signed_in.map_err(|not| match not {
        NotSignedIn::Disabled => wrong().into(),
        NotSignedIn::Rejected(rejection) => rejection,
    })
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
    /// It is the password of an account that is its owner's, if only to have it back.
    Right {
        user: Box<User>,
        set_at: Option<UnixMillis>,
        outdated: Option<PasswordRecord>,
    },
    /// It is, and others know it.
    Compromised(UserId),
    /// It is not, or the account is none, or not active; what the audit trail is told of it.
    Wrong(Option<UserId>, &'static str),
}

/// Whose password was right, and what goes on from there.
struct Known {
    user: User,
    keys: AttemptKeys,
    /// When the password was set: the commit of the sign-in looks whether it still is the one.
    set_at: Option<UnixMillis>,
    demand: Demand,
    at: Option<AtBrowser>,
}

async fn sign_in(flows: &Flows, act: &Act, message: Login) -> Result<Progress, NotSignedIn> {
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
            Finding::Compromised(whom) => Some(whom),
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
            let id = user.id;
            let known = Known {
                user: *user,
                keys,
                set_at,
                demand: message.demand,
                at: message.at,
            };
            let progress = go_on(flows, act, known, ticket).await?;
            if let Some(old) = outdated {
                rehash(flows, act, id, message.password, old).await;
            }
            Ok(progress)
        }
        Finding::Compromised(user) => {
            attempt::refund(act, Some(ticket), None).await;
            let entry = failure(act, Some(user), "compromised");
            act.wait(flows.audit.append(vec![entry])).await?;
            Err(compromised().into())
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
    let finding = check_proven(act.tenant.config.silent_registration, finding);
    Ok(check_kept(finding))
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

/// A password that others know opens nothing, whoever shows it.
fn check_kept(finding: Finding) -> Finding {
    match finding {
        Finding::Right { user, .. } if user.password_compromised => Finding::Compromised(user.id),
        finding => finding,
    }
}

fn judge(found: Option<Credentials>, matches: bool, outdated: Option<PasswordRecord>) -> Finding {
    let set_at = found.as_ref().and_then(|one| one.password.as_ref());
    let set_at = set_at.map(|password| password.set_at);
    match found.map(|credentials| credentials.user) {
        None => Finding::Wrong(None, "unknown"),
        Some(user) if !matches => Finding::Wrong(Some(user.id), "wrong"),
        Some(user) if !user.status.is_with_owner() => {
            Finding::Wrong(Some(user.id), user.status.as_str())
        }
        Some(user) => Finding::Right {
            user: Box::new(user),
            set_at,
            outdated,
        },
    }
}

/// Begins the session, or says what is owed beside the password. While it is not known what the account
/// has bound, nobody gets in.
async fn go_on(
    flows: &Flows,
    act: &Act,
    known: Known,
    ticket: Ticket,
) -> Result<Progress, NotSignedIn> {
    let bound = flows.factors.load_factors(act.tenant.id, known.user.id);
    let bound = match act.wait(bound).await {
        Ok(bound) => bound,
        Err(fault) => {
            attempt::refund(act, Some(ticket), Some(&fault)).await;
            return Err(fault.into());
        }
    };
    let proofs = proofs_of(act, &known, &bound);
    let visitor = known.at.as_ref().map(|at| at.visitor.clone());
    let proved = (proofs, known.set_at);
    let sign_in = SignIn::new(flows, act, known.user.id, proved, visitor);
    let standing = sign_in.standing(&bound, known.demand);
    if deletion::is_leaving(&known.user, &standing) {
        ticket.succeed();
        attempt::forget(flows, act, known.keys).await;
        return Err(deletion::refuse(flows, act, &known.user, &sign_in)
            .await?
            .into());
    }
    match standing {
        Standing::Done(reached) => {
            let signed_in = enter(flows, act, &known, (reached, sign_in.proofs), ticket).await?;
            Ok(signed_in)
        }
        standing => {
            ticket.succeed();
            attempt::forget(flows, act, known.keys).await;
            let entry = act
                .entry_by(
                    Actor::User(known.user.id.to_string()),
                    EventKind::LoginOwing,
                )
                .about(&known.user.id)
                .through(FIRST_PARTY);
            act.wait(flows.audit.append(vec![entry])).await?;
            Ok(Progress::Owes(owed(flows, act, &sign_in, standing)?))
        }
    }
}

/// Lists what counts as proved now: the password, and what a browser that was idle keeps.
fn proofs_of(act: &Act, known: &Known, bound: &Factors) -> Vec<Proved> {
    let resting = known.at.as_ref().and_then(|at| at.resting.as_ref());
    let resting = resting.filter(|session| session.user == known.user.id);
    let mut proofs =
        resting.map_or_else(Vec::new, |session| kept_when_idle(&session.proofs, bound));
    proofs.push(Proved {
        factor: Factor::Password,
        at: act.now,
    });
    proofs
}

async fn enter(
    flows: &Flows,
    act: &Act,
    known: &Known,
    (reached, proofs): (Assurance, Vec<Proved>),
    ticket: Ticket,
) -> Result<Progress, NotSignedIn> {
    let user = &known.user;
    let proven = Proven {
        user,
        proof: Proof::of(reached, proofs),
        password_set_at: known.set_at,
        clear: Some(known.keys.clone()),
    };
    match begin(flows, act, proven).await {
        Ok(Some(signed_in)) => {
            ticket.succeed();
            Ok(Progress::SignedIn(Box::new(signed_in)))
        }
        Ok(None) => {
            // A lock or another password between the look-up and the commit wins.
            let entry = failure(act, Some(user.id), "changed");
            attempt::fail(flows, act, Some(ticket), entry).await?;
            Err(wrong().into())
        }
        Err(fault) => {
            attempt::refund(act, Some(ticket), Some(&fault)).await;
            Err(fault.into())
        }
    }
}

/// Stores a stronger hash of the same password. Failing to is no reason to turn anybody away: the
/// next sign-in tries again.
async fn rehash(flows: &Flows, act: &Act, user: UserId, password: SecretText, old: PasswordRecord) {
    let replaced = async {
        let deadline = act.deadline.instant();
        let place = flows.hashing.reserve()?;
        let hashed = place.hash(password, old.set_at, deadline).await?;
        let entry = act
            .entry_by(Actor::System, EventKind::PasswordRehashed)
            .about(&user);
        let old_phc = old.phc.expose().to_owned();
        let write = flows.users.rehash_password(user, old_phc, hashed, entry);
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

/// Says of a refused sign-in how it is counted.
pub(super) const fn outcome(rejection: &Rejection) -> LoginOutcome {
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
