//! What is done with a mail: it is opened, handed to the courier, and settled.

use std::sync::Arc;
use std::time::Duration;

use domain::mail::{Letter, MailJob};
use domain::random::Random;
use domain::rejection::Fault;
use domain::time::Clock;
use protocol::seal;
use protocol::system_secrets::SystemSecrets;
use store::port::Pending;
use store::port::outbox::Outbox;
use tokio::time::timeout;

use super::{Courier, CourierFault};
use crate::patience::patiently;
use crate::rounds::{LEASE, Rounds};
use crate::schedule::{self, Next};

/// How long the courier may take with one mail.
const COURIER_PATIENCE: Duration = Duration::from_secs(30);

/// What the task is made from at each start.
pub(super) struct Postman {
    pub(super) outbox: Arc<dyn Outbox>,
    pub(super) courier: Arc<dyn Courier>,
    pub(super) secrets: Arc<SystemSecrets>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

/// What became of a mail.
enum Fate {
    Delivered,
    Failed(String),
    Hopeless(String),
}

// === impl Postman ===

impl Rounds for Postman {
    type Job = MailJob;

    const AT_ONCE: usize = 4;
    const NAME: &'static str = "mails";

    fn claim(&self, limit: u32) -> Pending<'_, Vec<MailJob>> {
        self.outbox.claim_mails(limit, self.clock.now(), LEASE)
    }

    fn count(&self) -> Pending<'_, u64> {
        self.outbox.count_waiting()
    }

    /// Hands one mail to the courier and writes down what became of it.
    async fn carry(&self, job: MailJob) {
        let fate = self.deliver(&job).await;
        if let Err(fault) = self.settle(&job, fate).await {
            // The lease runs out and the mail is sent again, with the same Message-ID.
            tracing::warn!(mail = %job.id, %fault, "what became of a mail could not be stored");
        }
    }
}

impl Postman {
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

    fn give_up(&self, job: &MailJob, error: String) -> Pending<'_, ()> {
        tracing::error!(mail = %job.id, tenant = %job.tenant, error, "a mail is given up");
        self.outbox.abandon_mail(job.tenant, job.id, error)
    }

    fn open(&self, job: &MailJob) -> Option<Letter> {
        let opened = seal::open(&self.secrets, &format!("mail/{}", job.id), &job.sealed).ok()?;
        serde_json::from_slice(&opened.value).ok()
    }
}
