//! Tenants: how a request finds its own (CONTRACT §7), and where the service may call out to.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::kind::network::{DOMAIN, EGRESS, EgressRule};
use crate::config::kind::text::{PATH, TENANT};
use crate::config::kind::{Choice, Parsed, Span, span};
use crate::config::mistake::Mistake;
use crate::config::values::Values;
use crate::config::variable::{of, variables};

/// How a request finds its tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSettings {
    /// Id or slug of the tenant of a request that names none; `TENANT_DEFAULT_ID`, `default`.
    pub default: String,
    /// What names a tenant; `TENANT_RESOLUTION_MODE`, both.
    pub resolution: ResolutionMode,
    /// The domain whose subdomains are tenants, in lower case; `TENANT_BASE_DOMAIN`.
    pub base_domain: Option<String>,
    /// How long a client may be cached; `TENANT_CACHE_TTL`, 5 min.
    pub cache_ttl: Duration,
    /// How long a deleted tenant can be had back; `TENANT_DELETION_GRACE`, 30 d.
    pub deletion_grace: Duration,
}

/// What names a request's tenant, besides the path prefix `/t/{slug}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolutionMode {
    /// The host, then the header.
    Both,
    /// The host: `{slug}.TENANT_BASE_DOMAIN`.
    Subdomain,
    /// The header `X-Tenant-ID`.
    Header,
}

/// What the service may connect to on a client's word (CONTRACT §6).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EgressSettings {
    /// Exceptions to the ban on private addresses; `EGRESS_ALLOW`, none.
    pub allow: Vec<EgressRule>,
    /// Certificate authorities in PEM to trust besides the system's; `EGRESS_CA_PATH`.
    pub ca: Option<PathBuf>,
}

const RESOLUTION: Choice<ResolutionMode> = Choice(&[
    ("both", ResolutionMode::Both),
    ("subdomain", ResolutionMode::Subdomain),
    ("header", ResolutionMode::Header),
]);

variables! {
    /// Id or slug of the tenant of a request that names none.
    TENANT_DEFAULT_ID: Parsed<String> = of(TENANT).or("default");
    /// What names a request's tenant: its host, the header `X-Tenant-ID`, or both. The path prefix
    /// `/t/{slug}` always does.
    TENANT_RESOLUTION_MODE: Choice<ResolutionMode> = of(RESOLUTION).or("both");
    /// Domain whose subdomains are tenants. Absent: hosts name no tenant. Required when
    /// `TENANT_RESOLUTION_MODE` is `subdomain`.
    TENANT_BASE_DOMAIN: Parsed<String> = of(DOMAIN);
    /// How long a client's registration may be cached. Changes made here or on another node are
    /// seen within a second all the same.
    TENANT_CACHE_TTL: Span = of(span("0s", "24h")).or("5m");
    /// How long a deleted tenant can be had back, before it is erased with everything that belongs to it.
    TENANT_DELETION_GRACE: Span = of(span("1d", "365d")).or("30d");
    /// Addresses that may be connected to on a client's word although they are private.
    EGRESS_ALLOW: Parsed<Vec<EgressRule>> = of(EGRESS);
    /// Certificate authorities in PEM to trust in such connections, besides the system's.
    EGRESS_CA_PATH: Parsed<PathBuf> = of(PATH);
}

// === impl TenantSettings ===

impl TenantSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            default: values.get(&TENANT_DEFAULT_ID)?,
            resolution: values.get(&TENANT_RESOLUTION_MODE)?,
            base_domain: values.find(&TENANT_BASE_DOMAIN)?,
            cache_ttl: values.get(&TENANT_CACHE_TTL)?,
            deletion_grace: values.get(&TENANT_DELETION_GRACE)?,
        })
    }
}

// === impl EgressSettings ===

impl EgressSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            allow: values.find(&EGRESS_ALLOW)?.unwrap_or_default(),
            ca: values.find(&EGRESS_CA_PATH)?,
        })
    }
}
