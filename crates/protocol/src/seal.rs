//! Sealing what is stored: AES-256-GCM under keys derived from `SYSTEM_SECRETS`.
//!
//! A sealed value carries a version byte, its random nonce and its tag. The context it was sealed
//! for is authenticated with it, so a value copied to another row does not open.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::system_secrets::SystemSecrets;

/// The first byte of every sealed value: the format.
const VERSION: u8 = 1;

/// The value does not open: another context, another secret, or tampered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a sealed value does not open: SYSTEM_SECRETS lacks the secret it was sealed under, or it was altered"
)]
pub struct Unsealable;

/// An opened value.
pub struct Opened {
    /// What was sealed.
    pub value: Zeroizing<Vec<u8>>,
    /// Whether it was sealed under the newest secret; if not, seal it again.
    pub is_current: bool,
}

/// Seals `value` for `context` under the newest secret.
///
/// # Errors
/// [`Unsealable`] when the cipher refuses, which it does for values above 64 GiB only.
pub fn seal(secrets: &SystemSecrets, context: &str, value: &[u8]) -> Result<Vec<u8>, Unsealable> {
    let key = secrets.sealing_keys().next().ok_or(Unsealable)?;
    let mut buffer = Zeroizing::new(value.to_vec());
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| Unsealable)?;
    let (nonce, tag) = key
        .seal_in_place_separate_tag(Aad::from(context.as_bytes()), &mut buffer)
        .map_err(|_| Unsealable)?;
    let mut sealed = Vec::with_capacity(1 + NONCE_LEN + buffer.len() + 16);
    sealed.push(VERSION);
    sealed.extend_from_slice(nonce.as_ref());
    sealed.extend_from_slice(&buffer);
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what was sealed for `context` under any of the secrets.
///
/// # Errors
/// [`Unsealable`] when no secret fits, the context is another, or a bit was changed.
pub fn open(secrets: &SystemSecrets, context: &str, sealed: &[u8]) -> Result<Opened, Unsealable> {
    let (version, rest) = sealed.split_first().ok_or(Unsealable)?;
    let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or(Unsealable)?;
    if *version != VERSION {
        return Err(Unsealable);
    }
    for (age, key) in secrets.sealing_keys().enumerate() {
        if let Some(value) = open_with(key, context, nonce, body) {
            return Ok(Opened {
                value,
                is_current: age == 0,
            });
        }
    }
    Err(Unsealable)
}

fn open_with(
    key: &[u8; 32],
    context: &str,
    nonce: &[u8],
    body: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).ok()?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut buffer = Zeroizing::new(body.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(context.as_bytes()), &mut buffer)
        .ok()?
        .len();
    buffer.truncate(length);
    Some(buffer)
}

#[cfg(test)]
mod tests {
    use domain::secret::SecretBytes;

    use super::*;

    fn secrets(seeds: &[u8]) -> SystemSecrets {
        let list: Vec<_> = seeds
            .iter()
            .map(|s| SecretBytes::new(vec![*s; 32]))
            .collect();
        SystemSecrets::new(&list).expect("one secret at least")
    }

    #[test]
    fn what_was_sealed_opens_again() {
        let all = secrets(&[1]);
        let sealed = seal(&all, "key/1", b"value").expect("seals");
        let opened = open(&all, "key/1", &sealed).expect("opens");
        assert!(opened.is_current && opened.value.as_slice() == b"value");
    }

    #[test]
    fn after_a_new_secret_it_opens_and_asks_to_be_sealed_again() {
        let sealed = seal(&secrets(&[1]), "c", b"value").expect("seals");
        let opened = open(&secrets(&[2, 1]), "c", &sealed).expect("opens");
        assert!(!opened.is_current);
        assert!(open(&secrets(&[2]), "c", &sealed).is_err());
    }

    #[test]
    fn another_context_or_any_changed_bit_does_not_open() {
        let all = secrets(&[1]);
        let sealed = seal(&all, "row/1", b"value").expect("seals");
        assert!(open(&all, "row/2", &sealed).is_err());
        for position in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[position] ^= 1;
            assert!(open(&all, "row/1", &altered).is_err(), "byte {position}");
            assert!(
                open(&all, "row/1", &sealed[..position]).is_err(),
                "cut at {position}"
            );
        }
    }
}
