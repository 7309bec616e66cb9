//! What each kind of letter says, in each language. No word of it was chosen by a stranger.
//!
//! A language is a file of `ui/texts/letters`; the compiler's list of fields is the list of what each must
//! say, and a test reads them all. What is told of one event alone stands below the words, as facts: a
//! sentence that is put together reads badly in most languages.

use std::sync::LazyLock;

use domain::factor::Factor;
use domain::mail::LetterBody;
use domain::time::UnixMillis;
use serde::Deserialize;

/// The words of one language.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) lang: String,
    pub(super) greeting: String,
    pub(super) copy_link: String,
    facts: FactNames,
    factors: FactorNames,
    verify_email: LetterWords,
    reset_password: LetterWords,
    password_changed: LetterWords,
    password_compromised: LetterWords,
    already_registered: LetterWords,
    factor_added: LetterWords,
    factor_removed: LetterWords,
    factors_reset: LetterWords,
    factor_recovery_code: LetterWords,
    factors_recovered: LetterWords,
    backup_codes_made: LetterWords,
    backup_code_used: LetterWords,
    new_sign_in: LetterWords,
    account_deleted: LetterWords,
    account_restored: LetterWords,
    identity_linked: LetterWords,
    identity_unlinked: LetterWords,
}

/// What one kind of letter says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LetterWords {
    pub(super) subject: String,
    /// What stands before the facts and the link; its first sentence goes on from the greeting.
    pub(super) before: Vec<String>,
    /// What the link is called, in a letter that has one.
    #[serde(default)]
    pub(super) link: String,
    pub(super) after: Vec<String>,
}

/// What facts are called.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactNames {
    factor: String,
    code: String,
    left: String,
    address: String,
    at: String,
    provider: String,
}

/// What factors are called.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactorNames {
    password: String,
    totp: String,
    backup_code: String,
    passkey: String,
}

/// Something told of one event, and what it is called.
pub(super) type Fact<'a> = (&'a str, String);

const SOURCES: [&str; 2] = [
    include_str!("../../../ui/texts/letters/en.json"),
    include_str!("../../../ui/texts/letters/de.json"),
];

/// Every language; the first is for letters that name none.
static ALL: LazyLock<[Words; 2]> = LazyLock::new(|| {
    // A test reads them all: they are texts of ours.
    SOURCES.map(|source| serde_json::from_str(source).unwrap_or_default())
});

/// Gives the words of a language, or those of the first.
pub(super) fn words_in(language: Option<&str>) -> &'static Words {
    let [first, ..] = &*ALL;
    let found = ALL.iter().find(|words| Some(&*words.lang) == language);
    found.unwrap_or(first)
}

/// Gives the page that a letter links to, and the token that it brings there.
pub(super) fn link_of(body: &LetterBody) -> Option<(&'static str, &str)> {
    match body {
        LetterBody::VerifyEmail { token } => Some(("verify-email", token)),
        LetterBody::ResetPassword { token } => Some(("reset-password", token)),
        _ => None,
    }
}

// === impl Words ===

impl Words {
    /// Gives what a letter says.
    pub(super) const fn letter(&self, body: &LetterBody) -> &LetterWords {
        match body {
            LetterBody::VerifyEmail { .. } => &self.verify_email,
            LetterBody::ResetPassword { .. } => &self.reset_password,
            LetterBody::PasswordChanged => &self.password_changed,
            LetterBody::PasswordCompromised => &self.password_compromised,
            LetterBody::AlreadyRegistered => &self.already_registered,
            LetterBody::FactorAdded { .. } => &self.factor_added,
            LetterBody::FactorRemoved { .. } => &self.factor_removed,
            LetterBody::FactorsReset => &self.factors_reset,
            LetterBody::FactorRecoveryCode { .. } => &self.factor_recovery_code,
            LetterBody::FactorsRecovered => &self.factors_recovered,
            LetterBody::BackupCodesMade => &self.backup_codes_made,
            LetterBody::BackupCodeUsed { .. } => &self.backup_code_used,
            LetterBody::NewSignIn { .. } => &self.new_sign_in,
            LetterBody::AccountDeleted { .. } => &self.account_deleted,
            LetterBody::AccountRestored => &self.account_restored,
            LetterBody::IdentityLinked { .. } => &self.identity_linked,
            LetterBody::IdentityUnlinked { .. } => &self.identity_unlinked,
        }
    }

    /// Gives what a letter tells of its event.
    pub(super) fn facts(&self, body: &LetterBody) -> Vec<Fact<'_>> {
        let names = &self.facts;
        match body {
            LetterBody::FactorAdded { factor } | LetterBody::FactorRemoved { factor } => {
                vec![(names.factor.as_str(), self.factor(*factor).to_owned())]
            }
            LetterBody::FactorRecoveryCode { code } => vec![(names.code.as_str(), code.clone())],
            LetterBody::BackupCodeUsed { left } => vec![(names.left.as_str(), left.to_string())],
            LetterBody::NewSignIn { address, at } => {
                let address = address.map(|address| (names.address.as_str(), address.to_string()));
                let at = (names.at.as_str(), minute(*at));
                address.into_iter().chain([at]).collect()
            }
            LetterBody::IdentityLinked { issuer } | LetterBody::IdentityUnlinked { issuer } => {
                vec![(names.provider.as_str(), plain(issuer).to_owned())]
            }
            LetterBody::AccountDeleted { erase_at } => {
                vec![(names.at.as_str(), minute(*erase_at))]
            }
            _ => Vec::new(),
        }
    }

    fn factor(&self, factor: Factor) -> &str {
        match factor {
            Factor::Password => &self.factors.password,
            Factor::Totp => &self.factors.totp,
            Factor::BackupCode => &self.factors.backup_code,
            Factor::Passkey | Factor::VerifyingPasskey => &self.factors.passkey,
        }
    }
}

/// Names an issuer so that no mail program makes a link of it: whoever is told of something is not to be led
/// anywhere but to us.
fn plain(issuer: &str) -> &str {
    issuer.split_once("://").map_or(issuer, |(_, rest)| rest)
}

/// Writes an instant so that it means the same in every country (ISO 8601), to the minute.
fn minute(at: UnixMillis) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::language::LANGUAGES;

    fn check_filled(value: &Value, path: &str) {
        match value {
            Value::String(text) => assert!(!text.trim().is_empty(), "{path}"),
            Value::Array(list) => {
                assert!(!list.is_empty(), "{path}");
                for item in list {
                    check_filled(item, path);
                }
            }
            Value::Object(fields) => {
                for (name, item) in fields {
                    check_filled(item, &format!("{path}.{name}"));
                }
            }
            _ => panic!("{path} is no text"),
        }
    }

    #[test]
    fn every_language_says_everything() {
        for source in SOURCES {
            let words: Words = serde_json::from_str(source).expect("a language");
            let value: Value = serde_json::from_str(source).expect("JSON");
            check_filled(&value, &words.lang);
        }
    }

    #[test]
    fn an_unknown_language_is_english() {
        assert_eq!(ALL.each_ref().map(|words| &*words.lang), LANGUAGES);
        assert_eq!(words_in(Some("de")).lang, "de");
        assert_eq!(words_in(Some("tlh")).lang, "en");
        assert_eq!(words_in(None).lang, "en");
    }

    #[test]
    fn an_instant_is_plain_in_every_country() {
        assert_eq!(
            minute(UnixMillis::from_millis(1_795_909_205_000)),
            "2026-11-28 23:40 UTC"
        );
        assert_eq!(minute(UnixMillis::from_millis(i64::MAX)), "out of range");
    }
}
