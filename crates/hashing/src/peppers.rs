//! Peppers: the secrets that are mixed in before hashing, so that a stolen table is worthless
//! without the configuration. Newest first: the newest hashes, every one still verifies.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use domain::secret::{SecretBytes, SecretText};

/// The configured peppers with their names.
pub(crate) struct Peppers {
    newest: Pepper,
    older: Vec<Pepper>,
}

struct Pepper {
    name: String,
    secret: SecretBytes,
}

// === impl Peppers ===

impl Peppers {
    /// Takes the peppers, newest first; `None` if there is none.
    pub(crate) fn new(secrets: &[SecretBytes]) -> Option<Self> {
        let (newest, older) = secrets.split_first()?;
        Some(Self {
            newest: Pepper::new(newest),
            older: older.iter().map(Pepper::new).collect(),
        })
    }

    /// Gives the name of the newest.
    pub(crate) fn newest(&self) -> &str {
        &self.newest.name
    }

    /// Mixes the newest in.
    pub(crate) fn mix(&self, password: &SecretText) -> SecretBytes {
        self.newest.mix(password)
    }

    /// Mixes in the one with this name; `None` if it is configured no more.
    pub(crate) fn mix_named(&self, name: &str, password: &SecretText) -> Option<SecretBytes> {
        std::iter::once(&self.newest)
            .chain(&self.older)
            .find(|pepper| pepper.name == name)
            .map(|pepper| pepper.mix(password))
    }
}

// === impl Pepper ===

impl Pepper {
    fn new(secret: &SecretBytes) -> Self {
        let digest = digest(&SHA256, secret.expose());
        let mut name = String::with_capacity(8);
        for byte in digest.as_ref().iter().take(4) {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        Self {
            name,
            secret: secret.clone(),
        }
    }

    fn mix(&self, password: &SecretText) -> SecretBytes {
        protocol::password::pepper(&self.secret, password)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peppers(seeds: &[u8]) -> Peppers {
        let secrets: Vec<_> = seeds
            .iter()
            .map(|seed| SecretBytes::new(vec![*seed; 32]))
            .collect();
        Peppers::new(&secrets).expect("one at least")
    }

    #[test]
    fn a_pepper_is_named_by_its_digest_and_found_by_it() {
        let password = SecretText::new("x".to_owned());
        let (before, after) = (peppers(&[1]), peppers(&[2, 1]));
        assert_eq!(before.newest().len(), 8);
        assert_ne!(before.newest(), after.newest());
        let mixed = before.mix(&password);
        let again = after.mix_named(before.newest(), &password).expect("kept");
        assert_eq!(mixed.expose(), again.expose());
        assert!(
            peppers(&[3])
                .mix_named(before.newest(), &password)
                .is_none()
        );
    }

    #[test]
    fn no_pepper_is_none() {
        assert!(Peppers::new(&[]).is_none());
    }
}
