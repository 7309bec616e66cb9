//! What can be asked of the janitor.

use domain::rejection::Fault;
use store::port::janitor::Purged;

use crate::handle::Reply;

/// Orders to the owner.
#[derive(Debug)]
pub(super) enum Message {
    /// Purge what has expired, without waiting for the next tick.
    Sweep { reply: Reply<Result<Purged, Fault>> },
}
