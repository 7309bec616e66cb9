//! Doing one thing to many accounts.
//!
//! Each account is changed by itself, in the same step and with the same checks and audit entry as alone:
//! one that is gone, or out of the caller's reach, does not keep the others from it, and each result
//! says what became of which. To ask again does no harm. When the store fails, what is left is not tried.

use domain::event::Actor;
use domain::id::UserId;
use domain::rejection::{Code, Refusal, Rejection};

use super::change::{Close, close, parse_reason};
use super::{get, unlock};
use crate::flow::admin::rbac::{GrantRole, grant, rules};
use crate::flow::{Act, Flows};

/// The most accounts at once.
pub const MAX_ACCOUNTS: usize = 100;

/// Do one thing to many accounts.
#[derive(Debug, Clone)]
pub struct Bulk {
    /// Which ones.
    pub users: Vec<UserId>,
    /// What.
    pub what: What,
}

/// What is done to each.
#[derive(Debug, Clone)]
pub enum What {
    /// Close it for now; why.
    Lock(String),
    /// Close it until further notice; why.
    Suspend(String),
    /// Open it again.
    Unlock,
    /// Give it a role.
    AssignRole(String),
}

/// What became of one account.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub user: UserId,
    /// Whether anything of it changed; or why not.
    pub result: Result<bool, Rejection>,
}

/// Does it.
///
/// # Errors
/// 422 for a reason that is not acceptable or a role that is none; a fault when nothing was done to any.
pub async fn bulk(flows: &Flows, act: &Act, message: Bulk) -> Result<Vec<Row>, Rejection> {
    let what = check(flows, act, message.what)?;
    let mut rows: Vec<Row> = Vec::with_capacity(message.users.len());
    let mut users = message.users;
    users.sort_unstable();
    users.dedup();
    for user in users {
        let result = one(flows, act, user, &what).await;
        let is_down = matches!(result, Err(Rejection::Failed(_)));
        if is_down && rows.iter().all(|row| row.result.is_err()) {
            return Err(result.map_or_else(|fault| fault, |_| nothing_done()));
        }
        rows.push(Row { user, result });
        if is_down {
            break;
        }
    }
    Ok(rows)
}

async fn one(flows: &Flows, act: &Act, user: UserId, what: &What) -> Result<bool, Rejection> {
    match what {
        What::Lock(reason) => {
            require_other(act, user)?;
            close(flows, act, Close::locked(user, reason.clone())).await?;
        }
        What::Suspend(reason) => {
            require_other(act, user)?;
            close(flows, act, Close::suspended(user, reason.clone())).await?;
        }
        What::Unlock => {
            unlock(flows, act, user).await?;
        }
        What::AssignRole(role) => {
            if get(flows, act, user).await?.roles.contains(role) {
                return Ok(false);
            }
            let role = role.clone();
            grant(flows, act, GrantRole { user, role }).await?;
        }
    }
    Ok(true)
}

fn check(flows: &Flows, act: &Act, what: What) -> Result<What, Refusal> {
    let fine =
        |reason: String| parse_reason(&reason).map_err(|error| Refusal::field("reason", error));
    Ok(match what {
        What::Lock(reason) => What::Lock(fine(reason)?),
        What::Suspend(reason) => What::Suspend(fine(reason)?),
        What::AssignRole(role) if !rules(flows, act).has_role(&role) => {
            return Err(Refusal::field("role", "is no role of this tenant"));
        }
        what => what,
    })
}

/// Nobody locks themselves out among a hundred others.
pub(super) fn require_other(act: &Act, user: UserId) -> Result<(), Refusal> {
    if act.origin.actor != Actor::User(user.to_string()) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Conflict,
        "This is your own account. Somebody else may do that to it.",
    ))
}

fn nothing_done() -> Rejection {
    Refusal::new(Code::Conflict, "Nothing was done.").into()
}
