//! One child's place in its supervisor's roster.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::supervision::child::Rules;
use crate::supervision::failure::Failure;
use crate::supervision::view::{Node, State};

/// One child: what to do when it breaks, and where it stands.
pub(super) struct Seat {
    pub(super) node: Arc<Node>,
    pub(super) rules: Rules,
    pub(super) phase: Phase,
    /// Counts its incarnations, so that news of an earlier one are told apart.
    pub(super) turn: u64,
    /// Starts in its place in the order: it has not been up since its supervisor began or cleared
    /// it away. A child that crashed by itself is not fresh and waits for nobody.
    pub(super) is_fresh: bool,
    /// Has been up at least once.
    pub(super) is_proven: bool,
    /// Its failures in a row.
    pub(super) failures: u32,
    up_since: Option<Instant>,
    /// When the log was last told of the outage that keeps it down.
    told_at: Option<Instant>,
}

/// How often the log is reminded of a child that an outage keeps down for long.
const REMIND_EVERY: Duration = Duration::from_secs(30);

/// Where a child stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// Down, and to be started when its place in the order comes.
    Down,
    /// Being made.
    Starting,
    /// Up.
    Up,
    /// Down, until its backoff is over.
    Waiting,
    /// Asked to stop.
    Stopping,
    /// Told to die; for a failure, or because it did not stop in time.
    Dying(Option<Failure>),
}

// === impl Seat ===

impl Seat {
    pub(super) const fn new(node: Arc<Node>, rules: Rules) -> Self {
        Self {
            node,
            rules,
            phase: Phase::Down,
            turn: 0,
            is_fresh: true,
            is_proven: false,
            failures: 0,
            up_since: None,
            told_at: None,
        }
    }

    /// Says whether the log is to be told once more that an outage keeps it down, and takes it as
    /// told.
    pub(super) fn is_to_be_told(&mut self, now: Instant) -> bool {
        let is_due = |told| now.saturating_duration_since(told) >= REMIND_EVERY;
        let is_to_be_told = self.told_at.is_none_or(is_due);
        if is_to_be_told {
            self.told_at = Some(now);
        }
        is_to_be_told
    }

    pub(super) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Says whether nothing of it runs or is about to.
    pub(super) fn is_down(&self) -> bool {
        matches!(self.phase, Phase::Down | Phase::Waiting)
    }

    /// Says whether those after it may start.
    pub(super) fn is_settled(&self, is_impatient: bool) -> bool {
        self.is_up() || (is_impatient && self.rules.is_lenient())
    }

    /// Puts it back to its place in the start order.
    pub(super) fn refresh(&mut self) {
        self.phase = Phase::Down;
        self.is_fresh = true;
        self.node.enter(State::Starting);
    }

    /// Starts a new incarnation.
    pub(super) fn begin(&mut self) {
        self.phase = Phase::Starting;
        self.turn = self.turn.wrapping_add(1);
    }

    pub(super) fn rise(&mut self, now: Instant) {
        self.phase = Phase::Up;
        self.is_fresh = false;
        self.is_proven = true;
        self.up_since = Some(now);
    }

    /// Counts one more failure, in a row unless it was up for `calm` before.
    pub(super) fn count_failure(&mut self, calm: Duration, now: Instant) -> u32 {
        let was_calm = |since| now.saturating_duration_since(since) >= calm;
        if self.up_since.take().is_some_and(was_calm) {
            self.failures = 0;
            self.told_at = None;
        }
        self.failures = self.failures.saturating_add(1);
        self.failures
    }
}
