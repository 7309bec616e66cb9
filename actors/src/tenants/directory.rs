//! The directory: every tenant, found by slug or id. A plain value that readers share.
//!
//! It is held in parts, so that one tenant's change copies a part of it and not all: with 10,000 tenants
//! some forty entries.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use domain::id::TenantId;
use domain::tenant::Tenant;

/// How many parts there are.
const PARTS: u64 = 256;

/// Every tenant at one moment.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    by_slug: Index<String>,
    by_id: Index<TenantId>,
    default: Option<TenantId>,
    /// The default tenant, which most requests are for.
    usual: Option<Arc<Tenant>>,
}

/// Tenants by one of their names; clones share every part that neither changed since.
#[derive(Debug, Clone)]
struct Index<K> {
    hasher: RandomState,
    parts: Vec<Arc<HashMap<K, Arc<Tenant>>>>,
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
        self.by_slug.part(slug)?.get(slug)
    }

    /// Finds a tenant by its id.
    #[must_use]
    pub fn by_id(&self, id: TenantId) -> Option<&Arc<Tenant>> {
        self.by_id.part(&id)?.get(&id)
    }

    /// Gives the tenant of requests that name none; none before the owner's first start.
    #[must_use]
    pub const fn default_tenant(&self) -> Option<&Arc<Tenant>> {
        self.usual.as_ref()
    }

    /// Gives the directory with this tenant as it stands now.
    pub(super) fn with(&self, tenant: Tenant) -> Self {
        let mut next = self.clone();
        next.put(tenant);
        next
    }

    /// Gives the directory without this tenant.
    pub(super) fn without(&self, id: TenantId) -> Self {
        let mut next = self.clone();
        next.take_out(id);
        next
    }

    fn put(&mut self, tenant: Tenant) {
        let tenant = Arc::new(tenant);
        self.take_out(tenant.id);
        if self.default == Some(tenant.id) {
            self.usual = Some(Arc::clone(&tenant));
        }
        self.by_id.insert(tenant.id, Arc::clone(&tenant));
        self.by_slug.insert(tenant.slug.clone(), tenant);
    }

    fn take_out(&mut self, id: TenantId) {
        let Some(before) = self.by_id.remove(&id) else {
            return;
        };
        if self.default == Some(id) {
            self.usual = None;
        }
        // Its slug may be another's by now.
        if self.by_slug(&before.slug).is_some_and(|now| now.id == id) {
            self.by_slug.remove(&before.slug);
        }
    }
}

// === impl Index ===

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            parts: (0..PARTS).map(|_| Arc::default()).collect(),
        }
    }
}

impl<K: Hash + Eq + Clone> Index<K> {
    fn place<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        usize::try_from(self.hasher.hash_one(key) % PARTS).unwrap_or(0)
    }

    fn part<Q: Hash + ?Sized>(&self, key: &Q) -> Option<&HashMap<K, Arc<Tenant>>> {
        self.parts.get(self.place(key)).map(Arc::as_ref)
    }

    fn insert(&mut self, key: K, tenant: Arc<Tenant>) {
        let place = self.place(&key);
        if let Some(part) = self.parts.get_mut(place) {
            Arc::make_mut(part).insert(key, tenant);
        }
    }

    fn remove(&mut self, key: &K) -> Option<Arc<Tenant>> {
        let place = self.place(key);
        let part = self.parts.get_mut(place)?;
        if !part.contains_key(key) {
            return None;
        }
        Arc::make_mut(part).remove(key)
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
            erase_at: None,
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

    #[test]
    fn the_default_tenant_is_the_one_of_its_last_change() {
        let random = Counting::default();
        let (one, two) = (tenant("one", &random), tenant("two", &random));
        let directory = Directory::new(vec![one.clone(), two.clone()], two.id);
        let renamed = Tenant {
            slug: "duo".to_owned(),
            ..two.clone()
        };
        let after = directory.with(renamed.clone()).with(one);
        assert_eq!(after.default_tenant().map(|t| &**t), Some(&renamed));
        assert_eq!(directory.default_tenant().map(|t| &**t), Some(&two));
        assert!(after.without(two.id).default_tenant().is_none());
    }

    #[test]
    fn a_tenant_that_is_gone_is_found_by_no_name_and_its_slug_is_free() {
        let random = Counting::default();
        let (one, two) = (tenant("one", &random), tenant("two", &random));
        let directory = Directory::new(vec![one.clone(), two.clone()], two.id);
        let heir = tenant("one", &random);
        for after in [
            directory.without(one.id).with(heir.clone()),
            // The feed may tell of the heir first.
            directory.with(heir.clone()).without(one.id),
        ] {
            assert!(after.by_id(one.id).is_none());
            assert_eq!(after.by_slug("one").map(|t| t.id), Some(heir.id));
        }
        assert_eq!(
            directory.without(heir.id).by_slug("one").map(|t| t.id),
            Some(one.id)
        );
    }

    #[test]
    fn one_change_copies_one_part_of_ten_thousand_tenants() {
        let random = Counting::default();
        let all: Vec<Tenant> = (0..10_000)
            .map(|number| Tenant {
                id: TenantId::generate(UnixMillis::from_millis(number), &random),
                ..tenant(&format!("t{number}"), &random)
            })
            .collect();
        let changed = Tenant {
            name: "Another".to_owned(),
            ..all[4_321].clone()
        };
        let directory = Directory::new(all, changed.id);
        let after = directory.with(changed.clone());
        let shared = |one: &Vec<Arc<HashMap<TenantId, _>>>, two: &Vec<_>| {
            let pairs = one.iter().zip(two);
            pairs.filter(|(one, two)| Arc::ptr_eq(one, two)).count()
        };
        assert_eq!(shared(&directory.by_id.parts, &after.by_id.parts), 255);
        assert_eq!(after.by_slug("t4321").map(|t| &**t), Some(&changed));
        assert_eq!(
            after.by_slug("t4320").map(|t| t.slug.as_str()),
            Some("t4320")
        );
    }
}
