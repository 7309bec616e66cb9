//! What pages say, in each language.
//!
//! A language is a file of `ui/texts`; the compiler's list of fields is the list of what each must
//! say, and a test reads them all. `{}` stands for what a page fills in.

use std::fmt::Display;
use std::sync::LazyLock;

use http::HeaderValue;
use serde::Deserialize;

use crate::language;

pub(in crate::http) mod account;
mod factor;

use account::AccountTexts;
use factor::FactorTexts;

/// The texts of one language.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Texts {
    pub(in crate::http) lang: String,
    pub(in crate::http) skip: String,
    pub(in crate::http) more: String,
    pub(in crate::http) email: String,
    pub(in crate::http) password: String,
    pub(in crate::http) new_password: String,
    pub(in crate::http) show_password: String,
    pub(in crate::http) name: String,
    pub(in crate::http) cancel: String,
    pub(in crate::http) sign_in: String,
    sign_in_to_client: String,
    pub(in crate::http) forgotten: String,
    pub(in crate::http) no_account: String,
    pub(in crate::http) have_account: String,
    pub(in crate::http) back_to_sign_in: String,
    pub(in crate::http) register: String,
    password_rule_length: String,
    pub(in crate::http) consent: String,
    consent_client: String,
    pub(in crate::http) consent_scopes: String,
    pub(in crate::http) consent_local: String,
    pub(in crate::http) device: String,
    pub(in crate::http) device_lead: String,
    pub(in crate::http) device_code: String,
    device_warning_code: String,
    pub(in crate::http) device_allowed: String,
    pub(in crate::http) device_allowed_text: String,
    pub(in crate::http) device_denied: String,
    pub(in crate::http) device_denied_text: String,
    signed_in_as_email: String,
    pub(in crate::http) signed_in: String,
    pub(in crate::http) allow: String,
    pub(in crate::http) deny: String,
    pub(in crate::http) other_account: String,
    pub(in crate::http) fact_developer: String,
    pub(in crate::http) fact_redirect: String,
    pub(in crate::http) fact_resources: String,
    pub(in crate::http) fact_details: String,
    pub(in crate::http) fact_lifetime: String,
    pub(in crate::http) lifetime_once: String,
    lifetime_days: String,
    pub(in crate::http) scope_openid: String,
    pub(in crate::http) scope_profile: String,
    pub(in crate::http) scope_email: String,
    pub(in crate::http) scope_offline_access: String,
    pub(in crate::http) scope_other: String,
    pub(in crate::http) sign_out: String,
    pub(in crate::http) sign_out_heading: String,
    sign_out_client: String,
    pub(in crate::http) stay: String,
    pub(in crate::http) signed_out: String,
    pub(in crate::http) signed_out_text: String,
    pub(in crate::http) stayed_text: String,
    pub(in crate::http) forgotten_heading: String,
    pub(in crate::http) forgotten_lead: String,
    pub(in crate::http) send_link: String,
    pub(in crate::http) sent_heading: String,
    pub(in crate::http) sent_text: String,
    pub(in crate::http) reset_heading: String,
    pub(in crate::http) reset_lead: String,
    pub(in crate::http) save_password: String,
    pub(in crate::http) reset_done: String,
    pub(in crate::http) reset_done_text: String,
    pub(in crate::http) verify_heading: String,
    pub(in crate::http) verify_lead: String,
    pub(in crate::http) verify: String,
    pub(in crate::http) verified: String,
    pub(in crate::http) verified_text: String,
    pub(in crate::http) registered_heading: String,
    pub(in crate::http) registered_text: String,
    pub(in crate::http) restore_heading: String,
    restore_text: String,
    pub(in crate::http) restore_button: String,
    pub(in crate::http) continue_heading: String,
    pub(in crate::http) continue_button: String,
    pub(in crate::http) error_heading: String,
    pub(in crate::http) error_code: String,
    pub(in crate::http) error_reference: String,
    pub(in crate::http) error_expired: String,
    pub(in crate::http) error_forged: String,
    pub(in crate::http) error_request: String,
    pub(in crate::http) error_missing: String,
    pub(in crate::http) error_unavailable: String,
    pub(in crate::http) error_internal: String,
    pub(in crate::http) error_limited: String,
    pub(in crate::http) problem_wrong: String,
    pub(in crate::http) problem_compromised: String,
    problem_wait: String,
    pub(in crate::http) problem_fields: String,
    pub(in crate::http) problem_token: String,
    pub(in crate::http) problem_code: String,
    pub(in crate::http) problem_taken: String,
    pub(in crate::http) factor: FactorTexts,
    pub(in crate::http) account: AccountTexts,
}

const SOURCES: [&str; 2] = [
    include_str!("../../../ui/texts/en.json"),
    include_str!("../../../ui/texts/de.json"),
];

