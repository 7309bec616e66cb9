//! The port to whatever wraps data keys, and the wrapping that needs nothing but `SYSTEM_SECRETS`.

use std::fmt;
use std::sync::Arc;

use domain::id::{DataKeyId, TenantId};
use domain::rejection::Fault;
use protocol::envelope::DataKeyBytes;
use protocol::seal;
use protocol::system_secrets::SystemSecrets;
use store::port::Pending;

/// Which key is wrapped. A wrapping authenticates it, so that a wrapped key that is moved to another
/// row does not unwrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyName {
    /// The tenant.
    pub tenant: TenantId,
    /// The key's id.
    pub id: DataKeyId,
}

/// Wraps data keys under a master key: this process's, or that of an external key service (a KMS),
/// which then sees data keys and never what they seal.
pub trait KeyWrapping: Send + Sync + 'static {
    /// Wraps a key under the newest master key.
    fn wrap_key(&self, name: KeyName, key: DataKeyBytes) -> Pending<'_, Vec<u8>>;

    /// Unwraps a key that was wrapped under any master key that is still known, for this name.
    fn unwrap_key(&self, name: KeyName, wrapped: Vec<u8>) -> Pending<'_, DataKeyBytes>;

    /// Says whether a key that unwraps is wrapped under the newest master key; if not, it is to be
    /// wrapped again. Asks nobody.
    fn is_current(&self, name: KeyName, wrapped: &[u8]) -> bool;
}

/// Wraps under keys derived from `SYSTEM_SECRETS`.
pub struct LocalWrapping(Arc<SystemSecrets>);

// === impl LocalWrapping ===

impl LocalWrapping {
    /// Wraps under these secrets.
    #[must_use]
    pub const fn new(secrets: Arc<SystemSecrets>) -> Self {
        Self(secrets)
    }
}

impl KeyWrapping for LocalWrapping {
    fn wrap_key(&self, name: KeyName, key: DataKeyBytes) -> Pending<'_, Vec<u8>> {
        Box::pin(async move {
            seal::seal(&self.0, &name.to_string(), key.expose())
                .map_err(|error| broken(name, error))
        })
    }

    fn unwrap_key(&self, name: KeyName, wrapped: Vec<u8>) -> Pending<'_, DataKeyBytes> {
        Box::pin(async move {
            let opened = seal::open(&self.0, &name.to_string(), &wrapped);
            opened
                .and_then(|opened| DataKeyBytes::from_unwrapped(&opened.value))
                .map_err(|error| broken(name, error))
        })
    }

    fn is_current(&self, name: KeyName, wrapped: &[u8]) -> bool {
        seal::open(&self.0, &name.to_string(), wrapped).is_ok_and(|opened| opened.is_current)
    }
}

fn broken(name: KeyName, error: seal::Unsealable) -> Fault {
    Fault::Broken(format!("{name}: {error}"))
}

// === impl KeyName ===

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "data-key/{}/{}", self.tenant, self.id)
    }
}
