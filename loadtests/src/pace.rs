//! When the next request is due.
//!
//! In a closed loop each connection asks again as soon as it was answered, so a slow server is asked
//! less, and what would have waited is never seen. In an open loop requests are due at a constant rate
//! whatever became of the earlier ones, and each answer counts from when its request was due, so that
//! latency is free of coordinated omission.
//!
//! The runtime's timers are good to a millisecond, which is longer than most answers take. So a thread
//! sleeps, to some microseconds, and hands out the requests that are due: those of a moment together, for to
//! be woken for each costs more than to ask it, and would be taken from the server that shares the processors.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::numbers::{count, float};

/// How requests follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// Each after the answer to the one before.
    Closed,
    /// So many a second.
    Open(f64),
}

/// Hands out turns.
pub(crate) struct Turns {
    begun: Instant,
    end: Instant,
    metronome: Option<Metronome>,
}

struct Metronome {
    due: Arc<Semaphore>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    taken: Cell<u64>,
    per_second: f64,
    total: u64,
}

/// How long what was due within the span may still be asked after it.
const GRACE: Duration = Duration::from_secs(2);
/// How long requests that are due may wait for those that are due next. It counts as latency.
const MOMENT: Duration = Duration::from_micros(100);
/// How long they may at most while others wait that were due before them.
const LONGEST_MOMENT: Duration = Duration::from_millis(5);

// === impl Turns ===

impl Turns {
    /// Begins now.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn begin(pace: Pace, span: Duration) -> Result<Self, String> {
        let begun = Instant::now();
        let metronome = match pace {
            Pace::Closed => None,
            Pace::Open(per_second) => Some(Metronome::start(begun, per_second, span)?),
        };
        Ok(Self {
            begun,
            end: begun + span,
            metronome,
        })
    }

    /// Waits for a turn and gives the instant that its latency counts from; `None` at the end.
    pub(crate) async fn next(&self) -> Option<Instant> {
        let now = Instant::now();
        let Some(metronome) = &self.metronome else {
            return (now < self.end).then_some(now);
        };
        if now > self.end + GRACE {
            return None;
        }
        metronome.due.acquire().await.ok()?.forget();
        let number = metronome.taken.get();
        if number >= metronome.total {
            return None;
        }
        metronome.taken.set(number + 1);
        Some(self.begun + Duration::from_secs_f64(float(number) / metronome.per_second))
    }

    /// Gives how many requests were due and not asked.
    pub(crate) fn missed(&self) -> u64 {
        let metronome = self.metronome.as_ref();
        metronome.map_or(0, |metronome| {
            metronome.total.saturating_sub(metronome.taken.get())
        })
    }
}

// === impl Metronome ===

impl Metronome {
    fn start(begun: Instant, per_second: f64, span: Duration) -> Result<Self, String> {
        let due = Arc::new(Semaphore::new(0));
        let is_over = Arc::new(AtomicBool::new(false));
        let total = count(per_second * span.as_secs_f64()).max(1);
        let beat = (Arc::clone(&due), Arc::clone(&is_over));
        let thread = thread::Builder::new()
            .name("metronome".to_owned())
            .spawn(move || beat_until(begun, per_second, total, &beat))
            .map_err(|error| format!("no thread for the metronome: {error}"))?;
        Ok(Self {
            due,
            is_over,
            thread: Some(thread),
            taken: Cell::new(0),
            per_second,
            total,
        })
    }
}

impl Drop for Metronome {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Gives a permit for each request that is due, and at the end one to everybody who waits, to leave.
fn beat_until(
    begun: Instant,
    per_second: f64,
    total: u64,
    (due, is_over): &(Arc<Semaphore>, Arc<AtomicBool>),
) {
    // Without it the kernel wakes a sleeper up to 50 µs late.
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1_000));
    let mut given = 0_u64;
    while given < total && !is_over.load(Ordering::Relaxed) {
        let elapsed = begun.elapsed().as_secs_f64();
        let now_due = count(elapsed * per_second).saturating_add(1).min(total);
        due.add_permits(usize::try_from(now_due.saturating_sub(given)).unwrap_or(0));
        given = now_due;
        let next = begun + Duration::from_secs_f64(float(given) / per_second);
        let wait = next.saturating_duration_since(Instant::now());
        thread::sleep(wait.max(moment(due.available_permits(), per_second)));
    }
    due.add_permits(Semaphore::MAX_PERMITS >> 1);
}

/// Says how long the thread may sleep while so many requests wait that were due. A server that is behind is asked
/// no sooner by being told of more, and each time the thread wakes is taken from it: ten thousand times a second
/// cost a fifth of what it answered. Were they asked twice as fast as they fall due, they would last so long.
fn moment(waiting: usize, per_second: f64) -> Duration {
    let waiting = float(u64::try_from(waiting).unwrap_or(u64::MAX));
    let lasting = (waiting / per_second / 2.0).min(LONGEST_MOMENT.as_secs_f64());
    Duration::from_secs_f64(lasting).max(MOMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(future)
    }

    #[test]
    fn an_open_loop_hands_out_every_turn_and_counts_from_when_it_was_due() {
        block_on(async {
            let span = Duration::from_millis(20);
            let turns = Turns::begin(Pace::Open(1_000.0), span).expect("begins");
            let mut due = Vec::new();
            while let Some(instant) = turns.next().await {
                due.push(instant.duration_since(turns.begun));
            }
            let planned: Vec<_> = (0..20).map(Duration::from_millis).collect();
            assert_eq!(due, planned);
            assert_eq!(turns.missed(), 0);
        });
    }

    #[test]
    fn who_is_behind_is_told_of_more_less_often() {
        assert_eq!(moment(0, 1_000.0), MOMENT);
        assert_eq!(moment(4, 1_000.0), Duration::from_millis(2));
        assert_eq!(moment(1_000, 1_000.0), LONGEST_MOMENT);
    }

    #[test]
    fn what_was_due_and_not_asked_is_missed() {
        block_on(async {
            let span = Duration::from_millis(5);
            let turns = Turns::begin(Pace::Open(1_000.0), span).expect("begins");
            assert!(turns.next().await.is_some());
            assert_eq!(turns.missed(), 4);
        });
    }
}
