//! What a failure leads to: a restart, at once or later, or the end of the supervisor.

use std::hash::BuildHasher;
use std::time::Duration;

use tokio::time::Instant;

use super::Roster;
use super::seat::Phase;
use super::step::Reason;
use crate::supervision::backoff::Backoff;
use crate::supervision::child::Rules;
use crate::supervision::failure::Failure;
use crate::supervision::spec::Strategy;

/// How long the children of a supervisor that gives up have to finish, all together.
const LAST_ORDERS: Duration = Duration::from_secs(10);
/// What a patient or tolerant child waits between attempts unless its spec says otherwise.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// One child may wait for another, so this is a share of the seconds that an outage may outlast
/// itself by.
const PATIENT_CAP: Duration = Duration::from_secs(1);
const TOLERANT_CAP: Duration = Duration::from_mins(1);

// === impl Roster ===

impl Roster {
    /// Judges a child that could not be made.
    pub(super) fn fail_start(&mut self, index: usize, failure: &Failure, now: Instant) {
        let is_closing = self.closing.is_some();
        let seat = self.seats.get_mut(index);
        let Some(seat) = seat.filter(|_| !is_closing) else {
            return;
        };
        if seat.rules.is_lenient() {
            self.is_impatient = true;
        } else if !seat.is_proven {
            seat.node.enter_restart(failure);
            return self.give_up(index, failure, now);
        }
        let is_forgiven = seat.rules.is_patient && failure.is_outage();
        self.restart(index, failure, is_forgiven, now);
    }

    /// Judges a child that crashed.
    pub(super) fn fail(&mut self, index: usize, failure: &Failure, now: Instant) {
        if self.closing.is_some() {
            return;
        }
        if self.strategy == Strategy::RestForOne {
            let next = index.saturating_add(1);
            self.clearing = Some(self.clearing.map_or(next, |first| first.min(next)));
        }
        self.restart(index, failure, false, now);
    }

    fn restart(&mut self, index: usize, failure: &Failure, is_forgiven: bool, now: Instant) {
        let Some(seat) = self.seats.get_mut(index) else {
            return;
        };
        seat.node.enter_restart(failure);
        let backoff = effective_backoff(&seat.rules, self.backoff, is_forgiven);
        let failures = seat.count_failure(backoff.calm(), now);
        // What waits for a store may try every second; the log is told now and then.
        let is_waiting = seat.rules.is_lenient() && failure.is_outage();
        let is_to_be_told = !is_waiting || seat.is_to_be_told(now);
        if !is_forgiven && !seat.rules.is_tolerant && self.is_one_too_many(now) {
            return self.give_up(index, failure, now);
        }
        let chance = self.random.hash_one((index, failures, now));
        let delay = backoff.delay(failures, chance);
        if is_to_be_told {
            self.log_restart(index, failure, delay);
        }
        if delay > Duration::ZERO {
            if let Some(seat) = self.seats.get_mut(index) {
                seat.phase = Phase::Waiting;
            }
            self.set(index, Reason::Restart, delay);
        }
    }

    fn is_one_too_many(&mut self, now: Instant) -> bool {
        self.crashes.push_back(now);
        let within = self.intensity.within;
        self.crashes
            .retain(|crash| now.saturating_duration_since(*crash) <= within);
        let limit = usize::try_from(self.intensity.restarts).unwrap_or(usize::MAX);
        self.crashes.len() > limit
    }

    fn give_up(&mut self, index: usize, failure: &Failure, now: Instant) {
        let Some(seat) = self.seats.get(index) else {
            return;
        };
        let child = seat.node.name().clone();
        tracing::error!(child = %child, failure = %failure, "A supervisor gives up on a child");
        let cause = failure.to_string();
        let failure = Failure::GaveUp { child, cause };
        self.node.enter_end(Some(&failure));
        self.close(Some(failure), now + LAST_ORDERS);
    }

    fn log_restart(&self, index: usize, failure: &Failure, delay: Duration) {
        let name = self.seats.get(index).map(|seat| seat.node.name().as_ref());
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(child = name, failure = %failure, delay_ms, "A child is restarted");
    }
}

/// Gives the backoff that holds: what retries for ever never does so without a pause.
const fn effective_backoff(rules: &Rules, default: Backoff, is_forgiven: bool) -> Backoff {
    let chosen = match rules.backoff {
        Some(backoff) => backoff,
        None => default,
    };
    match chosen {
        Backoff::Immediate if rules.is_tolerant => Backoff::exponential(RETRY_FIRST, TOLERANT_CAP),
        Backoff::Immediate if is_forgiven => Backoff::exponential(RETRY_FIRST, PATIENT_CAP),
        chosen => chosen,
    }
}
