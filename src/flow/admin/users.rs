//! Accounts, as operators look after them.
//!
//! A status other than active ends every session of the account: the store ends them in the commit
//! that writes the status, this node refuses them before it answers. An account made without a
//! password has none until its owner resets it.

use domain::email::EmailAddress;
use domain::event::{Entry, EventKind};
use domain::id::UserId;
use domain::mail::LetterBody;
use domain::page::{Page, PageRequest, PageStart};
use domain::rejection::{Code, Refusal, Rejection};
use domain::secret::SecretText;
use domain::user::{ROLE_USER, User, UserFilter, UserPatch, UserSort, UserStatus};
use serde_json::json;
use store::port::users::{NewUser, Registration, UserWrite};

use super::role::{check_roles, require_appointer};
use super::{not_found, stale};
use crate::flow::account::{Mistakes, parse_name};
use crate::flow::allowed::subjects_of_user;
use crate::flow::letter::seal_letter;
use crate::flow::new_password::{self, Whose};
use crate::flow::register::{new_user, taken};
use crate::flow::{Act, Flows};

pub mod bulk;
mod change;
pub mod erase;
pub mod identities;
pub mod sessions;

pub use change::{LockUser, PatchUser, lock, patch, unlock};

/// List accounts.
#[derive(Debug, Clone)]
pub struct ListUsers {
    /// What the list is narrowed by.
    pub filter: UserFilter,
    /// Which page of it.
    pub page: PageRequest,
}

/// Make an account.
#[derive(Debug, Clone)]
pub struct CreateUser {
    /// The person's address; unverified at first.
    pub email: String,
    /// A password for them; without one they choose it by a reset.
    pub password: Option<SecretText>,
    /// What they are called.
    pub name: String,
    /// The names of their roles; none: `user`.
    pub roles: Vec<String>,
}

/// Lists accounts: newest first, or by their addresses.
///
/// # Errors
/// 400 when the account is gone after which a page by addresses begins; a fault when the store is away.
pub async fn list(flows: &Flows, act: &Act, message: ListUsers) -> Result<Page<User>, Rejection> {
    let ListUsers { mut filter, page } = message;
    if let (UserSort::Email(from), PageStart::After(id)) = (&mut filter.sort, page.start) {
        let last = flows.users.load_user(act.tenant.id, UserId::from_uuid(id));
        let last = act.wait(last).await?.ok_or_else(begin_again)?;
        *from = Some(last.email);
    }
    let found = flows.users.list_users(act.tenant.id, filter, page);
    Ok(act.wait(found).await?)
}

/// Loads an account.
///
/// # Errors
/// 404 when there is none of this id; or a fault.
pub async fn get(flows: &Flows, act: &Act, user: UserId) -> Result<User, Rejection> {
    let found = act.wait(flows.users.load_user(act.tenant.id, user)).await?;
    Ok(found.ok_or_else(|| not_found("account"))?)
}

/// Loads the account with this address.
///
/// # Errors
/// 404 when there is none; or a fault.
pub async fn find(flows: &Flows, act: &Act, email: EmailAddress) -> Result<User, Rejection> {
    let found = flows.users.load_credentials(act.tenant.id, email);
    let found = act.wait(found).await?;
    Ok(found.ok_or_else(|| not_found("account"))?.user)
}

/// Makes an account.
///
/// # Errors
/// 422 naming every wrong field, the password judged as at a registration; 403 for an operator whom a
/// key for one area would make; 409 when the address is taken; or a fault.
pub async fn create(flows: &Flows, act: &Act, message: CreateUser) -> Result<User, Rejection> {
    let (email, name, roles) = check(flows, act, &message).await?;
    require_appointer(flows, act, &roles)?;
    let password = match message.password {
        Some(password) => Some(new_password::hash(act, flows.hashing.reserve()?, password).await?),
        None => None,
    };
    let user = User {
        roles,
        ..new_user(flows, act, email, name)
    };
    let entry = act
        .entry(EventKind::UserCreated)
        .about(&user.id)
        .with(json!({ "roles": user.roles, "password": password.is_some() }));
    let new = NewUser {
        user: user.clone(),
        password,
        verification: None,
        entry,
    };
    match act.wait(flows.users.register_user(new)).await? {
        Registration::Created => Ok(user),
        Registration::EmailTaken => Err(taken().into()),
    }
}

