//! Roles and policies, as operators make them.
//!
//! Whoever may write here may allow themselves anything, so it counts as making operators. What is
//! written goes through the roles owner: it decides on this node before it is answered, on every other
//! within a second. Lists are read from its snapshot.

use std::sync::Arc;

use domain::event::EventKind;
use domain::id::PolicyId;
use domain::page::{Page, PageRequest, PageStart};
use domain::rejection::{Code, Refusal, Rejection};
use domain::role::{BUILT_IN, Pattern, Policy, Role, is_role_name};
use domain::time::UnixMillis;
use protocol::rbac::Rules;
use serde_json::json;
use store::port::roles::RoleWrite;

use super::{not_found, stale};
use crate::flow::account::Mistakes;
use crate::flow::{Act, Flows};

mod decide;
mod grant;

pub use decide::{Check, Checked, Why, check};
pub use grant::{GrantRole, grant, revoke};

use decide::subjects_of;

/// Make a role.
#[derive(Debug, Clone)]
pub struct CreateRole {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The roles whose policies it has too.
    pub inherits: Vec<String>,
}

/// Change a role; `None` leaves a field alone.
#[derive(Debug, Clone)]
pub struct PatchRole {
    /// Which one.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The roles whose policies it has too.
    pub inherits: Option<Vec<String>>,
    /// The version the change is based on; absent: whichever is stored.
    pub version: Option<i64>,
    /// The same, of the role that was made at this instant.
    pub expected: Option<(i64, UnixMillis)>,
}

/// Allow somebody something.
#[derive(Debug, Clone)]
pub struct CreatePolicy {
    /// Who: a role, or `user:` or `client:` and an id.
    pub subject: String,
    /// On what.
    pub object: String,
    /// To do what.
    pub action: String,
}

/// How many roles, and how many policies, a tenant may have.
const MAX_ROLES: usize = 500;
const MAX_POLICIES: usize = 5_000;
/// How many roles one may inherit by name.
const MAX_INHERITED: usize = 50;
/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 500;

/// Gives a tenant's rules, for its roles and which of them heirs inherit.
#[must_use]
pub fn rules(flows: &Flows, act: &Act) -> Arc<Rules> {
    flows.roles.of(act.tenant.id)
}

/// Loads a role that operators made.
///
/// # Errors
/// 404 for any other.
pub fn get_role(flows: &Flows, act: &Act, name: &str) -> Result<Role, Refusal> {
    let role = rules(flows, act).role(name).cloned();
    role.ok_or_else(|| not_found("role that operators made"))
}

/// Makes a role.
///
/// # Errors
/// 403 for who may not make operators; 409 when there is one of this name; 422 naming every wrong
/// field; or a fault.
pub async fn create_role(flows: &Flows, act: &Act, message: CreateRole) -> Result<Role, Rejection> {
    require_steward(act)?;
    let rules = rules(flows, act);
    let mut mistakes = Mistakes::default();
    if !is_role_name(&message.name) {
        mistakes.add(
            "name",
            "must be 1 to 64 of a-z, 0-9, _, : and -, not user: or client:",
        );
    }
    check_description(&mut mistakes, &message.description);
    check_inherits(&mut mistakes, &rules, &message.name, &message.inherits);
    mistakes.into_result()?;
    if rules.has_role(&message.name) {
        return Err(taken("There is a role of this name.").into());
    }
    if rules.roles().count() >= MAX_ROLES {
        return Err(taken("There are 500 roles, which is the most.").into());
    }
    let role = Role {
        tenant: act.tenant.id,
        name: message.name,
        description: message.description,
        inherits: message.inherits,
        version: 1,
        created_at: act.now,
        updated_at: act.now,
    };
    let entry = act
        .entry(EventKind::RoleCreated)
        .about(&role.name)
        .with(json!({ "inherits": role.inherits }));
    match flows.roles.create_role(role, entry, act.deadline).await? {
        RoleWrite::Stored(role) => Ok(*role),
        RoleWrite::Taken | RoleWrite::Stale => Err(taken("There is a role of this name.").into()),
    }
}

