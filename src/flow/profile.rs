//! One's own profile. Who only asks for it is told what this node remembers of the account, as at
//! `/userinfo`: whoever changes an account makes every node forget it.

use std::sync::Arc;

use domain::event::EventKind;
use domain::rejection::{Refusal, Rejection};
use domain::user::{User, UserPatch};
use serde_json::json;
use store::port::users::UserWrite;

use super::account::AccountHolder;
use super::account::parse_name;
use super::caller::invalid_token;
use super::{Act, Flows};

/// Change one's own profile; `None` leaves a field alone.
#[derive(Debug, Clone)]
pub struct UpdateMe {
    /// A new name.
    pub name: Option<String>,
}

/// Gives the person's own account.
///
/// # Errors
/// 401 when the account is gone; or a fault.
pub async fn load_me(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
) -> Result<Arc<User>, Rejection> {
    let found = flows
        .accounts
        .load(act.tenant.id, person.user, act.deadline);
    Ok(found.await?.ok_or_else(invalid_token)?)
}

/// Changes the person's own profile.
///
/// # Errors
/// 422 for a name that is not acceptable; 401 when the account is gone; or a fault.
pub async fn update_me(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
    message: UpdateMe,
) -> Result<User, Rejection> {
    let Some(name) = message.name else {
        let me = load_me(flows, act, person).await?;
        return Ok(User::clone(&me));
    };
    let name = parse_name(&name).map_err(|error| Refusal::field("name", error))?;
    let patch = UserPatch {
        name: Some(name),
        ..UserPatch::default()
    };
    let entry = act
        .entry_by(person.actor(), EventKind::UserUpdated)
        .about(&person.user)
        .with(json!({ "changed": ["name"] }));
    let until = flows.remember_until(act.now);
    let written = flows.users.update_user(person.user, patch, until, entry);
    match act.wait(written).await? {
        UserWrite::Stored(user, _) => {
            flows.accounts.forget(act.tenant.id, person.user);
            Ok(*user)
        }
        // Without a new address or an expected version only a missing account is left.
        UserWrite::Missing | UserWrite::EmailTaken | UserWrite::Stale => {
            Err(invalid_token().into())
        }
    }
}