/// Deletes an account with everything that belongs to it; the audit trail stays.
///
/// # Errors
/// 404 when there is none of this id; 403 for an operator and a key for one area; 412 when it is not of
/// the version that is expected; or a fault.
pub async fn delete(
    flows: &Flows,
    act: &Act,
    user: UserId,
    expected: Option<i64>,
) -> Result<(), Rejection> {
    require_in_reach(flows, act, user).await?;
    let entry = act.entry(EventKind::UserDeleted).about(&user);
    delete_as(flows, act, user, expected, entry).await
}

/// Deletes an account in reach with everything that belongs to it.
async fn delete_as(
    flows: &Flows,
    act: &Act,
    user: UserId,
    expected: Option<i64>,
    entry: Entry,
) -> Result<(), Rejection> {
    let until = flows.remember_until(act.now);
    let deleted = flows.users.delete_user(user, expected, until, entry);
    let Some(ended) = act.wait(deleted).await? else {
        // Whatever stands there is another version; nothing stands there if that is what is wrong.
        get(flows, act, user).await?;
        return Err(stale().into());
    };
    flows.accounts.forget(act.tenant.id, user);
    flows.refuse_ended(act, &ended);
    Ok(())
}

/// Refuses to change an operator's account, or to sign anybody in to it, for who looks after one area
/// only.
///
/// # Errors
/// 403; 404 when there is no such account; or a fault.
pub(crate) async fn require_in_reach(
    flows: &Flows,
    act: &Act,
    user: UserId,
) -> Result<(), Rejection> {
    if act.may_appoint {
        return Ok(());
    }
    let user = get(flows, act, user).await?;
    Ok(require_appointer(flows, act, &subjects_of_user(&user))?)
}

fn begin_again() -> Refusal {
    let hint = "The account after which this page begins is gone. Begin again with the first page.";
    Refusal::new(Code::BadRequest, hint).and_field("cursor", "names an account that is gone")
}

async fn check(
    flows: &Flows,
    act: &Act,
    message: &CreateUser,
) -> Result<(EmailAddress, String, Vec<String>), Refusal> {
    let mut mistakes = Mistakes::default();
    let email = mistakes.check("email", EmailAddress::parse(&message.email));
    let name = parse_name(&message.name);
    if let Some(password) = &message.password {
        let whose = Whose {
            email: email.as_ref(),
            name: name.as_deref().unwrap_or_default(),
        };
        let judged = new_password::judge(flows, act, password, whose).await;
        mistakes.check("password", judged);
    }
    let name = mistakes.check("name", name);
    let mut roles = check_roles(&mut mistakes, message.roles.clone());
    if roles.is_empty() {
        roles.push(ROLE_USER.to_owned());
    }
    mistakes.into_result()?;
    let (email, name) = email
        .zip(name)
        .ok_or_else(|| Refusal::field("email", "is missing"))?;
    Ok((email, name, roles))
}

/// An account that its owner deleted is theirs: an operator gives it back or erases it, and closes it in
/// no other way, since whoever is deleted has it back.
async fn check_way_back(
    flows: &Flows,
    act: &Act,
    user: UserId,
    mut patch: UserPatch,
) -> Result<UserPatch, Rejection> {
    let Some(wanted) = patch.status else {
        return Ok(patch);
    };
    let found = get(flows, act, user).await?;
    if found.status != UserStatus::Deleted {
        return Ok(patch);
    }
    if wanted != UserStatus::Active {
        let hint = "Its owner deleted the account. Restore it first, or erase it.";
        return Err(Refusal::new(Code::Conflict, hint).into());
    }
    patch.expected_version = patch.expected_version.or(Some(found.version));
    patch.notice = Some(seal_letter(
        flows,
        act,
        &found,
        LetterBody::AccountRestored,
    )?);
    Ok(patch)
}

/// Writes a change to an account in reach, and refuses on this node the sessions that it ended.
async fn write(
    flows: &Flows,
    act: &Act,
    user: UserId,
    patch: UserPatch,
    entry: Entry,
) -> Result<User, Rejection> {
    require_in_reach(flows, act, user).await?;
    require_appointer(flows, act, patch.roles.as_deref().unwrap_or_default())?;
    let patch = check_way_back(flows, act, user, patch).await?;
    let until = flows.remember_until(act.now);
    let written = flows.users.update_user(user, patch, until, entry);
    match act.wait(written).await? {
        UserWrite::Stored(user, ended) => {
            flows.accounts.forget(act.tenant.id, user.id);
            flows.refuse_ended(act, &ended);
            Ok(*user)
        }
        UserWrite::Missing => Err(not_found("account").into()),
        UserWrite::EmailTaken => Err(taken().into()),
        UserWrite::Stale => Err(stale().into()),
    }
}
