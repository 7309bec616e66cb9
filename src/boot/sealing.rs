//! The vault as the keys owner knows it: owners know nothing of each other.

use std::time::Duration;

use actors::deadline::Deadline;
use actors::keys::Sealing;
use actors::vault::Vault;
use domain::id::TenantId;
use domain::secret::SecretBytes;
use store::port::Pending;
use zeroize::Zeroizing;

/// How long a seal is waited for: no longer than whoever waits for the key.
const WITHIN: Duration = Duration::from_secs(2);

/// Seals tenants' signing keys under their data keys.
pub(super) struct ByVault(pub(super) Vault);

// === impl ByVault ===

impl Sealing for ByVault {
    fn seal(&self, tenant: TenantId, context: String, plain: SecretBytes) -> Pending<'_, Vec<u8>> {
        Box::pin(async move {
            let deadline = Deadline::after(WITHIN);
            let sealed = self.0.seal(tenant, &context, plain.expose(), deadline);
            sealed.await
        })
    }

    fn open(
        &self,
        tenant: TenantId,
        context: String,
        sealed: Vec<u8>,
    ) -> Pending<'_, Zeroizing<Vec<u8>>> {
        Box::pin(async move {
            let deadline = Deadline::after(WITHIN);
            self.0.open(tenant, &context, &sealed, deadline).await
        })
    }
}
