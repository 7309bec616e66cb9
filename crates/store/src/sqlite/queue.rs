//! A bounded queue between callers, who never wait, and a thread, which does.
//!
//! It outlives the thread that takes from it: what a stopped thread left is there for the next.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Things waiting for a thread.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    capacity: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    /// How many threads sleep: only then is waking one worth a system call.
    sleepers: usize,
}

// === impl Queue ===

impl<T> Queue<T> {
    /// Makes an empty queue that holds so many at most.
    pub(super) fn new(capacity: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            sleepers: 0,
        };
        Self {
            state: Mutex::new(state),
            arrived: Condvar::new(),
            capacity,
        }
    }

    /// Adds one at the end; false when the queue is full.
    pub(super) fn push(&self, one: T) -> bool {
        let mut state = self.lock();
        if state.waiting.len() >= self.capacity {
            return false;
        }
        state.waiting.push_back(one);
        let sleepers = state.sleepers;
        drop(state);
        if sleepers > 0 {
            self.arrived.notify_one();
        }
        true
    }

    /// Waits until something is there and moves up to `most` of it into `taken`. False when `stop`
    /// was set and nothing is left.
    pub(super) fn take(&self, taken: &mut Vec<T>, most: usize, stop: &AtomicBool) -> bool {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if stop.load(Ordering::Acquire) {
                return false;
            }
            state.sleepers += 1;
            state = self
                .arrived
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.sleepers -= 1;
        }
        let count = state.waiting.len().min(most);
        taken.extend(state.waiting.drain(..count));
        true
    }

    /// Takes all there is, without waiting.
    pub(super) fn drain(&self) -> Vec<T> {
        self.lock().waiting.drain(..).collect()
    }

    /// Sets the flag that [`take`](Self::take) looks at and wakes whoever sleeps.
    pub(super) fn stop(&self, stop: &AtomicBool) {
        // Set under the lock: a taker has either seen it or is asleep and will be woken.
        let state = self.lock();
        stop.store(true, Ordering::Release);
        drop(state);
        self.arrived.notify_all();
    }

    /// A panic elsewhere cannot have left the queue in between: nothing here calls foreign code.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_and_what_it_holds_comes_in_order() {
        let queue = Queue::new(2);
        assert!(queue.push(1) && queue.push(2) && !queue.push(3));
        let (mut taken, stop) = (Vec::new(), AtomicBool::new(false));
        assert!(queue.take(&mut taken, 1, &stop));
        assert!(queue.push(3), "taking makes room");
        assert!(queue.take(&mut taken, 9, &stop));
        assert_eq!(taken, [1, 2, 3]);
    }

    #[test]
    fn a_stopped_queue_gives_out_what_is_left_first() {
        let (queue, stop) = (Queue::new(2), AtomicBool::new(false));
        queue.push(1);
        queue.stop(&stop);
        let mut taken = Vec::new();
        assert!(queue.take(&mut taken, 9, &stop));
        assert!(!queue.take(&mut taken, 9, &stop));
    }

    #[test]
    fn a_sleeping_taker_is_woken_by_a_push_and_by_a_stop() {
        let (queue, stop) = (Queue::new(2), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| {
                let mut taken = Vec::new();
                while queue.take(&mut taken, 1, &stop) {}
                taken
            });
            assert!(queue.push(1) && queue.push(2));
            queue.stop(&stop);
            assert_eq!(taker.join().unwrap(), [1, 2]);
        });
    }
}
