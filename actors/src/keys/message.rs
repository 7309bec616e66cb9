//! What can be asked of the keys owner.

use domain::event::Origin;
use domain::id::TenantId;
use domain::key::Algorithm;
use domain::rejection::Fault;
use domain::secret::SecretText;

use super::Rotated;
use crate::handle::Reply;

/// Orders to the owner. Who gives one says in which tenant.
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
    /// Make a private key in PEM the active one, unless it was ever stored before.
    Import {
        pem: SecretText,
        by: Box<Origin>,
        reply: Reply<Result<(), Fault>>,
    },
    /// Make a ring of this algorithm unless there is one.
    Provide {
        tenant: TenantId,
        algorithm: Algorithm,
        reply: Reply<Result<(), Fault>>,
    },
    /// Make a tenant's first ring unless there is one.
    Make {
        tenant: TenantId,
        reply: Reply<Result<(), Fault>>,
    },
    /// Let a tenant's keys move on that are due.
    Tend { tenant: TenantId },
    /// Load the default tenant's ring again: another node changed it.
    Reload { reply: Reply<Result<(), Fault>> },
}
