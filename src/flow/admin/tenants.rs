//! Tenants, as operators see and change them.
//!
//! Operators of the default tenant look after every tenant: they alone make, list, close, open, delete and
//! restore ([`lifecycle`]). Whoever acts in another tenant sees that one alone, and turns its switches;
//! whichever else is named is not found. `docs/decisions/0023-tenants.md` says why.
//!
//! A change is written through the tenants owner with its audit entry, counts the version up, and is in
//! effect on this node before it is answered, on every other within a second. What turns a switch stands
//! in the trail of the tenant that it is of, what opens or closes a tenant in the default tenant's.

use std::sync::Arc;

use domain::event::{Entry, EventKind};
use domain::rejection::{Code, Refusal, Rejection};
use domain::tenant::{Tenant, TenantStatus};
use serde_json::json;
use store::port::tenants::TenantWrite;

use super::{not_found, stale};
use crate::flow::account::{Mistakes, parse_name};
use crate::flow::{Act, Flows};

mod assertions;
mod choices;
mod lifecycle;
mod limits;
mod pages;

pub use choices::Choices;
pub use lifecycle::{
    CreateTenant, ListTenants, Turn, TurnTenant, create, delete, list, require_default, restore,
    turn,
};

use pages::check_resources;

/// Change a tenant's switches; `None` leaves one alone.
#[derive(Debug, Clone, Default)]
pub struct PatchTenant {
    /// Its id or slug.
    pub tenant: String,
    /// What people know it by.
    pub name: Option<String>,
    /// What it chooses.
    pub choices: Choices,
    /// The version it was based on.
    pub version: Option<i64>,
}

/// Gives a tenant by its id or slug: the one that the operator acts in, or any for who acts in the default
/// one.
///
/// # Errors
/// 404 for any other.
pub fn get(flows: &Flows, act: &Act, name: &str) -> Result<Arc<Tenant>, Refusal> {
    let directory = flows.tenants.directory();
    let by_id = name.parse().ok().and_then(|id| directory.by_id(id));
    let found = by_id.or_else(|| directory.by_slug(name));
    found
        .filter(|tenant| tenant.id == act.tenant.id || is_default(flows, act))
        .cloned()
        .ok_or_else(|| not_found("tenant"))
}

/// Turns switches of a tenant.
///
/// # Errors
/// 403 for where people sign in or whose word is taken for them and a key that opens one area only; 404
/// for a tenant that the operator does not reach; 409 for a deleted one; 412 when it has changed since
/// `version`, or changes at this moment; 422 for what is not acceptable; or a fault.
pub async fn patch(flows: &Flows, act: &Act, message: PatchTenant) -> Result<Tenant, Rejection> {
    let known = get(flows, act, &message.tenant)?;
    let is_based_on = |version: i64| version == known.version;
    if !message.version.is_none_or(is_based_on) {
        return Err(stale().into());
    }
    if known.status == TenantStatus::Deleted {
        return Err(conflict("The tenant was deleted. Restore it first.").into());
    }
    message.choices.require_appointer_of_trust(act)?;
    let mut mistakes = Mistakes::default();
    let name = message.name.as_deref();
    let name = name.and_then(|name| mistakes.check("name", parse_name(name)));
    message.choices.check(flows, &known, &mut mistakes);
    mistakes.into_result()?;
    message.choices.check_clients(flows, act, &known).await?;
    let changed = Tenant {
        name: name.unwrap_or_else(|| known.name.clone()),
        config: message.choices.apply(known.config.clone()),
        ..known.as_ref().clone()
    };
    let mut entry = act
        .entry(EventKind::TenantUpdated)
        .about(&known.id)
        .with(json!({ "name": changed.name, "config": changed.config }));
    entry.origin.tenant = known.id;
    write(flows, act, changed, entry)
        .await?
        .ok_or_else(|| stale().into())
}

/// Stores a tenant as it is to stand; nothing if it has changed since it was read.
async fn write(
    flows: &Flows,
    act: &Act,
    changed: Tenant,
    entry: Entry,
) -> Result<Option<Tenant>, Rejection> {
    let written = flows.tenants.update_tenant(changed, entry, act.deadline);
    Ok(match written.await? {
        TenantWrite::Stored(tenant) => Some(*tenant),
        TenantWrite::Stale | TenantWrite::SlugTaken => None,
    })
}

/// Says whether the act is in the default tenant, whose operators look after all.
fn is_default(flows: &Flows, act: &Act) -> bool {
    let directory = flows.tenants.directory();
    let default = directory.default_tenant();
    default.is_some_and(|default| default.id == act.tenant.id)
}

fn conflict(hint: &'static str) -> Refusal {
    Refusal::new(Code::Conflict, hint)
}
