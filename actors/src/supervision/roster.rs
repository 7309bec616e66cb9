//! The roster: the plain struct in which a supervisor decides.
//!
//! It is told what happened ([`Roster::up`], [`Roster::down`], [`Roster::frozen`],
//! [`Roster::ring`], [`Roster::close`]) and asked, until it has no answer, for the next step to
//! carry out ([`Roster::next_step`]). Time is an argument and nothing here waits, so every
//! strategy is tested without a runtime. It relies on each step being carried out before the next
//! is asked for, and on hearing of every start's outcome and every stop's end; an alarm covers what
//! never ends.
//!
//! Three rules make up all of it: while something must be cleared away, the last one that is not
//! down goes first; then whatever is down is started in order; and a failure is either borne
//! (restart, perhaps clearing what came after) or one too many (close).

use std::collections::VecDeque;
use std::hash::RandomState;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::Backoff;
use super::failure::Failure;
use super::spec::{Intensity, Strategy, SupervisorSpec};
use super::view::{Node, State};

mod seat;
mod step;
#[cfg(test)]
mod tests;
mod verdict;

use seat::{Phase, Seat};
use step::Reason;
pub(super) use step::{Alarm, Step};

/// How long the start of the others waits for a patient child's first attempt.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a killed child is waited for before it is left to itself.
const DEATH: Duration = Duration::from_millis(250);

/// Who is up, and what to do next.
pub(super) struct Roster {
    node: Arc<Node>,
    strategy: Strategy,
    intensity: Intensity,
    backoff: Backoff,
    seats: Vec<Seat>,
    crashes: VecDeque<Instant>,
    /// Everything from this seat on is to be down before anything starts.
    clearing: Option<usize>,
    closing: Option<Closing>,
    /// The others no longer wait for patient children.
    is_impatient: bool,
    is_settled: bool,
    pending: VecDeque<Step>,
    random: RandomState,
}

/// Why and until when everything is being stopped.
struct Closing {
    cause: Option<Failure>,
    until: Instant,
    is_done: bool,
}

// === impl Roster ===

impl Roster {
    pub(super) fn new(spec: &SupervisorSpec) -> Self {
        let seats = spec.children.iter();
        Self {
            node: Arc::clone(&spec.node),
            strategy: spec.strategy,
            intensity: spec.intensity,
            backoff: spec.backoff,
            seats: seats
                .map(|child| Seat::new(Arc::clone(&child.node), child.rules))
                .collect(),
            crashes: VecDeque::new(),
            clearing: None,
            closing: None,
            is_impatient: false,
            is_settled: false,
            pending: VecDeque::new(),
            random: RandomState::new(),
        }
    }

    /// Gives the child's present incarnation.
    pub(super) fn turn(&self, index: usize) -> Option<u64> {
        self.seats.get(index).map(|seat| seat.turn)
    }

    /// Says whether the child is being made.
    pub(super) fn is_starting(&self, index: usize) -> bool {
        self.seats
            .get(index)
            .is_some_and(|seat| seat.phase == Phase::Starting)
    }

    /// Gives the indices of what is up.
    pub(super) fn those_up(&self) -> impl Iterator<Item = usize> {
        let seats = self.seats.iter().enumerate();
        seats
            .filter(|(_, seat)| seat.is_up())
            .map(|(index, _)| index)
    }

    /// The child is up.
    pub(super) fn up(&mut self, index: usize, now: Instant) {
        let Some(seat) = self.seats.get_mut(index) else {
            return;
        };
        if seat.phase == Phase::Starting {
            seat.rise(now);
            seat.node.enter(State::Running);
        }
    }

    /// The child is down: it could not be made, it crashed, or it stopped as it was asked to.
    pub(super) fn down(&mut self, index: usize, failure: &Failure, now: Instant) {
        let Some(seat) = self.seats.get_mut(index) else {
            return;
        };
        match std::mem::replace(&mut seat.phase, Phase::Down) {
            Phase::Starting => self.fail_start(index, failure, now),
            Phase::Up => self.fail(index, failure, now),
            Phase::Dying(Some(cause)) => self.fail(index, &cause, now),
            Phase::Stopping | Phase::Dying(None) => seat.node.enter(State::Stopped),
            unmoved @ (Phase::Down | Phase::Waiting) => seat.phase = unmoved,
        }
    }

    /// The child left so many pings unanswered.
    pub(super) fn frozen(&mut self, index: usize, misses: u32) {
        let Some(seat) = self.seats.get_mut(index).filter(|seat| seat.is_up()) else {
            return;
        };
        seat.phase = Phase::Dying(Some(Failure::Frozen(misses)));
        self.pending.push_back(Step::Kill(index));
        self.set(index, Reason::Death, DEATH);
    }

