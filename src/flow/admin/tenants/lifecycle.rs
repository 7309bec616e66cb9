//! The life of a tenant: made, suspended and opened again, deleted, had back, and in the end erased.
//!
//! A suspended tenant refuses everything, running tokens included, and loses nothing. A deleted one is no
//! tenant to anybody any more, until its day comes or an operator has it back; it comes back suspended,
//! so that whoever restores it looks at it before it is open. When the day has come the janitor erases it.

use domain::event::{Entry, EventKind};
use domain::id::TenantId;
use domain::page::{Page, PageRequest};
use domain::rejection::{Code, Refusal, Rejection};
use domain::tenant::{Tenant, TenantConfig, TenantFilter, TenantStatus, is_slug};
use serde_json::{Value, json};
use store::port::tenants::TenantWrite;

use super::{Choices, conflict, get, is_default, write};
use crate::flow::account::{Mistakes, parse_name};
use crate::flow::admin::stale;
use crate::flow::{Act, Flows};

/// List tenants.
#[derive(Debug, Clone)]
pub struct ListTenants {
    /// Which page.
    pub page: PageRequest,
    /// Which tenants.
    pub filter: TenantFilter,
}

/// Make a tenant.
#[derive(Debug, Clone)]
pub struct CreateTenant {
    /// Its name in hosts and paths.
    pub slug: String,
    /// What people know it by.
    pub name: String,
    /// What it chooses.
    pub choices: Choices,
}

/// Close a tenant, or open it again.
#[derive(Debug, Clone)]
pub struct TurnTenant {
    /// Its id or slug.
    pub tenant: String,
    /// Which of the two.
    pub to: Turn,
    /// Why, for the audit trail.
    pub reason: Option<String>,
}

/// Which way a tenant is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Every request is refused.
    Suspended,
    /// Everything works.
    Active,
}

/// How often a change is tried again that another one came before.
const TRIES: u32 = 5;
/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// Lists tenants, newest first.
///
/// # Errors
/// 403 for who acts in another tenant than the default one; or a fault.
pub async fn list(
    flows: &Flows,
    act: &Act,
    message: ListTenants,
) -> Result<Page<Tenant>, Rejection> {
    require_default(flows, act)?;
    let ListTenants { page, filter } = message;
    Ok(flows
        .tenants
        .list_tenants(filter, page, act.deadline)
        .await?)
}

/// Makes a tenant. Its keys are made when they are first needed.
///
/// # Errors
/// 403 for who acts in another tenant than the default one, and as for
/// [`patch`](super::patch()); 409 when the slug is taken; 422 naming every wrong field; or a fault.
pub async fn create(flows: &Flows, act: &Act, message: CreateTenant) -> Result<Tenant, Rejection> {
    require_default(flows, act)?;
    message.choices.require_appointer_of_trust(act)?;
    let mut mistakes = Mistakes::default();
    // A header may name a tenant by its id too.
    if !is_slug(&message.slug) || message.slug.parse::<TenantId>().is_ok() {
        mistakes.add("slug", "must be 1 to 63 of a-z, 0-9 and -, and no id");
    }
    let name = mistakes.check("name", parse_name(&message.name));
    let mut tenant = Tenant {
        id: TenantId::generate(act.now, flows.random.as_ref()),
        slug: message.slug,
        name: name.unwrap_or_default(),
        status: TenantStatus::Active,
        config: TenantConfig::default(),
        version: 1,
        created_at: act.now,
        erase_at: None,
    };
    message.choices.check(flows, &tenant, &mut mistakes);
    mistakes.into_result()?;
    message.choices.check_clients(flows, act, &tenant).await?;
    tenant.config = message.choices.apply(tenant.config);
    let detail = json!({ "slug": tenant.slug, "name": tenant.name, "config": tenant.config });
    let entry = act
        .entry(EventKind::TenantCreated)
        .about(&tenant.id)
        .with(detail);
    match flows
        .tenants
        .create_tenant(tenant, entry, act.deadline)
        .await?
    {
        TenantWrite::Stored(tenant) => Ok(*tenant),
        TenantWrite::SlugTaken | TenantWrite::Stale => {
            Err(conflict("There is a tenant with this slug.").into())
        }
    }
}

