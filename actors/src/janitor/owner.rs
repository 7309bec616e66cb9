//! The shell of the janitor: purges in batches until nothing is left.

use std::sync::Arc;
use std::time::Duration;

use domain::rejection::Fault;
use domain::time::Clock;
use store::port::janitor::{Erasure, Janitor, Purged};

use super::Keeper;
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
    pub(super) keeper: Keeper,
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
        self.erase_tenants().await?;
        Ok(total)
    }

    /// Erases deleted tenants whose day has come, as far as one sweep goes.
    async fn erase_tenants(&self) -> Result<(), Fault> {
        let Some(keeper) = (self.keeper)() else {
            return Ok(());
        };
        for _ in 0..STEPS {
            let step = self.store.erase_tenant(self.clock.now(), keeper, BATCH);
            let step = patiently(step).await?;
            if let Some(tenant) = step.tenant {
                tracing::info!(%tenant, "erased a deleted tenant");
            }
            if step == Erasure::default() {
                break;
            }
        }
        Ok(())
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
        step.idempotency_keys,
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
        idempotency_keys: one.idempotency_keys.saturating_add(two.idempotency_keys),
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

    use domain::id::TenantId;
    use domain::random::Counting;
    use domain::time::{ManualClock, UnixMillis};
    use store::port::Pending;

    use super::*;

    /// A store with a pile of expired sessions, and one of rows of a tenant that is due.
    struct Pile(Mutex<u64>, Mutex<u64>);

    fn take(pile: &Mutex<u64>, limit: u32) -> u64 {
        let mut left = pile.lock().unwrap();
        let taken = (*left).min(u64::from(limit));
        *left -= taken;
        taken
    }

    impl Janitor for Pile {
        fn purge(&self, _: UnixMillis, limit: u32) -> Pending<'_, Purged> {
            let sessions = take(&self.0, limit);
            Box::pin(async move {
                Ok(Purged {
                    sessions,
                    ..Purged::default()
                })
            })
        }

        fn erase_tenant(&self, _: UnixMillis, _: TenantId, limit: u32) -> Pending<'_, Erasure> {
            let rows = take(&self.1, limit);
            Box::pin(async move { Ok(Erasure { rows, tenant: None }) })
        }
    }

    fn sweeper(sessions: u64, rows: u64, keeper: Option<TenantId>) -> (Sweeper, Arc<Pile>) {
        let pile = Arc::new(Pile(Mutex::new(sessions), Mutex::new(rows)));
        let sweeper = Sweeper {
            store: pile.clone(),
            keeper: Arc::new(move || keeper),
            clock: Arc::new(ManualClock::new(UnixMillis::default())),
        };
        (sweeper, pile)
    }

    #[tokio::test]
    async fn a_sweep_goes_on_until_nothing_is_left() {
        let keeper = TenantId::generate(UnixMillis::default(), &Counting::default());
        let (sweeper, pile) = sweeper(1_234, 1_234, Some(keeper));
        assert_eq!(sweeper.sweep().await.map(|p| p.sessions), Ok(1_234));
        assert_eq!(*pile.1.lock().unwrap(), 0);
        assert_eq!(sweeper.sweep().await, Ok(Purged::default()));
    }

    #[tokio::test]
    async fn a_sweep_ends_however_much_there_is() {
        let keeper = TenantId::generate(UnixMillis::default(), &Counting::default());
        let (sweeper, pile) = sweeper(u64::MAX, 60_000, Some(keeper));
        assert_eq!(sweeper.sweep().await.map(|p| p.sessions), Ok(50_000));
        assert_eq!(*pile.1.lock().unwrap(), 10_000);
    }

    #[tokio::test]
    async fn nobody_is_erased_while_nobody_would_keep_the_entry() {
        let (sweeper, pile) = sweeper(0, 7, None);
        assert_eq!(sweeper.sweep().await, Ok(Purged::default()));
        assert_eq!(*pile.1.lock().unwrap(), 7);
    }
}
