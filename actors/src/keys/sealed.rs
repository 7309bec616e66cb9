//! Private keys in and out of their sealed form. No private key exists unsealed but inside the ring
//! and, for a moment, here.

use domain::id::TenantId;
use domain::key::{KeyState, SigningKey};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use protocol::jose::key_pair::KeyPair;
use protocol::seal;
use protocol::system_secrets::SystemSecrets;

/// A private key taken out of its seal.
pub(super) struct OpenedKey {
    /// The key.
    pub(super) pair: KeyPair,
    /// The private part sealed anew, if it was sealed under an older secret.
    pub(super) resealed: Option<Vec<u8>>,
}

/// Makes the row of a key that begins in `state`.
///
/// # Errors
/// [`Fault::Broken`] when the cryptographic library refuses, which it does not.
pub(super) fn row(
    secrets: &SystemSecrets,
    tenant: TenantId,
    pair: &KeyPair,
    state: KeyState,
    now: UnixMillis,
) -> Result<SigningKey, Fault> {
    let private = pair.to_pkcs8().map_err(|error| broken(&error))?;
    let context = context(tenant, pair.kid());
    Ok(SigningKey {
        kid: pair.kid().to_owned(),
        tenant,
        algorithm: pair.algorithm(),
        state,
        sealed_private: seal::seal(secrets, &context, private.expose())
            .map_err(|error| broken(&error))?,
        public_jwk: pair.public_jwk().clone(),
        created_at: now,
        activated_at: (state == KeyState::Active).then_some(now),
        retired_at: None,
    })
}

/// Opens a stored key. `None` when no secret fits or the bytes are not the key they say they are.
pub(super) fn open(secrets: &SystemSecrets, key: &SigningKey) -> Option<OpenedKey> {
    let context = context(key.tenant, &key.kid);
    let opened = seal::open(secrets, &context, &key.sealed_private).ok()?;
    let pair = KeyPair::from_der(&opened.value).ok()?;
    if pair.kid() != key.kid {
        return None;
    }
    let resealed = if opened.is_current {
        None
    } else {
        seal::seal(secrets, &context, &opened.value).ok()
    };
    Some(OpenedKey { pair, resealed })
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
    use domain::secret::SecretBytes;

    use super::*;

    fn secrets(seeds: &[u8]) -> SystemSecrets {
        let list: Vec<_> = seeds
            .iter()
            .map(|seed| SecretBytes::new(vec![*seed; 32]))
            .collect();
        SystemSecrets::new(&list).unwrap()
    }

    fn sealed(seeds: &[u8]) -> SigningKey {
        let now = UnixMillis::from_seconds(1);
        let tenant = TenantId::generate(now, &Counting::default());
        let pair = KeyPair::generate(Algorithm::Es256).unwrap();
        row(&secrets(seeds), tenant, &pair, KeyState::Next, now).unwrap()
    }

    #[test]
    fn a_key_opens_under_its_own_name_only() {
        let (key, other) = (sealed(&[1]), sealed(&[1]));
        let opened = open(&secrets(&[1]), &key).unwrap();
        assert_eq!(opened.pair.kid(), key.kid);
        let swapped = SigningKey {
            sealed_private: other.sealed_private,
            ..key
        };
        assert!(open(&secrets(&[1]), &swapped).is_none());
    }

    #[test]
    fn a_key_sealed_under_an_older_secret_is_sealed_anew() {
        let mut key = sealed(&[1]);
        key.sealed_private = open(&secrets(&[2, 1]), &key).unwrap().resealed.unwrap();
        assert!(open(&secrets(&[2]), &key).unwrap().resealed.is_none());
    }
}
