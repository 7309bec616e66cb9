//! Giving an account a role, and taking it.

use domain::id::UserId;
use domain::rejection::{Refusal, Rejection};
use domain::user::User;

use crate::flow::admin::stale;
use crate::flow::admin::users::{self, PatchUser};
use crate::flow::{Act, Flows};

/// Give an account a role, or take it.
#[derive(Debug, Clone)]
pub struct GrantRole {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub role: String,
}

/// How often a change is made again when others change the account at the same moment.
const TRIES: usize = 3;

/// Gives an account a role that is there.
///
/// # Errors
/// 403 for a role that opens the admin door, or an operator's account, and who may not make operators;
/// 404 when there is no such account; 422 when there is no such role; or a fault.
pub async fn grant(flows: &Flows, act: &Act, message: GrantRole) -> Result<User, Rejection> {
    if !super::rules(flows, act).has_role(&message.role) {
        return Err(Refusal::field("role", "is no role of this tenant").into());
    }
    change(flows, act, &message, |roles| {
        roles.push(message.role.clone());
    })
    .await
}

/// Takes a role from an account.
///
/// # Errors
/// As [`grant`], but that the role may be gone.
pub async fn revoke(flows: &Flows, act: &Act, message: GrantRole) -> Result<User, Rejection> {
    change(flows, act, &message, |_| {}).await
}

/// Changes an account's roles, all but the named one first taken over.
async fn change(
    flows: &Flows,
    act: &Act,
    message: &GrantRole,
    add: impl Fn(&mut Vec<String>),
) -> Result<User, Rejection> {
    for _ in 0..TRIES {
        let user = users::get(flows, act, message.user).await?;
        let others = user.roles.iter().filter(|role| **role != message.role);
        let mut roles: Vec<String> = others.cloned().collect();
        add(&mut roles);
        if roles.len() == user.roles.len() && user.roles.iter().all(|role| roles.contains(role)) {
            return Ok(user);
        }
        let patch = PatchUser {
            roles: Some(roles),
            version: Some(user.version),
            ..PatchUser::of(message.user)
        };
        match users::patch(flows, act, patch).await {
            Err(Rejection::Refused(refusal)) if refusal.code == stale().code => {}
            decided => return decided,
        }
    }
    Err(stale().into())
}
