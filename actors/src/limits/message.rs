//! What can be asked of the limits owner.

use domain::address::Network;
use domain::time::UnixMillis;

use crate::handle::Reply;

/// Orders to the owner.
#[derive(Debug)]
pub(super) enum Message {
    /// Refuse a network.
    Ban {
        network: Network,
        until: UnixMillis,
        reply: Reply<()>,
    },
    /// Let a network in again; answers whether it was refused.
    Lift {
        network: Network,
        reply: Reply<bool>,
    },
}
