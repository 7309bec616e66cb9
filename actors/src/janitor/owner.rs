//! The shell of the janitor: purges in batches until nothing is left.

use std::sync::Arc;
use std::time::Duration;

use domain::rejection::Fault;
use domain::time::Clock;
use store::port::janitor::{Janitor, Purged};

use super::message::Message;
use crate::patience::patiently;
use crate::supervision::Owner;

/// How many rows of each kind go in one step, so that no step holds the store for long.
const BATCH: u32 = 500;
/// How many steps one sweep takes at most; the next sweep goes on.
const STEPS: u32 = 100;

/// Purges what has expired.
pub(super) struct Sweeper {
    pub(super) store: Arc<dyn Janitor>,
    pub(super) clock: Arc<dyn Clock>,
}

// === impl Sweeper ===

impl Owner for Sweeper {
    type Message = Message;

    const TICK: Option<Duration> = Some(Duration::from_mins(1));

    async fn handle(&mut self, message: Message) -> Result<(), Fault> {
        match message {
            Message::Sweep { reply } => {
                reply.take_time();
                reply.send(self.sweep().await);
            }
        }
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Fault> {
        let purged = self.sweep().await?;
        tracing::debug!(?purged, "purged what had expired");
        Ok(())
    }
}

impl Sweeper {
    async fn sweep(&self) -> Result<Purged, Fault> {
        let mut total = Purged::default();
        for _ in 0..STEPS {
            let step = patiently(self.store.purge(self.clock.now(), BATCH)).await?;
            total = sum(total, step);
            if !is_full(step) {
                break;
            }
        }
        Ok(total)
    }
}

/// Says whether a step may have left something of any kind.
fn is_full(step: Purged) -> bool {
    let kinds = [
        step.families,
        step.sessions,
        step.one_time,
        step.pushed_requests,
        step.codes,
        step.devices,
        step.spent_ids,
        step.changes,
        step.attempts,
        step.mails,
        step.clients,
        step.notices,
        step.accounts,
    ];
    kinds.iter().any(|count| *count >= u64::from(BATCH))
}

const fn sum(one: Purged, two: Purged) -> Purged {
    Purged {
        families: one.families.saturating_add(two.families),
        sessions: one.sessions.saturating_add(two.sessions),
        one_time: one.one_time.saturating_add(two.one_time),
        pushed_requests: one.pushed_requests.saturating_add(two.pushed_requests),
        codes: one.codes.saturating_add(two.codes),
        devices: one.devices.saturating_add(two.devices),
        spent_ids: one.spent_ids.saturating_add(two.spent_ids),
        changes: one.changes.saturating_add(two.changes),
        attempts: one.attempts.saturating_add(two.attempts),
        mails: one.mails.saturating_add(two.mails),
        clients: one.clients.saturating_add(two.clients),
        notices: one.notices.saturating_add(two.notices),
        accounts: one.accounts.saturating_add(two.accounts),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use domain::time::{ManualClock, UnixMillis};
    use store::port::Pending;

    use super::*;

    /// A store with a pile of expired sessions.
    struct Pile(Mutex<u64>);

    impl Janitor for Pile {
        fn purge(&self, _: UnixMillis, limit: u32) -> Pending<'_, Purged> {
            let mut left = self.0.lock().unwrap();
            let sessions = (*left).min(u64::from(limit));
            *left -= sessions;
            Box::pin(async move {
                Ok(Purged {
                    sessions,
                    ..Purged::default()
                })
            })
        }
    }

    #[tokio::test]
    async fn a_sweep_goes_on_until_nothing_is_left() {
        let sweeper = Sweeper {
            store: Arc::new(Pile(Mutex::new(1_234))),
            clock: Arc::new(ManualClock::new(UnixMillis::default())),
        };
        assert_eq!(sweeper.sweep().await.map(|p| p.sessions), Ok(1_234));
        assert_eq!(sweeper.sweep().await, Ok(Purged::default()));
    }

    #[tokio::test]
    async fn a_sweep_ends_however_much_there_is() {
        let sweeper = Sweeper {
            store: Arc::new(Pile(Mutex::new(u64::MAX))),
            clock: Arc::new(ManualClock::new(UnixMillis::default())),
        };
        assert_eq!(sweeper.sweep().await.map(|p| p.sessions), Ok(50_000));
    }
}
