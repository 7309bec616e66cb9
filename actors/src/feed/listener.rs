//! The task that tails the feed and applies what is new.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use domain::change::{Change, ChangeKind};
use domain::id::TenantId;
use domain::rejection::Fault;
use futures_util::future::join3;
use store::port::changes::HINT_KEPT;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::FeedNeeds;
use super::reading::Reading;
use super::steady::Steady;
use crate::deadline::Deadline;
use crate::patience::patiently;

/// How often the feed is read without a notice.
const READ_EVERY: Duration = Duration::from_millis(400);
/// How long the feed waits for an owner to load again before it reads on: a revocation must not wait
/// behind a slow one.
const RELOAD_WITHIN: Duration = Duration::from_millis(300);
/// How many tenants' things are loaded one by one at most; of more, everybody's are.
const ONE_BY_ONE: usize = 100;
/// How often the denylist is purged.
const PURGE_EVERY: Duration = Duration::from_secs(10);
/// Who did not hear the feed for so long cannot rely on its hints: they are not kept for ever.
const RELIED_ON: Duration = Duration::from_mins(10);

const _: () = assert!(RELIED_ON.as_secs() < HINT_KEPT.as_secs());

/// One life of the task.
pub(super) struct Listener<'n> {
    needs: &'n FeedNeeds,
    reading: Reading,
    /// When the reading that goes on began, or else the last whole one.
    began_at: Instant,
    is_reading: bool,
    /// What must be loaded again, until it was.
    stale: Stale,
    is_cut_off: bool,
    steady: Steady,
    purged_at: Instant,
}

#[derive(Debug, Default)]
struct Stale {
    tenants: Whose,
    roles: Whose,
    keys: bool,
}

/// Whose things must be loaded again.
#[derive(Debug, Default)]
enum Whose {
    #[default]
    Nobodys,
    Of(BTreeSet<TenantId>),
    Everybodys,
}

// === impl Listener ===

impl<'n> Listener<'n> {
    pub(super) fn new(needs: &'n FeedNeeds) -> Self {
        let now = Instant::now();
        let mut listener = Self {
            needs,
            reading: Reading::default(),
            began_at: now,
            is_reading: false,
            stale: Stale::default(),
            is_cut_off: false,
            steady: Steady::new(needs.clock.now(), now),
            purged_at: now,
        };
        listener.start_over();
        listener
    }

    /// Reads the feed until it is told to stop.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut notices = self.needs.changes.notices();
        while !stop.is_cancelled() {
            match self.read().await {
                Ok(is_whole) => {
                    self.is_cut_off = false;
                    if !is_whole {
                        continue;
                    }
                }
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

    /// Reads a page, and says whether nothing is left to read. What is revoked is refused before anything
    /// else happens.
    async fn read(&mut self) -> Result<bool, Fault> {
        self.begin();
        let page = patiently(self.needs.changes.load_changes(self.reading.asks())).await?;
        let taken = self.reading.take(page);
        for change in taken.new {
            self.apply(change);
        }
        if !taken.is_whole || !self.purge() {
            return Ok(false);
        }
        self.is_reading = false;
        self.needs.sessions.denylist().note_heard(self.began_at);
        self.reload().await;
        Ok(true)
    }

    /// Notes the time before the store is asked: what it answers is at least as new as that.
    fn begin(&mut self) {
        if self.began_at.elapsed() > RELIED_ON {
            self.start_over();
        }
        if !self.is_reading {
            self.began_at = Instant::now();
            self.is_reading = true;
        }
    }

    /// Begins at the beginning with the revocations, and forgets what hints would have been about.
    fn start_over(&mut self) {
        self.reading = Reading::default();
        self.is_reading = false;
        self.stale = Stale {
            tenants: Whose::Everybodys,
            roles: Whose::Everybodys,
            keys: true,
        };
        self.needs.sessions.forget_everybody();
        self.needs.accounts.forget_everybody();
        self.needs.api_keys.forget();
        self.needs.tenants.forget_clients();
    }

    /// Forgets what has expired. False when the wall clock was set back: then too much may have been
    /// forgotten, and the feed is to be read again.
    fn purge(&mut self) -> bool {
        let at = Instant::now();
        let told = self.steady.tell(self.needs.clock.now(), at);
        if told.went_back {
            tracing::warn!("the clock was set back: reading all revocations again");
            self.start_over();
            return false;
        }
        if at.duration_since(self.purged_at) >= PURGE_EVERY {
            self.needs.sessions.denylist().purge(told.now);
            self.purged_at = at;
        }
        true
    }

    fn apply(&mut self, change: Change) {
        let needs = self.needs;
        let until = change.expires_at;
        match change.what {
            ChangeKind::AccessRevoked(jti) => needs.sessions.denylist().refuse_token(&jti, until),
            ChangeKind::SessionEnded(id) => needs.sessions.refuse(change.tenant, &[id], until),
            ChangeKind::GrantEnded(id) => needs.sessions.refuse_grants(&[id], until),
            ChangeKind::UserChanged(id) => {
                needs.sessions.forget_user(id);
                needs.accounts.forget(change.tenant, id);
            }
            ChangeKind::ClientChanged(id) => needs.tenants.forget_client(change.tenant, &id),
            ChangeKind::TenantChanged => {
                // It may be gone, and its keys with it.
                let _ = needs.keys.forget(change.tenant);
                self.stale.tenants.add(change.tenant);
            }
            ChangeKind::RolesChanged => self.stale.roles.add(change.tenant),
            ChangeKind::KeysChanged => self.stale.keys |= !needs.keys.forget(change.tenant),
            ChangeKind::ApiKeyChanged(_) => needs.api_keys.forget(),
        }
    }

    /// Has the owners load again what changed. Who cannot now is asked again at the next reading.
    async fn reload(&mut self) {
        let deadline = Deadline::after(RELOAD_WITHIN);
        let needs = self.needs;
        let tenants = self
            .stale
            .tenants
            .reload(|of| needs.tenants.reload(of, deadline));
        let keys = async {
            let is_stale = self.stale.keys;
            is_stale && needs.keys.reload(deadline).await.is_err()
        };
        let roles = self
            .stale
            .roles
            .reload(|of| needs.roles.reload(of, deadline));
        let (tenants, roles, keys) = join3(tenants, roles, keys).await;
        self.stale = Stale {
            tenants,
            roles,
            keys,
        };
    }
}

// === impl Whose ===

impl Whose {
    /// Whose things there are too many to load one by one are loaded with everybody's.
    fn add(&mut self, tenant: TenantId) {
        match self {
            Self::Nobodys => *self = Self::Of(BTreeSet::from([tenant])),
            Self::Of(some) if some.len() < ONE_BY_ONE => {
                some.insert(tenant);
            }
            Self::Of(_) => *self = Self::Everybodys,
            Self::Everybodys => {}
        }
    }

    /// Has what is stale loaded again, and gives whose could not be.
    async fn reload<F>(&self, load: impl Fn(Option<TenantId>) -> F) -> Self
    where
        F: Future<Output = Result<(), Fault>>,
    {
        match self {
            Self::Of(some) => {
                let mut left = some.clone();
                for tenant in some {
                    if load(Some(*tenant)).await.is_err() {
                        return Self::Of(left);
                    }
                    left.remove(tenant);
                }
                Self::Nobodys
            }
            Self::Everybodys if load(None).await.is_err() => Self::Everybodys,
            Self::Everybodys | Self::Nobodys => Self::Nobodys,
        }
    }
}

/// Waits for a notice; for ever if nobody sends any.
async fn noticed(notices: &mut watch::Receiver<u64>) {
    if notices.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
