//! What can be asked of the vault.

use domain::id::TenantId;
use domain::rejection::Fault;
use domain::secret::SecretBytes;
use zeroize::Zeroizing;

use crate::handle::Reply;

/// Orders to the owner.
#[derive(Debug)]
pub(super) enum Message {
    /// Seal a value under the tenant's active key.
    Seal {
        tenant: TenantId,
        context: String,
        plain: SecretBytes,
        reply: Reply<Result<Vec<u8>, Fault>>,
    },
    /// Open what was sealed under any key of the tenant.
    Open {
        tenant: TenantId,
        context: String,
        sealed: Vec<u8>,
        reply: Reply<Result<Zeroizing<Vec<u8>>, Fault>>,
    },
}
