//! One's own sessions: seeing them, ending them.

use domain::event::EventKind;
use domain::id::SessionId;
use domain::rejection::{Code, Refusal, Rejection};
use domain::session::{EndReason, Session};
use serde_json::json;
use store::port::sessions::{EndTarget, EndedSessions, Ending};

use super::account::AccountHolder;
use super::{Act, Flows};

/// A person's sessions.
#[derive(Debug, Clone)]
pub struct OwnSessions {
    /// Those that live, last used first.
    pub sessions: Vec<Session>,
    /// The one this request belongs to.
    pub current: Option<SessionId>,
}

/// End one of one's own sessions.
#[derive(Debug, Clone, Copy)]
pub struct EndSession {
    /// Which.
    pub session: SessionId,
}

/// Lists the person's live sessions.
///
/// # Errors
/// A fault.
pub async fn list(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
) -> Result<OwnSessions, Rejection> {
    let live = flows
        .sessions
        .list(act.tenant.id, person.user, act.now, act.deadline);
    Ok(OwnSessions {
        sessions: live.await?,
        current: person.session,
    })
}

/// Ends one of the person's sessions with its tokens.
///
/// # Errors
/// 404 when they have no such live session; or a fault.
pub async fn end_session(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
    message: EndSession,
) -> Result<(), Rejection> {
    let target = EndTarget::Session(person.user, message.session);
    let ended = end(flows, act, person, target).await?;
    if ended.is_empty() {
        return Err(Refusal::new(Code::NotFound, "There is no such session.").into());
    }
    Ok(())
}

/// Ends every session of the person but this one.
///
/// # Errors
/// A fault.
pub async fn end_others(flows: &Flows, act: &Act, person: AccountHolder) -> Result<(), Rejection> {
    let target = EndTarget::User(person.user, person.session);
    end(flows, act, person, target).await?;
    Ok(())
}

/// Ends sessions of the person at their own wish.
pub(crate) async fn end(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
    target: EndTarget,
) -> Result<EndedSessions, Rejection> {
    let entry = act
        .entry_by(person.actor(), EventKind::SessionEnded)
        .about(&person.user)
        .with(json!({ "reason": EndReason::Logout.as_str() }));
    let entry = match target {
        EndTarget::Session(_, session) => entry.within(session),
        EndTarget::Family(_) | EndTarget::User(..) => entry,
    };
    let ending = Ending {
        tenant: act.tenant.id,
        target,
        reason: EndReason::Logout,
        now: act.now,
        remember_until: flows.remember_until(act.now),
        entry,
    };
    let ended = flows.sessions.end(ending, act.deadline).await?;
    flows.notices.nudge();
    Ok(ended)
}
