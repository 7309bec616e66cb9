//! Envelopes: what is sealed under a tenant's data key (AES-256-GCM, NIST SP 800-38D).
//!
//! An envelope is a version byte, the 16 bytes of the data key's id, a random nonce of 12 bytes, the
//! ciphertext and its tag of 16. Authenticated with it are the version, the tenant, the key's id and
//! the context it was sealed for, so that a value copied to another row, account or tenant does not
//! open. With random nonces one key may seal 2^32 values (§8.3), which a tenant's factors stay far
//! below.
//!
//! [`crate::seal`] seals what belongs to the service itself, data keys among it, under
//! `SYSTEM_SECRETS`.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use domain::id::{DataKeyId, TenantId};
use domain::random::Random;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::seal::Unsealable;

/// The first byte of every envelope: the format.
const VERSION: u8 = 1;
/// The length of a data key, in bytes.
const KEY_BYTES: usize = 32;
/// The length of an id, in bytes.
const ID_BYTES: usize = 16;
/// The length of a tag, in bytes.
const TAG_BYTES: usize = 16;

/// A data key in the clear; zeroed when dropped.
#[derive(Clone)]
pub struct DataKeyBytes(Zeroizing<[u8; KEY_BYTES]>);

/// What an envelope belongs to; authenticated with it.
#[derive(Debug, Clone, Copy)]
pub struct Belonging<'a> {
    /// The tenant.
    pub tenant: TenantId,
    /// The data key that seals it.
    pub key: DataKeyId,
    /// What it is sealed for: `totp/{user}`.
    pub context: &'a str,
}

/// Gives the data key that an envelope names; nothing vouches for it until it opens.
///
/// # Errors
/// [`Unsealable`] when it is no envelope.
pub fn key_of(sealed: &[u8]) -> Result<DataKeyId, Unsealable> {
    parse(sealed).map(|(key, _, _)| key)
}

/// Seals `value` under `key`.
///
/// # Errors
/// [`Unsealable`] when the cipher refuses, which it does for values above 64 GiB only.
pub fn seal(
    key: &DataKeyBytes,
    belonging: Belonging<'_>,
    value: &[u8],
) -> Result<Vec<u8>, Unsealable> {
    let mut buffer = Zeroizing::new(value.to_vec());
    let (nonce, tag) = key
        .cipher()?
        .seal_in_place_separate_tag(Aad::from(belonging.bytes()), &mut buffer)
        .map_err(|_| Unsealable)?;
    let length = 1 + ID_BYTES + NONCE_LEN + buffer.len() + TAG_BYTES;
    let mut sealed = Vec::with_capacity(length);
    sealed.push(VERSION);
    sealed.extend_from_slice(belonging.key.as_uuid().as_bytes());
    sealed.extend_from_slice(nonce.as_ref());
    sealed.extend_from_slice(&buffer);
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens an envelope.
///
/// # Errors
/// [`Unsealable`] when it belongs elsewhere, was sealed under another key, or a bit was changed.
pub fn open(
    key: &DataKeyBytes,
    belonging: Belonging<'_>,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
    let (named, nonce, body) = parse(sealed)?;
    if named != belonging.key {
        return Err(Unsealable);
    }
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unsealable)?;
    let mut buffer = Zeroizing::new(body.to_vec());
    let length = key
        .cipher()?
        .open_in_place(nonce, Aad::from(belonging.bytes()), &mut buffer)
        .map_err(|_| Unsealable)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

/// Splits an envelope into the name of its key, its nonce, and ciphertext with tag.
fn parse(sealed: &[u8]) -> Result<(DataKeyId, &[u8], &[u8]), Unsealable> {
    let (version, rest) = sealed.split_first().ok_or(Unsealable)?;
    if *version != VERSION {
        return Err(Unsealable);
    }
    let (id, rest) = rest.split_first_chunk::<ID_BYTES>().ok_or(Unsealable)?;
    let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or(Unsealable)?;
    let key = DataKeyId::from_uuid(Uuid::from_bytes(*id));
    Ok((key, nonce, body))
}

// === impl DataKeyBytes ===

impl DataKeyBytes {
    /// Draws a key.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        random.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// Takes a key that was unwrapped.
    ///
    /// # Errors
    /// [`Unsealable`] when it is not 32 bytes long.
    pub fn from_unwrapped(bytes: &[u8]) -> Result<Self, Unsealable> {
        let mut own = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return Err(Unsealable);
        }
        own.copy_from_slice(bytes);
        Ok(Self(own))
    }

    /// Shows the key, for it to be wrapped. Each caller is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, Unsealable> {
        RandomizedNonceKey::new(&AES_256_GCM, self.expose()).map_err(|_| Unsealable)
    }
}

impl fmt::Debug for DataKeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

// === impl Belonging ===

impl Belonging<'_> {
    /// Gives what is authenticated: the context comes last, so that no two belongings are alike.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + 2 * ID_BYTES + self.context.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(self.tenant.as_uuid().as_bytes());
        bytes.extend_from_slice(self.key.as_uuid().as_bytes());
        bytes.extend_from_slice(self.context.as_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> DataKeyBytes {
        DataKeyBytes::from_unwrapped(&[seed; 32]).expect("32 bytes")
    }

    fn belonging(tenant: u128, key: u128, context: &str) -> Belonging<'_> {
        Belonging {
            tenant: TenantId::from_uuid(Uuid::from_u128(tenant)),
            key: DataKeyId::from_uuid(Uuid::from_u128(key)),
            context,
        }
    }

    #[test]
    fn what_was_sealed_opens_where_it_belongs_and_names_its_key() {
        let own = belonging(1, 2, "totp/ada");
        let sealed = seal(&key(7), own, b"value").expect("seals");
        assert_eq!(key_of(&sealed), Ok(own.key));
        assert_eq!(sealed.len(), 1 + 16 + 12 + 5 + 16);
        let opened = open(&key(7), own, &sealed).expect("opens");
        assert_eq!(opened.as_slice(), b"value");
        assert_ne!(
            seal(&key(7), own, b"value"),
            Ok(sealed),
            "a nonce of its own"
        );
    }

    #[test]
    fn it_opens_nowhere_else_and_under_no_other_key() {
        let own = belonging(1, 2, "totp/ada");
        let sealed = seal(&key(7), own, b"value").expect("seals");
        let elsewhere = [
            belonging(3, 2, "totp/ada"),
            belonging(1, 3, "totp/ada"),
            belonging(1, 2, "totp/bob"),
            belonging(1, 2, "totp/ad"),
        ];
        for other in elsewhere {
            assert!(open(&key(7), other, &sealed).is_err(), "{other:?}");
        }
        assert!(open(&key(8), own, &sealed).is_err());
    }

    #[test]
    fn any_changed_bit_and_any_cut_does_not_open() {
        let own = belonging(1, 2, "totp/ada");
        let sealed = seal(&key(7), own, b"value").expect("seals");
        for position in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[position] ^= 1;
            assert!(open(&key(7), own, &altered).is_err(), "byte {position}");
            assert!(
                open(&key(7), own, &sealed[..position]).is_err(),
                "cut at {position}"
            );
        }
    }

    #[test]
    fn a_key_of_another_length_is_none() {
        for length in [0, 16, 31, 33] {
            assert!(DataKeyBytes::from_unwrapped(&vec![1; length]).is_err());
        }
    }
}
