//! What can be asked of the keys owner.

use domain::event::Origin;
use domain::key::Algorithm;
use domain::rejection::Fault;

use super::Rotated;
use crate::handle::Reply;

/// Orders to the owner.
#[derive(Debug)]
pub(super) enum Message {
    /// Let the next key sign, if it has been published for long enough.
    Rotate {
        by: Box<Origin>,
        reply: Reply<Result<Rotated, Fault>>,
    },
    /// End the key of this name, whatever it has come to. Says whether there was one.
    Revoke {
        kid: String,
        by: Box<Origin>,
        reply: Reply<Result<bool, Fault>>,
    },
    /// Make a ring of this algorithm unless there is one.
    Provide {
        algorithm: Algorithm,
        reply: Reply<Result<(), Fault>>,
    },
    /// Load the ring again: another node changed it.
    Reload { reply: Reply<Result<(), Fault>> },
}
