//! What a roster wants done.

use std::time::Duration;

use crate::supervision::failure::Failure;

/// One thing to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::supervision) enum Step {
    /// Start this child, then say `up` or `down`.
    Start(usize),
    /// Ask this child to stop within this time, then say `down`; at once if nothing runs.
    Stop(usize, Duration),
    /// Kill this child; say `down` when it is dead.
    Kill(usize),
    /// Let go of this child: it cannot be killed.
    Abandon(usize),
    /// Ring back after this time.
    Set(Alarm, Duration),
    /// Tell whoever waits that all are up, or tried in vain but may be waited for.
    Settled,
    /// All are down: end, for this failure or in order.
    Close(Option<Failure>),
}

/// What a timer is for; stale once the child has moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::supervision) struct Alarm {
    pub(super) seat: usize,
    pub(super) turn: u64,
    pub(super) reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// Its backoff is over.
    Restart,
    /// The others have waited for it long enough.
    Patience,
    /// It had its time to stop.
    Stop,
    /// It had its time to die.
    Death,
}
