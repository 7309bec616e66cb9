//! Port: mails waiting to be sent. Held by the mail owner alone; flows write mails with the verbs
//! they belong to.

use std::time::Duration;

use domain::id::{MailId, TenantId};
use domain::mail::MailJob;
use domain::time::UnixMillis;

use super::Pending;

/// Stores mails until they are sent. Sending is at least once: a crash between sending and
/// [`complete_mail`](Outbox::complete_mail) sends again, with the same `Message-ID`.
pub trait Outbox: Send + Sync + 'static {
    /// Claims up to `limit` mails that are due, of any tenant, oldest first; nobody else gets them
    /// for `lease`. Counts their `attempts` up.
    fn claim_mails(
        &self,
        limit: u32,
        now: UnixMillis,
        lease: Duration,
    ) -> Pending<'_, Vec<MailJob>>;

    /// Forgets a mail: it was sent.
    fn complete_mail(&self, tenant: TenantId, mail: MailId) -> Pending<'_, ()>;

    /// Makes a mail due again at `at`. `error` is for operators and holds no secret.
    fn retry_mail(
        &self,
        tenant: TenantId,
        mail: MailId,
        at: UnixMillis,
        error: String,
    ) -> Pending<'_, ()>;

    /// Gives a mail up for good and keeps it for operators to see.
    fn abandon_mail(&self, tenant: TenantId, mail: MailId, error: String) -> Pending<'_, ()>;

    /// Counts mails that wait to be sent.
    fn count_waiting(&self) -> Pending<'_, u64>;
}
