//! The mail outbox: it alone claims mails, hands them to the courier and settles them.
//!
//! Flows write a mail in the same commit as what it tells of, sealed, because it may carry a token.
//! This task claims what is due, up to four at once, opens each letter (context `mail/<id>`), and
//! hands it to the [`Courier`]. A failure is retried with growing waits, twelve times in all; a
//! refusal for good, or a letter that does not open, is given up and kept for operators to see.
//!
//! Delivery is at least once: a crash between sending and writing it down sends again after the
//! claim's lease, with the same `Message-ID`. A mail that crashes us each time is given up too,
//! because the claim itself counts the tries.
//!
//! A restart loses nothing: mails are stored until they are settled. There is no mailbox: a nudge
//! is a hint, and the outbox is looked into every few seconds besides.
//!
//! Next: `rounds` for how the task goes on, `schedule` for the waits, `postman` for what is done with a mail.

use std::sync::Arc;
use std::time::Duration;

use domain::id::{MailId, TenantId};
use domain::mail::Letter;
use domain::random::Random;
use domain::time::Clock;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use protocol::system_secrets::SystemSecrets;
use store::port::outbox::Outbox;

use crate::rounds::{Pager, run};
use crate::supervision::ChildSpec;

mod postman;

use postman::Postman;

/// How long mails under way may take to finish when the service stops.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Brings letters to people: SMTP, an HTTP service, the terminal in development.
pub trait Courier: Send + Sync + 'static {
    /// Delivers one letter. A repeat is recognised by `mail`, which the `Message-ID` is made of.
    fn deliver(
        &self,
        mail: MailId,
        tenant: TenantId,
        letter: Letter,
    ) -> BoxFuture<'_, Result<(), CourierFault>>;
}

/// Why a letter was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct CourierFault {
    /// Whether trying again is useless.
    pub permanent: bool,
    /// What happened, for operators: no secret and no address.
    pub text: String,
}

/// Everything the task needs from outside.
pub struct MailNeeds {
    /// The outbox' port, held by this task alone.
    pub outbox: Arc<dyn Outbox>,
    /// Who delivers.
    pub courier: Arc<dyn Courier>,
    /// What letters are sealed under.
    pub secrets: Arc<SystemSecrets>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Spreads retries.
    pub random: Arc<dyn Random>,
}

/// Speaks to the mail task. Clones speak to the same one.
#[derive(Debug, Clone)]
pub struct Mail(Pager);

/// Makes the handle and the task's child spec.
#[must_use]
pub fn mail(needs: MailNeeds) -> (Mail, ChildSpec) {
    let postman = Arc::new(Postman {
        outbox: needs.outbox,
        courier: needs.courier,
        secrets: needs.secrets,
        clock: needs.clock,
        random: needs.random,
    });
    let mail = Mail(Pager::default());
    let pager = mail.0.clone();
    let spec = ChildSpec::task("mail", move |stop| {
        run(Arc::clone(&postman), pager.clone(), stop).boxed()
    });
    (mail, spec.stopping_within(STOP_WITHIN).tolerant())
}

// === impl Mail ===

impl Mail {
    /// Says that a mail was written. A hint: it never fails and never waits.
    pub fn nudge(&self) {
        self.0.nudge();
    }

    /// Gives how many mails waited at the last count, which is a few seconds old at most while the
    /// store can be reached.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.0.waiting()
    }
}
