//! Passwords (NIST SP 800-63B-4 §3.1.1): what is accepted, and what is hashed.
//!
//! Length is counted in code points after NFC; the whole text is verified and never truncated; there
//! are no composition rules. A blocklist refuses what is common or says something about the person
//! or the service, with the reason given.

use aws_lc_rs::hmac;
use domain::email::EmailAddress;
use domain::secret::{SecretBytes, SecretText};
use unicode_normalization::UnicodeNormalization;

/// What an acceptable password looks like here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// The fewest code points.
    pub min_length: usize,
    /// The most code points.
    pub max_length: usize,
}

/// What the password must not be made of.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The person's address.
    pub email: Option<&'a EmailAddress>,
    /// The person's name.
    pub name: &'a str,
    /// The service's and the tenant's names.
    pub service: &'a [&'a str],
}

/// Why a password is not acceptable; its text is for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// Fewer code points than the policy asks for.
    #[error("must have at least {0} characters")]
    TooShort(usize),
    /// More code points than the policy allows.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// On the list of common or breached passwords.
    #[error("is on a list of common or breached passwords; choose another")]
    Common,
    /// Contains the person's address or name.
    #[error("must not contain your e-mail address or name")]
    Personal,
    /// Contains the service's name.
    #[error("must not contain the name of the service")]
    ServiceName,
}

/// Knows passwords that are too common to be any use.
pub trait Blocklist: Send + Sync {
    /// Says whether a password, in NFKC and lower case, is listed.
    fn contains(&self, folded: &str) -> bool;
}

/// Brings a password into the form that is measured and hashed: NFC (§3.1.1.2).
#[must_use]
pub fn normalize(password: &SecretText) -> SecretText {
    SecretText::new(password.expose().nfc().collect())
}

/// Brings a password into the form that the blocklist knows: NFKC, lower case.
#[must_use]
pub fn fold(password: &str) -> SecretText {
    SecretText::new(password.nfkc().flat_map(char::to_lowercase).collect())
}

/// Judges a new password.
///
/// # Errors
/// The first reason found; see [`Unacceptable`].
pub fn check_new_password(
    password: &SecretText,
    policy: PasswordPolicy,
    context: Context<'_>,
    blocklist: &dyn Blocklist,
) -> Result<(), Unacceptable> {
    // Four bytes a code point, and four code points that compose to one at most (UAX #15 §9): what is
    // longer need not be counted, which for a megabyte takes longer than a thread may be held.
    if password.expose().len() / 16 > policy.max_length {
        return Err(Unacceptable::TooLong(policy.max_length));
    }
    let length = password.expose().nfc().count();
    if length < policy.min_length {
        return Err(Unacceptable::TooShort(policy.min_length));
    }
    if length > policy.max_length {
        return Err(Unacceptable::TooLong(policy.max_length));
    }
    let folded = fold(password.expose());
    if blocklist.contains(folded.expose()) || is_monotonous(folded.expose()) {
        return Err(Unacceptable::Common);
    }
    check_context(folded.expose(), context)
}

/// Mixes the pepper in: HMAC-SHA-256(pepper, NFC(password)), the input of Argon2id.
#[must_use]
pub fn pepper(pepper: &SecretBytes, password: &SecretText) -> SecretBytes {
    let key = hmac::Key::new(hmac::HMAC_SHA256, pepper.expose());
    let mixed = hmac::sign(&key, normalize(password).expose().as_bytes());
    SecretBytes::new(mixed.as_ref().to_vec())
}

/// The shortest word of the context that counts: shorter ones occur in any sentence.
const CONTEXT_WORD_CHARS: usize = 4;

fn check_context(folded: &str, context: Context<'_>) -> Result<(), Unacceptable> {
    let occurs = |word: &str| {
        let word = fold(word);
        word.expose().chars().count() >= CONTEXT_WORD_CHARS && folded.contains(word.expose())
    };
    let email = context.email;
    let personal = email.is_some_and(|e| occurs(e.as_str()) || occurs(e.local_part()))
        || context.name.split_whitespace().any(occurs);
    if personal {
        return Err(Unacceptable::Personal);
    }
    if context.service.iter().copied().any(occurs) {
        return Err(Unacceptable::ServiceName);
    }
    Ok(())
}

/// Says whether a text is one short piece over and over, like `aaaaaaaa…` or `abcabcabc…`.
fn is_monotonous(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    (1..=3).any(|period| {
        chars.len() > period * 2
            && chars
                .iter()
                .zip(chars.iter().skip(period))
                .all(|(a, b)| a == b)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Only(&'static str);

    impl Blocklist for Only {
        fn contains(&self, folded: &str) -> bool {
            folded == self.0
        }
    }

    const POLICY: PasswordPolicy = PasswordPolicy {
        min_length: 15,
        max_length: 128,
    };

    fn judge(text: &str) -> Result<(), Unacceptable> {
        let email = EmailAddress::parse("ada.lovelace@example.org").ok();
        let context = Context {
            email: email.as_ref(),
            name: "Ada Lovelace",
            service: &["QuantFlow Studio", "quantflow", "auth-service"],
        };
        let password = SecretText::new(text.to_owned());
        check_new_password(&password, POLICY, context, &Only("correct horse battery"))
    }

    #[test]
    fn nist_sp_800_63b_4_3_1_1_2_length_counts_code_points_after_nfc() {
        assert_eq!(judge("vierzehn zeich"), Err(Unacceptable::TooShort(15)));
        assert_eq!(
            judge("e\u{301}e\u{301}vierzehnzeic"),
            Err(Unacceptable::TooShort(15))
        );
        assert_eq!(judge("🦀🐝🐛🦋🐞🐜🕷🦂🪰🪱🐌🦗🪲🪳🦟"), Ok(()));
        assert_eq!(
            judge(&"ab cd ef gh".repeat(12)),
            Err(Unacceptable::TooLong(128))
        );
    }

    #[test]
    fn nist_sp_800_63b_4_3_1_1_2_no_composition_rules() {
        assert_eq!(judge("just some plain lowercase words"), Ok(()));
    }

    #[test]
    fn listed_and_monotonous_passwords_are_common() {
        for text in [
            "Correct Horse Battery",
            "aaaaaaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabc",
        ] {
            assert_eq!(judge(text), Err(Unacceptable::Common), "{text}");
        }
    }

    #[test]
    fn context_words_are_refused_with_the_reason() {
        assert_eq!(
            judge("my name is LOVELACE, hi"),
            Err(Unacceptable::Personal)
        );
        assert_eq!(judge("ada.lovelace and more"), Err(Unacceptable::Personal));
        assert_eq!(
            judge("QuantFlow is my house"),
            Err(Unacceptable::ServiceName)
        );
    }

    #[test]
    fn composed_and_decomposed_spellings_hash_alike() {
        let key = SecretBytes::new(vec![1; 32]);
        let mixed = |text: &str| {
            pepper(&key, &SecretText::new(text.to_owned()))
                .expose()
                .to_vec()
        };
        assert_eq!(mixed("caf\u{e9}"), mixed("cafe\u{301}"));
        assert_ne!(mixed("a"), mixed("a "));
    }
}
