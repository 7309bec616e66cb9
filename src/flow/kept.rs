//! What was fetched on clients' word, kept for as long as it may be.
//!
//! Each entry is a cell that is filled once, however many ask at the same moment, so a slow server
//! holds up those alone who ask for what it serves. A failure is kept too, for a moment, or everybody
//! who waited would ask again one after the other. Bounded: strangers decide what is asked for.

use std::sync::Arc;
use std::time::Duration;

use domain::id::TenantId;
use domain::time::UnixMillis;
use moka::ops::compute::Op;
use moka::sync::Cache;
use tokio::sync::OnceCell;

/// How many answers are kept; each is 64 KiB at most.
const CAPACITY: u64 = 1_000;
/// How long a failure is kept.
pub(super) const FAILED_FOR: Duration = Duration::from_secs(10);

/// What a kept answer is found by: tenants share none.
pub(super) type Key = (TenantId, String);

type Cell<V> = Arc<OnceCell<Held<V>>>;

/// Kept answers of one kind. Clones share them.
#[derive(Clone)]
pub struct Kept<V>(Cache<Key, Cell<V>>);

/// What came of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held<V> {
    /// What was fetched; `None` if nothing was.
    pub(super) value: Option<V>,
    /// When it was asked for.
    pub(super) at: UnixMillis,
    /// Until when it holds.
    pub(super) until: UnixMillis,
}

// === impl Held ===

impl<V> Held<V> {
    /// Says that nothing was fetched.
    pub(super) fn failed(now: UnixMillis) -> Self {
        Self {
            value: None,
            at: now,
            until: now + FAILED_FOR,
        }
    }
}

// === impl Kept ===

impl<V: Clone + Send + Sync + 'static> Default for Kept<V> {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl<V: Clone + Send + Sync + 'static> Kept<V> {
    /// Gives what is kept if it is still good; fetches it otherwise, knowing what was kept.
    ///
    /// # Cancel safety
    /// Whoever waits for the same fetch takes it over.
    pub(super) async fn get<F: Future<Output = Held<V>>>(
        &self,
        key: &Key,
        is_good: impl Fn(&Held<V>) -> bool,
        fetch: impl FnOnce(Option<Held<V>>) -> F,
    ) -> Held<V> {
        let cell = self.0.get_with_by_ref(key, Cell::default);
        let (cell, before) = match cell.get() {
            Some(held) if !is_good(held) => (self.replace(key, &cell), Some(held.clone())),
            _ => (cell, None),
        };
        cell.get_or_init(|| fetch(before)).await.clone()
    }

    /// Puts an empty cell in the place of a stale one, unless somebody else has.
    fn replace(&self, key: &Key, stale: &Cell<V>) -> Cell<V> {
        let entry = self.0.entry_by_ref(key);
        let outcome = entry.and_compute_with(|held| match held {
            Some(held) if !Arc::ptr_eq(held.value(), stale) => Op::Nop,
            _ => Op::Put(Cell::default()),
        });
        outcome
            .into_entry()
            .map_or_else(Cell::default, moka::Entry::into_value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use domain::random::Counting;
    use futures_util::future::join_all;

    use super::*;

    fn key(name: &str) -> Key {
        let tenant = TenantId::generate(UnixMillis::from_seconds(1), &Counting::default());
        (tenant, name.to_owned())
    }

    fn held(value: u32, seconds: i64) -> Held<u32> {
        Held {
            value: Some(value),
            at: UnixMillis::from_seconds(seconds),
            until: UnixMillis::from_seconds(seconds + 60),
        }
    }

    #[tokio::test]
    async fn however_many_ask_it_is_fetched_once() {
        let (kept, fetched) = (Kept::default(), AtomicU32::new(0));
        let key = key("a");
        let ask = || {
            kept.get(
                &key,
                |_| true,
                |_| async {
                    fetched.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    held(1, 1)
                },
            )
        };
        let all = join_all((0..50).map(|_| ask())).await;
        assert!(all.iter().all(|one| one.value == Some(1)));
        assert_eq!(fetched.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn what_is_no_longer_good_is_replaced_once_and_known_to_the_next_fetch() {
        let (kept, fetched) = (Kept::default(), AtomicU32::new(0));
        let key = key("a");
        kept.get(&key, |_| true, |_| async { held(1, 1) }).await;
        let ask = || {
            let is_good = |held: &Held<u32>| held.at >= UnixMillis::from_seconds(2);
            let fetched = &fetched;
            kept.get(&key, is_good, move |before: Option<Held<u32>>| async move {
                assert_eq!(before, Some(held(1, 1)));
                fetched.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                held(2, 2)
            })
        };
        let all = join_all((0..50).map(|_| ask())).await;
        assert!(all.iter().all(|one| one.value == Some(2)));
        assert_eq!(fetched.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_slow_fetch_holds_up_nobody_who_asks_for_another() {
        let kept = Kept::<u32>::default();
        let (slow, other) = (key("slow"), key("other"));
        tokio::select! {
            biased;
            _ = kept.get(&slow, |_| true, |_| std::future::pending()) => panic!("it never ends"),
            held = kept.get(&other, |_| true, |_| async { held(1, 1) }) => {
                assert_eq!(held.value, Some(1));
            }
        }
        // Nobody waits for the slow one any more, so it is asked for anew.
        let again = kept.get(&slow, |_| true, |_| async { held(3, 1) }).await;
        assert_eq!(again.value, Some(3));
    }
}