/// Closes a tenant or opens it again, on this node before it is answered and on every other within a
/// second. One that stands so already stays as it is.
///
/// # Errors
/// 403 for who acts in another tenant than the default one; 404 for one that is none; 409 for the default
/// tenant and for a deleted one; 422 for a reason that is too long; or a fault.
pub async fn turn(flows: &Flows, act: &Act, message: TurnTenant) -> Result<Tenant, Rejection> {
    let (to, kind) = match message.to {
        Turn::Suspended => (TenantStatus::Suspended, EventKind::TenantSuspended),
        Turn::Active => (TenantStatus::Active, EventKind::TenantActivated),
    };
    let reason = message.reason.map(|reason| reason.trim().to_owned());
    check_reason(reason.as_deref())?;
    let detail = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
    change(flows, act, (&message.tenant, kind, detail), |tenant| {
        if tenant.status == TenantStatus::Deleted {
            return Err(conflict("The tenant was deleted. Restore it first."));
        }
        let is_turned = tenant.status == to;
        tenant.status = to;
        Ok(!is_turned)
    })
    .await
}

/// Deletes a tenant: to everybody it is none any more, and after `TENANT_DELETION_GRACE` it is erased.
/// One that was deleted keeps its day.
///
/// # Errors
/// As [`turn`].
pub async fn delete(
    flows: &Flows,
    act: &Act,
    name: &str,
    expected: Option<i64>,
) -> Result<Tenant, Rejection> {
    let erase_at = act.now + flows.settings.tenants.deletion_grace;
    let detail = json!({ "erase_at": erase_at.to_string() });
    change(
        flows,
        act,
        (name, EventKind::TenantDeleted, detail),
        |tenant| {
            // The store compares the version once more.
            if expected.is_some_and(|version| version != tenant.version) {
                return Err(stale());
            }
            let is_open = tenant.status != TenantStatus::Deleted;
            if is_open {
                tenant.status = TenantStatus::Deleted;
                tenant.erase_at = Some(erase_at);
            }
            Ok(is_open)
        },
    )
    .await
}

/// Has a deleted tenant back, suspended.
///
/// # Errors
/// As [`turn`]; 409 for one that was not deleted, or whose day has come.
pub async fn restore(flows: &Flows, act: &Act, name: &str) -> Result<Tenant, Rejection> {
    let kind = EventKind::TenantRestored;
    change(flows, act, (name, kind, json!({})), |tenant| {
        if tenant.status != TenantStatus::Deleted {
            return Err(conflict("The tenant was not deleted."));
        }
        if tenant.erase_at.is_none_or(|day| day <= act.now) {
            return Err(conflict("The tenant is being erased."));
        }
        tenant.status = TenantStatus::Suspended;
        tenant.erase_at = None;
        Ok(true)
    })
    .await
}

/// Changes how a tenant stands, unless `to` says that it stands so already. Who closes a tenant is not
/// sent away because somebody turned one of its switches at the same time.
async fn change(
    flows: &Flows,
    act: &Act,
    (name, kind, detail): (&str, EventKind, Value),
    to: impl Fn(&mut Tenant) -> Result<bool, Refusal>,
) -> Result<Tenant, Rejection> {
    require_default(flows, act)?;
    for _ in 0..TRIES {
        let mut tenant = get(flows, act, name)?.as_ref().clone();
        if tenant.id == act.tenant.id {
            let hint = "The default tenant is where operators are: it stays open.";
            return Err(conflict(hint).into());
        }
        if !to(&mut tenant)? {
            return Ok(tenant);
        }
        let (id, entry) = (tenant.id, entry(act, kind, &tenant, &detail));
        if let Some(changed) = write(flows, act, tenant, entry).await? {
            return Ok(changed);
        }
        flows.tenants.reload(Some(id), act.deadline).await?;
    }
    Err(stale().into())
}

fn entry(act: &Act, kind: EventKind, tenant: &Tenant, detail: &Value) -> Entry {
    let entry = act.entry(kind).about(&tenant.id);
    let mut detail = detail.clone();
    if let Value::Object(members) = &mut detail {
        members.insert("slug".to_owned(), tenant.slug.clone().into());
    }
    entry.with(detail)
}

fn check_reason(reason: Option<&str>) -> Result<(), Refusal> {
    let is_fine = |reason: &str| (1..=MAX_REASON).contains(&reason.chars().count());
    if reason.is_none_or(is_fine) {
        return Ok(());
    }
    Err(Refusal::field("reason", "must be 1 to 500 characters"))
}

/// Demands the default tenant: only its operators look after others (OWASP ASVS 5.0 §8.4.1).
///
/// # Errors
/// 403 for who acts in another one.
pub fn require_default(flows: &Flows, act: &Act) -> Result<(), Refusal> {
    if is_default(flows, act) {
        return Ok(());
    }
    let hint = "Only operators of the default tenant make, list and close tenants.";
    Err(Refusal::new(Code::Forbidden, hint))
}
