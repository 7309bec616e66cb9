//! What can be asked of the audit owner.

/// Orders to the owner.
#[derive(Debug)]
pub(super) enum Message {
    /// Seal what is unsealed, without waiting for the next tick.
    Seal,
}
