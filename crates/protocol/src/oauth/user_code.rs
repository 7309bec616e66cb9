//! What a person types to name a device (RFC 8628 §6.1).
//!
//! Eight letters of an alphabet without vowels, so that no word comes out, and without what looks or
//! sounds alike: 20^8 codes, 34 bits. That is few enough to guess for whoever may guess without end, so
//! those who ask for one bound how often it is guessed (§5.1). It is shown as `BCDF-GHJK`, and read in
//! whatever case and with whatever marks and spaces people put in it.

use domain::random::Random;

use crate::system_secrets::{Label, SIGNATURE_BYTES, SystemSecrets};

/// A user code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCode(String);

const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;
/// The bytes below this fall on each letter equally often: 12 times.
const FAIR: u8 = 240;
/// The longest text that is looked at.
const MAX_TYPED: usize = 64;

// === impl UserCode ===

impl UserCode {
    /// Makes a new code.
    #[must_use]
    pub fn mint(random: &dyn Random) -> Self {
        let mut letters = String::with_capacity(LENGTH);
        while letters.len() < LENGTH {
            let bytes: [u8; 2 * LENGTH] = random.array();
            let fair = bytes.into_iter().filter(|byte| *byte < FAIR);
            let drawn = fair.filter_map(|byte| ALPHABET.get(usize::from(byte) % ALPHABET.len()));
            let missing = LENGTH.saturating_sub(letters.len());
            letters.extend(drawn.take(missing).copied().map(char::from));
        }
        Self(letters)
    }

    /// Reads what a person typed; `None` for what cannot be a code.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED {
            return None;
        }
        let meant = typed.chars().filter(|letter| letter.is_alphanumeric());
        let letters: String = meant.map(|letter| letter.to_ascii_uppercase()).collect();
        let is_ours = letters.bytes().all(|letter| ALPHABET.contains(&letter));
        (letters.len() == LENGTH && is_ours).then_some(Self(letters))
    }

    /// Writes the code as it is shown: in two groups.
    #[must_use]
    pub fn shown(&self) -> String {
        let (first, second) = self.0.split_at_checked(LENGTH / 2).unwrap_or_default();
        format!("{first}-{second}")
    }

    /// Gives the keys that the code may be stored under: the newest secret's first. A reader of the
    /// store cannot tell the code from them.
    pub fn keys(&self, secrets: &SystemSecrets) -> impl Iterator<Item = [u8; SIGNATURE_BYTES]> {
        let (newest, older) = secrets.signatures(Label::UserCode, self.0.as_bytes());
        std::iter::once(newest).chain(older)
    }

    /// Gives the key that the code is stored under.
    #[must_use]
    pub fn key(&self, secrets: &SystemSecrets) -> [u8; SIGNATURE_BYTES] {
        secrets.sign(Label::UserCode, self.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::secret::SecretBytes;
    use proptest::prelude::*;

    use super::*;

    fn secrets(seeds: &[u8]) -> SystemSecrets {
        let list: Vec<_> = seeds
            .iter()
            .map(|seed| SecretBytes::new(vec![*seed; 32]))
            .collect();
        SystemSecrets::new(&list).expect("a secret")
    }

    #[test]
    fn rfc_8628_6_1_a_code_is_eight_letters_that_nobody_confuses() {
        let random = Counting::default();
        for _ in 0..1_000 {
            let code = UserCode::mint(&random).shown();
            assert_eq!((code.len(), code.as_bytes()[4]), (9, b'-'));
            let letters = code.bytes().filter(|byte| *byte != b'-');
            assert!(letters.into_iter().all(|letter| ALPHABET.contains(&letter)));
            assert!(!code.contains(['A', 'E', 'I', 'O', 'U', 'Y', '0', '1']));
        }
    }

    #[test]
    fn rfc_8628_6_1_case_and_punctuation_do_not_matter() {
        let code = UserCode::parse("WDJB-MJHT").expect("a code");
        for typed in ["wdjbmjht", " WDJB MJHT ", "wdjb–mjht", "W.D.J.B.M.J.H.T"] {
            assert_eq!(UserCode::parse(typed).as_ref(), Some(&code), "{typed}");
        }
        assert_eq!(code.shown(), "WDJB-MJHT");
        for typed in [
            "",
            "WDJB-MJH",
            "WDJB-MJHTT",
            "WDJB-MJHA",
            "WDJB-MJH1",
            "ẄDJBMJHT",
        ] {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
        assert_eq!(UserCode::parse(&"WDJBMJHT".repeat(9)), None);
    }

    #[test]
    fn a_code_is_found_while_secrets_are_replaced() {
        let code = UserCode::parse("WDJB-MJHT").expect("a code");
        let stored = code.key(&secrets(&[1]));
        assert!(code.keys(&secrets(&[2, 1])).any(|key| key == stored));
        assert!(code.keys(&secrets(&[2])).all(|key| key != stored));
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text in ".{0,80}") {
            if let Some(code) = UserCode::parse(&text) {
                prop_assert_eq!(UserCode::parse(&code.shown()), Some(code));
            }
        }
    }
}
