//! Not asking a key service that was away a moment ago.
//!
//! The vault unwraps one key after the other, so whoever waits for a key service that hangs holds up those
//! whose keys are at hand. After a failure it is left alone for a while; readiness asks it all the same, and
//! what that finds counts for everybody.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For how long it is left alone.
pub(super) const REST: Duration = Duration::from_secs(3);
/// For how long a good answer tells that it is there.
const STANDS: Duration = Duration::from_secs(1);

/// What became of the last question.
#[derive(Default)]
pub(super) struct Rest(Mutex<State>);

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Unknown,
    Good(Instant),
    Away(Instant),
}

// === impl Rest ===

impl Rest {
    pub(super) fn note(&self, is_good: bool) {
        let now = Instant::now();
        let state = if is_good {
            State::Good(now)
        } else {
            State::Away(now)
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Says whether it is to be left alone.
    pub(super) fn is_due(&self) -> bool {
        matches!(self.state(), State::Away(at) if at.elapsed() < REST)
    }

    /// Says whether it answered well a moment ago.
    pub(super) fn was_good(&self) -> bool {
        matches!(self.state(), State::Good(at) if at.elapsed() < STANDS)
    }

    fn state(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_there_is_a_rest_and_after_a_good_answer_none() {
        let rest = Rest::default();
        assert!(!rest.is_due() && !rest.was_good());
        rest.note(false);
        assert!(rest.is_due() && !rest.was_good());
        tokio::time::advance(REST).await;
        assert!(!rest.is_due() && !rest.was_good());
        rest.note(false);
        rest.note(true);
        assert!(!rest.is_due() && rest.was_good());
        tokio::time::advance(STANDS).await;
        assert!(!rest.is_due() && !rest.was_good());
    }
}
