//! Kinds of plain and secret texts, paths, addresses of people, scopes and slugs.

use std::path::PathBuf;

use domain::email::EmailAddress;
use domain::scope::ScopeSet;
use domain::secret::{SecretBytes, SecretText};
use domain::tenant;

use crate::config::kind::{Parsed, parse_list};

/// The least length of a secret that signs or hashes, in bytes (256 bit).
const SECRET_BYTES: usize = 32;

/// A line of text.
pub(in crate::config) const TEXT: Parsed<String> = Parsed {
    expected: "a line of text",
    parse: parse_text,
};

/// A secret line of text.
pub(in crate::config) const SECRET: Parsed<SecretText> = Parsed {
    expected: "a line of text",
    parse: |text| is_line(text).then(|| SecretText::new(text.to_owned())),
};

/// Secrets that sign or hash.
pub(in crate::config) const SECRETS: Parsed<Vec<SecretBytes>> = Parsed {
    expected: "comma-separated secrets, newest first, at least 32 bytes each",
    parse: parse_secrets,
};

/// A path; whether something is there is checked where it matters.
pub(in crate::config) const PATH: Parsed<PathBuf> = Parsed {
    expected: "a path",
    parse: |text| parse_text(text).map(PathBuf::from),
};

/// An e-mail address.
pub(in crate::config) const EMAIL: Parsed<EmailAddress> = Parsed {
    expected: "an e-mail address such as auth@example.org",
    parse: |text| EmailAddress::parse(text).ok(),
};

/// A set of scopes.
pub(in crate::config) const SCOPES: Parsed<ScopeSet> = Parsed {
    expected: "comma-separated scopes such as openid,profile",
    parse: parse_scopes,
};

/// A tenant's id or slug.
pub(in crate::config) const TENANT: Parsed<String> = Parsed {
    expected: "a tenant's id or slug: 1 to 63 of a-z, 0-9 and -",
    parse: |text| Some(text.trim().to_owned()).filter(|text| tenant::is_slug(text)),
};

/// Reads secrets as `SYSTEM_SECRETS` and the files in `DATA_DIR` hold them.
pub(in crate::config) fn parse_secrets(text: &str) -> Option<Vec<SecretBytes>> {
    parse_list(text, |item| {
        let is_fine = item.len() >= SECRET_BYTES && is_line(item);
        is_fine.then(|| SecretBytes::new(item.as_bytes().to_vec()))
    })
}

fn parse_text(text: &str) -> Option<String> {
    let text = text.trim();
    is_line(text).then(|| text.to_owned())
}

fn parse_scopes(text: &str) -> Option<ScopeSet> {
    let tokens = parse_list(text, |item| Some(item.to_owned()))?;
    let has_spaces = tokens.iter().any(|token| token.contains(' '));
    ScopeSet::parse(&tokens.join(" "))
        .ok()
        .filter(|_| !has_spaces)
}

/// A value with a line break or a NUL was cut or pasted wrongly.
fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_256_bits_each_and_keep_their_order() {
        let (old, new) = ("o".repeat(32), "n".repeat(40));
        let secrets = parse_secrets(&format!("{new}, {old}")).expect("both are long enough");
        let bytes: Vec<_> = secrets.iter().map(SecretBytes::expose).collect();
        assert_eq!(bytes, [new.as_bytes(), old.as_bytes()]);
        for text in ["", "short", &format!("{new},short"), &format!("{new},")] {
            assert!(parse_secrets(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_secret_keeps_its_outer_spaces() {
        let secret = (SECRET.parse)(" pass ").expect("a line of text");
        assert_eq!(secret.expose(), " pass ");
    }

    #[test]
    fn scopes_are_separated_by_commas_only() {
        assert!(parse_scopes("openid, email").is_some_and(|set| set.contains("email")));
        assert!(parse_scopes("openid email").is_none());
    }
}
