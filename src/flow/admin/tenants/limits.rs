//! What a tenant says of passwords and lifetimes: within what the service allows, or refused.

use std::time::Duration;

use domain::factor::MfaPolicy;
use domain::tenant::{Lifetimes, PasswordRules};

use crate::config::{GREATEST_AT_LEAST, PasswordSettings, Settings};

/// The shortest life of anything.
const SHORTEST: Duration = Duration::from_mins(1);
/// The most words that no password may be made of, and the shortest and the longest of them, in
/// characters: shorter ones occur in any sentence.
const MAX_WORDS: usize = 100;
const WORD_CHARS: std::ops::RangeInclusive<usize> = 4..=64;

/// Judges lifetimes: a minute at least, and not longer than the service's.
///
/// # Errors
/// A sentence that says which is wrong, and how.
pub(super) fn check_lifetimes(settings: &Settings, chosen: &Lifetimes) -> Result<(), String> {
    let (tokens, sessions) = (&settings.tokens, &settings.sessions);
    for (name, seconds, most) in [
        (
            "access_token_seconds",
            chosen.access_token_seconds,
            tokens.access_ttl,
        ),
        (
            "agent_token_seconds",
            chosen.agent_token_seconds,
            tokens.agent_ttl,
        ),
        (
            "id_token_seconds",
            chosen.id_token_seconds,
            settings.oidc.id_token_ttl,
        ),
        (
            "refresh_token_seconds",
            chosen.refresh_token_seconds,
            tokens.refresh_ttl,
        ),
        (
            "refresh_token_max_age_seconds",
            chosen.refresh_token_max_age_seconds,
            tokens.refresh_max_age,
        ),
        (
            "session_idle_seconds",
            chosen.session_idle_seconds,
            sessions.idle_timeout,
        ),
        (
            "session_max_age_seconds",
            chosen.session_max_age_seconds,
            sessions.max_age,
        ),
    ] {
        let span = seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let least = SHORTEST.min(most);
        if span.is_some_and(|span| span < least || span > most) {
            let (least, most) = (least.as_secs(), most.as_secs());
            return Err(format!("{name} must be {least} to {most}"));
        }
    }
    Ok(())
}

/// Judges rules for passwords (NIST SP 800-63B-4 §3.1.1.2): at least as long as the service asks for, 64
/// characters always taken, and no rule of composition, change or history.
///
/// # Errors
/// As [`check_lifetimes`].
pub(super) fn check_passwords(
    settings: &PasswordSettings,
    mfa: MfaPolicy,
    rules: &PasswordRules,
) -> Result<(), String> {
    let least = settings.least(mfa);
    let counted = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
    let (min, max) = (rules.min_length.map(counted), rules.max_length.map(counted));
    if min.is_some_and(|min| min < least || min > GREATEST_AT_LEAST) {
        return Err(format!("min_length must be {least} to {GREATEST_AT_LEAST}"));
    }
    if max.is_some_and(|max| max < GREATEST_AT_LEAST || max > settings.max) {
        let most = settings.max;
        return Err(format!("max_length must be {GREATEST_AT_LEAST} to {most}"));
    }
    let is_word = |word: &String| WORD_CHARS.contains(&word.trim().chars().count());
    if rules.forbidden_words.len() > MAX_WORDS || !rules.forbidden_words.iter().all(is_word) {
        return Err("forbidden_words must be at most 100, each of 4 to 64 characters".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: PasswordSettings = PasswordSettings {
        min: 8,
        max: 128,
        breached_url: None,
    };

    fn judge(mfa: MfaPolicy, rules: &PasswordRules) -> bool {
        check_passwords(&SETTINGS, mfa, rules).is_ok()
    }

    #[test]
    fn nist_sp_800_63b_4_3_1_1_2_a_tenants_rules_stay_within_the_standard() {
        let lengths = |min_length, max_length| PasswordRules {
            min_length,
            max_length,
            forbidden_words: Vec::new(),
        };
        assert!(judge(MfaPolicy::Require, &lengths(Some(8), Some(64))));
        assert!(!judge(MfaPolicy::Offer, &lengths(Some(14), None)));
        assert!(judge(MfaPolicy::Offer, &lengths(Some(64), Some(128))));
        for (min, max) in [
            (Some(7), None),
            (Some(65), None),
            (None, Some(63)),
            (None, Some(129)),
        ] {
            assert!(
                !judge(MfaPolicy::Require, &lengths(min, max)),
                "{min:?} {max:?}"
            );
        }
    }

    #[test]
    fn a_forbidden_word_is_long_enough_to_mean_something() {
        let words = |words: &[&str]| PasswordRules {
            forbidden_words: words.iter().map(|&word| word.to_owned()).collect(),
            ..PasswordRules::default()
        };
        assert!(judge(MfaPolicy::Off, &words(&["Gardens", "tulip"])));
        assert!(!judge(MfaPolicy::Off, &words(&["a"])));
        assert!(!judge(MfaPolicy::Off, &words(&["tulip"; 101])));
    }
}
