//! Remembered API keys, and when they were used last.
//!
//! A presented key is found by its signature, which nobody can make, and each use asks here: from memory,
//! bounded, or else from the store. Whoever changes a key makes this node forget before the change is
//! answered; the [feed](crate::feed) makes the others forget. Both forget all keys at once: they change
//! seldom, and a key that is asked for again costs one reading. A node that does not hear the feed knows
//! that it does not (see [`Denylist::is_fresh`]): whoever judges a key asks that first. Times are judged at
//! each use and never remembered as an answer.
//!
//! A use is noted in memory and written by a task once a minute, one instant for each key however often it
//! was used, so a use never waits for a write. A crash loses a minute of that, and nobody decides anything
//! by it. It is no owner: nothing queues, and flows write the keys themselves.
//!
//! [`Denylist::is_fresh`]: crate::denylist::Denylist::is_fresh

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::api_key::{ApiKey, ApiKeyUse};
use domain::id::{ApiKeyId, TenantId};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use futures_util::FutureExt;
use store::port::api_keys as port;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::deadline::Deadline;
use crate::patience::{answered, patiently};
use crate::remembered::Remembered;
use crate::supervision::ChildSpec;

/// How many keys are remembered: about 10 MB when full.
const CAPACITY: u64 = 20_000;
/// How long one is remembered at most, should nobody ever say that it changed.
const TTL: Duration = Duration::from_mins(5);
/// How often it is written when keys were used.
const WRITE_EVERY: Duration = Duration::from_mins(1);
/// How many keys' uses wait to be written at most; what is beyond is not noted.
const MAX_WAITING: usize = 50_000;
/// How many are written in one step: no other verb waits long behind it.
const AT_ONCE: usize = 500;

type Uses = HashMap<(TenantId, ApiKeyId), UnixMillis>;

/// The API keys that were asked for lately. Clones share them.
#[derive(Clone)]
pub struct ApiKeys {
    remembered: Remembered<(TenantId, [u8; 32]), ApiKey>,
    used: Arc<Mutex<Uses>>,
    store: Arc<dyn port::ApiKeys>,
}

/// Makes the memory, and the spec of the task that writes what was used.
#[must_use]
pub fn api_keys(store: Arc<dyn port::ApiKeys>) -> (ApiKeys, ChildSpec) {
    let keys = ApiKeys {
        remembered: Remembered::new(CAPACITY, TTL),
        used: Arc::default(),
        store,
    };
    let noted = keys.clone();
    let spec = ChildSpec::task("api-keys", move |stop| {
        let noted = noted.clone();
        async move { noted.write_until(stop).await }.boxed()
    });
    (keys, spec.tolerant())
}

// === impl ApiKeys ===

impl ApiKeys {
    /// Finds the key that has this signature, or had it before its last rotation; from memory, or else
    /// from the store. Whether it may be used is not asked.
    ///
    /// # Errors
    /// The store's, or [`Fault::Late`].
    ///
    /// # Cancel safety
    /// Reads only; another caller's load of the same key goes on.
    pub async fn load(
        &self,
        tenant: TenantId,
        signature: [u8; 32],
        deadline: Deadline,
    ) -> Result<Option<Arc<ApiKey>>, Fault> {
        let load = || self.store.load_api_key(tenant, signature);
        answered(deadline, self.remembered.load((tenant, signature), load)).await
    }

    /// Forgets what is remembered: a key changed. Called before the change is answered.
    pub fn forget(&self) {
        self.remembered.clear();
    }

    /// Notes that a key was used. Never waits.
    pub fn note_used(&self, key: &ApiKey, at: UnixMillis) {
        let mut used = self.uses();
        let waiting = used.len();
        match used.get_mut(&(key.tenant, key.id)) {
            Some(last) => *last = at.max(*last),
            None if waiting < MAX_WAITING => {
                used.insert((key.tenant, key.id), at);
            }
            None => {}
        }
    }

    /// Gives when a key was used last, as far as this node knows beyond what is stored.
    #[must_use]
    pub fn last_used(&self, key: &ApiKey) -> Option<UnixMillis> {
        let noted = self.uses().get(&(key.tenant, key.id)).copied();
        noted.max(key.last_used_at)
    }

