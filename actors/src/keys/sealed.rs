//! Private keys in and out of their sealed form. No private key exists unsealed but inside a ring and,
//! for a moment, here.
//!
//! The default tenant's keys are sealed under a key derived from `SYSTEM_SECRETS`, and sealed anew when
//! that moved on: nodes of an older release read them. Every other tenant's are sealed under its data
//! key, behind a byte that says so. Whichever way a key was sealed, it opens: the default tenant may be
//! another one today.

use std::sync::Arc;

use domain::id::TenantId;
use domain::key::{KeyState, SigningKey};
use domain::rejection::Fault;
use domain::secret::SecretBytes;
use domain::time::UnixMillis;
use protocol::jose::key_pair::KeyPair;
use protocol::seal;
use protocol::system_secrets::SystemSecrets;
use zeroize::Zeroizing;

use super::Sealing;
use crate::patience::patiently;

/// The first byte of what is sealed under a data key. [`seal`] begins with another.
const UNDER_DATA_KEY: u8 = 2;

/// What private keys are sealed by.
pub(super) struct Sealer {
    pub(super) secrets: Arc<SystemSecrets>,
    pub(super) sealing: Arc<dyn Sealing>,
}

/// A private key taken out of its seal.
pub(super) struct OpenedKey {
    /// The key.
    pub(super) pair: KeyPair,
    /// The private part sealed anew, if it was sealed under an older secret.
    pub(super) resealed: Option<Vec<u8>>,
}

/// Whose key a new one is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose {
    /// The tenant.
    pub(super) tenant: TenantId,
    /// Whether it is the default one.
    pub(super) is_default: bool,
}

// === impl Sealer ===

impl Sealer {
    /// Makes the row of a key that begins in `state`.
    ///
    /// # Errors
    /// [`Fault::Broken`] when the cryptographic library refuses, which it does not; as [`Sealing`].
    pub(super) async fn row(
        &self,
        whose: Whose,
        pair: &KeyPair,
        state: KeyState,
        now: UnixMillis,
    ) -> Result<SigningKey, Fault> {
        let private = pair.to_pkcs8().map_err(|error| broken(&error))?;
        let context = context(whose.tenant, pair.kid());
        let sealed_private = if whose.is_default {
            seal::seal(&self.secrets, &context, private.expose()).map_err(|error| broken(&error))?
        } else {
            let plain = SecretBytes::new(private.expose().to_vec());
            let sealed = patiently(self.sealing.seal(whose.tenant, context, plain)).await?;
            [vec![UNDER_DATA_KEY], sealed].concat()
        };
        Ok(SigningKey {
            kid: pair.kid().to_owned(),
            tenant: whose.tenant,
            algorithm: pair.algorithm(),
            state,
            sealed_private,
            public_jwk: pair.public_jwk().clone(),
            created_at: now,
            activated_at: (state == KeyState::Active).then_some(now),
            retired_at: None,
        })
    }

    /// Opens a stored key. `None` when nothing opens it or the bytes are not the key they say they are.
    ///
    /// # Errors
    /// As [`Sealing`], while a data key is not to be had.
    pub(super) async fn open(&self, key: &SigningKey) -> Result<Option<OpenedKey>, Fault> {
        let context = context(key.tenant, &key.kid);
        let opened = match key.sealed_private.split_first() {
            Some((&UNDER_DATA_KEY, sealed)) => {
                let opening = self.sealing.open(key.tenant, context, sealed.to_vec());
                match patiently(opening).await {
                    Ok(private) => read(&private, key).map(|pair| (pair, None)),
                    Err(Fault::Broken(_)) => None,
                    Err(fault) => return Err(fault),
                }
            }
            _ => self.open_under_secrets(key, &context),
        };
        Ok(opened.map(|(pair, resealed)| OpenedKey { pair, resealed }))
    }