/// Changes a role.
///
/// # Errors
/// 403 for who may not make operators; 404 for a role that operators did not make; 412 when it has
/// changed since `version`, or changes at this moment; 422 naming every wrong field; or a fault.
pub async fn patch_role(flows: &Flows, act: &Act, message: PatchRole) -> Result<Role, Rejection> {
    require_steward(act)?;
    let known = get_role(flows, act, &message.name)?;
    let is_other = message
        .version
        .is_some_and(|version| version != known.version)
        || is_other(&known, message.expected);
    if is_other {
        return Err(stale().into());
    }
    let changed = Role {
        description: message.description.unwrap_or(known.description),
        inherits: message.inherits.unwrap_or(known.inherits),
        ..known
    };
    let mut mistakes = Mistakes::default();
    check_description(&mut mistakes, &changed.description);
    let rules = rules(flows, act);
    check_inherits(&mut mistakes, &rules, &changed.name, &changed.inherits);
    mistakes.into_result()?;
    let entry = act
        .entry(EventKind::RoleUpdated)
        .about(&changed.name)
        .with(json!({ "inherits": changed.inherits }));
    let written = flows.roles.update_role(changed, entry, act.deadline);
    match written.await? {
        RoleWrite::Stored(role) => Ok(*role),
        RoleWrite::Taken | RoleWrite::Stale => Err(stale().into()),
    }
}

/// Deletes a role and what it is allowed. Who carries it has a name without a meaning then.
///
/// # Errors
/// 403 for who may not make operators; 404 for a role that operators did not make; 409 while another
/// inherits it; 412 when it is not the one that is expected; or a fault.
pub async fn delete_role(
    flows: &Flows,
    act: &Act,
    name: String,
    expected: Option<(i64, UnixMillis)>,
) -> Result<(), Rejection> {
    require_steward(act)?;
    if is_other(&get_role(flows, act, &name)?, expected) {
        return Err(stale().into());
    }
    let rules = rules(flows, act);
    if let Some(heir) = rules.heirs(&name).next() {
        return Err(taken(format!(
            "The role {heir} inherits it. Change that one first."
        ))
        .into());
    }
    let entry = act.entry(EventKind::RoleDeleted).about(&name);
    let deleted = flows.roles.delete_role(name, expected, entry, act.deadline);
    match (deleted.await?, expected) {
        (true, _) => Ok(()),
        (false, Some(_)) => Err(stale().into()),
        (false, None) => Err(not_found("role that operators made").into()),
    }
}

/// Says whether a role is another than one that is expected. The store says it once more.
fn is_other(role: &Role, expected: Option<(i64, UnixMillis)>) -> bool {
    expected.is_some_and(|expected| expected != (role.version, role.created_at))
}

/// Lists policies, oldest first; those of one subject if it is named.
#[must_use]
pub fn list_policies(
    flows: &Flows,
    act: &Act,
    subject: Option<&str>,
    page: PageRequest,
) -> Page<Policy> {
    let rules = rules(flows, act);
    let of = |policy: &&Policy| subject.is_none_or(|subject| policy.subject == subject);
    let found: Vec<&Policy> = rules.policies().iter().filter(of).collect();
    let per_page = usize::try_from(page.per_page).unwrap_or(usize::MAX);
    let skip = match page.start {
        PageStart::Number(number) => {
            let before = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
            before.saturating_mul(per_page)
        }
        PageStart::After(id) => found.partition_point(|policy| policy.id.as_uuid() <= id),
    };
    let items: Vec<Policy> = found
        .iter()
        .skip(skip)
        .take(per_page)
        .map(|one| (*one).clone())
        .collect();
    let is_last = skip.saturating_add(items.len()) >= found.len();
    Page {
        next: items
            .last()
            .filter(|_| !is_last)
            .map(|one| one.id.as_uuid()),
        total: u64::try_from(found.len()).unwrap_or(u64::MAX),
        items,
    }
}