    /// Writes once a minute, and once more when it is told to stop.
    async fn write_until(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(WRITE_EVERY) => {}
            }
            if let Err(fault) = self.write().await {
                tracing::warn!(%fault, "when API keys were used last could not be written");
            }
        }
    }

    /// Writes what waits. What could not be written waits on, unless it was used again.
    async fn write(&self) -> Result<(), Fault> {
        let taken = std::mem::take(&mut *self.uses());
        let taken: Vec<ApiKeyUse> = taken
            .into_iter()
            .map(|((tenant, key), at)| ApiKeyUse { tenant, key, at })
            .collect();
        let mut parts = taken.chunks(AT_ONCE);
        while let Some(part) = parts.next() {
            let written = patiently(self.store.note_api_keys_used(part.to_vec())).await;
            if let Err(fault) = written {
                self.put_back(part.iter().chain(parts.flatten()));
                return Err(fault);
            }
        }
        Ok(())
    }

    fn put_back<'u>(&self, unwritten: impl Iterator<Item = &'u ApiKeyUse>) {
        let mut used = self.uses();
        for one in unwritten {
            used.entry((one.tenant, one.key)).or_insert(one.at);
        }
    }

    /// Each change under the lock is one insertion or a swap, so a poisoned map is a whole map.
    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use domain::api_key::ApiKeyFilter;
    use domain::event::Entry;
    use domain::page::{Page, PageRequest};
    use domain::random::Counting;
    use domain::scope::ScopeSet;
    use store::port::Pending;

    use super::*;

    /// A store that keeps what was written, while it is there.
    #[derive(Default)]
    struct Kept {
        written: Mutex<Vec<Vec<ApiKeyUse>>>,
        is_away: AtomicBool,
    }

    impl port::ApiKeys for Kept {
        fn create_api_key(&self, _: ApiKey, _: Entry) -> Pending<'_, ()> {
            away()
        }

        fn ensure_api_key(&self, _: ApiKey, _: Entry) -> Pending<'_, bool> {
            away()
        }

        fn load_api_key(&self, _: TenantId, _: [u8; 32]) -> Pending<'_, Option<ApiKey>> {
            away()
        }

        fn find_api_key(&self, _: TenantId, _: ApiKeyId) -> Pending<'_, Option<ApiKey>> {
            away()
        }

        fn list_api_keys(
            &self,
            _: TenantId,
            _: ApiKeyFilter,
            _: PageRequest,
        ) -> Pending<'_, Page<ApiKey>> {
            away()
        }

        fn update_api_key(&self, _: ApiKey, _: Entry) -> Pending<'_, bool> {
            away()
        }

        fn revoke_api_key(
            &self,
            _: TenantId,
            _: ApiKeyId,
            _: UnixMillis,
            _: Entry,
        ) -> Pending<'_, bool> {
            away()
        }

        fn note_api_keys_used(&self, uses: Vec<ApiKeyUse>) -> Pending<'_, ()> {
            if self.is_away.load(Ordering::Relaxed) {
                return away();
            }
            self.written.lock().expect("written").push(uses);
            Box::pin(async { Ok(()) })
        }
    }

    fn away<T>() -> Pending<'static, T> {
        Box::pin(async { Err(Fault::Store("away".to_owned())) })
    }

    fn key() -> ApiKey {
        let (now, random) = (UnixMillis::from_seconds(0), Counting::default());
        ApiKey {
            id: ApiKeyId::generate(now, &random),
            tenant: TenantId::generate(now, &random),
            client: None,
            name: "k".to_owned(),
            visible_prefix: "qf_ak_ab".to_owned(),
            signature: [0; 32],
            superseded: None,
            scopes: ScopeSet::from_stored(Vec::new()),
            rate_limit: None,
            created_at: now,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            version: 1,
        }
    }

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    #[tokio::test]
    async fn a_thousand_uses_are_one_write() {
        let (store, key) = (Arc::new(Kept::default()), key());
        let (keys, _) = api_keys(store.clone());
        for second in 0..1_000 {
            keys.note_used(&key, at(second));
        }
        assert_eq!(keys.last_used(&key), Some(at(999)));
        keys.write().await.expect("written");
        keys.write().await.expect("nothing to write");
        let written = store.written.lock().expect("written");
        let (tenant, id) = (key.tenant, key.id);
        let one = ApiKeyUse {
            tenant,
            key: id,
            at: at(999),
        };
        assert_eq!(*written, [vec![one]]);
    }

    #[tokio::test]
    async fn a_store_that_is_away_loses_no_use() {
        let (store, key) = (Arc::new(Kept::default()), key());
        let (keys, _) = api_keys(store.clone());
        keys.note_used(&key, at(5));
        store.is_away.store(true, Ordering::Relaxed);
        assert!(keys.write().await.is_err());
        assert_eq!(keys.last_used(&key), Some(at(5)));
        store.is_away.store(false, Ordering::Relaxed);
        keys.write().await.expect("written");
        assert_eq!(store.written.lock().expect("written").len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_written_each_minute_and_when_the_task_ends() {
        let (store, key) = (Arc::new(Kept::default()), key());
        let (keys, _) = api_keys(store.clone());
        let stop = CancellationToken::new();
        let (noted, ended) = (keys.clone(), stop.clone());
        let task = async move { noted.write_until(ended).await };
        let user = async {
            keys.note_used(&key, at(5));
            sleep(WRITE_EVERY * 2).await;
            let written = store.written.lock().expect("written").len();
            keys.note_used(&key, at(6));
            stop.cancel();
            written
        };
        let ((), written) = tokio::join!(task, user);
        assert_eq!(written, 1);
        assert_eq!(store.written.lock().expect("written").len(), 2);
    }
}
