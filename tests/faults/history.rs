//! The history of sign-ins: what many clients invoked, what they were told, and whether any order of
//! events explains it.
//!
//! A family is what one sign-in gave. Every operation on it is written down with the moments between
//! which it happened, and with what came of it: done, refused, or unknown, when no answer came or one
//! that says nothing. [`check`] knows of each family which events may have ended it, and holds every
//! answer against that:
//!
//! - nothing is done in a family after its end was acknowledged, or after it was seen to be over;
//! - nothing is refused in a family that nothing can have ended;
//! - one token has one successor, however often it is shown at once;
//! - a code is redeemed once, and not refused unless somebody may have redeemed it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A moment, in whatever grows.
pub type Moment = u64;

/// Something that is told apart from others of its kind.
pub type Name = usize;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A token was shown to be refreshed. Its successor, when that was done.
    Refresh {
        shown: Name,
        successor: Option<Name>,
    },
    /// The family's access token was shown.
    Look,
    /// The family was to end: signed out, revoked, locked out, or by a new password elsewhere.
    End,
    /// A code was shown to be redeemed.
    Redeem { code: Name },
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Refused,
    Unknown,
}

/// One operation.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    pub family: Name,
    pub act: Act,
    pub began: Moment,
    pub ended: Moment,
    pub outcome: Outcome,
}

/// An answer that nothing explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Something was done after the end.
    Resurrected { family: Name, at: Moment },
    /// Something was refused that nothing had ended.
    Lost { family: Name, at: Moment },
    /// A token has several successors.
    Forked { family: Name, shown: Name },
    /// A code was redeemed several times.
    Twice { code: Name },
}

/// Judges a history. What an end that was acknowledged may take to be known everywhere is `heard`.
pub fn check(events: &[Event], heard: Moment) -> Vec<Violation> {
    let mut families = BTreeMap::<Name, Vec<Event>>::new();
    for event in events {
        families.entry(event.family).or_default().push(*event);
    }
    let judged = families.into_iter();
    let mut found: Vec<Violation> = judged
        .flat_map(|(family, events)| judge(family, &events, heard))
        .collect();
    found.extend(redeemed_twice(events));
    found
}

fn judge(family: Name, events: &[Event], heard: Moment) -> Vec<Violation> {
    let ends = || events.iter().filter(|event| event.act == Act::End);
    let may_end = ends().filter(|event| event.outcome != Outcome::Refused);
    let may_be_over = may_end.map(|event| event.began).min();
    let told = ends().filter(|event| event.outcome == Outcome::Done);
    let told = told.map(|event| event.ended + heard).min();
    // Whoever was refused has seen that it is over.
    let is_use = |event: &&Event| matches!(event.act, Act::Refresh { .. } | Act::Look);
    let refused = events.iter().filter(is_use);
    let refused = refused.filter(|event| event.outcome == Outcome::Refused);
    let seen = refused.clone().map(|event| event.ended + heard).min();
    let over = told.into_iter().chain(seen).min();
    let does = |event: &&Event| event.act != Act::End;
    let resurrected = events.iter().filter(does).filter(|event| {
        let is_after = over.is_some_and(|over| event.began > over);
        event.outcome == Outcome::Done && is_after
    });
    let spurned = events.iter().filter(|event| is_spurned(event, events));
    let lost = refused.chain(spurned);
    let lost = lost.filter(|event| may_be_over.is_none_or(|from| event.ended < from));
    let mut found: Vec<Violation> = resurrected
        .map(|event| Violation::Resurrected {
            family,
            at: event.began,
        })
        .collect();
    found.extend(lost.map(|event| Violation::Lost {
        family,
        at: event.began,
    }));
    found.extend(forks(family, events));
    found
}

/// Says whether a code was refused that nobody can have redeemed before.
fn is_spurned(event: &Event, events: &[Event]) -> bool {
    let is_redeeming = matches!(event.act, Act::Redeem { .. });
    let may_be_spent = events.iter().any(|other| {
        other.act == event.act && other.outcome != Outcome::Refused && other.began <= event.ended
    });
    is_redeeming && event.outcome == Outcome::Refused && !may_be_spent
}

fn forks(family: Name, events: &[Event]) -> Vec<Violation> {
    let mut successors = BTreeMap::<Name, BTreeSet<Name>>::new();
    for event in events {
        if let Act::Refresh { shown, successor } = event.act {
            successors.entry(shown).or_default().extend(successor);
        }
    }
    let forked = successors.into_iter().filter(|(_, all)| all.len() > 1);
    forked
        .map(|(shown, _)| Violation::Forked { family, shown })
        .collect()
}

