//! What was read from the store lately and may be answered from memory: a bounded cache.
//!
//! Each entry is a cell that is loaded once, however many ask at the same moment. Forgetting takes
//! the cell out of the cache, so a load that began before a change may still answer those who asked
//! before it, and nobody who asks after. That something does not exist is not remembered.
//!
//! Who remembers makes sure that what changes is forgotten: on the node that changes it before the act
//! is answered, on the others by the [feed](crate::feed).

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use domain::rejection::Fault;
use moka::sync::Cache;
use store::port::Pending;
use tokio::sync::OnceCell;

use crate::patience::patiently;

type Cell<V> = Arc<OnceCell<Option<Arc<V>>>>;

/// What was asked for lately, by its name. Clones share it.
#[derive(Clone)]
pub(crate) struct Remembered<K, V>(Cache<K, Cell<V>>);

// === impl Remembered ===

impl<K, V> Remembered<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Remembers up to `capacity`, each for `ttl` at most.
    pub(crate) fn new(capacity: u64, ttl: Duration) -> Self {
        let cells = Cache::builder()
            .max_capacity(capacity)
            .time_to_live(ttl)
            .build();
        Self(cells)
    }

    /// Gives what is remembered.
    pub(crate) fn find(&self, key: &K) -> Option<Arc<V>> {
        self.0.get(key)?.get()?.clone()
    }

    /// Gives what is remembered, or what the store's `load` gives.
    ///
    /// # Errors
    /// The store's. The next caller asks again.
    ///
    /// # Cancel safety
    /// Whoever waits for the same load takes it over.
    pub(crate) async fn load<'s>(
        &self,
        key: K,
        load: impl FnOnce() -> Pending<'s, Option<V>>,
    ) -> Result<Option<Arc<V>>, Fault>
    where
        V: 's,
        K: Clone,
    {
        let cell = self.0.get_with_by_ref(&key, Cell::default);
        let read = || async { Ok::<_, Fault>(patiently(load()).await?.map(Arc::new)) };
        let found = cell.get_or_try_init(read).await?.clone();
        if found.is_none() {
            self.0.invalidate(&key);
        }
        Ok(found)
    }

    /// Forgets one that changed.
    pub(crate) fn forget(&self, key: &K) {
        self.0.invalidate(key);
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.0.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::join_all;

    use super::*;

    /// A store whose answer counts how often it was asked.
    #[derive(Default)]
    struct Counting(AtomicU32);

    impl Counting {
        fn load(&self) -> Pending<'_, Option<u32>> {
            Box::pin(async {
                tokio::task::yield_now().await;
                Ok(Some(self.0.fetch_add(1, Ordering::Relaxed) + 1))
            })
        }
    }

    fn remembered() -> Remembered<&'static str, u32> {
        Remembered::new(10, Duration::from_mins(1))
    }

    #[tokio::test]
    async fn however_many_ask_the_store_is_asked_once() {
        let (remembered, store) = (remembered(), Counting::default());
        let all = join_all((0..50).map(|_| remembered.load("a", || store.load()))).await;
        assert!(all.iter().all(|one| *one == Ok(Some(Arc::new(1)))));
    }

    #[tokio::test]
    async fn what_was_forgotten_while_it_was_read_answers_nobody_who_asks_after() {
        let (remembered, store) = (remembered(), Counting::default());
        let before = remembered.load("a", || {
            let answer = store.load();
            // It changed after the store was asked.
            remembered.forget(&"a");
            answer
        });
        assert_eq!(before.await, Ok(Some(Arc::new(1))));
        let after = remembered.load("a", || store.load()).await;
        assert_eq!(after, Ok(Some(Arc::new(2))));
    }

    #[tokio::test]
    async fn everything_can_be_forgotten_and_nothing_is_remembered_of_what_is_not_there() {
        let (remembered, store) = (remembered(), Counting::default());
        let nothing = || -> Pending<'_, Option<u32>> { Box::pin(async { Ok(None) }) };
        assert_eq!(remembered.load("a", nothing).await, Ok(None));
        let found = remembered.load("a", || store.load()).await;
        assert_eq!(found, Ok(Some(Arc::new(1))));
        remembered.clear();
        let again = remembered.load("a", || store.load()).await;
        assert_eq!(again, Ok(Some(Arc::new(2))));
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered() {
        let (remembered, store) = (remembered(), Counting::default());
        let failing = || -> Pending<'_, Option<u32>> {
            Box::pin(async { Err(Fault::Store("away".to_owned())) })
        };
        assert!(remembered.load("a", failing).await.is_err());
        let found = remembered.load("a", || store.load()).await;
        assert_eq!(found, Ok(Some(Arc::new(1))));
    }
}