    /// An alarm rings.
    pub(super) fn ring(&mut self, alarm: Alarm, now: Instant) {
        let index = alarm.seat;
        let seat = self.seats.get_mut(index);
        let Some(seat) = seat.filter(|seat| seat.turn == alarm.turn) else {
            return;
        };
        match (alarm.reason, &seat.phase) {
            (Reason::Restart, Phase::Waiting) => seat.phase = Phase::Down,
            (Reason::Patience, Phase::Starting) => self.is_impatient = true,
            (Reason::Stop, Phase::Stopping) => {
                seat.phase = Phase::Dying(None);
                self.pending.push_back(Step::Kill(index));
                self.set(index, Reason::Death, DEATH);
            }
            (Reason::Death, Phase::Dying(_)) => {
                self.pending.push_back(Step::Abandon(index));
                self.down(index, &Failure::Ended, now);
            }
            _ => {}
        }
    }

    /// Everything is to stop by `until`, last first. What closes for a failure stays failed.
    pub(super) fn close(&mut self, cause: Option<Failure>, until: Instant) {
        match &mut self.closing {
            Some(closing) => closing.until = closing.until.min(until),
            None => {
                self.closing = Some(Closing {
                    cause,
                    until,
                    is_done: false,
                });
            }
        }
    }

    /// Gives the next step to carry out; none until something happens.
    pub(super) fn next_step(&mut self, now: Instant) -> Option<Step> {
        if let Some(step) = self.pending.pop_front() {
            return Some(step);
        }
        if self.closing.is_some() {
            return self.clear(0, now).or_else(|| self.finish());
        }
        if let Some(first) = self.clearing {
            let step = self.clear(first, now);
            if step.is_some() || !self.is_clear(first) {
                return step;
            }
            self.clearing = None;
            self.seats.iter_mut().skip(first).for_each(Seat::refresh);
        }
        self.start_next().or_else(|| self.settle())
    }

    /// Brings down the last child from `first` on that is not down.
    fn clear(&mut self, first: usize, now: Instant) -> Option<Step> {
        let mut seats = self.seats.iter_mut().enumerate().skip(first);
        let (index, seat) = seats.rfind(|(_, seat)| !seat.is_down())?;
        if !matches!(seat.phase, Phase::Starting | Phase::Up) {
            return None;
        }
        seat.phase = Phase::Stopping;
        let left = self.closing.as_ref().map_or(Duration::MAX, |closing| {
            closing.until.saturating_duration_since(now)
        });
        let within = seat.rules.stop_within.min(left);
        self.set(index, Reason::Stop, within);
        Some(Step::Stop(index, within))
    }

    fn is_clear(&self, first: usize) -> bool {
        let mut seats = self.seats.iter().skip(first);
        seats.all(Seat::is_down)
    }

    /// Ends, once, when everything is down.
    fn finish(&mut self) -> Option<Step> {
        if !self.is_clear(0) {
            return None;
        }
        let closing = self.closing.as_mut().filter(|closing| !closing.is_done)?;
        closing.is_done = true;
        for seat in &self.seats {
            seat.node.enter(State::Stopped);
        }
        Some(Step::Close(closing.cause.clone()))
    }

    /// Starts the first child that is down and whose place in the order has come.
    fn start_next(&mut self) -> Option<Step> {
        let mut are_settled_before = true;
        let is_impatient = self.is_impatient;
        let mut seats = self.seats.iter_mut().enumerate();
        let (index, seat) = seats.find(|(_, seat)| {
            let is_due = seat.phase == Phase::Down && (are_settled_before || !seat.is_fresh);
            are_settled_before &= seat.is_settled(is_impatient);
            is_due
        })?;
        seat.begin();
        if seat.rules.is_lenient() && !is_impatient {
            self.set(index, Reason::Patience, PATIENCE);
        }
        Some(Step::Start(index))
    }

    /// Says once that everything is up or may be waited for.
    fn settle(&mut self) -> Option<Step> {
        let is_impatient = self.is_impatient;
        if self.is_settled || !self.seats.iter().all(|seat| seat.is_settled(is_impatient)) {
            return None;
        }
        self.is_settled = true;
        Some(Step::Settled)
    }

    fn set(&mut self, index: usize, reason: Reason, delay: Duration) {
        let Some(turn) = self.turn(index) else {
            return;
        };
        let alarm = Alarm {
            seat: index,
            turn,
            reason,
        };
        self.pending.push_back(Step::Set(alarm, delay));
    }
}
