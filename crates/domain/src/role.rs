//! Roles and policies: what whom is allowed to do, in one tenant.
//!
//! A *role* is a name that accounts and clients carry; it may inherit others. A *policy* allows its
//! subject an action on an object. There is nothing that forbids: what no policy allows is not allowed.

use serde::{Deserialize, Serialize};

use crate::id::{PolicyId, TenantId};
use crate::time::UnixMillis;
use crate::user::{ROLE_ADMIN, ROLE_AGENT, ROLE_SERVICE, ROLE_USER};

/// The roles that every tenant has from the start; they are not deleted.
pub const BUILT_IN: [&str; 4] = [ROLE_ADMIN, ROLE_USER, ROLE_SERVICE, ROLE_AGENT];

/// What a subject that is one account begins with; the account's id follows.
pub const SUBJECT_USER: &str = "user:";
/// What a subject that is one client begins with; the client's id follows.
pub const SUBJECT_CLIENT: &str = "client:";

/// The longest object or action, in bytes.
const MAX_PATTERN: usize = 200;

/// A role, as operators made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The tenant it is of.
    pub tenant: TenantId,
    /// Its name; see [`is_role_name`].
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The roles whose policies it has too.
    pub inherits: Vec<String>,
    /// Counts changes, so that a late write is noticed.
    pub version: i64,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it last changed.
    pub updated_at: UnixMillis,
}

/// Something that a subject is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name for machines.
    pub id: PolicyId,
    /// The tenant it is of.
    pub tenant: TenantId,
    /// Who is allowed: a role, or `user:` or `client:` and an id.
    pub subject: String,
    /// On what.
    pub object: Pattern,
    /// To do what.
    pub action: Pattern,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// What an object or an action is compared with: a text, or the beginning of one and then `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

/// The text was not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 200 visible ASCII characters, with * at its end only")]
pub struct InvalidPattern;

// === impl Pattern ===

impl Pattern {
    /// Reads a pattern as an operator wrote it.
    ///
    /// # Errors
    /// [`InvalidPattern`] for an empty, long or unprintable one, or `*` anywhere but at the end.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let literal = text.strip_suffix('*').unwrap_or(text);
        let is_fine = (1..=MAX_PATTERN).contains(&text.len())
            && literal.bytes().all(|b| b.is_ascii_graphic() && b != b'*');
        if is_fine {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPattern)
        }
    }

    /// Takes a pattern as a store returned it.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Gives the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Says whether it covers a text. Compared byte for byte.
    #[must_use]
    pub fn covers(&self, text: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => text.starts_with(beginning),
            None => self.0 == text,
        }
    }

    /// Says whether it covers anything that begins so.
    #[must_use]
    pub fn reaches(&self, beginning: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(own) => own.starts_with(beginning) || beginning.starts_with(own),
            None => self.0.starts_with(beginning),
        }
    }
}

/// Says whether a text may name a role. What names one account or one client never does: whoever may
/// give roles away could else give away what was allowed to one alone.
#[must_use]
pub fn is_role_name(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_:-".contains(&b);
    let is_one_alone = text.starts_with(SUBJECT_USER) || text.starts_with(SUBJECT_CLIENT);
    (1..=64).contains(&text.len()) && text.bytes().all(fine) && !is_one_alone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    #[test]
    fn a_pattern_is_a_text_or_its_beginning() {
        assert!(pattern("invoices").covers("invoices"));
        assert!(!pattern("invoices").covers("invoices/7"));
        assert!(pattern("invoices/*").covers("invoices/7") && pattern("*").covers("anything"));
        assert!(!pattern("invoices/*").covers("invoices"));
        assert!(!pattern("read").covers("Read"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "a*b", "**", "a b", "é", "a\0", &"a".repeat(201)] {
            assert_eq!(Pattern::parse(text), Err(InvalidPattern), "{text:?}");
        }
    }

    #[test]
    fn a_pattern_reaches_what_it_covers_some_of() {
        for text in [
            "*",
            "a*",
            "admin:*",
            "admin:users",
            "admin:users/*",
            "admin*",
        ] {
            assert!(pattern(text).reaches("admin:"), "{text}");
        }
        for text in ["administration", "b*", "admin", "users"] {
            assert!(!pattern(text).reaches("admin:"), "{text}");
        }
    }

    #[test]
    fn a_role_has_a_plain_name() {
        assert!(is_role_name("team:a-b_2") && is_role_name(&"a".repeat(64)));
        for name in [
            "",
            "Admin",
            "a b",
            "a.b",
            "ä",
            "a\0",
            "a/b",
            "*",
            "user:7",
            "client:x",
            &"a".repeat(65),
        ] {
            assert!(!is_role_name(name), "{name:?}");
        }
    }
}