fn redeemed_twice(events: &[Event]) -> Vec<Violation> {
    let mut redeemed = BTreeMap::<Name, usize>::new();
    for event in events {
        if let (Act::Redeem { code }, Outcome::Done) = (event.act, event.outcome) {
            *redeemed.entry(code).or_default() += 1;
        }
    }
    let twice = redeemed.into_iter().filter(|(_, times)| *times > 1);
    twice.map(|(code, _)| Violation::Twice { code }).collect()
}

// === impl Event ===

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            family,
            act,
            began,
            ended,
            outcome,
        } = self;
        write!(
            f,
            "{began:>9}–{ended:<9} family {family}: {act:?} {outcome:?}"
        )
    }
}

/// That the judge finds what is wrong, and nothing else.
pub mod judged {
    use super::Outcome::{Done, Refused, Unknown};
    use super::{Act, Event, Moment, Name, Outcome, Violation, check};

    fn event(act: Act, (began, ended): (Moment, Moment), outcome: Outcome) -> Event {
        Event {
            family: 1,
            act,
            began,
            ended,
            outcome,
        }
    }

    fn refresh(shown: Name, successor: Name, at: Moment) -> Event {
        let successor = Some(successor);
        event(Act::Refresh { shown, successor }, (at, at + 1), Done)
    }

    fn tried(shown: Name, at: Moment, outcome: Outcome) -> Event {
        let successor = None;
        event(Act::Refresh { shown, successor }, (at, at + 1), outcome)
    }

    fn end(at: Moment, outcome: Outcome) -> Event {
        event(Act::End, (at, at + 1), outcome)
    }

    fn redeem(outcome: Outcome) -> Event {
        event(Act::Redeem { code: 7 }, (1, 2), outcome)
    }

    #[track_caller]
    fn finds(events: &[Event], expected: &[Violation]) {
        assert_eq!(check(events, 0), expected, "{events:?}");
    }

    /// Judges histories that are right, and such as are wrong in one way.
    pub fn finds_what_is_wrong() {
        let (family, at) = (1, 20);
        let resurrected = [Violation::Resurrected { family, at }];
        let lost = [Violation::Lost { family, at }];
        let look = |at, outcome| event(Act::Look, (at, at + 1), outcome);

        finds(&[refresh(1, 2, 10), refresh(2, 3, 20), look(30, Done)], &[]);
        finds(&[refresh(1, 2, 10), refresh(1, 2, 10)], &[]);
        finds(
            &[refresh(1, 2, 10), refresh(1, 3, 10)],
            &[Violation::Forked { family, shown: 1 }],
        );
        finds(&[end(10, Done), tried(1, 20, Refused)], &[]);
        finds(&[end(10, Done), refresh(1, 2, 20)], &resurrected);
        finds(&[end(10, Done), look(20, Done)], &resurrected);
        finds(&[end(10, Done), look(20, Unknown)], &[]);
        // At the same time either may be first.
        finds(&[end(20, Done), refresh(1, 2, 20)], &[]);
        finds(&[end(20, Done), tried(1, 20, Refused)], &[]);
        // One of two worlds, and always the same.
        finds(&[end(10, Unknown), refresh(1, 2, 20)], &[]);
        finds(&[end(10, Unknown), tried(1, 20, Refused)], &[]);
        let both = [end(5, Unknown), tried(1, 10, Refused), refresh(1, 2, 20)];
        finds(&both, &resurrected);
        finds(&[tried(1, 20, Refused)], &lost);
        finds(&[look(20, Refused)], &lost);
        finds(&[end(10, Refused), look(20, Refused)], &lost);
        finds(&[end(30, Done), look(20, Refused)], &lost);
        finds(&[redeem(Done), redeem(Refused), redeem(Unknown)], &[]);
        finds(&[redeem(Unknown), redeem(Refused)], &[]);
        let spurned = [Violation::Lost { family, at: 1 }];
        finds(&[redeem(Refused)], &spurned);
        finds(&[end(0, Unknown), redeem(Refused)], &[]);
        let late = event(Act::Redeem { code: 7 }, (20, 21), Done);
        finds(&[end(10, Done), late], &resurrected);
        finds(
            &[redeem(Done), redeem(Done)],
            &[Violation::Twice { code: 7 }],
        );
        assert_eq!(check(&[end(10, Done), look(20, Done)], 15), []);
    }
}
