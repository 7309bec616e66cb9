//! The directory: every tenant, found by slug or id. A plain value that readers share.

use std::collections::HashMap;
use std::sync::Arc;

use domain::id::TenantId;
use domain::tenant::Tenant;

/// Every tenant at one moment.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    by_slug: HashMap<String, Arc<Tenant>>,
    by_id: HashMap<TenantId, Arc<Tenant>>,
    default: Option<TenantId>,
}

// === impl Directory ===

impl Directory {
    /// Makes a directory of these tenants.
    pub(super) fn new(tenants: Vec<Tenant>, default: TenantId) -> Self {
        let mut directory = Self {
            default: Some(default),
            ..Self::default()
        };
        for tenant in tenants {
            directory.put(tenant);
        }
        directory
    }

    /// Finds a tenant by its name in hosts and paths.
    #[must_use]
    pub fn by_slug(&self, slug: &str) -> Option<&Arc<Tenant>> {
        self.by_slug.get(slug)
    }

    /// Finds a tenant by its id.
    #[must_use]
    pub fn by_id(&self, id: TenantId) -> Option<&Arc<Tenant>> {
        self.by_id.get(&id)
    }

    /// Gives the tenant of requests that name none; none before the owner's first start.
    #[must_use]
    pub fn default_tenant(&self) -> Option<&Arc<Tenant>> {
        self.by_id(self.default?)
    }

    /// Gives the directory with this tenant as it stands now.
    pub(super) fn with(&self, tenant: Tenant) -> Self {
        let mut next = self.clone();
        next.put(tenant);
        next
    }

    fn put(&mut self, tenant: Tenant) {
        let tenant = Arc::new(tenant);
        if let Some(before) = self.by_id.insert(tenant.id, Arc::clone(&tenant)) {
            self.by_slug.remove(&before.slug);
        }
        self.by_slug.insert(tenant.slug.clone(), tenant);
    }
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::tenant::{TenantConfig, TenantStatus};
    use domain::time::UnixMillis;

    use super::*;

    fn tenant(slug: &str, random: &Counting) -> Tenant {
        Tenant {
            id: TenantId::generate(UnixMillis::default(), random),
            slug: slug.to_owned(),
            name: slug.to_owned(),
            status: TenantStatus::Active,
            config: TenantConfig::default(),
            version: 1,
            created_at: UnixMillis::default(),
        }
    }

    #[test]
    fn an_empty_directory_has_no_default_tenant() {
        assert!(Directory::default().default_tenant().is_none());
    }

    #[test]
    fn a_renamed_tenant_is_no_longer_found_by_its_old_slug() {
        let random = Counting::default();
        let (one, two) = (tenant("one", &random), tenant("two", &random));
        let directory = Directory::new(vec![one.clone(), two.clone()], two.id);
        let renamed = Tenant {
            slug: "uno".to_owned(),
            ..one.clone()
        };
        let after = directory.with(renamed.clone());
        assert!(after.by_slug("one").is_none());
        assert_eq!(after.by_slug("uno").map(|t| &**t), Some(&renamed));
        assert_eq!(after.by_id(one.id).map(|t| &**t), Some(&renamed));
        assert_eq!(after.default_tenant().map(|t| t.id), Some(two.id));
        assert!(directory.by_slug("one").is_some());
    }
}
