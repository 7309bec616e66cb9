//! The queue: jobs in the order they came, and how many of them a thread takes at once.
//!
//! While a hash waits for memory, another can be computed, so two on one thread cost less than one
//! after the other; but each of them takes longer. So a thread takes more than one only if more wait
//! than there are threads: what waits is shared between the threads, two for each at the most. One
//! that waits alone runs alone.
//!
//! Every push brings one [`serve`](Queue::serve) on some thread, which takes one job at least if any
//! waits; so none is left behind, and one that finds nothing found that others took more.
//!
//! Memory is bounded whatever waits: beside the one that each thread keeps there is a fixed number of
//! spare memories, and a thread takes no more jobs than it finds spare ones for. What they hold goes
//! back to the system when a thread is done and nothing waits any more.

use std::collections::VecDeque;
use std::mem::take;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2id::Memory;
use domain::secret::SecretBytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use super::Watch;
use crate::kernel;
use crate::phc::Cost;

#[cfg(test)]
mod tests;

/// Spare memories that there may be at any cost.
const FEW_SPARES: usize = 1;
/// Spare memories that there may be beside that one, in KiB: half of what the service may take beside
/// its threads' memory.
const SPARE_KIB: u32 = 128 * 1024;

/// See the module.
pub(super) struct Queue {
    threads: NonZeroUsize,
    cost: Cost,
    watch: Watch,
    waiting: Mutex<Waiting>,
    /// Whether anything was hashed since it was asked last.
    was_used: AtomicBool,
}

/// Everything one job needs, and the place it takes until it is done or skipped.
pub(super) struct Job {
    pub(super) cost: Cost,
    pub(super) input: SecretBytes,
    pub(super) salt: Vec<u8>,
    pub(super) deadline: Instant,
    pub(super) answer: oneshot::Sender<Result<kernel::Output, kernel::Refused>>,
    pub(super) place: OwnedSemaphorePermit,
}

struct Waiting {
    jobs: VecDeque<Job>,
    spares: Vec<Memory>,
}

/// What one thread took: jobs of one cost, and a spare memory for each but the first.
struct Batch<'a> {
    queue: &'a Queue,
    jobs: Vec<Job>,
    spares: Vec<Memory>,
}

// === impl Queue ===

impl Queue {
    /// Makes an empty one, for so many threads. `cost` is what an ordinary hash costs.
    pub(super) fn new(threads: NonZeroUsize, cost: Cost, watch: Watch) -> Self {
        let mut spares = Vec::new();
        spares.resize_with(spares_for(threads, cost), Memory::default);
        Self {
            threads,
            cost,
            watch,
            waiting: Mutex::new(Waiting {
                jobs: VecDeque::new(),
                spares,
            }),
            was_used: AtomicBool::new(false),
        }
    }

    /// Says whether anything was hashed since this was asked last.
    pub(super) fn was_used(&self) -> bool {
        self.was_used.swap(false, Ordering::Relaxed)
    }

    /// Adds a job. Whoever does has [`serve`](Self::serve) called once.
    pub(super) fn push(&self, job: Job) {
        self.waiting().jobs.push_back(job);
    }

    /// Hashes what one thread takes, and answers.
    pub(super) fn serve(&self) {
        if let Some(batch) = self.take(Instant::now()) {
            batch.run();
        }
    }

    /// Takes a thread's share; `None` if nothing waits. Jobs that nobody waits for are dropped.
    fn take(&self, now: Instant) -> Option<Batch<'_>> {
        let mut waiting = self.waiting();
        let Waiting { jobs, spares } = &mut *waiting;
        let share = jobs.len().div_ceil(self.threads.get());
        let first = loop {
            let job = jobs.pop_front()?;
            if job.is_wanted(now) {
                break job;
            }
        };
        let cost = first.cost;
        let most = if self.may_share(cost) {
            share.min(kernel::together()).min(1 + spares.len())
        } else {
            1
        };
        let mut taken = vec![first];
        while taken.len() < most
            && let Some(job) = jobs.pop_front_if(|job| job.cost == cost || !job.is_wanted(now))
        {
            if job.is_wanted(now) {
                taken.push(job);
            }
        }
        let kept = spares.len() - (taken.len() - 1);
        Some(Batch {
            queue: self,
            jobs: taken,
            spares: spares.split_off(kept),
        })
    }

    /// Says whether hashes of this cost are computed together: one that needs more memory than is
    /// configured, of a record from before, needs more than was counted on.
    const fn may_share(&self, cost: Cost) -> bool {
        cost.memory_kib <= self.cost.memory_kib
    }

    /// Takes spare memories back.
    fn take_back(&self, spares: &mut Vec<Memory>) {
        let mut waiting = self.waiting();
        waiting.spares.append(spares);
        if waiting.jobs.is_empty() {
            let held: Vec<_> = waiting.spares.iter_mut().map(take).collect();
            // Unmapping takes its time; who pushes a job must not wait for it.
            drop(waiting);
            drop(held);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that could be left half done happens under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Batch ===

impl Batch<'_> {
    fn run(mut self) {
        let Some(cost) = self.jobs.first().map(|job| job.cost) else {
            return;
        };
        self.queue.was_used.store(true, Ordering::Relaxed);
        let started = Instant::now();
        let texts: Vec<_> = self.jobs.iter().map(Job::text).collect();
        let outputs = kernel::hash(cost, &texts, &mut self.spares);
        let span = started.elapsed();
        for (job, output) in take(&mut self.jobs).into_iter().zip(outputs) {
            (self.queue.watch)(span);
            // The place is free before the caller hears of it: whoever awaited an answer and asks
            // again at once must not be told that the gate is busy with their own last job.
            drop(job.place);
            let _ = job.answer.send(output);
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        // Also when a hash panicked, so that no spare memory is ever lost.
        self.queue.take_back(&mut self.spares);
    }
}

// === impl Job ===

impl Job {
    fn is_wanted(&self, now: Instant) -> bool {
        !self.answer.is_closed() && now < self.deadline
    }

    fn text(&self) -> kernel::Text<'_> {
        (self.input.expose(), &self.salt)
    }
}

/// Says how many spare memories there are: as many as the threads can use, but not so many that a
/// flood takes more than (threads + a small constant) × memory + 256 MiB (`docs/HASHING.md`).
fn spares_for(threads: NonZeroUsize, cost: Cost) -> usize {
    let useful = threads.get().saturating_mul(kernel::together() - 1);
    let within = SPARE_KIB.checked_div(cost.memory_kib).unwrap_or_default();
    let within = usize::try_from(within).unwrap_or(usize::MAX);
    useful.min(within.saturating_add(FEW_SPARES))
}
