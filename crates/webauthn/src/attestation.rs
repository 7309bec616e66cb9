//! Which authenticators a tenant allows: models, by their AAGUID, and who vouches for them (§7.1).
//!
//! Without a list nobody is asked what their authenticator is (attestation `none`). With one, a
//! registration shows a statement that chains to one of the roots, and names one of the models in its
//! certificate or its signed data, and verifies whoever is there. Passkeys that are copied between devices
//! mostly have no such statement, and then are not taken.

use std::collections::BTreeMap;

use uuid::Uuid;
use webauthn_rs_core::proto::{AttestationCaList, AttestationCaListBuilder};

use crate::Misconfigured;

/// The authenticators that a tenant allows.
#[derive(Debug, Clone)]
pub struct AllowList(AttestationCaList);

// === impl AllowList ===

impl AllowList {
    /// Takes roots, as certificates in PEM, and the models that they may vouch for.
    ///
    /// # Errors
    /// [`Misconfigured`] without a root, without a model, or for what is not a certificate.
    pub fn new(roots: &[&str], models: &[Uuid]) -> Result<Self, Misconfigured> {
        if roots.is_empty() || models.is_empty() {
            return Err(Misconfigured);
        }
        let mut list = AttestationCaListBuilder::new();
        for root in roots {
            for model in models {
                let (name, others) = (model.to_string(), BTreeMap::new());
                list.insert_device_pem(root.as_bytes(), *model, name, others)
                    .map_err(|_| Misconfigured)?;
            }
        }
        Ok(Self(list.build()))
    }

    pub(crate) const fn as_list(&self) -> &AttestationCaList {
        &self.0
    }
}
