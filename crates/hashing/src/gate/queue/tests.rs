//! Tests of what a thread takes from the queue, and of the memory behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::*;

const CHEAP: Cost = Cost {
    memory_kib: 64,
    time: 1,
    parallelism: 1,
};
const SALT: &[u8] = b"0123456789abcdef";

type Answered = oneshot::Receiver<Result<kernel::Output, kernel::Refused>>;

/// A queue, and whoever waits for an answer.
struct Scene {
    queue: Queue,
    places: Arc<Semaphore>,
    told: Arc<AtomicUsize>,
}

impl Scene {
    fn new(threads: usize, cost: Cost) -> Self {
        let told = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&told);
        let watch: Watch = Arc::new(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let threads = NonZeroUsize::new(threads).expect("one at least");
        Self {
            queue: Queue::new(threads, cost, watch),
            places: Arc::new(Semaphore::new(100)),
            told,
        }
    }

    fn push_due(&self, cost: Cost, deadline: Instant) -> Answered {
        let (answer, answered) = oneshot::channel();
        let place = Arc::clone(&self.places).try_acquire_owned();
        self.queue.push(Job {
            cost,
            input: SecretBytes::new(vec![1; 32]),
            salt: SALT.to_vec(),
            deadline,
            answer,
            place: place.expect("a place"),
        });
        answered
    }

    fn push(&self, cost: Cost) -> Answered {
        self.push_due(cost, Instant::now() + Duration::from_mins(1))
    }

    fn push_many(&self, count: usize) -> Vec<Answered> {
        (0..count).map(|_| self.push(CHEAP)).collect()
    }

    /// Gives how many jobs each of so many takes got, with everything taken held until the end.
    fn shares(&self, takes: usize) -> Vec<usize> {
        let batches: Vec<_> = (0..takes)
            .map(|_| self.queue.take(Instant::now()))
            .collect();
        let jobs = |batch: &Option<Batch<'_>>| batch.as_ref().map_or(0, |batch| batch.jobs.len());
        batches.iter().map(jobs).collect()
    }

    fn held(&self) -> usize {
        self.queue.waiting().spares.iter().map(Memory::bytes).sum()
    }

    fn spares(&self) -> usize {
        self.queue.waiting().spares.len()
    }
}

#[test]
fn one_that_waits_alone_runs_alone_and_no_more_than_pay_run_together() {
    let scene = Scene::new(1, CHEAP);
    let most = kernel::together();
    for (waiting, share) in [(0, 0), (1, 1), (2, 2), (3, 3), (9, 3)] {
        let _answered = scene.push_many(waiting);
        assert_eq!(scene.shares(1), [share.min(most)], "of {waiting}");
        scene.queue.waiting().jobs.clear();
    }
}

#[test]
fn what_waits_is_shared_between_the_threads() {
    let most = kernel::together();
    for (waiting, shares) in [(2, [1, 1]), (3, [2, 1]), (4, [2, 1]), (9, [3, 3])] {
        let scene = Scene::new(2, CHEAP);
        let _answered = scene.push_many(waiting);
        let shares = shares.map(|share: usize| share.min(most));
        assert_eq!(scene.shares(2), shares, "of {waiting}");
    }
}

#[test]
fn hashes_of_different_costs_are_never_computed_together() {
    let older = Cost { time: 2, ..CHEAP };
    let scene = Scene::new(1, CHEAP);
    let costs = [CHEAP, CHEAP, older, CHEAP, older, older];
    let _answered: Vec<_> = costs.map(|cost| scene.push(cost)).into();
    while let Some(batch) = scene.queue.take(Instant::now()) {
        let first = batch.jobs.first().map(|job| job.cost);
        assert!(batch.jobs.iter().all(|job| Some(job.cost) == first));
        assert_eq!(batch.spares.len() + 1, batch.jobs.len());
    }
}

#[test]
fn a_hash_of_more_memory_than_is_configured_runs_alone() {
    let larger = Cost {
        memory_kib: 128,
        ..CHEAP
    };
    let scene = Scene::new(1, CHEAP);
    let _answered = [scene.push(larger), scene.push(larger)];
    assert_eq!(scene.shares(3), [1, 1, 0]);
}

#[test]
fn jobs_that_nobody_waits_for_are_skipped_and_their_places_come_free() {
    let scene = Scene::new(1, CHEAP);
    let late = scene.push_due(CHEAP, Instant::now());
    drop(scene.push(CHEAP));
    let first = scene.push(CHEAP);
    drop(scene.push(CHEAP));
    let second = scene.push(CHEAP);
    drop(scene.push(CHEAP));
    assert_eq!(scene.places.available_permits(), 94);
    for _ in 0..6 {
        scene.queue.serve();
    }
    assert_eq!(scene.places.available_permits(), 100);
    assert_eq!(scene.told.load(Ordering::SeqCst), 2);
    for mut answered in [first, second] {
        let expected = kernel::hash(CHEAP, &[(&[1; 32], SALT)], &mut []);
        assert_eq!(answered.try_recv().ok(), expected.first().copied());
    }
    drop(late);
}

#[test]
fn spare_memories_are_counted_and_none_is_lost() {
    let costly = Cost {
        memory_kib: 64 * 1024,
        ..CHEAP
    };
    let scene = Scene::new(16, costly);
    let spares = scene.spares();
    // One, and two of 64 MiB.
    assert_eq!(spares, 3.min(16 * (kernel::together() - 1)));
    let _answered: Vec<_> = (0..100).map(|_| scene.push(costly)).collect();
    let shares = scene.shares(16);
    assert_eq!(shares.iter().sum::<usize>(), 16 + spares);
    assert_eq!(scene.spares(), spares);
}

#[test]
fn what_spare_memories_hold_is_given_back_when_nothing_waits_any_more() {
    let scene = Scene::new(1, CHEAP);
    let spares = scene.spares();
    let _answered = scene.push_many(4);
    scene.queue.serve();
    let held = (kernel::together() - 1) * 64 * 1024;
    assert_eq!(scene.held(), held, "kept while there is more to do");
    scene.queue.serve();
    scene.queue.serve();
    scene.queue.serve();
    assert_eq!((scene.held(), scene.spares()), (0, spares));
}
