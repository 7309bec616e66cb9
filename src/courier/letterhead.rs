//! In whose name a letter is written.

use domain::tenant::Tenant;

use crate::brand::Brand;

/// What a letter has of its tenant. Nothing of it comes from a request.
#[derive(Debug, Clone)]
pub struct Letterhead {
    /// What its links begin with.
    pub issuer: String,
    /// How it looks, and who signs it.
    pub brand: Brand,
}

// === impl Letterhead ===

impl Letterhead {
    /// Writes in the name of a tenant.
    #[must_use]
    pub fn of(tenant: &Tenant, issuer: String) -> Self {
        Self {
            issuer,
            brand: Brand::of(tenant),
        }
    }

    /// Looks like nobody's in particular.
    #[must_use]
    pub fn plain(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            brand: Brand::ours(),
        }
    }
}