/// Allows somebody something.
///
/// # Errors
/// 403 for who may not make operators; 409 when the very same is allowed already; 422 naming every wrong
/// field, a subject that is nobody among them; or a fault.
pub async fn create_policy(
    flows: &Flows,
    act: &Act,
    message: CreatePolicy,
) -> Result<Policy, Rejection> {
    require_steward(act)?;
    let mut mistakes = Mistakes::default();
    let object = mistakes.check("object", Pattern::parse(&message.object));
    let action = mistakes.check("action", Pattern::parse(&message.action));
    mistakes.into_result()?;
    let patterns = object.zip(action);
    let (object, action) = patterns.ok_or_else(|| Refusal::field("object", "is missing"))?;
    if subjects_of(flows, act, &message.subject).await?.is_empty() {
        return Err(nobody().into());
    }
    if rules(flows, act).policies().len() >= MAX_POLICIES {
        return Err(taken("There are 5000 policies, which is the most.").into());
    }
    let policy = Policy {
        id: PolicyId::generate(act.now, flows.random.as_ref()),
        tenant: act.tenant.id,
        subject: message.subject,
        object,
        action,
        created_at: act.now,
    };
    let detail =
        json!({ "subject": policy.subject, "object": policy.object, "action": policy.action });
    let entry = act
        .entry(EventKind::PolicyCreated)
        .about(&policy.id)
        .with(detail);
    let written = flows
        .roles
        .create_policy(policy.clone(), entry, act.deadline);
    if written.await? {
        return Ok(policy);
    }
    Err(taken("The subject is allowed exactly this already.").into())
}

/// Takes a policy back.
///
/// # Errors
/// 403 for who may not make operators; 404 when there is none of this id; or a fault.
pub async fn delete_policy(flows: &Flows, act: &Act, policy: PolicyId) -> Result<(), Rejection> {
    require_steward(act)?;
    let entry = act.entry(EventKind::PolicyDeleted).about(&policy);
    let deleted = flows.roles.delete_policy(policy, entry, act.deadline);
    if deleted.await? {
        return Ok(());
    }
    Err(not_found("policy").into())
}

/// Refuses to change what is allowed for a key that opens one area only.
fn require_steward(act: &Act) -> Result<(), Refusal> {
    if act.may_appoint {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Forbidden,
        "Who changes what roles allow makes operators: this needs all of the admin door.",
    ))
}

fn check_description(mistakes: &mut Mistakes, description: &str) {
    if description.chars().count() > MAX_DESCRIPTION || description.chars().any(char::is_control) {
        mistakes.add("description", "must be a line of at most 500 characters");
    }
}

/// Checks that what is to be inherited is there, and inherits nothing of the heir: a circle would make
/// all of its roles one.
fn check_inherits(mistakes: &mut Mistakes, rules: &Rules, heir: &str, inherits: &[String]) {
    if inherits.len() > MAX_INHERITED {
        mistakes.add("inherits", "must be 50 at most");
        return;
    }
    for name in inherits {
        if name == heir || rules.inherits(name, heir) {
            mistakes.add("inherits", format!("{name} inherits {heir}"));
        } else if !rules.has_role(name) {
            mistakes.add("inherits", format!("{} is no role", quoted(name)));
        }
    }
}

/// Gives what a message may repeat of a text that may be anything.
fn quoted(text: &str) -> String {
    text.chars().take(64).filter(|c| !c.is_control()).collect()
}

fn nobody() -> Refusal {
    let built_in = BUILT_IN.join(", ");
    let hint =
        format!("must be a role ({built_in} or one that operators made), user:<id> or client:<id>");
    Refusal::field("subject", hint)
}

fn taken(hint: impl Into<String>) -> Refusal {
    Refusal::new(Code::Conflict, hint.into())
}