/// Every language; the first is for whoever reads none of them.
static ALL: LazyLock<[Texts; 2]> = LazyLock::new(|| {
    // A test reads them all: they are texts of ours.
    SOURCES.map(|source| serde_json::from_str(source).unwrap_or_default())
});

/// Chooses the language: the first of `wanted` that we have, else the one that the browser likes best,
/// else the tenant's.
pub(in crate::http) fn choose(
    wanted: &[String],
    header: Option<&HeaderValue>,
    of_tenant: Option<&str>,
) -> &'static Texts {
    let found = language::find(wanted.iter().map(String::as_str))
        .or_else(|| header.and_then(language::accepted_by))
        .or_else(|| language::find(of_tenant));
    let [first, ..] = &*ALL;
    ALL.iter()
        .find(|texts| Some(&*texts.lang) == found)
        .unwrap_or(first)
}

fn fill(text: &str, part: &(impl Display + ?Sized)) -> String {
    text.replacen("{}", &part.to_string(), 1)
}

// === impl Texts ===

impl Texts {
    /// Says where signing in leads.
    pub(in crate::http) fn sign_in_to(&self, client: &str) -> String {
        fill(&self.sign_in_to_client, client)
    }

    /// Says what a password must be.
    pub(in crate::http) fn password_rule(&self, length: usize) -> String {
        fill(&self.password_rule_length, &length)
    }

    /// Says who asks for access.
    pub(in crate::http) fn consent_heading(&self, client: &str) -> String {
        fill(&self.consent_client, client)
    }

    /// Says which device is allowed, and that it must be at hand (RFC 8628 §5.4).
    pub(in crate::http) fn device_warning(&self, user_code: &str) -> String {
        fill(&self.device_warning_code, user_code)
    }

    /// Says who is signed in.
    pub(in crate::http) fn signed_in_as(&self, email: &str) -> String {
        fill(&self.signed_in_as_email, email)
    }

    /// Says who asks to sign the person out.
    pub(in crate::http) fn sign_out_asked(&self, client: &str) -> String {
        fill(&self.sign_out_client, client)
    }

    /// Says for how long something is allowed.
    pub(in crate::http) fn lifetime(&self, days: Option<u64>) -> String {
        match days {
            Some(days) => fill(&self.lifetime_days, &days),
            None => self.lifetime_once.clone(),
        }
    }

    /// Says when a deleted account is erased, and that it can be had back.
    pub(in crate::http) fn restore_until(&self, day: &str) -> String {
        fill(&self.restore_text, day)
    }

    /// Says how long to wait.
    pub(in crate::http) fn wait(&self, seconds: u64) -> String {
        fill(&self.problem_wait, &seconds)
    }

    /// Says what a scope is for.
    pub(in crate::http) fn scope(&self, name: &str) -> &str {
        match name {
            "openid" => &self.scope_openid,
            "profile" => &self.scope_profile,
            "email" => &self.scope_email,
            "offline_access" => &self.scope_offline_access,
            _ => &self.scope_other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_everything() {
        for source in SOURCES {
            let texts: Texts = serde_json::from_str(source).expect("a language");
            for text in [
                &texts.sign_in_to_client,
                &texts.password_rule_length,
                &texts.consent_client,
                &texts.device_warning_code,
                &texts.signed_in_as_email,
                &texts.sign_out_client,
                &texts.lifetime_days,
                &texts.problem_wait,
                &texts.restore_text,
            ] {
                assert_eq!(text.matches("{}").count(), 1, "{}: {text}", texts.lang);
            }
            let plain: serde_json::Value = serde_json::from_str(source).expect("JSON");
            assert!(says_something(&plain), "{}", texts.lang);
        }
    }

    fn says_something(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::Object(texts) => texts.values().all(says_something),
            serde_json::Value::Array(texts) => texts.iter().all(says_something),
            text => text.as_str().is_some_and(|text| !text.is_empty()),
        }
    }

    #[test]
    fn there_are_pages_in_every_language() {
        assert_eq!(
            ALL.each_ref().map(|texts| &*texts.lang),
            language::LANGUAGES
        );
    }

    #[test]
    fn the_client_chooses_before_the_browser_and_the_tenant_for_the_rest() {
        let lang = |wanted: &[&str], accept: &str, of_tenant: Option<&str>| {
            let accept: HeaderValue = accept.parse().expect("a header");
            let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            choose(&wanted, Some(&accept), of_tenant).lang.as_str()
        };
        assert_eq!(lang(&[], "de-AT, en;q=0.5", None), "de");
        assert_eq!(lang(&[], "de;q=0, fr", None), "en");
        assert_eq!(lang(&["xx", "DE"], "en", None), "de");
        assert_eq!(lang(&["xx"], "en", Some("de")), "en");
        assert_eq!(lang(&[], "fr", Some("de")), "de");
        assert_eq!(lang(&[], "", Some("tlh")), "en");
        assert_eq!(choose(&[], None, None).lang, "en");
    }
}
