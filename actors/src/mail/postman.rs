//! The task that carries mails: claims what is due and hands a few at once to the courier.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::mail::{Letter, MailJob};
use domain::random::Random;
use domain::rejection::Fault;
use domain::time::Clock;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use protocol::seal;
use protocol::system_secrets::SystemSecrets;
use store::port::outbox::Outbox;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::schedule::{self, Next};
use super::{Courier, CourierFault};
use crate::patience::patiently;

/// How many mails are under way at once.
const AT_ONCE: usize = 4;
/// How often the outbox is looked into without a nudge: another node's nudge is not heard here.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How long the courier may take with one mail.
const COURIER_PATIENCE: Duration = Duration::from_secs(30);
/// How long nobody else gets a claimed mail. If this process dies, it is due again after that.
const LEASE: Duration = Duration::from_mins(1);

/// What the task is made from at each start.
pub(super) struct Postman {
    pub(super) outbox: Arc<dyn Outbox>,
    pub(super) courier: Arc<dyn Courier>,
    pub(super) secrets: Arc<SystemSecrets>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) wake: Arc<Notify>,
    /// How many mails waited at the last count, for whoever watches.
    pub(super) waiting: Arc<AtomicU64>,
}

/// What became of a mail.
enum Fate {
    Delivered,
    Failed(String),
    Hopeless(String),
}

// === impl Postman ===

impl Postman {
    /// Carries mails until it is told to stop; what is under way then is finished first.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut under_way = FuturesUnordered::new();
        let mut is_cut_off = false;
        let mut counted_at = None;
        while !stop.is_cancelled() {
            self.count(&mut counted_at).await;
            let free = AT_ONCE.saturating_sub(under_way.len());
            let jobs = self.claim(free, &mut is_cut_off).await;
            under_way.extend(jobs.into_iter().map(|job| self.carry(job)));
            tokio::select! {
                () = stop.cancelled() => {}
                Some(()) = under_way.next() => {}
                () = self.wake.notified() => {}
                () = sleep(LOOK_EVERY) => {}
            }
        }
        while under_way.next().await.is_some() {}
    }

    /// Claims what is due, as far as hands are free. A store that is away is told of once.
    async fn claim(&self, free: usize, is_cut_off: &mut bool) -> Vec<MailJob> {
        let Some(limit) = u32::try_from(free).ok().filter(|limit| *limit > 0) else {
            return Vec::new();
        };
        let claimed = self.outbox.claim_mails(limit, self.clock.now(), LEASE);
        match patiently(claimed).await {
            Ok(jobs) => {
                *is_cut_off = false;
                jobs
            }
            Err(fault) => {
                if !std::mem::replace(is_cut_off, true) {
                    tracing::warn!(%fault, "the outbox is away; mails wait");
                }
                Vec::new()
            }
        }
    }

    /// Counts what waits, as often as the outbox is looked into without a nudge.
    async fn count(&self, counted_at: &mut Option<Instant>) {
        if counted_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return;
        }
        *counted_at = Some(Instant::now());
        // A store that is away is told of by the claim.
        if let Ok(count) = patiently(self.outbox.count_waiting()).await {
            self.waiting.store(count, Ordering::Relaxed);
        }
    }

    /// Hands one mail to the courier and writes down what became of it.
    async fn carry(&self, job: MailJob) {
        let fate = self.deliver(&job).await;
        if let Err(fault) = self.settle(&job, fate).await {
            // The lease runs out and the mail is sent again, with the same Message-ID.
            tracing::warn!(mail = %job.id, %fault, "what became of a mail could not be stored");
        }
    }

    async fn deliver(&self, job: &MailJob) -> Fate {
        if job.attempts > schedule::TRIES {
            return Fate::Hopeless("each try ended in a crash".to_owned());
        }
        let Some(letter) = self.open(job) else {
            return Fate::Hopeless("the letter does not open".to_owned());
        };
        let delivery = self.courier.deliver(job.id, job.tenant, letter);
        match timeout(COURIER_PATIENCE, delivery).await {
            Ok(Ok(())) => Fate::Delivered,
            Ok(Err(CourierFault { permanent, text })) if permanent => Fate::Hopeless(text),
            Ok(Err(fault)) => Fate::Failed(fault.text),
            Err(_) => Fate::Failed("the courier took too long".to_owned()),
        }
    }

    async fn settle(&self, job: &MailJob, fate: Fate) -> Result<(), Fault> {
        let verb = match fate {
            Fate::Delivered => self.outbox.complete_mail(job.tenant, job.id),
            Fate::Hopeless(error) => self.give_up(job, error),
            Fate::Failed(error) => {
                let chance = u64::from_le_bytes(self.random.array());
                match schedule::after_failure(job.attempts, self.clock.now(), chance) {
                    Next::Abandon => self.give_up(job, error),
                    Next::Retry { at } => self.outbox.retry_mail(job.tenant, job.id, at, error),
                }
            }
        };
        patiently(verb).await
    }

    fn give_up(&self, job: &MailJob, error: String) -> store::port::Pending<'_, ()> {
        tracing::error!(mail = %job.id, tenant = %job.tenant, error, "a mail is given up");
        self.outbox.abandon_mail(job.tenant, job.id, error)
    }

    fn open(&self, job: &MailJob) -> Option<Letter> {
        let opened = seal::open(&self.secrets, &format!("mail/{}", job.id), &job.sealed).ok()?;
        serde_json::from_slice(&opened.value).ok()
    }
}
