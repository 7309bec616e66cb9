//! The way of a request: its path, read once, in whose words errors there are, and the tenant.

use std::sync::Arc;

use domain::rejection::{Refusal, Rejection};
use domain::tenant::Tenant;
use http::{HeaderMap, Uri};

use super::hall::Hall;
use super::path::PlainPath;
use super::render::Dialect;
use super::routes::dialect_of;
use super::visitor;

/// Where a request goes.
#[derive(Clone)]
pub(super) struct Way {
    /// The path without the tenant's part.
    pub(super) path: String,
    /// In whose words errors there are.
    pub(super) dialect: Dialect,
    /// The tenant that the path names.
    slug: Option<String>,
    /// The tenant, once it was found.
    tenant: Option<Arc<Tenant>>,
}

// === impl Way ===

impl Way {
    /// Reads a path.
    ///
    /// # Errors
    /// 400 for a path with a second reading.
    pub(super) fn parse(path: &str) -> Result<Self, Refusal> {
        let plain = PlainPath::parse(path)?;
        Ok(Self {
            path: plain.rest.to_owned(),
            dialect: dialect_of(plain.rest),
            slug: plain.tenant.map(str::to_owned),
            tenant: None,
        })
    }

    /// Finds the tenant, unless it was found before.
    ///
    /// # Errors
    /// 400, 403 or 404 about the tenant.
    pub(super) fn find_tenant(
        &mut self,
        hall: &Hall,
        head: (&Uri, &HeaderMap),
    ) -> Result<Arc<Tenant>, Rejection> {
        if let Some(found) = &self.tenant {
            return Ok(Arc::clone(found));
        }
        let found = visitor::find_tenant(hall, head, self.slug.as_deref())?;
        Ok(Arc::clone(self.tenant.insert(found)))
    }
}
