//! Who may guess now, and who waits: the plain struct that decides.
//!
//! An account's attempts may be in flight together only while their failing all together would not
//! reach the first delay: `failures + in flight < delay_after`. Beyond that they go one at a time,
//! and each next one is judged by the store after the one before is resolved. So many right
//! passwords at once all succeed, and parallel wrong ones get not one look more than they would get
//! one after the other.
//!
//! The count kept here is a hint, learned from the store's last verdict. A wrong hint costs order,
//! never a free guess: the store judges every claim before the password is looked at.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// How many callers may wait for one account.
pub(super) const QUEUE: usize = 16;

/// One attempt in flight. The ticket resolves it; the lane looks when it is told or at the next
/// tick, so a message that could not be posted blocks nobody for long.
#[derive(Debug, Default)]
pub(super) struct Place(AtomicU8);

/// What became of an attempt in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The price stays paid.
    Failed,
    /// The count was cleared by the commit of the sign-in.
    Succeeded,
    /// The price was given back.
    Refunded,
}

/// The accounts with attempts in flight or waiting. `K` names an account, `W` a waiting caller.
#[derive(Debug)]
pub(super) struct Lanes<K, W> {
    delay_after: usize,
    lanes: HashMap<K, Lane<W>>,
}

/// Where a caller stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission<W> {
    /// Ask the store now.
    Now(W),
    /// It waits in line.
    Waiting,
    /// The line is full.
    Full(W),
}

#[derive(Debug)]
struct Lane<W> {
    /// Consecutive failures that are resolved, as far as this node knows.
    failures: usize,
    in_flight: Vec<Arc<Place>>,
    waiting: VecDeque<W>,
}

// === impl Place ===

impl Place {
    /// Says what became of the attempt; the first word counts.
    pub(super) fn resolve(&self, outcome: Outcome) {
        let word = match outcome {
            Outcome::Failed => 1,
            Outcome::Succeeded => 2,
            Outcome::Refunded => 3,
        };
        let _ = self
            .0
            .compare_exchange(0, word, Ordering::AcqRel, Ordering::Relaxed);
    }

    fn outcome(&self) -> Option<Outcome> {
        match self.0.load(Ordering::Acquire) {
            0 => None,
            2 => Some(Outcome::Succeeded),
            3 => Some(Outcome::Refunded),
            _ => Some(Outcome::Failed),
        }
    }
}

// === impl Lanes ===

impl<K: Eq + Hash + Copy, W> Lanes<K, W> {
    /// Starts empty.
    pub(super) fn new(delay_after: u32) -> Self {
        Self {
            delay_after: usize::try_from(delay_after).unwrap_or(usize::MAX),
            lanes: HashMap::new(),
        }
    }

    /// Lets a caller ask the store now, or puts it in line.
    pub(super) fn admit(&mut self, account: K, caller: W) -> Admission<W> {
        let lane = self.lanes.entry(account).or_default();
        lane.settle();
        if lane.waiting.is_empty() && lane.has_room(self.delay_after) {
            return Admission::Now(caller);
        }
        if lane.waiting.len() >= QUEUE {
            return Admission::Full(caller);
        }
        lane.waiting.push_back(caller);
        Admission::Waiting
    }

    /// Notes that the store granted an attempt and counts `paid` with it.
    pub(super) fn grant(&mut self, account: K, paid: u32) -> Arc<Place> {
        let lane = self.lanes.entry(account).or_default();
        let place = Arc::new(Place::default());
        lane.in_flight.push(Arc::clone(&place));
        let paid = usize::try_from(paid).unwrap_or(usize::MAX);
        lane.failures = paid.saturating_sub(lane.in_flight.len());
        place
    }

    /// Takes the next caller out of line, if it may ask the store now.
    pub(super) fn next(&mut self, account: K) -> Option<W> {
        let lane = self.lanes.get_mut(&account)?;
        lane.settle();
        let next = if lane.has_room(self.delay_after) {
            lane.waiting.pop_front()
        } else {
            None
        };
        if next.is_none() && lane.in_flight.is_empty() && lane.waiting.is_empty() {
            self.lanes.remove(&account);
        }
        next
    }

    /// Takes everybody out of line: they all get the answer that one of them got.
    pub(super) fn dismiss(&mut self, account: K) -> VecDeque<W> {
        let lane = self.lanes.get_mut(&account);
        lane.map(|lane| std::mem::take(&mut lane.waiting))
            .unwrap_or_default()
    }

    /// Gives who came last of those in line.
    pub(super) fn last(&self, account: K) -> Option<&W> {
        self.lanes.get(&account)?.waiting.back()
    }

    /// Drops whoever is gone from every line and what nobody needs any more, and names the accounts
    /// that somebody waits for.
    pub(super) fn sweep(&mut self, is_gone: impl Fn(&W) -> bool) -> Vec<K> {
        self.lanes.retain(|_, lane| {
            lane.settle();
            lane.waiting.retain(|caller| !is_gone(caller));
            !lane.in_flight.is_empty() || !lane.waiting.is_empty()
        });
        let lines = self.lanes.iter();
        lines
            .filter(|(_, lane)| !lane.waiting.is_empty())
            .map(|(account, _)| *account)
            .collect()
    }
}

// === impl Lane ===

impl<W> Default for Lane<W> {
    fn default() -> Self {
        Self {
            failures: 0,
            in_flight: Vec::new(),
            waiting: VecDeque::new(),
        }
    }
}

impl<W> Lane<W> {
    /// Takes the resolved attempts out of flight.
    fn settle(&mut self) {
        let failures = &mut self.failures;
        self.in_flight.retain(|place| {
            match place.outcome() {
                None => return true,
                Some(Outcome::Failed) => *failures = failures.saturating_add(1),
                Some(Outcome::Succeeded) => *failures = 0,
                Some(Outcome::Refunded) => {}
            }
            false
        });
    }

    fn has_room(&self, delay_after: usize) -> bool {
        let in_flight = self.in_flight.len();
        in_flight == 0 || self.failures.saturating_add(in_flight) < delay_after
    }
}

#[cfg(test)]
mod tests;
