//! External identities: the names that other issuers have for the people whose accounts are here.
//!
//! Whom an issuer means is said by its name and its `sub` together and by nothing else: another issuer may
//! give the same `sub` to somebody else, and an address may be given to somebody else later (OpenID
//! Connect Core §5.7). Both compare byte for byte.

use crate::id::{TenantId, UserId};
use crate::time::UnixMillis;

/// The longest subject, in bytes: no issuer gives a longer one (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;

/// A name that another issuer has for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// The tenant.
    pub tenant: TenantId,
    /// Whose account it is.
    pub user: UserId,
    /// The issuer.
    pub issuer: String,
    /// Whom it means, in its words.
    pub subject: String,
    /// Since when this is known.
    pub created_at: UnixMillis,
}

/// Says whether a text may be an issuer's name for somebody. No other is stored or looked for, since stores
/// do not agree on what they do with a zero byte.
#[must_use]
pub fn is_subject(text: &str) -> bool {
    (1..=MAX_SUBJECT).contains(&text.len()) && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_bounded_and_has_no_zero_byte() {
        for good in ["x", "ada@example.org", "\u{1f980}", &"a".repeat(255)] {
            assert!(is_subject(good), "{good}");
        }
        for odd in ["", "a\0", &"a".repeat(256), &"é".repeat(128)] {
            assert!(!is_subject(odd), "{odd}");
        }
    }
}
