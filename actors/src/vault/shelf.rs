//! The keys at hand: unwrapped, few, and not for long.

use std::collections::HashMap;
use std::time::Duration;

use domain::id::{DataKeyId, TenantId};
use domain::time::UnixMillis;
use protocol::envelope::DataKeyBytes;

/// How many keys are at hand at most.
const MOST: usize = 1_024;
/// How long a key that nobody needs stays at hand.
const IDLE: Duration = Duration::from_mins(15);

/// Holds keys in the clear. What it drops is zeroed.
#[derive(Default)]
pub(super) struct Shelf {
    keys: HashMap<(TenantId, DataKeyId), Held>,
    active: HashMap<TenantId, DataKeyId>,
}

struct Held {
    key: DataKeyBytes,
    used_at: UnixMillis,
}

// === impl Shelf ===

impl Shelf {
    /// Gives a tenant's key by its name.
    pub(super) fn find(
        &mut self,
        tenant: TenantId,
        id: DataKeyId,
        now: UnixMillis,
    ) -> Option<DataKeyBytes> {
        let held = self.keys.get_mut(&(tenant, id))?;
        held.used_at = held.used_at.max(now);
        Some(held.key.clone())
    }

    /// Names the key that seals for a tenant, if it is known.
    pub(super) fn active(&self, tenant: TenantId) -> Option<DataKeyId> {
        self.active.get(&tenant).copied()
    }

    /// Puts a key on the shelf; the one that was longest unused makes room for it.
    pub(super) fn put(
        &mut self,
        (tenant, id): (TenantId, DataKeyId),
        key: DataKeyBytes,
        now: UnixMillis,
    ) {
        if self.keys.len() >= MOST && !self.keys.contains_key(&(tenant, id)) {
            let oldest = self.keys.iter().min_by_key(|(_, held)| held.used_at);
            if let Some(name) = oldest.map(|(name, _)| *name) {
                self.forget(name);
            }
        }
        self.keys.insert((tenant, id), Held { key, used_at: now });
    }

    /// Remembers which key seals for a tenant.
    pub(super) fn note_active(&mut self, tenant: TenantId, id: DataKeyId) {
        self.active.insert(tenant, id);
    }

    /// Forgets what nobody needed for a while.
    pub(super) fn forget_idle(&mut self, now: UnixMillis) {
        let is_idle = |held: &Held| held.used_at + IDLE <= now;
        let idle = self.keys.iter().filter(|(_, held)| is_idle(held));
        let names: Vec<_> = idle.map(|(name, _)| *name).collect();
        for name in names {
            self.forget(name);
        }
    }

    fn forget(&mut self, (tenant, id): (TenantId, DataKeyId)) {
        self.keys.remove(&(tenant, id));
        if self.active.get(&tenant) == Some(&id) {
            self.active.remove(&tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const TENANT: TenantId = TenantId::from_uuid(Uuid::nil());

    fn name(number: usize) -> (TenantId, DataKeyId) {
        let number = u128::try_from(number).expect("fits");
        (TENANT, DataKeyId::from_uuid(Uuid::from_u128(number)))
    }

    fn key() -> DataKeyBytes {
        DataKeyBytes::from_unwrapped(&[7; 32]).expect("32 bytes")
    }

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    #[test]
    fn a_key_stays_while_it_is_used_and_goes_when_it_is_not() {
        let (mut shelf, (tenant, id)) = (Shelf::default(), name(1));
        shelf.put((tenant, id), key(), at(0));
        shelf.note_active(tenant, id);
        assert!(shelf.find(tenant, id, at(800)).is_some());
        shelf.forget_idle(at(1_699));
        assert!(shelf.keys.contains_key(&(tenant, id)));
        assert_eq!(shelf.active(tenant), Some(id));
        shelf.forget_idle(at(1_700));
        assert!(shelf.find(tenant, id, at(1_700)).is_none());
        assert_eq!(shelf.active(tenant), None);
    }

    #[test]
    fn the_key_longest_unused_makes_room() {
        let mut shelf = Shelf::default();
        for number in 0..MOST {
            shelf.put(name(number), key(), at(1));
        }
        let (tenant, id) = name(5);
        shelf.keys.get_mut(&(tenant, id)).expect("held").used_at = at(0);
        shelf.put(name(MOST), key(), at(2));
        assert_eq!(shelf.keys.len(), MOST);
        assert!(shelf.find(tenant, id, at(2)).is_none());
        assert!(shelf.find(tenant, name(MOST).1, at(2)).is_some());
    }

    #[test]
    fn another_tenant_finds_nothing() {
        let (mut shelf, (tenant, id)) = (Shelf::default(), name(1));
        shelf.put((tenant, id), key(), at(0));
        let other = TenantId::from_uuid(Uuid::from_u128(9));
        assert!(shelf.find(other, id, at(0)).is_none());
    }
}
