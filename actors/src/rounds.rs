//! How a task goes its rounds: it claims what is due, has a few at once under way, and sleeps until
//! somebody wakes it or it is time to look again.
//!
//! What is claimed and what is done with it is the task's own ([`Rounds`]); it is stored until it is
//! settled, so a task that stops or crashes loses nothing. A store that is away is told of once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use store::port::Pending;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::patience::patiently;

/// How often it is looked without a nudge: another node's nudge is not heard here.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How long nobody else gets what was claimed. If this process dies, it is due again after that.
pub(crate) const LEASE: Duration = Duration::from_mins(1);

/// What is carried, one at a time.
pub(crate) trait Rounds: Send + Sync + 'static {
    /// One of it.
    type Job: Send;

    /// How many are under way at once.
    const AT_ONCE: usize;
    /// What it is called in the log.
    const NAME: &'static str;

    /// Claims what is due, for [`LEASE`].
    fn claim(&self, limit: u32) -> Pending<'_, Vec<Self::Job>>;

    /// Counts what waits.
    fn count(&self) -> Pending<'_, u64>;

    /// Carries one and settles it.
    fn carry(&self, job: Self::Job) -> impl Future<Output = ()> + Send;
}

/// What a task is woken by, and what it says of itself. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pager {
    wake: Arc<Notify>,
    waiting: Arc<AtomicU64>,
}

// === impl Pager ===

impl Pager {
    /// Wakes the task. A hint: it never fails and never waits.
    pub(crate) fn nudge(&self) {
        self.wake.notify_one();
    }

    /// Gives how many waited at the last count.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Goes the rounds until told to stop; what is under way then is finished first.
pub(crate) async fn run<R: Rounds>(rounds: Arc<R>, pager: Pager, stop: CancellationToken) {
    let mut under_way = FuturesUnordered::new();
    let mut is_cut_off = false;
    let mut counted_at = None;
    while !stop.is_cancelled() {
        count(&*rounds, &pager, &mut counted_at).await;
        let free = R::AT_ONCE.saturating_sub(under_way.len());
        let jobs = claim(&*rounds, free, &mut is_cut_off).await;
        under_way.extend(jobs.into_iter().map(|job| rounds.carry(job)));
        tokio::select! {
            () = stop.cancelled() => {}
            Some(()) = under_way.next() => {}
            () = pager.wake.notified() => {}
            () = sleep(LOOK_EVERY) => {}
        }
    }
    while under_way.next().await.is_some() {}
}

/// Claims what is due, as far as hands are free.
async fn claim<R: Rounds>(rounds: &R, free: usize, is_cut_off: &mut bool) -> Vec<R::Job> {
    let Some(limit) = u32::try_from(free).ok().filter(|limit| *limit > 0) else {
        return Vec::new();
    };
    match patiently(rounds.claim(limit)).await {
        Ok(jobs) => {
            *is_cut_off = false;
            jobs
        }
        Err(fault) => {
            if !std::mem::replace(is_cut_off, true) {
                tracing::warn!(%fault, "the store is away; {} wait", R::NAME);
            }
            Vec::new()
        }
    }
}

/// Counts what waits, as often as it is looked without a nudge.
async fn count<R: Rounds>(rounds: &R, pager: &Pager, counted_at: &mut Option<Instant>) {
    if counted_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
        return;
    }
    *counted_at = Some(Instant::now());
    // A store that is away is told of by the claim.
    if let Ok(count) = patiently(rounds.count()).await {
        pager.waiting.store(count, Ordering::Relaxed);
    }
}
