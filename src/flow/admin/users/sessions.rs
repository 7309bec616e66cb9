//! Where a person is signed in, as operators see it and end it.

use domain::event::EventKind;
use domain::id::{SessionId, UserId};
use domain::rejection::Rejection;
use domain::session::{EndReason, Session};
use serde_json::json;
use store::port::sessions::{EndTarget, EndedSessions, Ending};

use super::{get, require_in_reach};
use crate::flow::admin::not_found;
use crate::flow::{Act, Flows};

/// Lists an account's live sessions, last used first.
///
/// # Errors
/// 404 when there is no such account; or a fault.
pub async fn list(flows: &Flows, act: &Act, user: UserId) -> Result<Vec<Session>, Rejection> {
    get(flows, act, user).await?;
    let live = flows
        .sessions
        .list(act.tenant.id, user, act.now, act.deadline);
    Ok(live.await?)
}

/// Ends one of an account's sessions with its tokens.
///
/// # Errors
/// 404 when it has no such live session; 403 for an operator's, and who may not make operators; or a
/// fault.
pub async fn end(
    flows: &Flows,
    act: &Act,
    user: UserId,
    session: SessionId,
) -> Result<(), Rejection> {
    let ended = end_those(flows, act, user, EndTarget::Session(user, session)).await?;
    if ended.is_empty() {
        return Err(not_found("session").into());
    }
    Ok(())
}

/// Ends all of an account's sessions; says how many.
///
/// # Errors
/// 404 when there is no such account; 403 for an operator's, and who may not make operators; or a fault.
pub async fn end_all(flows: &Flows, act: &Act, user: UserId) -> Result<usize, Rejection> {
    get(flows, act, user).await?;
    let ended = end_those(flows, act, user, EndTarget::User(user, None)).await?;
    Ok(ended.len())
}

async fn end_those(
    flows: &Flows,
    act: &Act,
    user: UserId,
    target: EndTarget,
) -> Result<EndedSessions, Rejection> {
    require_in_reach(flows, act, user).await?;
    let reason = EndReason::Administrator;
    let entry = act
        .entry(EventKind::SessionEnded)
        .about(&user)
        .with(json!({ "reason": reason.as_str() }));
    let entry = match target {
        EndTarget::Session(_, session) => entry.within(session),
        EndTarget::Family(_) | EndTarget::User(..) => entry,
    };
    let ending = Ending {
        tenant: act.tenant.id,
        target,
        reason,
        now: act.now,
        remember_until: flows.remember_until(act.now),
        entry,
    };
    let ended = flows.sessions.end(ending, act.deadline).await?;
    flows.notices.nudge();
    Ok(ended)
}
