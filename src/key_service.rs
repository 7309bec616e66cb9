//! Key services: having others wrap the tenants' data keys (`actors::vault` is who has them wrapped).
//!
//! A wrapped key tells who wrapped it: what begins with [`MARK`] was wrapped by the key service
//! ([`transit`]), everything else by `SYSTEM_SECRETS`. Both unwrap at any time what they wrapped, and what is
//! not wrapped by whom the settings name is wrapped anew, as after a change of the secrets. So a key service
//! comes and goes while the service runs; a node that does not know it opens nothing that it wrapped.
//!
//! It fails closed: without the key service no key is made or unwrapped, and nothing is wrapped by
//! anybody else instead. Keys at hand in the vault are used on. While it is away it is not asked by
//! the vault for [`rest::REST`], since whoever waits for it holds up everybody behind (`rest`).
//!
//! See `docs/decisions/0028-key-service.md`.

use std::io;
use std::path::Path;
use std::sync::Arc;

use actors::vault::{KeyName, KeyWrapping, LocalWrapping};
use domain::rejection::Fault;
use protocol::envelope::DataKeyBytes;
use protocol::system_secrets::SystemSecrets;
use reqwest::Certificate;
use store::port::Pending;

use crate::config::KeyServiceSettings;

mod rest;
pub mod transit;

use transit::Transit;

/// The first byte of what a key service wrapped; `protocol::seal` begins with another.
const MARK: u8 = 2;
/// What stands between the name of the master key and what it wrapped.
const END: u8 = 0;

/// Wraps as the settings say, and unwraps whatever was wrapped by whom they know.
pub struct Wrappings {
    local: LocalWrapping,
    service: Option<Arc<Transit>>,
    wraps: bool,
}

/// A key service cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum NoKeyService {
    /// The authorities cannot be read.
    #[error("KMS_CA_PATH: {0}")]
    Unreadable(#[from] io::Error),
    /// The file holds none.
    #[error("KMS_CA_PATH: expected certificates in PEM")]
    Malformed,
    /// The HTTP client could not be made.
    #[error("KMS_URL: no HTTP client can be made: {0}")]
    Http(#[from] reqwest::Error),
}

// === impl Wrappings ===

impl Wrappings {
    /// Wraps under these secrets, or by the key service where there is one. Blocks for the length of a file.
    ///
    /// # Errors
    /// See [`NoKeyService`].
    pub fn new(
        secrets: Arc<SystemSecrets>,
        settings: Option<&KeyServiceSettings>,
    ) -> Result<Self, NoKeyService> {
        let service = settings.map(Transit::new).transpose()?;
        Ok(Self {
            local: LocalWrapping::new(secrets),
            service: service.map(Arc::new),
            wraps: settings.is_some_and(|settings| settings.wraps),
        })
    }

    /// Gives the key service, if there is one.
    #[must_use]
    pub const fn service(&self) -> Option<&Arc<Transit>> {
        self.service.as_ref()
    }

    fn find(&self, name: KeyName) -> Result<&Transit, Fault> {
        let missing = || Fault::Broken(format!("{name}: a key service wrapped it: set KMS_URL"));
        self.service.as_deref().ok_or_else(missing)
    }
}

impl KeyWrapping for Wrappings {
    fn wrap_key(&self, name: KeyName, key: DataKeyBytes) -> Pending<'_, Vec<u8>> {
        match &self.service {
            Some(service) if self.wraps => Box::pin(async move {
                let text = service.wrap(name, &key).await?;
                Ok(write(service.master(), &text))
            }),
            _ => self.local.wrap_key(name, key),
        }
    }

    fn unwrap_key(&self, name: KeyName, wrapped: Vec<u8>) -> Pending<'_, DataKeyBytes> {
        if wrapped.first() != Some(&MARK) {
            return self.local.unwrap_key(name, wrapped);
        }
        Box::pin(async move {
            let service = self.find(name)?;
            match read(&wrapped) {
                Some((master, text)) if master == service.master() => {
                    service.unwrap(name, text).await
                }
                Some((master, _)) => Err(Fault::Broken(format!(
                    "{name}: wrapped under another key than KMS_MOUNT and KMS_KEY name: {master}"
                ))),
                None => Err(Fault::Broken(format!("{name}: no wrapped key"))),
            }
        })
    }

    fn is_current(&self, name: KeyName, wrapped: &[u8]) -> bool {
        match (&self.service, read(wrapped)) {
            (Some(service), Some((master, text))) if self.wraps => {
                master == service.master() && service.is_newest(text)
            }
            (None, _) | (Some(_), None) => !self.wraps && self.local.is_current(name, wrapped),
            (Some(_), Some(_)) => false,
        }
    }
}

/// Writes what a key service wrapped, with the name of the master key it did it with.
fn write(master: &str, text: &str) -> Vec<u8> {
    [&[MARK], master.as_bytes(), &[END], text.as_bytes()].concat()
}

/// Reads it: the master key's name, and what it wrapped.
fn read(wrapped: &[u8]) -> Option<(&str, &str)> {
    let (mark, rest) = wrapped.split_first()?;
    let text = std::str::from_utf8(rest).ok().filter(|_| *mark == MARK)?;
    text.split_once(char::from(END))
}

/// Reads the authorities that alone vouch for the key service.
fn read_authorities(path: &Path) -> Result<Vec<Certificate>, NoKeyService> {
    let pem = std::fs::read(path)?;
    Certificate::from_pem_bundle(&pem)
        .ok()
        .filter(|found| !found.is_empty())
        .ok_or(NoKeyService::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_service_wrapped_tells_by_which_key() {
        let written = write("transit/data-keys", "vault:v1:AAAA");
        assert_eq!(read(&written), Some(("transit/data-keys", "vault:v1:AAAA")));
        for other in [&[][..], &[MARK], &[1, b'a', END, b'b'], b"transit\0vault"] {
            assert_eq!(read(other), None);
        }
    }
}
