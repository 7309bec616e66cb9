//! Written: documents that follow from what a tenant is, kept as they were written last.
//!
//! A document is kept beside the tenant that it was written for, and is the document of that very snapshot
//! alone: once the tenants owner has published another, it is written anew. So nothing has to be told to
//! forget, and whoever asks after a change reads the change. Bounded in bytes; a tenant's path is all that a
//! stranger needs to have one written.

use std::sync::Arc;

use bytes::Bytes;
use domain::id::TenantId;
use domain::tenant::Tenant;
use moka::sync::Cache;

/// How many bytes are kept, about.
const CAPACITY: u64 = 8 * 1024 * 1024;
/// What an entry takes beside its text: its key and the cache's own.
const OVERHEAD: usize = 256;

/// One kind of document, of every tenant.
pub(super) struct Written(Cache<TenantId, Document>);

#[derive(Clone)]
struct Document {
    tenant: Arc<Tenant>,
    text: Bytes,
}

// === impl Written ===

impl Default for Written {
    fn default() -> Self {
        let weigh = |_: &_, document: &Document| {
            u32::try_from(document.text.len().saturating_add(OVERHEAD)).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(CAPACITY).weigher(weigh);
        Self(cache.build())
    }
}

impl Written {
    /// Gives a tenant's document, as it is kept or as it is written now.
    pub(super) fn get(&self, tenant: &Arc<Tenant>, write: impl FnOnce() -> Bytes) -> Bytes {
        let kept = self.0.get(&tenant.id);
        if let Some(document) = kept.filter(|kept| Arc::ptr_eq(&kept.tenant, tenant)) {
            return document.text;
        }
        let (tenant, text) = (Arc::clone(tenant), write());
        let key = tenant.id;
        let written = text.clone();
        self.0.insert(key, Document { tenant, text });
        written
    }
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::tenant::{TenantConfig, TenantStatus};
    use domain::time::UnixMillis;

    use super::*;

    fn tenant() -> Tenant {
        Tenant {
            id: TenantId::generate(UnixMillis::from_seconds(1), &Counting::default()),
            slug: "acme".to_owned(),
            name: "Acme".to_owned(),
            status: TenantStatus::Active,
            config: TenantConfig::default(),
            version: 1,
            created_at: UnixMillis::from_seconds(1),
            erase_at: None,
        }
    }

    #[test]
    fn a_document_is_written_once_for_each_state_of_its_tenant() {
        let written = Written::default();
        let (first, changed) = (Arc::new(tenant()), Arc::new(tenant()));
        let write = |text: &'static str| move || Bytes::from_static(text.as_bytes());
        assert_eq!(written.get(&first, write("first")), "first");
        assert_eq!(written.get(&first, write("never")), "first");
        assert_eq!(written.get(&changed, write("changed")), "changed");
        assert_eq!(written.get(&changed, write("never")), "changed");
    }
}