    fn open_under_secrets(
        &self,
        key: &SigningKey,
        context: &str,
    ) -> Option<(KeyPair, Option<Vec<u8>>)> {
        let opened = seal::open(&self.secrets, context, &key.sealed_private).ok()?;
        let pair = read(&opened.value, key)?;
        let resealed = if opened.is_current {
            None
        } else {
            seal::seal(&self.secrets, context, &opened.value).ok()
        };
        Some((pair, resealed))
    }
}

/// Reads a private key that is this row's.
fn read(private: &Zeroizing<Vec<u8>>, key: &SigningKey) -> Option<KeyPair> {
    let pair = KeyPair::from_der(private).ok()?;
    (pair.kid() == key.kid).then_some(pair)
}

/// Binds a sealed key to its row.
fn context(tenant: TenantId, kid: &str) -> String {
    format!("key/{tenant}/{kid}")
}

fn broken(error: &impl ToString) -> Fault {
    Fault::Broken(error.to_string())
}

#[cfg(test)]
mod tests {
    use domain::key::Algorithm;
    use domain::random::Counting;
    use store::port::Pending;

    use super::*;

    /// Seals for a tenant and a context by writing them down.
    struct Written;

    impl Sealing for Written {
        fn seal(
            &self,
            tenant: TenantId,
            context: String,
            plain: SecretBytes,
        ) -> Pending<'_, Vec<u8>> {
            let label = format!("{tenant} {context} ").into_bytes();
            Box::pin(async move { Ok([label, plain.expose().to_vec()].concat()) })
        }

        fn open(
            &self,
            tenant: TenantId,
            context: String,
            sealed: Vec<u8>,
        ) -> Pending<'_, Zeroizing<Vec<u8>>> {
            let label = format!("{tenant} {context} ").into_bytes();
            let plain = sealed.strip_prefix(label.as_slice()).map(<[u8]>::to_vec);
            let plain = plain.ok_or_else(|| Fault::Broken("another's".to_owned()));
            Box::pin(async move { plain.map(Zeroizing::new) })
        }
    }

    fn sealer(seeds: &[u8]) -> Sealer {
        let list: Vec<_> = seeds
            .iter()
            .map(|seed| SecretBytes::new(vec![*seed; 32]))
            .collect();
        Sealer {
            secrets: Arc::new(SystemSecrets::new(&list).unwrap()),
            sealing: Arc::new(Written),
        }
    }

    async fn sealed(seeds: &[u8], is_default: bool) -> SigningKey {
        let now = UnixMillis::from_seconds(1);
        let tenant = TenantId::generate(now, &Counting::default());
        let whose = Whose { tenant, is_default };
        let pair = KeyPair::generate(Algorithm::Es256).unwrap();
        let sealer = sealer(seeds);
        let row = sealer.row(whose, &pair, KeyState::Next, now);
        row.await.unwrap()
    }

    async fn open(seeds: &[u8], key: &SigningKey) -> Option<OpenedKey> {
        sealer(seeds).open(key).await.unwrap()
    }

    #[tokio::test]
    async fn a_key_opens_under_its_own_name_only() {
        for is_default in [true, false] {
            let key = sealed(&[1], is_default).await;
            let other = sealed(&[1], is_default).await;
            let opened = open(&[1], &key).await.unwrap();
            assert_eq!(opened.pair.kid(), key.kid);
            let swapped = SigningKey {
                sealed_private: other.sealed_private,
                ..key
            };
            assert!(open(&[1], &swapped).await.is_none());
        }
    }

    #[tokio::test]
    async fn a_key_sealed_under_an_older_secret_is_sealed_anew() {
        let mut key = sealed(&[1], true).await;
        key.sealed_private = open(&[2, 1], &key).await.unwrap().resealed.unwrap();
        assert!(open(&[2], &key).await.unwrap().resealed.is_none());
    }

    #[tokio::test]
    async fn a_key_under_its_tenants_data_key_needs_no_secret_of_ours() {
        let key = sealed(&[1], false).await;
        let opened = open(&[9], &key).await.unwrap();
        assert!(opened.resealed.is_none());
    }
}
