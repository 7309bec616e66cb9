//! What the account pages say.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fill;

/// The texts of the account pages.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AccountTexts {
    pub(in crate::http) navigation: String,
    pub(in crate::http) overview: String,
    pub(in crate::http) password: String,
    pub(in crate::http) factors: String,
    pub(in crate::http) sessions: String,
    pub(in crate::http) applications: String,
    pub(in crate::http) activity: String,
    pub(in crate::http) data: String,
    pub(in crate::http) save: String,
    pub(in crate::http) back: String,
    pub(in crate::http) email_proven: String,
    pub(in crate::http) email_unproven: String,
    pub(in crate::http) resend: String,
    pub(in crate::http) links: String,
    pub(in crate::http) links_lead: String,
    pub(in crate::http) link_name: String,
    pub(in crate::http) password_lead: String,
    pub(in crate::http) old_password: String,
    pub(in crate::http) factors_lead: String,
    pub(in crate::http) passkeys: String,
    pub(in crate::http) passkeys_none: String,
    pub(in crate::http) add_passkey: String,
    pub(in crate::http) rename_passkey: String,
    pub(in crate::http) rename: String,
    pub(in crate::http) remove: String,
    pub(in crate::http) created: String,
    pub(in crate::http) last_used: String,
    pub(in crate::http) never: String,
    pub(in crate::http) copies: String,
    pub(in crate::http) synced: String,
    pub(in crate::http) not_synced: String,
    pub(in crate::http) app: String,
    pub(in crate::http) app_none: String,
    pub(in crate::http) codes: String,
    codes_left_none: String,
    codes_left_count: String,
    pub(in crate::http) new_codes: String,
    pub(in crate::http) sessions_lead: String,
    pub(in crate::http) this_one: String,
    pub(in crate::http) address: String,
    pub(in crate::http) last_active: String,
    pub(in crate::http) end: String,
    pub(in crate::http) end_others: String,
    pub(in crate::http) applications_lead: String,
    pub(in crate::http) applications_none: String,
    pub(in crate::http) since: String,
    pub(in crate::http) take_back: String,
    pub(in crate::http) export: String,
    pub(in crate::http) export_text: String,
    pub(in crate::http) export_button: String,
    pub(in crate::http) delete: String,
    pub(in crate::http) delete_text: String,
    deleted_text: String,
    pub(in crate::http) activity_lead: String,
    pub(in crate::http) activity_none: String,
    pub(in crate::http) older: String,
    pub(in crate::http) at: String,
    pub(in crate::http) what: String,
    pub(in crate::http) by: String,
    pub(in crate::http) device: String,
    /// What happened, by the word of the audit trail.
    events: BTreeMap<String, String>,
    event_other: String,
    /// Factors, by their words.
    factors_by_word: BTreeMap<String, String>,
    /// Who did something, by the word for it.
    doers: BTreeMap<String, String>,
    device_browser_system: String,
    pub(in crate::http) device_unknown: String,
    pub(in crate::http) date: String,
    /// The months, January first.
    pub(in crate::http) months: Vec<String>,
    /// What is asked before something is done, by a word for it.
    questions: BTreeMap<String, Question>,
    /// What is said when something was done, by a word for it.
    done: BTreeMap<String, String>,
}

/// What is asked before something is done.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Question {
    pub(in crate::http) heading: String,
    /// What follows from it; `{}` stands for what it is done to, where it names that.
    pub(in crate::http) text: String,
    pub(in crate::http) button: String,
}

// === impl AccountTexts ===

impl AccountTexts {
    /// Names the pages, in their order, and where each is.
    pub(in crate::http) fn places(&self) -> [(&'static str, &str); 7] {
        [
            ("/account", &self.overview),
            ("/account/password", &self.password),
            ("/account/factors", &self.factors),
            ("/account/sessions", &self.sessions),
            ("/account/applications", &self.applications),
            ("/account/activity", &self.activity),
            ("/account/data", &self.data),
        ]
    }

    /// Says how many backup codes are left.
    pub(in crate::http) fn codes_left(&self, count: u32) -> String {
        match count {
            0 => self.codes_left_none.clone(),
            count => fill(&self.codes_left_count, &count),
        }
    }
}

impl AccountTexts {
    /// Says which browser on which system.
    pub(in crate::http) fn browser_on(&self, browser: &str, system: &str) -> String {
        fill(&fill(&self.device_browser_system, browser), system)
    }

    /// Says when a deleted account is erased.
    pub(in crate::http) fn deleted_until(&self, day: &str) -> String {
        fill(&self.deleted_text, day)
    }

    /// Says what happened; of what has no words yet, that something did.
    pub(in crate::http) fn event(&self, word: &str) -> &str {
        self.events.get(word).unwrap_or(&self.event_other)
    }

    /// Names a factor; nothing for a word that is none.
    pub(in crate::http) fn factor(&self, word: &str) -> &str {
        self.factors_by_word.get(word).map_or("", String::as_str)
    }

    /// Says who did something; nothing where it was the person, or nobody knows.
    pub(in crate::http) fn doer(&self, word: &str) -> &str {
        self.doers.get(word).map_or("", String::as_str)
    }

    /// Says that something was done; nothing for a word that is not ours, which an address may hold.
    pub(in crate::http) fn done(&self, act: &str) -> &str {
        self.done.get(act).map_or("", String::as_str)
    }

