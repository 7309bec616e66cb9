//! Backup codes: look-up secrets for the day when the other factors are lost (NIST SP 800-63B-4 §3.1.2).
//!
//! Sixteen letters of an alphabet without vowels, so that no word comes out, and without what looks
//! alike: 20^16 codes, 69 bits, where §3.1.2.1 wants what cannot be guessed within the limit of tries.
//! That many bits need no slow hash: what is stored is an HMAC, bound to the account, so that a code of
//! one account is nothing to another.

use domain::id::{TenantId, UserId};
use domain::random::Random;
use domain::secret::SecretText;

use crate::system_secrets::{Label, SIGNATURE_BYTES, SystemSecrets};

/// A code just made.
pub struct Minted {
    /// The code, to be shown once.
    pub code: SecretText,
    /// Its signature, to be stored.
    pub signature: [u8; SIGNATURE_BYTES],
}

const ALPHABET: &[u8; 20] = b"bcdfghjkmnpqrtvwxyz2";
const LENGTH: usize = 16;
const GROUP: usize = 4;
/// The bytes below this fall on each letter equally often: 12 times.
const FAIR: u8 = 240;
/// The longest text that is looked at.
const MAX_TYPED: usize = 64;

/// Makes a code of an account.
#[must_use]
pub fn generate(secrets: &SystemSecrets, random: &dyn Random, whose: (TenantId, UserId)) -> Minted {
    generate_under(Label::BackupCode, secrets, random, whose)
}

/// Makes a code of the same form for something else.
pub(crate) fn generate_under(
    label: Label,
    secrets: &SystemSecrets,
    random: &dyn Random,
    whose: (TenantId, UserId),
) -> Minted {
    let mut letters = String::with_capacity(LENGTH);
    while letters.len() < LENGTH {
        let bytes: [u8; 2 * LENGTH] = random.array();
        let fair = bytes.into_iter().filter(|byte| *byte < FAIR);
        let drawn = fair.filter_map(|byte| ALPHABET.get(usize::from(byte) % ALPHABET.len()));
        let missing = LENGTH.saturating_sub(letters.len());
        letters.extend(drawn.take(missing).copied().map(char::from));
    }
    let signature = secrets.sign(label, &message(whose, &letters));
    Minted {
        code: SecretText::new(shown(&letters)),
        signature,
    }
}

/// Gives the signatures that a typed code of an account may be stored under, the newest secret's first;
/// nothing for what cannot be one. Case, spaces and hyphens are people's.
#[must_use]
pub fn signatures(
    secrets: &SystemSecrets,
    whose: (TenantId, UserId),
    typed: &str,
) -> Option<Vec<[u8; SIGNATURE_BYTES]>> {
    signatures_under(Label::BackupCode, secrets, whose, typed)
}

/// As [`signatures`], of a code of the same form for something else.
pub(crate) fn signatures_under(
    label: Label,
    secrets: &SystemSecrets,
    whose: (TenantId, UserId),
    typed: &str,
) -> Option<Vec<[u8; SIGNATURE_BYTES]>> {
    if typed.len() > MAX_TYPED {
        return None;
    }
    let meant = typed
        .chars()
        .filter(|letter| !(letter.is_whitespace() || *letter == '-'));
    let letters: String = meant.map(|letter| letter.to_ascii_lowercase()).collect();
    let is_ours = letters.bytes().all(|letter| ALPHABET.contains(&letter));
    if letters.len() != LENGTH || !is_ours {
        return None;
    }
    let (newest, older) = secrets.signatures(label, &message(whose, &letters));
    Some(std::iter::once(newest).chain(older).collect())
}

fn message((tenant, user): (TenantId, UserId), letters: &str) -> Vec<u8> {
    let (tenant, user) = (tenant.as_uuid(), user.as_uuid());
    [tenant.as_bytes(), user.as_bytes(), letters.as_bytes()].concat()
}

/// Writes a code in groups.
fn shown(letters: &str) -> String {
    let mut shown = String::new();
    for (place, letter) in letters.chars().enumerate() {
        if place > 0 && place % GROUP == 0 {
            shown.push('-');
        }
        shown.push(letter);
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::random::Counting;
    use domain::secret::SecretBytes;
    use domain::time::UnixMillis;

    use super::*;
    use crate::entropy::SystemRandom;

    fn secrets(seeds: &[u8]) -> SystemSecrets {
        let list: Vec<_> = seeds
            .iter()
            .map(|seed| SecretBytes::new(vec![*seed; 32]))
            .collect();
        SystemSecrets::new(&list).expect("a secret")
    }

    fn somebody() -> (TenantId, UserId) {
        let (now, random) = (UnixMillis::from_millis(1), Counting::default());
        (
            TenantId::generate(now, &random),
            UserId::generate(now, &random),
        )
    }

    #[test]
    fn nist_sp_800_63b_4_3_1_2_a_code_has_69_bits_and_is_stored_as_its_signature() {
        let (all, whose) = (secrets(&[1]), somebody());
        let minted = generate(&all, &SystemRandom, whose);
        let code = minted.code.expose();
        assert_eq!(code.len(), LENGTH + LENGTH / GROUP - 1, "{code}");
        let alphabet: BTreeSet<u8> = ALPHABET.iter().copied().collect();
        assert_eq!(alphabet.len(), ALPHABET.len());
        let found = signatures(&all, whose, code).expect("a code");
        assert_eq!(found, [minted.signature]);
        let codes: BTreeSet<String> = (0..500)
            .map(|_| {
                generate(&all, &SystemRandom, whose)
                    .code
                    .expose()
                    .to_owned()
            })
            .collect();
        assert_eq!(codes.len(), 500, "each is another");
    }

    #[test]
    fn what_people_make_of_a_code_is_the_code_and_nothing_else_is() {
        let (all, whose) = (secrets(&[1]), somebody());
        let minted = generate(&all, &SystemRandom, whose);
        let code = minted.code.expose();
        for typed in [
            code.to_uppercase(),
            code.replace('-', ""),
            format!("  {} ", code.replace('-', " ")),
        ] {
            assert_eq!(
                signatures(&all, whose, &typed),
                Some(vec![minted.signature])
            );
        }
        for typed in [
            String::new(),
            code[..code.len() - 1].to_owned(),
            format!("{code}b"),
            code.replace('-', "_"),
            "a".repeat(LENGTH),
            " ".repeat(10_000),
        ] {
            assert_eq!(signatures(&all, whose, &typed), None, "{typed}");
        }
    }

    #[test]
    fn a_code_is_nothing_to_another_account_and_outlives_a_secret_while_that_is_listed() {
        let whose = somebody();
        let minted = generate(&secrets(&[1]), &SystemRandom, whose);
        let code = minted.code.expose();
        let (now, random) = (UnixMillis::from_millis(9), SystemRandom);
        let other = (whose.0, UserId::generate(now, &random));
        let elsewhere = (TenantId::generate(now, &random), whose.1);
        for another in [other, elsewhere] {
            let found = signatures(&secrets(&[1]), another, code).expect("a code");
            assert!(!found.contains(&minted.signature));
        }
        let found = signatures(&secrets(&[2, 1]), whose, code).expect("a code");
        assert!(found.contains(&minted.signature));
        let found = signatures(&secrets(&[2]), whose, code).expect("a code");
        assert!(!found.contains(&minted.signature));
    }
}
