//! Port: tenants. Held by the tenants owner alone.

use domain::event::Entry;
use domain::id::TenantId;
use domain::page::{Page, PageRequest};
use domain::tenant::{Tenant, TenantFilter};

use super::Pending;

/// What became of a tenant's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantWrite {
    /// It is stored; this is how it stands.
    Stored(Box<Tenant>),
    /// The slug belongs to another tenant.
    SlugTaken,
    /// There is no such tenant, or another version of it is stored.
    Stale,
}

/// Stores tenants.
pub trait Tenants: Send + Sync + 'static {
    /// Loads every tenant, in any order.
    fn load_tenants(&self) -> Pending<'_, Vec<Tenant>>;

    /// Loads one tenant as it stands now.
    fn load_tenant(&self, tenant: TenantId) -> Pending<'_, Option<Tenant>>;

    /// Lists tenants, newest first.
    fn list_tenants(&self, filter: TenantFilter, page: PageRequest) -> Pending<'_, Page<Tenant>>;

    /// Stores the tenant unless its slug is taken, and returns whichever tenant has the slug then.
    /// For the tenant that must exist from the first start, however many nodes start at once.
    fn ensure_tenant(&self, tenant: Tenant, entry: Entry) -> Pending<'_, Tenant>;

    /// Stores a new tenant. Writes a `TenantChanged` change; the entry may be another tenant's.
    fn create_tenant(&self, tenant: Tenant, entry: Entry) -> Pending<'_, TenantWrite>;

    /// Stores name, slug, status, configuration and the day of its erasure if the stored version is
    /// `tenant.version` and its erasure has not begun, and counts the version up. Writes a
    /// `TenantChanged` change; the entry may be another tenant's.
    fn update_tenant(&self, tenant: Tenant, entry: Entry) -> Pending<'_, TenantWrite>;
}