    /// Asks whether something is meant.
    pub(in crate::http) fn question(&self, act: Matter) -> &Question {
        static NONE: Question = Question {
            heading: String::new(),
            text: String::new(),
            button: String::new(),
        };
        // A test asks every language for every act.
        self.questions.get(act.as_str()).unwrap_or(&NONE)
    }
}

/// What is asked about before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Matter {
    RemoveApp,
    RemovePasskey,
    NewCodes,
    EndSession,
    EndOthers,
    TakeBack,
    DeleteAccount,
}

// === impl Matter ===

impl Matter {
    #[cfg(test)]
    pub(in crate::http::page) const ALL: [Self; 7] = [
        Self::RemoveApp,
        Self::RemovePasskey,
        Self::NewCodes,
        Self::EndSession,
        Self::EndOthers,
        Self::TakeBack,
        Self::DeleteAccount,
    ];

    /// Gives the word in the texts.
    pub(in crate::http) const fn as_str(self) -> &'static str {
        match self {
            Self::RemoveApp => "remove_app",
            Self::RemovePasskey => "remove_passkey",
            Self::NewCodes => "new_codes",
            Self::EndSession => "end_session",
            Self::EndOthers => "end_others",
            Self::TakeBack => "take_back",
            Self::DeleteAccount => "delete_account",
        }
    }
}

// === impl Question ===

impl Question {
    /// Says what follows, and for what.
    pub(in crate::http) fn about(&self, name: &str) -> String {
        fill(&self.text, name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::event::EventKind;
    use domain::factor::Factor;

    use super::super::choose;
    use super::*;
    use crate::flow::activity::By;
    use crate::language::LANGUAGES;

    const FACTORS: [Factor; 5] = [
        Factor::Password,
        Factor::Totp,
        Factor::BackupCode,
        Factor::Passkey,
        Factor::VerifyingPasskey,
    ];

    /// What can happen to an account and is told.
    const TOLD: [EventKind; 35] = [
        EventKind::UserRegistered,
        EventKind::UserCreated,
        EventKind::UserUpdated,
        EventKind::UserLocked,
        EventKind::UserUnlocked,
        EventKind::UserExported,
        EventKind::UserDeletionRequested,
        EventKind::UserRestored,
        EventKind::LoginSucceeded,
        EventKind::LoginFailed,
        EventKind::LoginOwing,
        EventKind::PasswordChanged,
        EventKind::PasswordResetRequested,
        EventKind::PasswordResetCompleted,
        EventKind::EmailVerificationRequested,
        EventKind::EmailVerified,
        EventKind::FactorAdded,
        EventKind::FactorRenamed,
        EventKind::FactorRemoved,
        EventKind::FactorFailed,
        EventKind::FactorsReset,
        EventKind::FactorRecoveryRequested,
        EventKind::FactorsRecovered,
        EventKind::BackupCodesMade,
        EventKind::BackupCodeUsed,
        EventKind::IdentityLinked,
        EventKind::IdentityUnlinked,
        EventKind::TokenReuseDetected,
        EventKind::TokenRevoked,
        EventKind::SessionSteppedUp,
        EventKind::SessionEnded,
        EventKind::AuthorizationGranted,
        EventKind::AuthorizationDenied,
        EventKind::CodeReplayed,
        EventKind::ConsentRevoked,
    ];

    #[test]
    fn every_language_asks_and_tells_the_same() {
        let of = |language: &str| &choose(&[language.to_owned()], None, None).account;
        let first = of("en");
        for language in LANGUAGES {
            let texts = of(language);
            assert_eq!(texts.months.len(), 12, "{language}");
            assert!(texts.done.keys().eq(first.done.keys()), "{language}");
            let told: BTreeSet<&str> = texts.events.keys().map(String::as_str).collect();
            assert_eq!(told, TOLD.map(EventKind::as_str).into(), "{language}");
            let factors: BTreeSet<&str> =
                texts.factors_by_word.keys().map(String::as_str).collect();
            assert_eq!(factors, FACTORS.map(Factor::as_str).into(), "{language}");
            for by in [By::Administrator, By::Application, By::Service] {
                assert!(!texts.doer(by.as_str()).is_empty(), "{language} {by:?}");
            }
            assert_eq!(texts.doer(By::Owner.as_str()), "");
            assert_eq!(texts.event("?"), texts.event_other);
            let asked: BTreeSet<&str> = texts.questions.keys().map(String::as_str).collect();
            let acts: BTreeSet<&str> = Matter::ALL.into_iter().map(Matter::as_str).collect();
            assert_eq!(asked, acts, "{language}");
            for act in Matter::ALL {
                assert!(!texts.done(act.as_str()).is_empty(), "{language} {act:?}");
            }
            for about in [
                Matter::RemovePasskey,
                Matter::EndSession,
                Matter::TakeBack,
                Matter::DeleteAccount,
            ] {
                let text = texts.question(about).about("N4me");
                assert!(text.contains("N4me"), "{language}: {text}");
            }
            assert_eq!(texts.device_browser_system.matches("{}").count(), 2);
            assert!(texts.codes_left(0) != texts.codes_left(3));
            assert!(texts.codes_left(3).contains('3'));
            assert!(texts.deleted_until("D4y").contains("D4y"));
            for part in ["{day}", "{month}", "{year}", "{time}"] {
                assert!(texts.date.contains(part), "{language} {part}");
            }
        }
        assert_eq!(first.done("<b>"), "");
    }
}
