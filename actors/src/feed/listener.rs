//! The task that tails the feed and applies what is new.

use std::time::Duration;

use domain::change::{Change, ChangeKind};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::FeedNeeds;
use super::reading::Reading;
use crate::deadline::Deadline;
use crate::patience::patiently;

/// How often the feed is read without a notice.
const READ_EVERY: Duration = Duration::from_millis(400);
/// How long the feed waits for an owner to load again before it reads on: a revocation must not wait
/// behind a slow one.
const RELOAD_WITHIN: Duration = Duration::from_millis(300);
/// How often the denylist is purged.
const PURGE_EVERY: Duration = Duration::from_secs(10);

/// One life of the task.
pub(super) struct Listener<'n> {
    needs: &'n FeedNeeds,
    reading: Reading,
    /// What must be loaded again, until it was.
    stale: Stale,
    is_cut_off: bool,
    purge_at: UnixMillis,
}

#[derive(Debug, Default)]
struct Stale {
    tenants: bool,
    keys: bool,
}

// === impl Listener ===

impl<'n> Listener<'n> {
    pub(super) fn new(needs: &'n FeedNeeds) -> Self {
        Self {
            needs,
            reading: Reading::default(),
            stale: Stale::default(),
            is_cut_off: false,
            purge_at: UnixMillis::default(),
        }
    }

    /// Reads the feed until it is told to stop.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut notices = self.needs.changes.notices();
        while !stop.is_cancelled() {
            match self.read().await {
                Ok(()) => self.is_cut_off = false,
                Err(fault) => {
                    if !std::mem::replace(&mut self.is_cut_off, true) {
                        tracing::warn!(%fault, "the feed of changes cannot be read");
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = noticed(&mut notices) => {}
                () = sleep(READ_EVERY) => {}
            }
        }
    }

    /// Reads once. What is revoked is refused before anything else happens.
    async fn read(&mut self) -> Result<(), Fault> {
        // Taken before the store is asked: what it answers is at least as new as this.
        let (heard_at, now) = (Instant::now(), self.needs.clock.now());
        let since = self.reading.since();
        let (changes, read_at) = patiently(self.needs.changes.load_changes(since)).await?;
        for change in self.reading.take(changes, read_at) {
            self.apply(change);
        }
        let denylist = self.needs.sessions.denylist();
        denylist.note_heard(heard_at);
        if now >= self.purge_at {
            denylist.purge(now);
            self.purge_at = now + PURGE_EVERY;
        }
        self.reload().await;
        Ok(())
    }

    fn apply(&mut self, change: Change) {
        let needs = self.needs;
        let until = change.expires_at;
        match change.what {
            ChangeKind::AccessRevoked(jti) => needs.sessions.denylist().refuse_token(&jti, until),
            ChangeKind::SessionEnded(id) => needs.sessions.refuse(change.tenant, &[id], until),
            ChangeKind::UserChanged(id) => needs.sessions.forget_user(id),
            ChangeKind::ClientChanged(id) => needs.tenants.forget_client(change.tenant, &id),
            ChangeKind::TenantChanged => self.stale.tenants = true,
            ChangeKind::KeysChanged => self.stale.keys = true,
            // Nothing is remembered of API keys: each use asks the store.
            ChangeKind::ApiKeyChanged(_) => {}
        }
    }

    /// Has the owners load again what changed. Who cannot now is asked again at the next reading.
    async fn reload(&mut self) {
        let deadline = Deadline::after(RELOAD_WITHIN);
        let needs = self.needs;
        let tenants = async {
            let is_stale = self.stale.tenants;
            is_stale && needs.tenants.reload(deadline).await.is_err()
        };
        let keys = async {
            let is_stale = self.stale.keys;
            is_stale && needs.keys.reload(deadline).await.is_err()
        };
        let (tenants, keys) = futures_util::future::join(tenants, keys).await;
        self.stale = Stale { tenants, keys };
    }
}

/// Waits for a notice; for ever if nobody sends any.
async fn noticed(notices: &mut watch::Receiver<u64>) {
    if notices.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
