//! Crashes on demand, for test builds only: without the feature `failpoints` nothing of it exists.
//!
//! A failpoint sits in each [`Handle`](crate::handle::Handle), not in a global table, so tests that
//! run side by side never arm each other's owners. Its owner's shell steps on it before each message;
//! if it is armed, the owner panics, hangs, blocks its thread or reports that it is broken, and the
//! test watches what the supervisor makes of it.
#![cfg(feature = "failpoints")]

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::rejection::Fault;

/// What an armed failpoint does to the owner that steps on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Panics.
    Panic,
    /// Waits for ever, as on a peer that never answers.
    Hang,
    /// Blocks the runtime's thread, which no signal can interrupt.
    Block(Duration),
    /// Reports a fault: the owner asks to be restarted.
    Fail,
}

/// One owner's failpoint; armed for a number of messages, then harmless again.
#[derive(Debug, Default)]
pub struct FailPoint(Mutex<Option<(Action, u32)>>);

impl FailPoint {
    /// Does `action` to each of the next `times` messages.
    pub fn arm(&self, action: Action, times: u32) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((action, times));
    }

    /// Makes it harmless again.
    pub fn disarm(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Says whether the next message will feel it.
    pub fn is_armed(&self) -> bool {
        let armed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        armed.is_some()
    }

    /// Steps on it; called by the shell before each message.
    ///
    /// # Errors
    /// [`Fault::Broken`] if it is armed with [`Action::Fail`].
    pub(crate) async fn hit(&self) -> Result<(), Fault> {
        match self.spend() {
            None => Ok(()),
            Some(Action::Fail) => Err(Fault::Broken("a failpoint says so".into())),
            Some(Action::Hang) => std::future::pending().await,
            Some(Action::Block(span)) => {
                std::thread::sleep(span);
                Ok(())
            }
            #[expect(clippy::panic, reason = "it is what a test asked for")]
            Some(Action::Panic) => panic!("a failpoint says so"),
        }
    }

    fn spend(&self) -> Option<Action> {
        let mut armed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (action, times) = (*armed)?;
        *armed = (times > 1).then(|| (action, times - 1));
        (times > 0).then_some(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failpoint_is_harmless_after_the_armed_number_of_messages() {
        let point = FailPoint::default();
        assert_eq!(point.hit().await, Ok(()));
        point.arm(Action::Fail, 2);
        assert!(point.hit().await.is_err());
        assert!(point.hit().await.is_err());
        assert_eq!(point.hit().await, Ok(()));
    }

    #[tokio::test]
    async fn a_disarmed_failpoint_does_nothing() {
        let point = FailPoint::default();
        point.arm(Action::Panic, u32::MAX);
        point.disarm();
        assert_eq!(point.hit().await, Ok(()));
    }
}
