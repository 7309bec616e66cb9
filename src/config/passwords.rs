//! Secrets of the service, and what passwords must be and cost (NIST SP 800-63B-4 §3.1.1).

use std::num::NonZeroUsize;
use std::thread;

use domain::factor::MfaPolicy;
use domain::secret::SecretBytes;
use domain::tenant::PasswordRules;
use url::Url;

use crate::config::kind::text::SECRETS;
use crate::config::kind::web::HTTP_URL;
use crate::config::kind::{Parsed, Whole, whole};
use crate::config::mistake::Mistake;
use crate::config::values::Values;
use crate::config::variable::{of, variables};

/// What the service itself keeps secret. Both lists are newest first: the first entry signs or
/// hashes, the others still verify.
#[derive(Debug, Clone)]
pub struct SecretSettings {
    /// What tokens, cursors and stored secrets are signed and sealed with; `SYSTEM_SECRETS`.
    /// Empty in development until [`complete_secrets`](super::Settings::complete_secrets).
    pub system: Vec<SecretBytes>,
    /// What passwords are keyed with before hashing; `PASSWORD_PEPPER`. Empty in development until
    /// [`complete_secrets`](super::Settings::complete_secrets).
    pub peppers: Vec<SecretBytes>,
}

/// What a password must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordSettings {
    /// Least length, in code points, where a second factor is required; `PASSWORD_MIN_LENGTH`, 15. Ask
    /// [`least`](Self::least).
    pub min: usize,
    /// Greatest length, in code points; `PASSWORD_MAX_LENGTH`, 128.
    pub max: usize,
    /// A service that knows breached passwords by k-anonymity; `BREACHED_PASSWORDS_API_URL`. Absent:
    /// the built-in list alone.
    pub breached_url: Option<Url>,
}

/// What hashing a password costs (Argon2id, RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashingSettings {
    /// Memory of one hash, in KiB; `ARGON2_MEMORY`, 19456.
    pub memory_kib: u32,
    /// Passes over it; `ARGON2_TIME`, 2.
    pub time: u32,
    /// Lanes of it; `ARGON2_PARALLELISM`, 1.
    pub parallelism: u32,
    /// Threads that hash; `HASHING_THREADS`, all cores but one and at least one.
    pub threads: usize,
    /// Hashes that may wait for a thread; `HASHING_QUEUE`, 64.
    pub queue: usize,
}

/// The least number of code points of a password beside which something else is always shown
/// (§3.1.1.2), and the most that may be asked for.
const MIN_LENGTH: Whole<usize> = whole(8, 64);
/// The least number of code points of a password that may be the only factor (§3.1.1.2).
const LEAST_ALONE: usize = 15;
/// The greatest length is at least this many code points (§3.1.1.2).
pub const GREATEST_AT_LEAST: usize = 64;

/// Gives a stored length the type of a counted one.
fn of_code_points(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

variables! {
    /// Secrets that sign and seal what the service hands out and stores. The first one signs, all
    /// verify: to replace one, put the new one in front.
    SYSTEM_SECRETS: Parsed<Vec<SecretBytes>> = of(SECRETS).or_generated().secret();
    /// Secrets that key passwords before hashing. The first one hashes, all verify; a password is
    /// hashed anew under the first at its next sign-in.
    PASSWORD_PEPPER: Parsed<Vec<SecretBytes>> = of(SECRETS).or_generated().secret();
    /// Least length of a password, in characters. Less than 15 holds only in tenants that require a
    /// second factor (`mfa` is `require`); in all others it is 15.
    PASSWORD_MIN_LENGTH: Whole<usize> = of(MIN_LENGTH).or("15");
    /// Greatest length of a password, in characters. At least 64 must be accepted.
    PASSWORD_MAX_LENGTH: Whole<usize> = of(whole(64, 4096)).or("128");
    /// A service that knows breached passwords by k-anonymity, asked besides the built-in list.
    /// Absent: that list alone.
    BREACHED_PASSWORDS_API_URL: Parsed<Url> = of(HTTP_URL);
    /// Memory of one Argon2id hash, in KiB. At least 8192 outside development and test, and at
    /// least 8 for each lane.
    ARGON2_MEMORY: Whole<u32> = of(whole(8, 4 * 1024 * 1024)).or("19456");
    /// Passes over that memory.
    ARGON2_TIME: Whole<u32> = of(whole(1, 1000)).or("2");
    /// Lanes of that memory.
    ARGON2_PARALLELISM: Whole<u32> = of(whole(1, 255)).or("1");
    /// Threads that hash passwords.
    HASHING_THREADS: Whole<usize> =
        of(whole(1, 1024)).or_derived("all cores but one, at least 1", |_| Some(spare_cores().to_string()));
    /// Hashes that may wait for a thread; more are answered with 503.
    HASHING_QUEUE: Whole<usize> = of(whole(0, 100_000)).or("64");
}

/// Leaves one core to the request threads.
fn spare_cores() -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    cores.saturating_sub(1).clamp(1, 1024)
}

