//! Port: clients that are to be told of ended sessions. Held by the notices owner alone; whatever ends
//! a session writes its notices in the same commit.
//!
//! A session that ends leaves one notice for each client that has, or had, a family in it and
//! registered a `backchannel_logout_uri`, or is named by a document that may hold one.

use std::time::Duration;

use domain::notice::{Notice, NoticeId};
use domain::time::UnixMillis;

use super::Pending;

/// Stores notices until they are given. Giving is at least once: a crash between giving and
/// [`complete_notice`](Notices::complete_notice) gives again.
pub trait Notices: Send + Sync + 'static {
    /// Claims up to `limit` notices that are due, of any tenant, oldest first; nobody else gets them
    /// for `lease`. Counts their `attempts` up.
    fn claim_notices(
        &self,
        limit: u32,
        now: UnixMillis,
        lease: Duration,
    ) -> Pending<'_, Vec<Notice>>;

    /// Forgets a notice: it was given, or nobody is to be told any more.
    fn complete_notice(&self, notice: NoticeId) -> Pending<'_, ()>;

    /// Makes a notice due again at `at`. `error` is for operators and holds no secret.
    fn retry_notice(&self, notice: NoticeId, at: UnixMillis, error: String) -> Pending<'_, ()>;

    /// Gives a notice up for good and keeps it for operators to see.
    fn abandon_notice(&self, notice: NoticeId, error: String) -> Pending<'_, ()>;

    /// Counts notices that wait to be given.
    fn count_notices(&self) -> Pending<'_, u64>;
}
