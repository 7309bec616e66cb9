//! Scopes: what a token may be used for (RFC 6749 §3.3).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest scope text anyone may send, in bytes.
const MAX_BYTES: usize = 2048;

/// An ordered set of scope tokens without repeats.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopeSet(Vec<String>);

/// The text is not a scope (RFC 6749 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "scope must be tokens of printable ASCII without quote or backslash, separated by single spaces"
)]
pub struct InvalidScope;

impl ScopeSet {
    /// Reads `scope = scope-token *( SP scope-token )`; an empty text is the empty set.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        if text.len() > MAX_BYTES {
            return Err(InvalidScope);
        }
        let mut tokens: Vec<String> = Vec::new();
        for token in text.split(' ').filter(|_| !text.is_empty()) {
            if !is_token(token) {
                return Err(InvalidScope);
            }
            if !tokens.iter().any(|known| known == token) {
                tokens.push(token.to_owned());
            }
        }
        Ok(Self(tokens))
    }

    /// Takes tokens that were checked when they were stored.
    #[must_use]
    pub const fn from_stored(tokens: Vec<String>) -> Self {
        Self(tokens)
    }

    /// Says whether the token is in the set.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|known| known == token)
    }

    /// Says whether every token of this set is in `other`.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|token| other.contains(token))
    }

    /// Gives the tokens of both sets, this set's first.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let more = other.0.iter().filter(|token| !self.contains(token));
        Self(self.0.iter().chain(more).cloned().collect())
    }

    /// Gives the tokens that are in both sets, in this set's order.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let both = self.0.iter().filter(|token| other.contains(token));
        Self(both.cloned().collect())
    }

    /// Says whether the set has no token.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Visits the tokens in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
fn is_token(token: &str) -> bool {
    !token.is_empty()
        && token
            .bytes()
            .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6749_3_3_tokens_are_kept_in_order_without_repeats() {
        let set = ScopeSet::parse("openid email openid").map(|s| s.to_string());
        assert_eq!(set.as_deref(), Ok("openid email"));
    }

    #[test]
    fn rfc_6749_3_3_odd_characters_are_refused() {
        for text in ["a  b", " a", "a ", "a\"b", "a\\b", "a\nb", "é", "a\0"] {
            assert_eq!(ScopeSet::parse(text), Err(InvalidScope), "{text:?}");
        }
    }

    #[test]
    fn a_union_holds_each_token_once_and_keeps_the_order() {
        let set = |text| ScopeSet::parse(text).unwrap_or_default();
        let both = set("openid email").union(&set("email phone"));
        assert_eq!(both.to_string(), "openid email phone");
    }

    #[test]
    fn an_intersection_holds_what_both_have_and_keeps_the_order() {
        let set = |text| ScopeSet::parse(text).unwrap_or_default();
        let both = set("phone openid email").intersection(&set("email phone profile"));
        assert_eq!(both.to_string(), "phone email");
        assert!(set("a").intersection(&set("")).is_empty());
    }

    #[test]
    fn a_subset_is_within_its_superset_only() {
        let small = ScopeSet::parse("a").unwrap_or_default();
        let large = ScopeSet::parse("a b").unwrap_or_default();
        assert!(small.is_within(&large) && !large.is_within(&small));
    }
}