// === impl SecretSettings ===

impl SecretSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            system: values.find(&SYSTEM_SECRETS)?.unwrap_or_default(),
            peppers: values.find(&PASSWORD_PEPPER)?.unwrap_or_default(),
        })
    }
}

// === impl PasswordSettings ===

impl PasswordSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            min: values.get(&PASSWORD_MIN_LENGTH)?,
            max: values.get(&PASSWORD_MAX_LENGTH)?,
            breached_url: values.find(&BREACHED_PASSWORDS_API_URL)?,
        })
    }

    /// Gives the least length, in code points, where people are asked for this beside a password
    /// (NIST SP 800-63B-4 §3.1.1.2): shorter than 15 only where nobody gets in by a password alone.
    #[must_use]
    pub fn least(&self, policy: MfaPolicy) -> usize {
        match policy {
            MfaPolicy::Require => self.min,
            MfaPolicy::Off | MfaPolicy::Offer => self.min.max(LEAST_ALONE),
        }
    }

    /// Gives the least length where a tenant may ask for more than [`least`](Self::least), and for no
    /// more than it takes.
    #[must_use]
    pub fn least_of(&self, policy: MfaPolicy, rules: &PasswordRules) -> usize {
        let chosen = rules.min_length.map_or(0, of_code_points);
        self.least(policy).max(chosen).min(self.greatest(rules))
    }

    /// Gives the greatest length, which a tenant may make less, but not less than 64
    /// (NIST SP 800-63B-4 §3.1.1.2).
    #[must_use]
    pub fn greatest(&self, rules: &PasswordRules) -> usize {
        let chosen = rules.max_length.map_or(self.max, of_code_points);
        self.max.min(chosen.max(GREATEST_AT_LEAST))
    }
}

// === impl HashingSettings ===

impl HashingSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            memory_kib: values.get(&ARGON2_MEMORY)?,
            time: values.get(&ARGON2_TIME)?,
            parallelism: values.get(&ARGON2_PARALLELISM)?,
            threads: values.get(&HASHING_THREADS)?,
            queue: values.get(&HASHING_QUEUE)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nist_sp_800_63b_4_3_1_1_2_fewer_than_15_do_only_where_a_second_factor_is_required() {
        let least = |min, policy| {
            let settings = PasswordSettings {
                min,
                max: 128,
                breached_url: None,
            };
            settings.least(policy)
        };
        assert_eq!(least(8, MfaPolicy::Require), 8);
        assert_eq!(least(20, MfaPolicy::Require), 20);
        for policy in [MfaPolicy::Off, MfaPolicy::Offer] {
            assert_eq!(least(8, policy), 15);
            assert_eq!(least(20, policy), 20);
        }
    }
    #[test]
    fn nist_sp_800_63b_4_3_1_1_2_a_tenant_asks_for_more_and_takes_64_at_least() {
        let settings = PasswordSettings {
            min: 8,
            max: 128,
            breached_url: None,
        };
        let rules = |min_length, max_length| PasswordRules {
            min_length,
            max_length,
            forbidden_words: Vec::new(),
        };
        let least = |policy, min| settings.least_of(policy, &rules(Some(min), None));
        assert_eq!(least(MfaPolicy::Offer, 1), 15);
        assert_eq!(least(MfaPolicy::Require, 1), 8);
        assert_eq!(least(MfaPolicy::Require, 20), 20);
        assert_eq!(least(MfaPolicy::Require, 9_999), 128);
        assert_eq!(settings.greatest(&rules(None, Some(7))), 64);
        assert_eq!(settings.greatest(&rules(None, Some(100))), 100);
        assert_eq!(settings.greatest(&rules(None, Some(9_999))), 128);
    }
}
