//! What can be asked of the audit owner.

use domain::rejection::Fault;

use crate::handle::Reply;

/// Orders to the owner.
#[derive(Debug)]
pub(super) enum Message {
    /// Seal what is unsealed, without waiting for the next tick.
    Seal,
    /// Purge what is older than it is kept, without waiting for its hour.
    Purge { reply: Reply<Result<u64, Fault>> },
}
