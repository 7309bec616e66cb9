//! The session, once everything that is owed was proved.
//!
//! The commit has the last word: a lock, or another password, between the proof and it wins.

use domain::attempt::AttemptKeys;
use domain::authorization::GrantDetails;
use domain::client::FIRST_PARTY;
use domain::event::{Actor, EventKind};
use domain::factor::Proved;
use domain::id::{FamilyId, SessionId, UserId};
use domain::mail::{LetterBody, MailJob};
use domain::rejection::Fault;
use domain::scope::ScopeSet;
use domain::session::{Family, Session};
use domain::time::UnixMillis;
use domain::user::User;
use protocol::assurance::Assurance;
use protocol::opaque::RefreshToken;
use serde_json::json;
use store::port::sessions::NewSession;

use super::SignedIn;
use crate::flow::letter::seal_letter;
use crate::flow::token::TokenReply;
use crate::flow::token::mint::{self, ForPerson, Terms};
use crate::flow::{Act, Flows, lifetimes, signature};

/// What the tokens of the first-party API are for.
const SCOPE: &str = "openid profile email offline_access";

/// How somebody proved who they are.
pub(crate) struct Proof {
    /// When.
    pub(crate) at: UnixMillis,
    /// How well.
    pub(crate) acr: String,
    /// By what (RFC 8176).
    pub(crate) amr: Vec<String>,
    /// Which factors of ours, and when each.
    pub(crate) factors: Vec<Proved>,
}

/// Who proved enough, and what the commit looks at.
pub(crate) struct Proven<'a> {
    pub(crate) user: &'a User,
    pub(crate) proof: Proof,
    /// When the password that was shown had been set, if one was.
    pub(crate) password_set_at: Option<UnixMillis>,
    /// The counter of failures that it clears.
    pub(crate) clear: Option<AttemptKeys>,
}

/// Makes a sign-in that begins now, and its first family.
pub(crate) fn session_of(
    flows: &Flows,
    act: &Act,
    user: UserId,
    proof: Proof,
) -> (Session, Family) {
    let settings = lifetimes::of_tokens(flows, act);
    let expires_at = act.now + settings.refresh_max_age;
    let session = Session {
        // A new name at every authentication (OWASP ASVS 5.0 §7.2.4).
        id: SessionId::generate(act.now, flows.random.as_ref()),
        tenant: act.tenant.id,
        user,
        auth_time: proof.at,
        amr: proof.amr,
        acr: proof.acr,
        proofs: proof.factors,
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

/// Stores the session, and makes its tokens; nothing if the account was closed or has another password.
///
/// # Errors
/// A fault when the store is away.
///
/// # Cancel safety
/// The session may begin without anybody being told.
pub(crate) async fn begin(
    flows: &Flows,
    act: &Act,
    proven: Proven<'_>,
) -> Result<Option<SignedIn>, Fault> {
    let user = proven.user;
    // No session begins whose token cannot be signed.
    signature::prepare(flows, act, None).await?;
    let new = new_session(flows, act, proven)?;
    let (session, family) = (new.session.clone(), new.family.clone());
    if !flows.sessions.begin(new, act.deadline).await? {
        return Ok(None);
    }
    flows.mail.nudge();
    let whom = ForPerson {
        user,
        session: &session,
        family: family.id,
        client: FIRST_PARTY,
        registration: None,
        terms: Terms::default(),
    };
    let minted = mint::for_person(flows, act, &whom, &family.scope).await?;
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
    Ok(Some(SignedIn {
        tokens,
        user: user.id,
        session: session.id,
        auth_time: session.auth_time,
    }))
}

fn new_session(flows: &Flows, act: &Act, proven: Proven<'_>) -> Result<NewSession, Fault> {
    let user = proven.user;
    let (session, family) = session_of(flows, act, user.id, proven.proof);
    let entry = act
        .entry_by(Actor::User(user.id.to_string()), EventKind::LoginSucceeded)
        .about(&user.id)
        .through(FIRST_PARTY)
        .within(session.id)
        .with(json!({ "amr": session.amr }));
    Ok(NewSession {
        new_device_notice: Some(new_device_notice(flows, act, user)?),
        session,
        family,
        password_set_at: proven.password_set_at,
        clear_attempts: proven.clear,
        remember_until: flows.remember_until(act.now),
        entry,
    })
}

/// Writes the letter about a sign-in with something that the account was not used with before.
///
/// # Errors
/// [`Fault::Broken`] if it cannot be sealed, which does not happen.
pub(crate) fn new_device_notice(flows: &Flows, act: &Act, user: &User) -> Result<MailJob, Fault> {
    let body = LetterBody::NewSignIn {
        address: act.origin.address,
        at: act.now,
    };
    seal_letter(flows, act, user, body)
}

// === impl Proof ===

impl Proof {
    /// Says what was proved by factors of ours.
    pub(crate) fn of(reached: Assurance, factors: Vec<Proved>) -> Self {
        Self {
            at: reached.auth_time,
            acr: reached.level.as_str().to_owned(),
            amr: reached.amr.into_iter().map(str::to_owned).collect(),
            factors,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_party_scope_is_a_scope() {
        let scope = ScopeSet::parse(SCOPE).map(|scope| scope.to_string());
        assert_eq!(scope.as_deref(), Ok(SCOPE));
    }
}
