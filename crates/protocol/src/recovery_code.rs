//! Recovery codes: mailed to whoever lost every second factor (NIST SP 800-63B-4 §4.2.1.2).
//!
//! They look as backup codes do, so that people type both alike, and have as many bits: 69. What is stored is an
//! HMAC under a label of its own, bound to the account: neither is the other, nor another account's.

use domain::id::{TenantId, UserId};
use domain::random::Random;

use crate::backup_code::{Minted, generate_under, signatures_under};
use crate::system_secrets::{Label, SIGNATURE_BYTES, SystemSecrets};

/// Makes a code of an account.
#[must_use]
pub fn generate(secrets: &SystemSecrets, random: &dyn Random, whose: (TenantId, UserId)) -> Minted {
    generate_under(Label::RecoveryCode, secrets, random, whose)
}

/// Gives the signatures that a typed code of an account may be stored under, the newest secret's first;
/// nothing for what cannot be one. Case, spaces and hyphens are people's.
#[must_use]
pub fn signatures(
    secrets: &SystemSecrets,
    whose: (TenantId, UserId),
    typed: &str,
) -> Option<Vec<[u8; SIGNATURE_BYTES]>> {
    signatures_under(Label::RecoveryCode, secrets, whose, typed)
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::secret::SecretBytes;
    use domain::time::UnixMillis;

    use super::*;
    use crate::backup_code;
    use crate::entropy::SystemRandom;

    #[test]
    fn nist_sp_800_63b_4_4_2_1_2_a_mailed_code_has_its_bits_and_is_no_backup_code() {
        let secrets = SystemSecrets::new(&[SecretBytes::new(vec![1; 32])]).expect("a secret");
        let (now, random) = (UnixMillis::from_millis(1), Counting::default());
        let whose = (
            TenantId::generate(now, &random),
            UserId::generate(now, &random),
        );
        let minted = generate(&secrets, &SystemRandom, whose);
        let code = minted.code.expose();
        assert_eq!(code.len(), "bcdf-ghjk-mnpq-rtvw".len(), "{code}");
        let found = signatures(&secrets, whose, &code.to_uppercase());
        assert_eq!(found, Some(vec![minted.signature]));
        let other = backup_code::signatures(&secrets, whose, code).expect("of the same form");
        assert_ne!(other, [minted.signature]);
        let backup = backup_code::generate(&secrets, &SystemRandom, whose);
        let other = signatures(&secrets, whose, backup.code.expose()).expect("of the same form");
        assert_ne!(other, [backup.signature]);
    }
}
