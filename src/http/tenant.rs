//! Which tenant a request is for (CONTRACT §7).
//!
//! Host, header and path may each name one. A name that is no tenant, or a deleted one's, is 404, two that
//! are different tenants are 400, a suspended tenant is 403; a request that names none is the default
//! tenant's.

use std::sync::Arc;

use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::tenant::{Tenant, TenantStatus};
use http::{HeaderMap, HeaderName, Uri};

use crate::config::{ResolutionMode, TenantSettings};

pub(super) static X_TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");

/// Every name that a request gives its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Named<'a> {
    /// The label before `TENANT_BASE_DOMAIN`.
    pub(super) host: Option<&'a str>,
    /// `X-Tenant-ID`: id or slug.
    pub(super) header: Option<&'a str>,
    /// The slug after `/t/`.
    pub(super) path: Option<&'a str>,
}

/// Where tenants are looked up.
pub(super) trait Tenants {
    /// Finds a tenant by its slug.
    fn by_slug(&self, slug: &str) -> Option<Arc<Tenant>>;
    /// Finds a tenant by its id or slug.
    fn by_name(&self, name: &str) -> Option<Arc<Tenant>>;
    /// Gives the default tenant; `None` while nothing is loaded.
    fn default_tenant(&self) -> Option<Arc<Tenant>>;
}

// === impl Named ===

impl<'a> Named<'a> {
    /// Collects the names.
    ///
    /// # Errors
    /// 400 for several headers or one that is no text.
    pub(super) fn collect(
        settings: &TenantSettings,
        (uri, headers): (&'a Uri, &'a HeaderMap),
        path: Option<&'a str>,
    ) -> Result<Self, Refusal> {
        let by_host = settings.resolution != ResolutionMode::Header;
        let by_header = settings.resolution != ResolutionMode::Subdomain;
        let base = settings.base_domain.as_deref().filter(|_| by_host);
        let host = base.and_then(|base| find_label(host_of(uri, headers)?, base));
        let header = if by_header {
            read_header(headers)?
        } else {
            None
        };
        Ok(Self { host, header, path })
    }

    /// Finds the one tenant that all names mean.
    ///
    /// # Errors
    /// See the module; [`Fault::Restarting`] while no tenant is loaded.
    pub(super) fn resolve(self, tenants: &impl Tenants) -> Result<Arc<Tenant>, Rejection> {
        let default = tenants
            .default_tenant()
            .ok_or(Fault::Restarting("tenants"))?;
        let found = [
            self.host
                .map(|slug| tenants.by_slug(&slug.to_ascii_lowercase())),
            self.header.map(|name| tenants.by_name(name)),
            self.path.map(|slug| tenants.by_slug(slug)),
        ];
        let mut meant: Option<Arc<Tenant>> = None;
        for tenant in found.into_iter().flatten() {
            let tenant = tenant.ok_or_else(unknown)?;
            if meant.as_ref().is_some_and(|other| other.id != tenant.id) {
                let hint = "host, X-Tenant-ID and path name different tenants";
                return Err(Refusal::new(Code::BadRequest, hint).into());
            }
            meant = Some(tenant);
        }
        Ok(open(meant.unwrap_or(default))?)
    }
}

/// Refuses a tenant that is closed; one that was deleted is none any more.
fn open(tenant: Arc<Tenant>) -> Result<Arc<Tenant>, Refusal> {
    match tenant.status {
        TenantStatus::Active => Ok(tenant),
        TenantStatus::Suspended => Err(Refusal::new(Code::Forbidden, "this tenant is suspended")),
        TenantStatus::Deleted => Err(unknown()),
    }
}

fn unknown() -> Refusal {
    Refusal::new(Code::NotFound, "there is no such tenant")
}

fn read_header(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(&X_TENANT_ID).iter();
    let refused = || Refusal::new(Code::BadRequest, "X-Tenant-ID must be one id or slug");
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| refused()),
        (Some(_), Some(_)) => Err(refused()),
    }
}

/// Gives the host: HTTP/2's `:authority`, or the `Host` header.
fn host_of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let authority = uri.authority().map(http::uri::Authority::host);
    let header = || {
        let value = headers.get(http::header::HOST)?.to_str().ok()?;
        Some(value.rsplit_once(':').map_or(value, |(host, _)| host))
    };
    authority.or_else(header)
}

/// Gives what stands before `.{base}`; any other host names no tenant.
fn find_label<'a>(host: &'a str, base: &str) -> Option<&'a str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let start = host.len().checked_sub(base.len())?;
    let (before, end) = (host.get(..start)?, host.get(start..)?);
    before
        .strip_suffix('.')
        .filter(|_| end.eq_ignore_ascii_case(base))
}

#[cfg(test)]
mod tests;
