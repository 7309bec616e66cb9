//! What is wrong with a configuration, said all at once.

use std::fmt::{self, Write as _};

/// The longest value that is shown whole, in characters.
const SHOWN_CHARS: usize = 60;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The variable, or the file that could not be read.
    pub variable: String,
    /// The value as it may be shown; nothing when the variable is not set.
    pub value: Option<String>,
    /// What would be right.
    pub expected: String,
}

/// Everything that is wrong, in the order of the documentation.
///
/// Displays as one aligned block: variable, value, what is expected. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

/// Gives a value as it may be shown: secrets hidden, passwords in URLs too, long ones shortened,
/// control characters escaped so that a value cannot forge lines.
pub(super) fn shown(text: &str, is_secret: bool) -> String {
    if is_secret {
        return "[secret]".to_owned();
    }
    let text = without_user(text);
    let mut chars = text.chars().flat_map(|c| {
        let escaped = c.is_control().then(|| c.escape_default());
        let plain = (!c.is_control()).then_some(c);
        escaped.into_iter().flatten().chain(plain)
    });
    let short: String = chars.by_ref().take(SHOWN_CHARS).collect();
    let rest = if chars.next().is_some() { "…" } else { "" };
    format!("{short}{rest}")
}

/// Hides what stands between `//` and the last `@` of a host, where a URL has its password.
fn without_user(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("//") else {
        return text.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}//[secret]@{host}"),
        None => text.to_owned(),
    }
}

/// Writes rows in columns, two spaces apart; the last column is not padded.
pub(super) fn render_columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let lengths = rows.iter().filter_map(|row| row.get(column));
        lengths.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "  {cell:width$}"); // writing to a text cannot fail
        }
        line.truncate(line.trim_end().len());
        line + "\n"
    };
    rows.iter().map(line).collect()
}

// === impl Mistakes ===

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "mistake" } else { "mistakes" };
        writeln!(f, "the configuration has {count} {noun}:\n")?;
        let head = ["variable", "value", "expected"].map(str::to_owned);
        let row = |mistake: &Mistake| {
            let value = mistake.value.as_deref().unwrap_or("(not set)");
            [&mistake.variable, value, &mistake.expected].map(str::to_owned)
        };
        let rows: Vec<_> = std::iter::once(head)
            .chain(self.0.iter().map(row))
            .collect();
        f.write_str(&render_columns(&rows))
    }
}

impl std::error::Error for Mistakes {}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_one_aligned_block() {
        let mistake = |variable: &str, value: Option<&str>, expected: &str| Mistake {
            variable: variable.to_owned(),
            value: value.map(str::to_owned),
            expected: expected.to_owned(),
        };
        let mistakes = Mistakes(vec![
            mistake("PUBLIC_PORT", Some("x"), "a number"),
            mistake("POSTGRES_DB", None, "a name"),
        ]);
        let block = "the configuration has 2 mistakes:\n\n  \
            variable     value      expected\n  \
            PUBLIC_PORT  x          a number\n  \
            POSTGRES_DB  (not set)  a name\n";
        assert_eq!(mistakes.to_string(), block);
    }

    #[test]
    fn a_value_is_shown_without_secrets_lines_or_length() {
        assert_eq!(shown("hunter2", true), "[secret]");
        assert_eq!(shown("https://u:p@w@h/x", false), "https://[secret]@h/x");
        assert_eq!(shown("a\nb\u{1b}", false), "a\\nb\\u{1b}");
        assert_eq!(shown(&"x".repeat(99), false).chars().count(), 61);
    }
}
